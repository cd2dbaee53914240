"""What a run needs is called missing only when it is, and ready only when it is."""

from __future__ import annotations

from dataclasses import replace

from sample_runs import MACHINE, PACKAGES, distribution, make_run
from twice.comparison.needs import need_disk, need_gpu, need_memory, need_packages, need_time
from twice.record.model import Gpu

H100 = Gpu(name="NVIDIA H100", memory_bytes=80 << 30)
T4 = Gpu(name="NVIDIA T4", memory_bytes=16 << 30)
WITH_TORCH = replace(PACKAGES, distributions=(distribution("torch", "2.13.0+cu128"),))


def test_gpus() -> None:
    two = replace(MACHINE, gpus=(H100, H100))
    assert need_gpu(MACHINE, two, PACKAGES) is None
    assert need_gpu(None, two, PACKAGES) is None
    ready = need_gpu(two, two, WITH_TORCH)
    assert ready is not None and (ready.state, ready.text) == ("ready", "2 × NVIDIA H100")
    gone = need_gpu(two, MACHINE, WITH_TORCH)
    assert gone is not None and (gone.state, gone.text) == ("missing", "none here (was 2 × NVIDIA H100)")
    fewer = need_gpu(two, replace(MACHINE, gpus=(H100,)), WITH_TORCH)
    assert fewer is not None and fewer.state == "missing"
    other = need_gpu(two, replace(MACHINE, gpus=(T4, H100)), WITH_TORCH)
    assert other is not None
    assert (other.state, other.text) == ("differs", "NVIDIA T4, NVIDIA H100 (was 2 × NVIDIA H100)")
    idle = need_gpu(two, MACHINE, PACKAGES)
    assert idle is not None and idle.state == "differs"


def test_memory() -> None:
    small = need_memory(make_run(), replace(MACHINE, memory_bytes=100 << 20))
    assert small is not None and (small.state, small.text) == ("missing", "300 MiB at its peak, 100 MiB here")
    assert need_memory(make_run(), replace(MACHINE, memory_bytes=None)) is None
    enough = need_memory(make_run(), MACHINE)
    assert enough is not None and enough.state == "ready"


def test_disk() -> None:
    need = need_disk(1 << 20, 3 << 20, 0, 5 << 20, "/cache")
    assert (need.state, need.text) == ("ready", "4 MiB (code 1 MiB, data 3 MiB), 5 MiB free in /cache")
    assert need_disk(1 << 20, 3 << 20, 2 << 20, 5 << 20, "/cache").state == "missing"


def test_time() -> None:
    assert need_time(make_run(), MACHINE).text == "about 12.4 s, as long as it took"
    assert need_time(make_run(), replace(MACHINE, cores=8)).text.endswith("took on 2 cores; there are 8 here")
    failed = need_time(make_run(status="failed", exit_code=1), MACHINE)
    assert (failed.state, failed.text) == ("unknown", "it failed after 12.4 s")


def test_packages() -> None:
    assert need_packages(make_run(), [], None).text == "2 distributions, as recorded"
    changed = need_packages(make_run(), ["numpy 2.4.1: is 2.4.2 now"], None)
    assert (changed.state, changed.text) == ("differs", "numpy 2.4.1: is 2.4.2 now")
    rebuilt = need_packages(make_run(), ["numpy 2.4.1: is missing"], "with uv")
    assert (rebuilt.state, rebuilt.text) == ("differs", "to be rebuilt: 2 distributions, with uv")
    assert rebuilt.details == ("numpy 2.4.1: is missing",)
    assert need_packages(make_run(), None, None).state == "unknown"
    unknown = make_run(environment=replace(make_run().environment, packages=None))
    assert need_packages(unknown, None, None).state == "unknown"
