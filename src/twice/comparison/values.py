"""When are two values the same?  And how far apart are two numbers.

A number is the same by value (1 is 1.0) and by the sign of zero; NaN is NaN; a truth value is never a number and text
is never a number. A mapping is the same whatever its order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeGuard


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether the value is an int or a float; True and False are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_finite(value: float) -> bool:
    """Whether the number is neither NaN nor infinite; ints beyond the range of floats are finite."""
    return isinstance(value, int) or math.isfinite(value)


def as_float(value: float) -> float:
    """The number as a float; infinite where it is an int beyond the range of floats."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def same_value(a: object, b: object) -> bool:
    """Whether two params, metrics or other recorded values are the same."""
    if is_number(a) and is_number(b):
        if a != a or b != b:
            return a != a and b != b
        return a == b and (a != 0 or _negative_zero(a) == _negative_zero(b))
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(same_value(value, b[key]) for key, value in a.items())
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(same_value, a, b))
    return type(a) is type(b) and a == b


def change(a: object, b: object) -> float | None:
    """How far it is from a to b; None when that is no finite number."""
    if not (is_number(a) and is_number(b)):
        return None
    try:
        difference = float(b - a) + 0.0  # never -0.0
    except OverflowError:  # ints beyond the range of floats
        return None
    return difference if math.isfinite(difference) else None


def why_different(a: object, b: object) -> str:
    """What the texts of two different values may not show: another kind, or the sign of zero; often empty."""
    if is_number(a) and is_number(b):
        return "equal but for the sign of zero" if a == b else ""
    kinds = _kind(a), _kind(b)
    return f"{kinds[0]} → {kinds[1]}" if kinds[0] != kinds[1] else ""


def _negative_zero(value: float) -> bool:
    return math.copysign(1.0, value) < 0


def _kind(value: object) -> str:
    if is_number(value):
        return "number"
    if isinstance(value, bool):
        return "truth value"
    if isinstance(value, str):
        return "text"
    if isinstance(value, Mapping):
        return "mapping"
    if isinstance(value, (list, tuple)):
        return "list"
    return "nothing" if value is None else type(value).__name__
