"""What is the course of a metric, in one line?  Values in, `▁▂▄▆█` out, or `_.-=#` where the encoding lacks blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from twice.comparison.values import as_float
from twice.display.characters import can_show

_BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII = "_.,-=+*#"


def sparkline(values: Sequence[float], width: int = 20, encoding: str = "utf-8") -> str:
    """The values, oldest first, in at most `width` characters; each shows the mean of its stretch of values.

    Levels run from the smallest to the largest finite value; NaN shows as `?`, infinity as the highest or lowest level.
    """
    levels = _BLOCKS if can_show(_BLOCKS, encoding) else _ASCII
    means = _means([as_float(value) for value in values], width)
    finite = [value for value in means if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    return "".join(_level(value, low, high, levels) for value in means)


def _means(values: Sequence[float], width: int) -> list[float]:
    if len(values) <= width:
        return list(values)
    edges = [index * len(values) // width for index in range(width + 1)]
    stretches = (values[start:end] for start, end in pairwise(edges))
    # Each is divided before it is added, so that the sum of large values does not overflow.
    return [sum(value / len(stretch) for value in stretch) for stretch in stretches]


def _level(value: float, low: float, high: float, levels: str) -> str:
    if math.isnan(value):
        return "?"
    if math.isinf(value):
        return levels[-1] if value > 0 else levels[0]
    if high == low:
        return levels[len(levels) // 2 - 1]
    share = value / 2 - low / 2  # halves: the span of the largest floats is not one
    return levels[min(int(share / (high / 2 - low / 2) * len(levels)), len(levels) - 1)]
