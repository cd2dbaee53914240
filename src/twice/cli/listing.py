"""Which runs does `ls` list, in which order?  A filter, selectors and an order in; summaries out, as many as are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from twice.cli.unsealed import unsealed_runs
from twice.cli.workplace import Workplace, tell
from twice.record.summary import RunSummary
from twice.store.known_runs import Runs

if TYPE_CHECKING:
    from twice.query.tree import Expression

Listed = int | RunSummary
"""A run in the index, by its key, or one that has no commit yet."""


class Listing:
    """The runs that a user asks to see."""

    def __init__(self, place: Workplace, runs: Runs, experiment: str | None) -> None:
        self._place = place
        self._runs = runs
        self._experiment = experiment

    def find(self, selectors: Sequence[str], filter_text: str | None, orders: Sequence[str]) -> list[Listed]:
        """The runs in the order in which they are shown: the latest first, or as the orders say.

        Raises UsageError, SelectorError.
        """
        expression: Expression | None = None
        if filter_text is None and not orders and not selectors:
            keys = self._runs.index.keys(self._experiment)
        else:
            among = self._runs.keys_of(selectors) if selectors else None
            found = self._runs.search().find(filter_text or "", orders, self._experiment, among)
            for note in found.notes:
                tell(note)
            keys, expression = found.keys, found.expression
        unsealed = [] if selectors else unsealed_runs(self._place, self._experiment, self._runs.index, expression)
        unsealed.reverse()
        if orders or not unsealed:  # what still goes on has no results to sort by
            return [*keys, *unsealed]
        return self._by_time(keys, unsealed)

    def summaries(self, listed: Sequence[Listed]) -> list[RunSummary]:
        """What a table shows of these runs."""
        known = iter(self._runs.index.summaries_of([one for one in listed if isinstance(one, int)]))
        return [next(known) if isinstance(one, int) else one for one in listed]

    def _by_time(self, keys: Sequence[int], unsealed: Sequence[RunSummary]) -> list[Listed]:
        """Runs with and without a commit, the latest first; nearly always the latter are the latest."""
        started = self._runs.index.starts(keys[:1000])
        listed: list[Listed] = []
        waiting = list(unsealed)
        for key in keys:
            while waiting and (key not in started or (waiting[0].started_at, waiting[0].id) > started[key]):
                listed.append(waiting.pop(0))
            listed.append(key)
        return [*listed, *waiting]


def as_tree(
    runs: Runs, listed: Sequence[Listed], summaries: Sequence[RunSummary]
) -> tuple[list[Listed], list[RunSummary], list[int]]:
    """The runs with each below the one that it repeats, derives from or was started in, and their depths."""
    from twice.display.run_tree import order_as_tree

    origins: dict[str, str | None] = {one.id: one.reproduces for one in summaries}
    origins.update(runs.index.origins([one for one in listed if isinstance(one, int)]))
    places = {one.id: position for position, one in enumerate(summaries)}
    ordered = order_as_tree(list(places), origins)
    positions = [places[run_id] for run_id, _ in ordered]
    return [listed[one] for one in positions], [summaries[one] for one in positions], [depth for _, depth in ordered]


def chosen_columns(
    place: Workplace, runs: Runs, names: str, listed: Sequence[Listed], summaries: Sequence[RunSummary]
) -> Any:
    """The columns that a user names, with the values of these runs.  Raises UsageError for a name that none has."""
    from twice.display.chosen_table import ChosenColumn
    from twice.display.ids import shorten_ids

    search = runs.search()
    keys = [one for one in listed if isinstance(one, int)]
    short = shorten_ids([*(one.id for one in summaries), *runs.index.ids_like(one.id for one in summaries)])
    columns = []
    for name, (kind, values) in zip(_split(names), search.columns(_split(names), keys), strict=True):
        cells = [values.get(one) if isinstance(one, int) else _of_unsealed(one, name) for one in listed]
        if name == "id":
            cells = [short[one.id] for one in summaries]
        columns.append(ChosenColumn(title=name, values=cells, kind=kind))
    return columns


def _split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


def _of_unsealed(summary: RunSummary, name: str) -> Any:
    facts = {"experiment": summary.experiment, "name": summary.name, "status": summary.status}
    return facts.get(name, summary.params.get(name.removeprefix("params.")))
