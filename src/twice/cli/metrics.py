"""Which runs have a metric, the best first?  What `best` and `importance` ask."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from twice.cli.workplace import Workplace, tell
from twice.errors import SelectorError, UsageError
from twice.store.known_runs import Runs

_FEWEST = 4  # runs that tell anything of what a metric goes with

Extreme = Literal["lowest", "highest"]


class MetricRuns(NamedTuple):
    """The keys of the runs that have a number for a metric, the best first, and the numbers."""

    keys: list[int]
    values: dict[int, float]
    extreme: Extreme
    is_told: bool  # by the user, or by the metric's name


def metric_runs(
    place: Workplace, runs: Runs, metric: str, filter_text: str | None, extreme: str | None = None
) -> MetricRuns:
    """The runs that a filter finds and that have the metric.  Raises UsageError: no such metric, a bad filter."""
    from twice.comparison.directions import direction
    from twice.query.binding import bind_order

    search = runs.search()
    field = bind_order(metric, search.vocabulary).field
    if field.family != "metric":
        raise UsageError(f"`{metric}` is no metric of any run", hint=f"write `metrics.{metric}` if it is one")
    told = direction(field.key)
    if extreme is None:
        extreme = "lowest" if told == "lower" else "highest"
    lowest = extreme == "lowest"
    name = metric.strip().removeprefix("-")
    found = search.find(filter_text or "", [name if lowest else f"-{name}"])
    for note in found.notes:
        tell(note)
    ((_, values),) = search.columns([name], found.keys)
    numbers = {key: float(value) for key, value in values.items() if value is not None}
    keys = [key for key in found.keys if not math.isnan(numbers.get(key, math.nan))]
    return MetricRuns(keys, numbers, "lowest" if lowest else "highest", told is not None)


def check_enough(runs: int, metric: str) -> None:
    """Raise SelectorError where so few runs with a metric say nothing of what it goes with."""
    if runs < _FEWEST:
        raise SelectorError(
            f"only {runs} runs have a number for `{metric}`: too few to say anything",
            hint=f"at least {_FEWEST} are needed, and 20 or more are better",
        )
