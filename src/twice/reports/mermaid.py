"""How do two courses of a metric look where Mermaid is drawn, as on GitHub and GitLab?  Points in, an `xychart` out.

The dialect is small: points evenly spaced on a linear axis, plain decimals, no gaps, no legend that every host has. So both
courses are read at the same places of the steps they share, large and small values are scaled, and the caller says which
colour is which. Numbers only get in, and a name of letters and digits: nothing can end the block.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from twice.comparison.values import as_float

if TYPE_CHECKING:
    from twice.record.model import Point

MOST_POINTS = 40
MOST_SERIES = 4
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
"""Okabe and Ito's palette: blue, vermilion, green, purple are told apart by almost everyone."""
COLOUR_NAMES = ("blue", "orange", "green", "purple")


def xychart(metric: str, courses: Sequence[Sequence[Point]]) -> str | None:
    """The chart, without its fence; None when there is nothing that could be drawn."""
    curves = [sorted_points(course) for course in courses[:MOST_SERIES]]
    if not curves or any(len(curve) < 2 for curve in curves):
        return None
    first = max(curve[0][0] for curve in curves)
    last = min(curve[-1][0] for curve in curves)
    longest = max(sum(first <= step <= last for step, _ in curve) for curve in curves)
    if last <= first or longest < 2:
        return None
    places = min(longest, MOST_POINTS)
    steps = [first + (last - first) * index / (places - 1) for index in range(places)]
    values = [[value_at(curve, step) for step in steps] for curve in curves]
    everything = [value for row in values for value in row]
    power = _power(everything)
    rows = [[_decimal(value, power) for value in row] for row in values]
    low, high = _range([float(text) for row in rows for text in row])
    name = re.sub(r"[^A-Za-z0-9 _./-]", "_", metric)[:60]
    scale = f" x 1e{power}" if power else ""
    colours = ", ".join(COLOURS[: len(rows)])
    return "\n".join(
        [
            f'%%{{init: {{"themeVariables": {{"xyChart": {{"plotColorPalette": "{colours}"}}}}}}}}%%',
            "xychart-beta",
            f'    title "{name}{scale}"',
            f'    x-axis "step" {first:d} --> {last:d}',
            f'    y-axis "{name}{scale}" {low} --> {high}',
            *(f"    line [{', '.join(row)}]" for row in rows),
        ]
    )


def sorted_points(course: Sequence[Point]) -> list[tuple[int, float]]:
    """Step and value, by step, finite values only; the last value logged at a step counts."""
    found: dict[int, float] = {}
    for point in course:
        value = as_float(point.value)
        if math.isfinite(value):
            found[point.step] = value
    return sorted(found.items())


def value_at(curve: Sequence[tuple[int, float]], step: float) -> float:
    """The value at a place between the first and the last step, on the straight line between its neighbours."""
    low, high = 0, len(curve) - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if curve[middle][0] <= step else (low, middle)
    (x0, y0), (x1, y1) = curve[low], curve[high]
    if x1 == x0:
        return y1
    share = min(max((step - x0) / (x1 - x0), 0.0), 1.0)
    return y0 * (1 - share) + y1 * share


def _power(values: Sequence[float]) -> int:
    """The power of ten to divide by, 0 where plain decimals do."""
    largest = max((abs(value) for value in values), default=0.0)
    if not largest or 1e-2 <= largest < 1e6:
        return 0
    return math.floor(math.log10(largest))


def _decimal(value: float, power: int) -> str:
    scaled = (
        value / 10**power
        if power >= 0
        else value * 10.0**-power
        if power > -300
        else value * 1e300 * 10.0 ** (-power - 300)
    )
    text = f"{scaled:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _range(values: Sequence[float]) -> tuple[str, str]:
    low, high = min(values), max(values)
    if low == high:
        low, high = low - 1, high + 1
    return _decimal(low, 0), _decimal(high, 0)
