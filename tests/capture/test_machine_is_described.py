"""The machine is described from the texts of its system files, and from what this machine really has."""

from __future__ import annotations

import os
import platform
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from twice.capture.machine import (
    Read,
    capture_machine,
    cgroup_cores,
    cgroup_memory,
    cpu_flags,
    cpu_model,
    parse_driver_version,
    parse_gpu_information,
    parse_gpus,
    pretty_name,
    thread_counts,
    total_memory,
    usable_cores,
    with_report,
)
from twice.record.model import Gpu

X86 = """\
processor\t: 0
vendor_id\t: GenuineIntel
model name\t: Intel(R) Xeon(R)   CPU @ 2.20GHz
flags\t\t: fpu smep sse4_1 sse4_2 avx f16c fma avx2 avx512f avx512_bf16 avx_vnni amx_tile aes

processor\t: 1
model name\t: another
flags\t\t: fpu
"""
ARM = """\
processor\t: 0
BogoMIPS\t: 48.00
Features\t: fp asimd evtstrm aes asimdhp asimddp sve sve2 i8mm bf16 sme
CPU implementer\t: 0x41
CPU part\t: 0xd40

"""


def files(texts: Mapping[str, str]) -> Read:
    return texts.get


def test_the_processor_and_its_numeric_instruction_sets() -> None:
    assert cpu_model(X86) == "Intel(R) Xeon(R) CPU @ 2.20GHz"
    assert cpu_flags(X86) == ("amx_tile", "avx", "avx2", "avx512_bf16", "avx512f", "avx_vnni", "f16c", "fma", "sse4_2")
    assert cpu_model(ARM) == "implementer 0x41 part 0xd40"
    assert cpu_model(ARM + "Hardware\t: BCM2835\n") == "BCM2835"
    assert cpu_flags(ARM) == ("asimd", "asimddp", "asimdhp", "bf16", "i8mm", "sme", "sve", "sve2")
    assert (cpu_model(""), cpu_flags("")) == (None, ())


def test_memory_is_in_bytes() -> None:
    assert total_memory("MemFree: 1 kB\nMemTotal:       24683996 kB\n") == 24683996 * 1024
    assert total_memory("MemFree: 1 kB\n") is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n', "Debian GNU/Linux 12 (bookworm)"),
        ("NAME=Alpine\nPRETTY_NAME='Alpine v3.20'\n", "Alpine v3.20"),
        ("# PRETTY_NAME=no\nNAME=Arch\n", "Arch"),
        ('PRETTY_NAME="a \\"quoted\\" \\$name"', 'a "quoted" $name'),
        ("", None),
    ],
)
def test_the_distribution_is_named_as_os_release_does(text: str, name: str | None) -> None:
    assert pretty_name(text) == name


