r"""How does text from outside become text that a terminal shows as it is?  Harmless, measured, cut, in its encoding.

A cell must not move the cursor, change colours, reverse the line or hide in it: control characters, line ends, tabs,
bidirectional and zero-width format characters are written as escapes (`\n`, `\x1b`, `\u202e`). Width follows Unicode
Standard Annex 11 (wide and full-width take two cells) and general categories (combining marks take none).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_HARMFUL_CATEGORIES = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_COLOUR_CODE = re.compile(r"\x1b\[[0-9;]*m")

# What an encoding without them shows instead; anything else becomes a backslash escape.
_REPLACEMENTS = {
    "→": "->",
    "−": "-",
    "…": "...",
    "·": "|",
    "×": "x",
    "±": "+/-",
    "▲": "^",
    "▼": "v",
    "–": "-",
    "—": "-",
    "Δ": "change",
    "✓": "ok",
    "✗": "x",
}


def harmless(text: str) -> str:
    """The text with all that is not simply seen written as escapes; printable text is unchanged."""
    if text.isprintable() and text.isascii():
        return text
    import unicodedata  # a megabyte, which plain text does without

    return "".join(
        _escape(character) if unicodedata.category(character) in _HARMFUL_CATEGORIES else character
        for character in text
    )


def display_width(text: str) -> int:
    """How many terminal cells the text takes; colour codes take none."""
    if "\x1b" in text:
        text = _COLOUR_CODE.sub("", text)
    if text.isascii():
        return len(text)
    return sum(map(_character_width, text))


def pad(text: str, width: int) -> str:
    """The text with spaces at its end up to the width."""
    return text + " " * (width - display_width(text))


def shorten(text: str, width: int) -> str:
    """The text in at most so many cells, its middle left out: starts and ends tell names apart."""
    if display_width(text) <= width:
        return text
    room = max(width - 1, 0)
    head = _take(text, room - room // 2)
    tail = _take(text[::-1], room // 2)[::-1]
    return f"{head}…{tail}" if width > 0 else ""


def shorten_distinct(texts: Sequence[str], width: int) -> list[str]:
    """The texts shortened, but never so far that two different ones look the same."""
    different = len(set(texts))
    longest = max(map(len, texts), default=0)
    while width < 2 * longest:
        short = [shorten(text, width) for text in texts]
        if len(set(short)) == different:
            return short
        width *= 2
    return list(texts)


def in_encoding(text: str, encoding: str) -> str:
    """The text in characters that the encoding has: `->` for `→` where there are no arrows."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        for character, replacement in _REPLACEMENTS.items():
            if not _has(encoding, character):
                text = text.replace(character, replacement)
        return text.encode(encoding, "backslashreplace").decode(encoding)
    return text


def can_show(text: str, encoding: str) -> bool:
    """Whether the encoding has all characters of the text."""
    return _has(encoding, text)


def _has(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _escape(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _character_width(character: str) -> int:
    import unicodedata

    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _take(text: str, width: int) -> str:
    taken = 0
    for index, character in enumerate(text):
        taken += _character_width(character)
        if taken > width:
            return text[:index]
    return text
