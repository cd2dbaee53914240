"""Which runs have no commit yet?  Those that go on, and those that were cut off; told from their live folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twice.cli.workplace import Workplace
from twice.record.summary import RunSummary
from twice.store.live_runs import LiveRun, live_runs
from twice.store.run_index import RunIndex
from twice.textforms import parse_time

if TYPE_CHECKING:
    from twice.query.tree import Expression


def unsealed_runs(
    place: Workplace, experiment: str | None, index: RunIndex, expression: Expression | None
) -> list[RunSummary]:
    """The runs of an experiment without a commit that a filter finds; oldest first.

    A run that was killed while it was sealed has a commit and a live folder; it is in the index and not here.
    """
    lives = [live for live in live_runs(place.repository.state_dir) if not index.has(live.id)]
    found = [summary for summary in (_summary(place, live) for live in lives) if summary is not None]
    if experiment is not None:
        found = [one for one in found if f"{one.experiment}/".startswith(f"{experiment}/")]
    return found if expression is None else [one for one in found if _holds(place, expression, one)]


def _holds(place: Workplace, expression: Expression, summary: RunSummary) -> bool:
    from twice.query.evaluation import Facts, holds
    from twice.query.moments import microseconds

    started_us = microseconds(summary.started_at)
    attributes = {
        "id": summary.id,
        "experiment": summary.experiment,
        "name": summary.name,
        "status": summary.status,
        "started": started_us,
        "age": (microseconds(place.clock.now()) - started_us) / 1e6,
        "duration": summary.duration_s,
        "command": " ".join(summary.command),
        "reproduces": summary.reproduces,
    }
    return holds(expression, Facts(attributes, params=summary.params, tags=summary.tags))


def _summary(place: Workplace, live: LiveRun) -> RunSummary | None:
    request, before = live.read("request"), live.read("before")
    if request is None or before is None or request.get("kept") is False:
        return None
    started_at = parse_time(before["started_at"])
    is_alive = live.is_alive()
    return RunSummary(
        id=live.id,
        experiment=request["experiment"],
        name=request.get("name"),
        status="running" if is_alive else "interrupted",
        started_at=started_at,
        duration_s=(place.clock.now() - started_at).total_seconds() if is_alive else None,
        command=tuple(request["command"]),
        params=request.get("params", {}),
        metrics={},
        tags=request.get("tags", {}),
        reproduces=request.get("reproduces"),
    )
