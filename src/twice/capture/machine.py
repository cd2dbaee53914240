"""What computes?  Platform, processor and its instruction sets, memory, GPUs, BLAS, threads.

In: an environment, what the agent reported of loaded numeric libraries, and a reader of small system files. Out: a
`Machine` that is equal for equal machines: no host name, no serial number, nothing that changes while it stands still.

The parsers are pure: texts of proc_cpuinfo(5), proc_meminfo(5), os-release(5), cgroups(7) and `nvidia-smi` in, facts
out. What a platform does not tell stays None.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from twice.record.model import Gpu, Machine

Read = Callable[[str], str | None]
"""The text of a small system file, or None when it cannot be read."""

_NUMERIC_FLAGS = re.compile(
    # x86: what OpenBLAS, oneDNN, MKL, ATen and NumPy choose kernels by
    r"sse4_2|avx|avx2|fma|f16c|avx512\w+|avx_vnni\w*|avx_ifma|avx_ne_convert|amx_\w+"
    # ARM
    r"|asimd|asimdhp|asimddp|asimdfhm|fphp|sve\w*|sme(?!p\b)\w*|i8mm|bf16"
)

_THREAD_VARIABLES = {
    "OMP_NUM_THREADS": "openmp",
    "MKL_NUM_THREADS": "mkl",
    "OPENBLAS_NUM_THREADS": "openblas",
    "BLIS_NUM_THREADS": "blis",
    "VECLIB_MAXIMUM_THREADS": "veclib",
    "NUMEXPR_NUM_THREADS": "numexpr",
}

_GPU_TIMEOUT_S = 20  # a driver that is not loaded yet takes seconds to answer; a broken one never does


def read_text(path: str) -> str | None:
    """The text of a small system file; None when it is not there or not readable."""
    try:
        return Path(path).read_bytes().decode("utf-8", "replace")
    except OSError:
        return None


def capture_machine(
    environ: Mapping[str, str], threads_event: Mapping[str, Any] | None = None, read: Read = read_text
) -> Machine:
    """The machine as a process started now would see it.

    `nvidia-smi` is looked for along the PATH of `environ`, or of this process when there is none in it. `threads_event`
    is as for `with_report`.
    """
    system, release, architecture = _platform()
    cpuinfo = read("/proc/cpuinfo") or ""
    machine = Machine(
        system=system,
        release=release,
        architecture=architecture,
        libc=_libc(read),
        distribution=pretty_name(read("/etc/os-release") or read("/usr/lib/os-release") or ""),
        cpu=cpu_model(cpuinfo) or _processor(),
        cores=usable_cores(read),
        memory_bytes=_smaller(total_memory(read("/proc/meminfo") or "") or _physical_memory(), cgroup_memory(read)),
        cpu_flags=cpu_flags(cpuinfo),
        gpus=_gpus(environ, read),
    )
    return with_report(machine, environ, threads_event)


def with_report(machine: Machine, environ: Mapping[str, str], threads_event: Mapping[str, Any] | None) -> Machine:
    """The machine with what the entry process said of its numeric libraries at its end, if it said anything.

    `threads_event` is the agent's: {"blas": [texts], "threads": {library: n}, "cuda": version}, each key optional.
    """
    event = threads_event or {}
    threads = thread_counts(environ, event.get("threads") or {})
    cuda, blas = event.get("cuda") or machine.cuda, tuple(event.get("blas") or machine.blas)
    return replace(machine, cuda=cuda, blas=blas, threads=threads)


def usable_cores(read: Read = read_text) -> int | None:
    """The processors this process may be scheduled on, or fewer where its cgroup pays for fewer."""
    return _smaller(_affinity(), cgroup_cores(read))


# ---------------------------------------------------------------------------------------------------- pure parsers


def cpu_model(cpuinfo: str) -> str | None:
    """The processor's name, from the text of /proc/cpuinfo; on ARM the board's, or implementer and part."""
    fields = _first_processor(cpuinfo)
    name = fields.get("model name") or fields.get("Hardware") or fields.get("cpu model")
    if name:
        return " ".join(name.split())
    if "CPU part" in fields:
        return f"implementer {fields.get('CPU implementer', '?')} part {fields['CPU part']}"
    return None


def cpu_flags(cpuinfo: str) -> tuple[str, ...]:
    """The instruction sets that numeric libraries choose code by, sorted, from the text of /proc/cpuinfo."""
    fields = _first_processor(cpuinfo)
    flags = (fields.get("flags") or fields.get("Features") or "").split()
    return tuple(sorted({flag for flag in flags if _NUMERIC_FLAGS.fullmatch(flag)}))


def _first_processor(cpuinfo: str) -> dict[str, str]:
    """Key → value of the first processor, and of the lines about the board that some kernels put after all of them."""
    fields: dict[str, str] = {}
    for line in cpuinfo.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            fields.setdefault(key.strip(), value.strip())
    return fields


def total_memory(meminfo: str) -> int | None:
    """Total memory in bytes, from the text of /proc/meminfo (MemTotal, KiB); None if the line is missing."""
    match = re.search(r"^MemTotal:\s*(\d+) kB", meminfo, re.MULTILINE)
    return int(match[1]) * 1024 if match else None


def pretty_name(os_release: str) -> str | None:
    """PRETTY_NAME, or else NAME, from the text of os-release(5): shell assignments, quoted or not."""
    fields = {}
    for line in os_release.splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith("#"):
            quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'"
            fields[key] = re.sub(r'\\(["$`\\])', r"\1", value[1:-1]) if quoted else value
    return fields.get("PRETTY_NAME") or fields.get("NAME") or None


def cgroup_cores(read: Read) -> int | None:
    """The processors that the cgroup allows (quota / period, rounded up); None without a limit."""
    limits = []
    for text in _cgroup_files(read, "cpu", "cpu.max"):  # v2: "200000 100000" or "max 100000"
        quota, _, period = text.partition(" ")
        if quota.isdecimal() and period.strip().isdecimal():
            limits.append(int(quota) / int(period))
    quotas = _cgroup_files(read, "cpu", "cpu.cfs_quota_us")
    periods = _cgroup_files(read, "cpu", "cpu.cfs_period_us")
    for quota, period in zip(quotas, periods, strict=False):  # v1: quota -1 means none
        if quota.strip().isdecimal() and period.strip().isdecimal():
            limits.append(int(quota) / int(period))
    return max(1, math.ceil(min(limits))) if limits else None


def cgroup_memory(read: Read) -> int | None:
    """The bytes of memory that the cgroup allows; None without a limit (v1 writes none as a number near 2^63)."""
    texts = [*_cgroup_files(read, "memory", "memory.max"), *_cgroup_files(read, "memory", "memory.limit_in_bytes")]
    limits = [int(text) for text in texts if text.strip().isdecimal() and int(text) < 2**60]
    return min(limits) if limits else None


def _cgroup_files(read: Read, controller: str, name: str) -> list[str]:
    """The texts of a control file in this process's cgroup and in the groups around it, innermost first.

    /proc/self/cgroup holds `0::/path` (v2) or `4:cpu,cpuacct:/path` (v1), cgroups(7).
    """
    found: list[str] = []
    for line in (read("/proc/self/cgroup") or "").splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if controllers and controller not in controllers.split(","):
            continue
        mount = f"/sys/fs/cgroup/{controllers}" if controllers else "/sys/fs/cgroup"
        parts = [part for part in path.split("/") if part and part != ".."]
        groups = ("/".join((mount, *parts[:depth], name)) for depth in range(len(parts), -1, -1))
        found += [text for group in groups if (text := read(group)) is not None]
    return found


def _smaller(first: int | None, second: int | None) -> int | None:
    return min((value for value in (first, second) if value is not None), default=None)


def thread_counts(environ: Mapping[str, str], reported: Mapping[str, Any]) -> dict[str, int]:
    """Library → threads, sorted: what the libraries reported, and for those that did not, what the variables ask for.

    OMP_NUM_THREADS may be a list, one number a nesting level: the first counts.
    """
    counts = {}
    for variable, library in _THREAD_VARIABLES.items():
        first = environ.get(variable, "").split(",")[0].strip()
        if first.isdecimal():
            counts[library] = int(first)
    counts.update({name: n for name, n in reported.items() if isinstance(n, int)})
    return dict(sorted(counts.items()))


def parse_gpus(query: str) -> tuple[Gpu, ...]:
    """GPUs, from the CSV that `nvidia-smi --query-gpu=name,memory.total,driver_version` prints (memory in MiB)."""
    import csv  # only where there is a GPU

    gpus = []
    for row in csv.reader(query.splitlines(), skipinitialspace=True):
        if len(row) == 3:
            name, memory, driver = row
            memory_bytes = int(memory) * 2**20 if memory.isdecimal() else None  # "[N/A]" where it is shared
            gpus.append(Gpu(name=name, memory_bytes=memory_bytes, driver=driver or None))
    return tuple(gpus)


def parse_gpu_information(information: str) -> str | None:
    """The GPU's name, from the text of /proc/driver/nvidia/gpus/<bus>/information."""
    match = re.search(r"^Model:\s*(.+?)\s*$", information, re.MULTILINE)
    return match[1] if match else None


