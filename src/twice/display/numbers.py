"""How is a param or a metric shown?  Short, but two unequal values that are seen side by side never look the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from twice.comparison.directions import direction
from twice.comparison.noise import Sample
from twice.display.characters import harmless, shorten_distinct
from twice.textforms import format_distinct, format_number, format_value

_MOST_PLACES = 12  # beyond them a number is written with an exponent
_LONGEST = 48  # cells of one value in a table


def show(value: Any, digits: int | None = 6) -> str:
    """One value by itself; None: with all its digits."""
    return harmless(format_value(value, digits))


def show_column(values: Sequence[Any], longest: int = _LONGEST) -> list[str]:
    """Values seen side by side: with as many digits, and as much of long texts, as it takes to tell them apart."""
    return shorten_distinct([harmless(text) for text in format_distinct(values)], longest)


def show_delta(delta: float | None) -> str:
    """`+0.0123`, `-3`; empty when there is none."""
    if delta is None:
        return ""
    text = format_number(delta, 3)
    return text if text.startswith("-") else f"+{text}"


def show_trend(metric: str, delta: float | None) -> str:
    """`▲ better`, `▼ worse`: the arrow is where the number went, the word what that means for this metric."""
    if not delta:
        return ""
    better = direction(metric)
    if better is None:
        return ""
    word = "better" if (delta > 0) == (better == "higher") else "worse"
    return f"{'▲' if delta > 0 else '▼'} {word}"


def show_sample(one: Sample) -> str:
    """`0.9130 ± 0.0042`: to two digits of the spread, as measurements are written; `0.913` for a single value."""
    if one.spread is None:
        return format_number(one.mean)
    places = 1 - math.floor(math.log10(one.spread)) if one.spread else -1
    if 0 <= places <= _MOST_PLACES and abs(one.mean) < 10**_MOST_PLACES:
        return f"{one.mean:.{places}f} ± {one.spread:.{places}f}"
    return f"{format_number(one.mean)} ± {format_number(one.spread, 2)}"
