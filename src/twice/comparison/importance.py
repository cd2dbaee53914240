"""Which params go with a metric?  Params and the metric of many runs in; a share of its variation and a chance out.

Everything is done on ranks, so one wild value counts no more than any other. A param of numbers is measured by Spearman's
rank correlation, squared; any other, and one of few different numbers, by the share of the ranks' variance that lies
between the groups of runs with one value (eta squared, as in the test of Kruskal and Wallis). Both are adjusted for the
variation that a param without meaning would explain, as the adjusted R² of a regression is, so that they compare.

The chance: how often does the strongest of all params, with the metric dealt out to the runs anew, look as strong as this
one does (Westfall and Young, 1993)? It allows for having looked at all of them. What goes together is not what causes:
params that a sweep changes together cannot be told apart, and those that always changed together are named.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from operator import mul
from typing import Any

from twice.comparison.values import is_number
from twice.frozen import frozen

_FEW = 10  # different numbers, up to which a param of numbers is looked at as groups, too
_WORK = 400_000  # runs times permutations
_MOST_PERMUTATIONS = 1999
_SAMPLE = 2000  # runs that are dealt out anew; of more, so many are drawn


@frozen
class Importance:
    """How much of a metric's variation goes with one param."""

    param: str
    share: float  # of the ranks' variation, adjusted: 0 nothing, 1 all
    chance: float  # to see one as strong by accident, all params considered
    correlation: float | None  # Spearman's, of a param of numbers
    best: Any | None  # the value whose runs have the best metric on average; None where most have their own
    runs: int  # that have the param
    values: int  # different ones


@frozen
class Ranking:
    """The params of runs, the most important first."""

    runs: int
    permutations: int
    params: tuple[Importance, ...]
    constant: tuple[str, ...]  # params with one value in all these runs
    distinct: tuple[str, ...]  # params that are no numbers and have another value in every run
    together: tuple[tuple[str, ...], ...]  # params that always changed together


