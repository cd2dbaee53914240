"""How do many runs compare?  Two to fifty runs in, one row a param, a metric or a fact out, and which rows differ.  Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from twice.comparison.directions import direction
from twice.comparison.replicates import SameCode, conditions, is_same_code
from twice.comparison.values import is_number, same_value
from twice.frozen import frozen

if TYPE_CHECKING:
    from twice.comparison.noise import Sample
    from twice.record.model import Run

MOST_RUNS = 50


@frozen
class Row:
    """One param, metric or fact: run id → value, without the runs that have none."""

    name: str
    values: Mapping[str, Any]
    differs: bool  # in value, or in that some have it and others not
    best: tuple[str, ...] = ()  # ids of the runs with the best value, where the name of a metric tells what that is


@frozen
class Group:
    """Runs that differ in the seed alone: those of the comparison, and how many replicates there are in all."""

    runs: tuple[str, ...]  # ids, of the comparison
    n: int
    metrics: Mapping[str, Sample]


@frozen
class SideBySide:
    """The runs of a comparison, and what is the same and what differs in them."""

    runs: tuple[str, ...]  # ids, in the order given
    facts: tuple[Row, ...]
    params: tuple[Row, ...]
    metrics: tuple[Row, ...]
    groups: tuple[Group, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether any row does."""
        return any(row.differs for row in (*self.facts, *self.params, *self.metrics))


def put_side_by_side(runs: Sequence[Run], same_code: SameCode, groups: Sequence[Group] = ()) -> SideBySide:
    """All rows, differing or not, in the order in which the runs name them."""
    return SideBySide(
        runs=tuple(run.id for run in runs),
        facts=tuple(_facts(runs, same_code)),
        params=tuple(_rows({run.id: run.params.flat() for run in runs})),
        metrics=tuple(
            _with_best(row)
            for row in _rows({run.id: {name: each.last for name, each in run.metrics.items()} for run in runs})
        ),
        groups=tuple(groups),
    )


def _rows(by_run: Mapping[str, Mapping[str, Any]]) -> Iterable[Row]:
    names = dict.fromkeys(name for values in by_run.values() for name in values)
    for name in names:
        values = {run: facts[name] for run, facts in by_run.items() if name in facts}
        first = next(iter(values.values()))
        differs = len(values) < len(by_run) or not all(same_value(first, value) for value in values.values())
        yield Row(name=name, values=values, differs=differs)


def _facts(runs: Sequence[Run], same_code: SameCode) -> Iterable[Row]:
    """What a reader wants to know besides; code, data and packages as letters: the same letter, the same content."""
    facts: dict[str, dict[str, Any]] = {}
    codes: list[Run] = []
    data: dict[Any, str] = {}
    packages: dict[Any, str] = {}
    for run in runs:
        same = (position for position, one in enumerate(codes) if is_same_code(one, run, same_code))
        position = next(same, len(codes))
        codes += [run] if position == len(codes) else []
        own = conditions(run)
        facts[run.id] = {
            "experiment": run.experiment,
            "status": run.execution.status,
            **({"name": run.execution.name} if run.execution.name else {}),
            "code": _letter(position),
            "data": data.setdefault(own.inputs, _letter(len(data))),
            "packages": packages.setdefault(own.packages, _letter(len(packages))),
        }
    yield from _rows(facts)


def _letter(number: int) -> str:
    """`a` … `z`, then `aa`, `ab` and so on."""
    head, tail = divmod(number, 26)
    return (_letter(head - 1) if head else "") + chr(ord("a") + tail)


def _with_best(row: Row) -> Row:
    better = direction(row.name)
    numbers = {run: value for run, value in row.values.items() if is_number(value) and not math.isnan(value)}
    if better is None or not row.differs or len(numbers) < 2:
        return row
    best = (min if better == "lower" else max)(numbers.values())
    if all(value == best for value in numbers.values()):
        return row
    winners = tuple(run for run, value in numbers.items() if value == best)
    return Row(name=row.name, values=row.values, differs=row.differs, best=winners)
