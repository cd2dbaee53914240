"""Which runs are meant, where a command takes several?  Selectors, or a filter, or a whole experiment; oldest first."""

from __future__ import annotations

from collections.abc import Sequence

from twice.cli.workplace import Workplace, tell
from twice.errors import UsageError
from twice.record.model import Run
from twice.store.known_runs import Runs
from twice.store.run_index import Row


def chosen_runs(
    place: Workplace,
    runs: Runs,
    selectors: Sequence[str],
    filter_text: str | None = None,
    experiment: str | None = None,
    *,
    most: int,
) -> list[tuple[Row, Run]]:
    """The runs that selectors name, in their order; or those that a filter finds, the newest `most` of them.

    Raises SelectorError, UsageError.
    """
    if selectors and filter_text is None and experiment is None:
        found = {row.id: (row, run) for row, run in map(runs.select, selectors)}
        return list(found.values())
    among = runs.keys_of(selectors) if selectors else None
    answer = runs.search().find(filter_text or "", (), experiment, among)
    for note in answer.notes:
        tell(note)
    if len(answer.keys) > most:
        tell(f"the newest {most} of {len(answer.keys)} runs")
    ids = [one.id for one in runs.index.summaries_of(answer.keys[:most])]
    if not ids:
        raise UsageError("no run is found", hint="`twice ls` takes the same filter, and lists what it finds")
    rows = {row.id: row for row in runs.index.rows()}
    by_ref = runs.index.runs([rows[one].ref for one in ids])
    return [(rows[one], by_ref[rows[one].ref]) for one in reversed(ids) if rows[one].ref in by_ref]
