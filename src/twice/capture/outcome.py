"""How did the command end?"""

from __future__ import annotations

from twice.frozen import frozen


@frozen
class Outcome:
    """How the command ended."""

    exit_code: int | None = None  # as a shell has it: 128 + n after signal n; None when it was never learned
    signal: str | None = None
    interrupted: bool = False  # Ctrl-C was pressed, or the recording process died
    duration_s: float
    cpu_user_s: float | None = None
    cpu_system_s: float | None = None
    peak_memory_bytes: int | None = None
    tracer_problem: str | None = None  # why the tracer that was chosen saw nothing
    warnings: tuple[str, ...] = ()


def cut_off(duration_s: float) -> Outcome:
    """The outcome of a run whose recording process died: nobody learned how the command ended."""
    return Outcome(
        exit_code=None,
        signal=None,
        interrupted=True,
        duration_s=duration_s,
        warnings=("the recording process was cut off: how the command ended is not known",),
    )
