"""Which tracer watches the files of a run, and what can it not see?  What was asked for in, what can be had out.

    syscalls   seccomp user notification (Linux): every program, native code included
    python     the agent's patched open functions: Python code only, on every system
    off        nothing but what is declared, and what git sees change

`auto` takes the first that works here. The record says which it was, and what that one cannot see.
"""

from __future__ import annotations

import sys
from typing import Literal

from twice.errors import CaptureError
from twice.frozen import frozen

Wanted = Literal["auto", "syscalls", "python", "off"]

_PYTHON_BLIND_SPOTS = (
    "files opened by native code (for example by pyarrow, h5py, polars or torch.save)",
    "programs other than Python, and Python started with -I, -E or -S",
)
_OFF_BLIND_SPOTS = ("every file that was not declared and that git does not see change",)


@frozen
class Choice:
    """The tracer's name, and its blind spots."""

    name: Literal["syscalls", "python", "off"]
    blind_spots: tuple[str, ...]


def choose_tracer(wanted: Wanted, program: str) -> Choice:
    """The tracer for a program, given by its path.  Raises CaptureError when exactly `syscalls` is asked for in vain."""
    if wanted in ("auto", "syscalls"):
        problem = "that needs Linux"
        if sys.platform == "linux":
            from twice.capture.syscall_tracer import BLIND_SPOTS, problem_with

            found = problem_with(program)
            if found is None:
                return Choice(name="syscalls", blind_spots=BLIND_SPOTS)
            problem = found
        if wanted == "syscalls":
            raise CaptureError(f"system calls cannot be traced here: {problem}", hint="use --trace auto")
        return Choice(name="python", blind_spots=(*_PYTHON_BLIND_SPOTS, f"not traced by system calls: {problem}"))
    if wanted == "python":
        return Choice(name="python", blind_spots=_PYTHON_BLIND_SPOTS)
    return Choice(name="off", blind_spots=_OFF_BLIND_SPOTS)


def failed_tracer(problem: str) -> Choice:
    """What is left when the tracer that was chosen could not be installed by the command: nothing was seen."""
    return Choice(name="off", blind_spots=(f"the tracer could not be installed: {problem}", *_OFF_BLIND_SPOTS))
