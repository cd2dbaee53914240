"""What is the course of a metric, in the terminal?  Points in, a plot of braille dots out; of `*` where there are none.

A braille character holds 2 x 4 dots (Unicode block 2800), so a plot of 60 x 12 characters has 120 x 48 of them. Lines join
neighbouring values; what is not finite leaves a gap, and is counted below the plot.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from twice.comparison.values import as_float
from twice.display.characters import can_show, harmless, in_encoding
from twice.textforms import format_distinct, format_number

if TYPE_CHECKING:
    from twice.record.model import Point

_BRAILLE = 0x2800
_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # by column, then row from the top
_LEAST_WIDTH, _MOST_WIDTH = 10, 72
_X_TITLE = "  step"


def line_plot(
    metric: str, points: Sequence[Point], *, width: int | None = None, height: int = 12, encoding: str = "utf-8"
) -> str:
    """The plot with its axes, at most `width` characters wide, with a line end at its end."""
    values = [(point.step, as_float(point.value)) for point in points]
    finite = [(step, value) for step, value in values if math.isfinite(value)]
    title = f"{harmless(metric)}  {len(values)} value{'' if len(values) == 1 else 's'}"
    if not finite:
        return in_encoding(f"{title}, none of them finite\n", encoding)
    low, high = min(value for _, value in finite), max(value for _, value in finite)
    top, bottom = format_distinct([high, low])
    margin = max(len(top), len(bottom))
    columns = min(max((width or 80) - margin - len("  ") - len(_X_TITLE), _LEAST_WIDTH), _MOST_WIDTH)
    braille = can_show(chr(_BRAILLE + 0xFF) + "┤", encoding)
    across, down = (2, 4) if braille else (1, 1)
    dots = _dots(values, columns * across, height * down, low, high)
    rows = _braille_rows(dots, columns, height) if braille else _ascii_rows(dots, columns, height)
    lines = [title]
    for index, row in enumerate(rows):
        label = top if index == 0 else bottom if index == height - 1 else ""
        lines.append(f"{label:>{margin}} {'┤' if braille else '|'}{row.rstrip()}")
    first, last = str(values[0][0]), str(max(step for step, _ in values))
    lines.append(f"{'':>{margin}}  {first}{last:>{max(columns - len(first), len(last) + 1)}}{_X_TITLE}")
    if len(finite) < len(values):
        lines.append(f"{len(values) - len(finite)} values are not finite")
    at = next(step for step, value in finite if value == low), next(step for step, value in finite if value == high)
    lines.append(f"min {format_number(low)} at step {at[0]}, max {format_number(high)} at step {at[1]}")
    return in_encoding("\n".join(lines), encoding) + "\n"


def _dots(
    values: Sequence[tuple[int, float]], columns: int, rows: int, low: float, high: float
) -> set[tuple[int, int]]:
    """The dots that are set, as (column from the left, row from the top)."""
    first, last = min(step for step, _ in values), max(step for step, _ in values)

    def place(step: int, value: float) -> tuple[int, int]:
        x = round((step - first) / (last - first) * (columns - 1)) if last > first else 0
        span = high / 2 - low / 2  # halves: the span of the largest floats is not one
        share = (value / 2 - low / 2) / span if span else 0.5
        return x, rows - 1 - round(share * (rows - 1))

    found: set[tuple[int, int]] = set()
    places = [place(step, value) if math.isfinite(value) else None for step, value in values]
    found.update(each for each in places if each is not None)
    for a, b in pairwise(places):
        if a is not None and b is not None:
            found.update(_between(a, b))
    return found


def _between(a: tuple[int, int], b: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The dots of a straight line."""
    steps = max(abs(b[0] - a[0]), abs(b[1] - a[1]))
    for index in range(1, steps):
        yield a[0] + round((b[0] - a[0]) * index / steps), a[1] + round((b[1] - a[1]) * index / steps)


def _braille_rows(dots: set[tuple[int, int]], columns: int, height: int) -> list[str]:
    codes = [[0] * columns for _ in range(height)]
    for x, y in dots:
        codes[y // 4][x // 2] |= _BITS[x % 2][y % 4]
    return ["".join(chr(_BRAILLE + code) if code else " " for code in row) for row in codes]


def _ascii_rows(dots: set[tuple[int, int]], columns: int, height: int) -> list[str]:
    return ["".join("*" if (x, y) in dots else " " for x in range(columns)) for y in range(height)]