def parse_driver_version(version: str) -> str | None:
    """The driver's version, from the text of /proc/driver/nvidia/version."""
    match = re.search(r"Kernel Module.*?\s(\d+\.\d+(?:\.\d+)*)\s", version)
    return match[1] if match else None


# ---------------------------------------------------------------------------------------------------- thin readers


def _platform() -> tuple[str, str, str]:
    if hasattr(os, "uname"):  # the module `platform` costs 5 ms; where there is uname(2) it adds nothing
        uname = os.uname()
        return uname.sysname, uname.release, uname.machine
    import platform

    return platform.system(), platform.release(), platform.machine()


def _processor() -> str | None:
    if sys.platform == "linux":
        return None
    import platform

    return platform.processor() or None


def _libc(read: Read) -> str | None:
    if sys.platform != "linux":
        return None
    try:
        return os.confstr("CS_GNU_LIBC_VERSION")
    except (ValueError, OSError):  # not glibc
        match = re.search(r"/ld-musl-\S+\.so", read("/proc/self/maps") or "")
        return "musl" if match else None


def _affinity() -> int | None:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _physical_memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return None


def _gpus(environ: Mapping[str, str], read: Read) -> tuple[Gpu, ...]:
    """All NVIDIA GPUs that this process can reach; a machine without the driver costs one look along PATH."""
    executable = shutil.which("nvidia-smi", path=environ.get("PATH"))
    if executable is not None:
        query = ["--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits"]
        try:
            done = subprocess.run(
                [executable, *query],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_GPU_TIMEOUT_S,
                check=True,
            )
            return parse_gpus(done.stdout.decode("utf-8", "replace"))
        except (OSError, subprocess.SubprocessError):
            pass  # installed without a driver (a base image of CUDA on a machine without a GPU), or it hangs
    driver = parse_driver_version(read("/proc/driver/nvidia/version") or "")
    folder = Path("/proc/driver/nvidia/gpus")
    names = (
        [parse_gpu_information(read(f"{gpu}/information") or "") for gpu in sorted(folder.iterdir())]
        if driver and folder.is_dir()
        else []
    )
    return tuple(Gpu(name=name, driver=driver) for name in names if name)
