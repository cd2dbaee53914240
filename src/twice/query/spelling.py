"""How is a name written in a filter?  A family and a key in; text out that the parser reads as just that name."""

from __future__ import annotations

from twice.errors import UsageError
from twice.query.parser import FAMILIES, parse_name

_QUOTES = ("", "`", '"', "'")


def spell_name(family: str | None, key: str) -> str | None:
    """`params.lr`, ``params.`a b` ``; without a family, `lr`. None for a key that no filter can name."""
    if not key or not key.isprintable():
        return None
    for quote in _QUOTES:
        text = f"{family}.{quote}{key}{quote}" if family else f"{quote}{key}{quote}"
        if _is_read_as(text, family, key):
            return text
    return None


def _is_read_as(text: str, family: str | None, key: str) -> bool:
    try:
        name, rest = parse_name(text)
    except UsageError:
        return False
    read = None if name.family is None else FAMILIES[name.family]
    wanted = None if family is None else FAMILIES[family]
    return not rest and (read, name.key) == (wanted, key) and name.step is None and name.aspect is None
