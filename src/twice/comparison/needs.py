"""What does a run need to run again, and is it here?  Facts of then and now in, one `Need` a part out.  Pure.

ready     it is here
differs   it is not as it was, but there is a way: the environment is rebuilt, the data was allowed to differ
missing   without it the run cannot be repeated
unknown   nothing was recorded to go by
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from twice.comparison.sections import count, enumerate_some
from twice.frozen import frozen
from twice.textforms import format_duration, format_size

if TYPE_CHECKING:
    from twice.record.model import Machine, Packages, Run

NeedState = Literal["ready", "differs", "missing", "unknown"]

_COMPUTES_ON_GPUS = re.compile(r"nvidia-.*|cupy.*|jax-cuda.*|jax-rocm.*|tensorflow|numba-cuda|rapids.*|cud[fm].*")


@frozen
class Need:
    """One part of what a run needs: how it is, in words, and the lines that have no room there."""

    part: str  # "code", "interpreter", "packages", "data", "GPU", "memory", "disk", "time"
    state: NeedState
    text: str
    details: tuple[str, ...] = ()


def need_gpu(then: Machine | None, now: Machine, packages: Packages | None) -> Need | None:
    """The GPUs; None when the run had none. Whether it used them is known only by what was installed."""
    if then is None or not then.gpus:
        return None
    names = _amounts([gpu.name for gpu in then.gpus])
    if len(now.gpus) >= len(then.gpus):
        same = [gpu.name for gpu in now.gpus] == [gpu.name for gpu in then.gpus]
        here = _amounts([gpu.name for gpu in now.gpus])
        return Need(part="GPU", state="ready" if same else "differs", text=here if same else f"{here} (was {names})")
    here = _amounts([gpu.name for gpu in now.gpus]) or "none"
    if packages is not None and not any(
        _COMPUTES_ON_GPUS.fullmatch(one.name) or (one.name == "torch" and "+cu" in one.version)
        for one in packages.distributions
    ):
        return Need(
            part="GPU", state="differs", text=f"{here} here (was {names}), but nothing that uses one was installed"
        )
    return Need(part="GPU", state="missing", text=f"{here} here (was {names})")


def _amounts(names: Sequence[str]) -> str:
    """`2 × NVIDIA H100, NVIDIA T4`."""
    amounts = {name: names.count(name) for name in names}
    return ", ".join(f"{amount} × {name}" if amount > 1 else name for name, amount in amounts.items())


def need_memory(run: Run, now: Machine) -> Need | None:
    """The largest process's memory; None when it is not known, then or now."""
    peak, here = run.execution.resources.peak_memory_bytes, now.memory_bytes
    if peak is None or here is None:
        return None
    text = f"{format_size(peak)} at its peak, {format_size(here)} here"
    return Need(part="memory", state="ready" if peak <= here else "missing", text=text)


def need_disk(code_bytes: int, data_bytes: int, output_bytes: int, free_bytes: int, where: str) -> Need:
    """Room for the worktree, the copies of the data, and what the run will write."""
    needed = code_bytes + data_bytes + output_bytes
    parts = [("code", code_bytes), ("data", data_bytes), ("outputs", output_bytes)]
    listed = ", ".join(f"{name} {format_size(size)}" for name, size in parts if size)
    text = (
        f"{format_size(needed)}" + (f" ({listed})" if listed else "") + f", {format_size(free_bytes)} free in {where}"
    )
    return Need(part="disk", state="ready" if needed < free_bytes else "missing", text=text)


def need_time(run: Run, now: Machine) -> Need:
    """How long it will take, as far as it took as long before."""
    cores = run.environment.machine.cores if run.environment.machine else None
    other = f" on {cores} cores; there are {now.cores} here" if cores and now.cores and cores != now.cores else ""
    text = f"about {format_duration(run.execution.duration_s)}, as long as it took{other}"
    if run.execution.status != "finished":
        return Need(
            part="time", state="unknown", text=f"it {_ended(run)} after {format_duration(run.execution.duration_s)}"
        )
    return Need(part="time", state="ready", text=text)


def _ended(run: Run) -> str:
    return {"failed": "failed", "killed": "was killed", "interrupted": "was interrupted"}[run.execution.status]


def need_packages(run: Run, differences: Sequence[str] | None, rebuilding: str | None) -> Need:
    """The packages; `differences` from the recorded ones (None: not to be known), `rebuilding` how they are made again."""
    packages = run.environment.packages
    if packages is None:
        return Need(part="packages", state="unknown", text="no Python process reported in when it was recorded")
    amount = count(len(packages.distributions), "distribution")
    if differences is not None and not differences and rebuilding is None:
        return Need(part="packages", state="ready", text=f"{amount}, as recorded")
    if differences is None and rebuilding is None:
        return Need(part="packages", state="unknown", text=f"the interpreter did not say whether it has the {amount}")
    text = f"to be rebuilt: {amount}, {rebuilding}" if rebuilding else enumerate_some(list(differences or ()))
    return Need(part="packages", state="differs", text=text, details=tuple(differences or ()))
