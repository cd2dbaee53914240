"""How is a mistake in a filter shown?  The line of the text, a caret under the character, the nearest known name."""

from __future__ import annotations

from collections.abc import Iterable

from twice.errors import UsageError

_BEFORE, _AFTER = 50, 40  # characters that are shown around the caret
_NAMES_SHOWN = 8


def complaint(text: str, at: int, message: str, hint: str | None = None) -> UsageError:
    """The error for a character of a filter; `at` counts from 0 and may be the text's end."""
    start, end = max(0, at - _BEFORE), min(len(text), at + _AFTER)
    before = ("…" if start else "") + _visible(text[start:at])
    after = _visible(text[at:end]) + ("…" if end < len(text) else "")
    return UsageError(message, details=[before + after, " " * _width(before) + "^"], hint=hint)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like this one, letter case aside; None when none is like it."""
    import difflib  # takes 3 ms

    folded = {one.casefold(): one for one in known if len(one) < 200}
    found = difflib.get_close_matches(name[:200].casefold(), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def suggestion(name: str, known: Iterable[str], noun: str) -> str | None:
    """`did you mean …?`, or else what there is."""
    names = sorted(known)
    near = nearest(name, names)
    if near is not None:
        return f"did you mean `{_visible(near)}`?"
    shown = ", ".join(_visible(one) for one in names[:_NAMES_SHOWN])
    return f"{noun}: {shown}{', …' if len(names) > _NAMES_SHOWN else ''}" if names else None


def _visible(text: str) -> str:
    """The text with a dot for each character that would move the cursor, or nothing that can be seen."""
    return "".join(character if character.isprintable() else "·" for character in text)


def _width(text: str) -> int:
    import unicodedata  # a megabyte, for errors only

    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text
    )
