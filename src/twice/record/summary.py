"""What does a table of runs say of each?  The few facts that listing and selecting need, small enough for 100,000 runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from twice.frozen import frozen
from twice.record.values import Value
from twice.textforms import format_time, parse_time

if TYPE_CHECKING:
    from twice.record.model import Run


@frozen
class RunSummary:
    """One row: `params` by dotted name, `metrics` as last values."""

    id: str
    experiment: str
    name: str | None
    status: str  # a record's status, or "running", or "unreadable"
    started_at: datetime
    duration_s: float | None
    command: tuple[str, ...]
    params: Mapping[str, Value]
    metrics: Mapping[str, float | int]
    tags: Mapping[str, str]
    reproduces: str | None = None
    reproduced: int = 0  # reproductions that came out the same, and
    diverged: int = 0  # those that did not: what the notes on the run say


def summarise_run(run: Run) -> RunSummary:
    """The summary of a recorded run."""
    execution = run.execution
    return RunSummary(
        id=run.id,
        experiment=run.experiment,
        name=execution.name,
        status=execution.status,
        started_at=execution.started_at,
        duration_s=execution.duration_s,
        command=execution.command,
        params=run.params.flat(),
        metrics={name: metric.last for name, metric in run.metrics.items()},
        tags=execution.tags,
        reproduces=execution.reproduces,
    )


def summary_to_plain(summary: RunSummary) -> dict[str, Any]:
    """The summary as JSON data; `summary_from_plain` reads it back."""
    return {
        "id": summary.id,
        "experiment": summary.experiment,
        "name": summary.name,
        "status": summary.status,
        "started_at": format_time(summary.started_at),
        "duration_s": summary.duration_s,
        "command": list(summary.command),
        "params": dict(summary.params),
        "metrics": dict(summary.metrics),
        "tags": dict(summary.tags),
        "reproduces": summary.reproduces,
        "reproduced": summary.reproduced,
        "diverged": summary.diverged,
    }


def summary_from_plain(plain: Mapping[str, Any]) -> RunSummary:
    """The summary that `summary_to_plain` wrote."""
    return RunSummary(**{**plain, "started_at": parse_time(plain["started_at"]), "command": tuple(plain["command"])})