def rank_params(
    params: Sequence[Mapping[str, Any]], values: Sequence[float], *, lower_is_better: bool, seed: int = 0
) -> Ranking:
    """Rank the params of some runs by how much of a metric goes with them; `values` holds no NaN."""
    names = dict.fromkeys(name for each in params for name in each)
    constant, distinct, columns = [], [], []
    for column in _columns(names, params, range(len(params))):
        if len(column.groups) < 2:
            constant.append(column.name)
        elif not column.is_numeric and len(column.groups) == len(column.rows):
            distinct.append(column.name)
        else:
            columns.append(column)
    chance = random.Random(seed)
    drawn = sorted(chance.sample(range(len(values)), _SAMPLE)) if len(values) > _SAMPLE else range(len(values))
    permutations = min(_MOST_PERMUTATIONS, _WORK // max(1, len(drawn)))
    dealt_out = columns if len(drawn) == len(values) else _columns([one.name for one in columns], params, drawn)
    chances = _chances(dealt_out, [values[row] for row in drawn], permutations, chance)
    shares = _shares(columns, values)
    found = [
        Importance(
            param=column.name,
            share=share,
            chance=chance,
            correlation=column.correlation(_ranks([values[row] for row in column.rows])) if column.is_numeric else None,
            best=column.best(values, lower_is_better),
            runs=len(column.rows),
            values=len(column.groups),
        )
        for column, share, chance in zip(columns, shares, chances, strict=True)
    ]
    found.sort(key=lambda one: (-one.share, one.chance, one.param))
    return Ranking(
        runs=len(values),
        permutations=permutations,
        params=tuple(found),
        constant=tuple(constant),
        distinct=tuple(distinct),
        together=_together(columns),
    )


def _columns(names: Iterable[str], params: Sequence[Mapping[str, Any]], drawn: Sequence[int]) -> list[_Column]:
    return [
        _Column(name, [(place, params[row][name]) for place, row in enumerate(drawn) if name in params[row]])
        for name in names
    ]


def _chances(
    columns: Sequence[_Column], values: Sequence[float], permutations: int, chance: random.Random
) -> list[float]:
    """For each column how often the greatest share of all is as great as its own when the values are dealt out anew."""
    shares = _shares(columns, values)
    as_strong = [1] * len(columns)  # the order that was seen is one of the possible ones
    dealt = list(values)
    for _ in range(permutations if columns else 0):
        chance.shuffle(dealt)
        greatest = max(_shares(columns, dealt)) + 1e-12
        for position, share in enumerate(shares):
            as_strong[position] += greatest >= share
    return [amount / (permutations + 1) for amount in as_strong]


def _shares(columns: Sequence[_Column], values: Sequence[float]) -> list[float]:
    """The share of each column; columns of the same runs share the ranks."""
    known: dict[tuple[int, ...], list[float]] = {}
    found = []
    for column in columns:
        ranks = known.get(column.rows)
        if ranks is None:
            ranks = known[column.rows] = _ranks([values[row] for row in column.rows])
        found.append(column.share(ranks))
    return found


class _Column:
    """One param: the runs that have it, and which of them have the same value."""

    def __init__(self, name: str, cells: Sequence[tuple[int, Any]]) -> None:
        self.name = name
        self.rows = tuple(row for row, _ in cells)
        values = [value for _, value in cells]
        self.is_numeric = all(is_number(value) and value == value for value in values)
        keys = [float(value) if self.is_numeric and abs(value) < 2**53 else repr(value) for value in values]
        first = dict(reversed(list(zip(keys, values, strict=True))))
        self.values = list(first.values())
        places = {key: place for place, key in enumerate(first)}
        self.groups: list[list[int]] = [[] for _ in places]  # positions within `rows`
        for position, key in enumerate(keys):
            self.groups[places[key]].append(position)
        self.is_numeric = self.is_numeric and len(self.groups) > 2
        self._ranks = _ranks(values) if self.is_numeric else []
        self._variation = sum(map(mul, self._ranks, self._ranks))

    def correlation(self, ranks: Sequence[float]) -> float:
        """Spearman's, with the ranks of the metric."""
        scale = (self._variation * sum(map(mul, ranks, ranks))) ** 0.5
        return max(-1.0, min(1.0, sum(map(mul, self._ranks, ranks)) / scale)) if scale else 0.0

    def share(self, ranks: Sequence[float]) -> float:
        """How much of the ranks' variation goes with the param, adjusted; 0 at the least."""
        amount, total = len(ranks), sum(map(mul, ranks, ranks))
        if not total:
            return 0.0
        shares = [0.0]
        if self.is_numeric:
            shares.append(_adjusted(self.correlation(ranks) ** 2, amount, 1))
        if len(self.groups) < amount and (not self.is_numeric or len(self.groups) <= _FEW):
            between = sum(sum(ranks[one] for one in group) ** 2 / len(group) for group in self.groups)
            shares.append(_adjusted(between / total, amount, len(self.groups) - 1))
        return max(shares)

    def best(self, values: Sequence[float], lower_is_better: bool) -> Any | None:
        """The value whose runs have the best ranks on average; None where most runs have a value of their own."""
        if 2 * len(self.groups) > len(self.rows):
            return None
        ranks = _ranks([values[row] for row in self.rows])
        means = [sum(ranks[one] for one in group) / len(group) for group in self.groups]
        return self.values[means.index(min(means) if lower_is_better else max(means))]


def _adjusted(share: float, amount: int, freedom: int) -> float:
    """The share less what chance gives to so many degrees of freedom."""
    if amount <= freedom + 1:
        return 0.0
    return max(0.0, 1 - (1 - share) * (amount - 1) / (amount - 1 - freedom))


def _ranks(values: Sequence[float]) -> list[float]:
    """The rank of each value, from the mean rank; equal values share theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    middle, start = (len(values) - 1) / 2, 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for position in range(start, end + 1):
            ranks[order[position]] = (start + end) / 2 - middle
        start = end + 1
    return ranks


def _together(columns: Sequence[_Column]) -> tuple[tuple[str, ...], ...]:
    found: dict[tuple[Any, ...], list[str]] = {}
    for column in columns:
        groups = tuple(sorted(tuple(column.rows[one] for one in group) for group in column.groups))
        found.setdefault(groups, []).append(column.name)
    return tuple(tuple(names) for names in found.values() if len(names) > 1)
