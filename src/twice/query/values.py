"""As which number and which text is a fact compared?

A param's text is what MLflow would have logged for it, `str(value)`. A text that reads as a number is a number, too, for
scripts and other trackers log `"5000"`. Whole numbers beyond 64 bits are floats: SQLite has no others.
"""

from __future__ import annotations

import re
from typing import Any

_INTEGER = re.compile(r"[-+]?\d{1,4000}", re.ASCII)
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?inf(?:inity)?|nan", re.ASCII | re.IGNORECASE)


def read_number(text: str) -> int | float | None:
    """The number that a text is, as a person or a script writes it; None when it is none."""
    if _INTEGER.fullmatch(text):
        return within_64_bits(int(text))
    return float(text) if _NUMBER.fullmatch(text) else None


def within_64_bits(number: int | float) -> int | float:
    """The number itself, or the nearest float when it is a whole number that SQLite has no room for."""
    if isinstance(number, int) and not -(2**63) <= number < 2**63:
        try:
            return float(number)
        except OverflowError:
            return float("inf") if number > 0 else float("-inf")
    return number


def value_text(value: Any) -> str:
    """The text of a param's value: `0.1`, `True`, `None`, `[1, 2]`."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 14_000:
        return hex(value)  # Python writes no more than 4,300 decimal digits
    return value if isinstance(value, str) else str(value)


def value_number(value: Any) -> int | float | None:
    """The number that a param's value is, or reads as; None for booleans, NaN and everything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = read_number(value)
    if isinstance(value, (int, float)) and value == value:
        return within_64_bits(value)
    return None