@pytest.mark.parametrize(
    ("texts", "cores", "memory_bytes"),
    [
        ({}, None, None),
        ({"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "150000 100000\n"}, 2, None),
        ({"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "max 100000\n"}, None, None),
        (
            {
                "/proc/self/cgroup": "0::/a/b\n",
                "/sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
                "/sys/fs/cgroup/a/cpu.max": "400000 100000\n",
                "/sys/fs/cgroup/a/b/memory.max": "max\n",
                "/sys/fs/cgroup/a/memory.max": "1073741824\n",
            },
            4,
            2**30,
        ),
        (
            {
                "/proc/self/cgroup": "4:cpu,cpuacct:/docker/x\n3:memory:/docker/x\n1:name=systemd:/\n",
                "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000\n",
                "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
                "/sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes": "536870912\n",
            },
            1,
            2**29,
        ),
        (
            {
                "/proc/self/cgroup": "4:cpu:/\n",
                "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            None,
            None,
        ),
    ],
)
def test_the_limits_of_a_cgroup(texts: dict[str, str], cores: int | None, memory_bytes: int | None) -> None:
    assert cgroup_cores(files(texts)) == cores
    assert cgroup_memory(files(texts)) == memory_bytes


def test_a_lower_limit_counts() -> None:
    texts = {
        "/proc/self/cgroup": "0::/\n",
        "/proc/meminfo": "MemTotal: 8388608 kB\n",
        "/sys/fs/cgroup/cpu.max": "100000 100000\n",
        "/sys/fs/cgroup/memory.max": "1073741824\n",
    }
    environ = {"PATH": ""}
    limited = capture_machine(environ, read=files(texts))
    assert (limited.cores, limited.memory_bytes) == (1, 2**30)
    texts["/sys/fs/cgroup/memory.max"] = str(2**40)
    assert capture_machine(environ, read=files(texts)).memory_bytes == 8 * 2**30
    assert usable_cores(files(texts)) == 1


def test_thread_counts_are_those_reported_else_those_asked_for() -> None:
    environ = {"OMP_NUM_THREADS": "4,2", "MKL_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "many", "BLIS_NUM_THREADS": ""}
    assert thread_counts(environ, {}) == {"mkl": 3, "openmp": 4}
    assert list(thread_counts(environ, {"torch": 2, "mkl": 1}).items()) == [("mkl", 1), ("openmp", 4), ("torch", 2)]


def test_what_the_run_reports_at_its_end_completes_the_machine() -> None:
    environ = {"PATH": "", "OMP_NUM_THREADS": "2"}
    event = {"kind": "threads", "threads": {"torch": 4}, "blas": ["mkl 2024.0, 4 threads"], "cuda": "12.4"}
    whole = capture_machine(environ, event)
    assert (whole.cuda, whole.blas, whole.threads) == ("12.4", ("mkl 2024.0, 4 threads",), {"openmp": 2, "torch": 4})
    assert with_report(capture_machine(environ), environ, event) == whole
    assert with_report(capture_machine(environ), environ, None).threads == {"openmp": 2}


def test_gpus_as_the_driver_lists_them() -> None:
    text = "NVIDIA H100 80GB HBM3, 81559, 535.129.03\nNVIDIA GB10, [N/A], 580.1\n"
    assert parse_gpus(text) == (
        Gpu(name="NVIDIA H100 80GB HBM3", memory_bytes=81559 * 2**20, driver="535.129.03"),
        Gpu(name="NVIDIA GB10", driver="580.1"),
    )
    assert parse_gpus("No devices were found\n") == ()
    assert parse_gpu_information("Model: \t\t NVIDIA A100-SXM4-40GB\nIRQ:   0\n") == "NVIDIA A100-SXM4-40GB"
    version = (
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19 18:56:32 UTC 2023\nGCC version: 12\n"
    )
    assert parse_driver_version(version) == "535.129.03"
    open_version = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build\n"
    assert parse_driver_version(open_version) == "570.86.15"


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")
def test_the_driver_is_asked_when_it_is_on_the_path(tmp_path: Path) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(
        '#!/bin/sh\n[ "$1" = --query-gpu=name,memory.total,driver_version ] && echo "NVIDIA T4, 15360, 550.5"\n'
    )
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    found = capture_machine({"PATH": str(tmp_path)})
    assert found.gpus == (Gpu(name="NVIDIA T4", memory_bytes=15360 * 2**20, driver="550.5"),)
    tool.write_text("#!/bin/sh\nexit 9\n")
    assert capture_machine({"PATH": str(tmp_path)}, read=files({})).gpus == ()


def test_this_machine_as_the_standard_library_sees_it() -> None:
    found = capture_machine(os.environ, {"blas": ["openblas 0.3.29 Haswell, 2 threads"], "threads": {"torch": 2}})
    assert (found.system, found.release) == (platform.system(), platform.release())
    assert found.architecture == platform.machine()
    assert found.cores is not None and 1 <= found.cores <= (os.cpu_count() or 1)
    assert found.blas == ("openblas 0.3.29 Haswell, 2 threads",)
    assert found.threads["torch"] == 2
    assert found == capture_machine(os.environ, {"blas": found.blas, "threads": {"torch": 2}})
    if platform.system() == "Linux" and platform.libc_ver()[0] == "glibc":
        assert found.libc == " ".join(platform.libc_ver())
        assert found.distribution == platform.freedesktop_os_release()["PRETTY_NAME"]


def test_a_system_without_any_of_these_files_is_still_a_machine() -> None:
    found = capture_machine({"PATH": ""}, read=files({}))
    assert found.system == platform.system()
    assert (found.distribution, found.cpu_flags, found.gpus, found.blas, found.threads) == (None, (), (), (), {})
