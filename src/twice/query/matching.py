"""Does a text match a pattern?  SQL's LIKE, and regular expressions.

The same functions answer in SQLite and in Python, so that both say the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Matcher = Callable[[str], bool]


def like(pattern: str, *, ignores_case: bool) -> Matcher:
    """SQL's LIKE: `%` is any text, `_` any one character. Takes time in proportion to text and pattern."""
    flags = re.DOTALL | (re.IGNORECASE if ignores_case else 0)
    pieces = [
        "".join("." if character == "_" else re.escape(character) for character in part) for part in _split(pattern)
    ]
    if len(pieces) == 1:
        whole = re.compile(pieces[0], flags)
        return lambda text: whole.fullmatch(text) is not None
    first, *middle, last = (re.compile(piece, flags) for piece in pieces)
    last_length = len(_split(pattern)[-1])

    def matches(text: str) -> bool:
        found = first.match(text)
        if found is None:
            return False
        position = found.end()
        for piece in middle:  # the leftmost place is never worse than a later one
            found = piece.search(text, position)
            if found is None:
                return False
            position = found.end()
        start = len(text) - last_length
        return start >= position and last.fullmatch(text, start) is not None

    return matches


def regular(pattern: str) -> Matcher:
    """Whether a regular expression is found anywhere in the text.  Raises ValueError with what is wrong with it."""
    try:
        expression = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(str(error) or "too deep") from error
    return lambda text: expression.search(text) is not None


def _split(pattern: str) -> list[str]:
    return pattern.split("%")
