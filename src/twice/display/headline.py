"""What is said of a run when it ends?  One line: short id, status, time, headline metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twice.display.characters import harmless, in_encoding
from twice.display.colour import PLAIN, Style
from twice.textforms import format_duration, short_id

if TYPE_CHECKING:
    from twice.record.model import Execution, Run

_MOST = 4


def headline(run: Run, *, style: Style = PLAIN, encoding: str = "utf-8", id_text: str | None = None) -> str:
    """`k7q2  finished in 12.4 s  accuracy 0.913, loss 0.21`, without a line end.

    Of more than four metrics, those are shown first whose names say which way is better. `id_text` is the id as shown.
    """
    status = style.by_state(run.execution.status, status_text(run.execution))
    parts = [
        style.strong(id_text or short_id(run.id)),
        f"{status} in {format_duration(run.execution.duration_s)}",
    ]
    if run.metrics:
        from twice.comparison.directions import direction
        from twice.display.numbers import show

        names = sorted(run.metrics, key=lambda name: direction(name) is None)[:_MOST]
        words = ", ".join(f"{harmless(name)} {show(run.metrics[name].last)}" for name in names)
        more = len(run.metrics) - len(names)
        parts.append(words + (f" and {more} more" if more else ""))
    return in_encoding("  ".join(parts), encoding)


def status_text(execution: Execution) -> str:
    """`finished`, `failed (exit 1)`, `killed (SIGKILL)`."""
    if execution.signal:
        return f"{execution.status} ({harmless(execution.signal)})"
    if execution.exit_code:
        return f"{execution.status} (exit {execution.exit_code})"
    return execution.status
