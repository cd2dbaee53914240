"""How much does a param tell of a metric?  Values side by side in, a number from 0 (nothing) to 1 (all) out.  Pure.

Numbers: the size of Spearman's rank correlation. Anything else: the correlation ratio of the metric's ranks over the groups
that the values form (eta squared, its root). Both look at one param at a time and see no interplay.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from twice.comparison.values import is_number
from twice.textforms import format_value

_FEWEST = 3  # runs; two points always lie on a line


def associate(params: Sequence[Any], metrics: Sequence[float | int]) -> float | None:
    """The association of a param with a metric; None when nothing varies, or there are fewer than three runs."""
    pairs = [(param, metric) for param, metric in zip(params, metrics, strict=True) if metric == metric]
    if len(pairs) < _FEWEST:
        return None
    heights = ranks([metric for _, metric in pairs])
    if all(is_number(param) and param == param for param, _ in pairs):
        return _correlation(ranks([param for param, _ in pairs]), heights)
    groups: dict[str, list[float]] = {}
    for (param, _), height in zip(pairs, heights, strict=True):
        groups.setdefault(format_value(param, None), []).append(height)
    return _correlation_ratio(list(groups.values())) if 1 < len(groups) < len(pairs) else None


def ranks(values: Sequence[Any]) -> list[float]:
    """The rank of each value; equal ones share the mean of their ranks."""
    order = sorted(range(len(values)), key=lambda index: values[index])
    found = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for position in order[start:end]:
            found[position] = (start + end - 1) / 2
        start = end
    return found


def _correlation(a: Sequence[float], b: Sequence[float]) -> float | None:
    centre = (len(a) - 1) / 2  # of ranks
    spread = math.sqrt(sum((x - centre) ** 2 for x in a) * sum((y - centre) ** 2 for y in b))
    if not spread:
        return None
    return min(abs(sum((x - centre) * (y - centre) for x, y in zip(a, b, strict=True)) / spread), 1.0)


def _correlation_ratio(groups: Sequence[Sequence[float]]) -> float | None:
    everything = [value for group in groups for value in group]
    mean = sum(everything) / len(everything)
    total = sum((value - mean) ** 2 for value in everything)
    between = sum(len(group) * (sum(group) / len(group) - mean) ** 2 for group in groups)
    return min(math.sqrt(between / total), 1.0) if total else None
