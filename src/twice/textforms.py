"""How is a time, a size, an id, a number or a path written?  Pure, both ways, the same everywhere.

Ids sort by time and are legal, case-safe ref and file names. Times are UTC, ISO 8601 with microseconds. A path is
written as it is, unless it holds a control character, a quote at its start, or bytes that are not UTF-8: then as git
quotes it (core.quotePath: double quotes, C escapes, octal bytes).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from functools import cache

_ID_ALPHABET = "abcdefghjkmnpqrstuvwxyz023456789"  # base 32 without i, l, o and 1
_ID = re.compile(rf"\d{{8}}-\d{{6}}-[{_ID_ALPHABET}]{{6}}")

_C_ESCAPES = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 34: '"', 92: "\\"}
_C_UNESCAPES = {text: code for code, text in _C_ESCAPES.items()}
# A quote at the start, and what nobody can see: control characters, blanks but the plain one, marks of direction and of
# no width, surrogates, specials. A fixed list, because `str.isprintable` changes with Python's version of Unicode.
_MUST_QUOTE = (
    '^"|[\x00-\x1f\x7f-\xa0\xad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000'
    "\ud800-\udfff\ufeff\ufff0-\uffff]"
)


def new_run_id(moment: datetime, random_bytes: Callable[[int], bytes] = os.urandom) -> str:
    """An id for a run that starts at `moment`: `20261121-142233-k7q2m9` (30 random bits)."""
    tail = "".join(_ID_ALPHABET[byte & 31] for byte in random_bytes(6))
    return f"{moment.astimezone(timezone.utc):%Y%m%d-%H%M%S}-{tail}"


def is_run_id(text: str) -> bool:
    """Whether the text has the form of a whole run id."""
    return _ID.fullmatch(text) is not None


def short_id(run_id: str, length: int = 4) -> str:
    """The part of a run id that people see and type: the start of its random tail."""
    return run_id.rpartition("-")[2][:length]


def format_time(moment: datetime) -> str:
    """`2026-11-21T14:22:33.000123Z`."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> datetime:
    """The moment written by `format_time`, or by any ISO 8601 writer; without a zone it is UTC.

    Raises ValueError.
    """
    moment = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith(("Z", "z")) else text)
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)


def format_duration(seconds: float) -> str:
    """`0.42 s`, `12.4 s`, `3 m 05 s`, `2 h 10 m`, `3 d 04 h`."""
    if seconds < 0.9995:
        return f"{seconds:.2g} s" if seconds >= 0.001 else "0 s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02} s"
    minutes = round(seconds / 60)
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02} m"
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24:02} h"


def format_age(seconds: float) -> str:
    """How long ago, in one unit: `5 s`, `3 m`, `2 h`, `4 d`, `7 w`, `2 y`."""
    for limit, divisor, unit in ((60, 1, "s"), (3600, 60, "m"), (86400, 3600, "h"), (14 * 86400, 86400, "d")):
        if seconds < limit:
            return f"{max(0, int(seconds // divisor))} {unit}"
    weeks = int(seconds // (7 * 86400))
    return f"{weeks} w" if weeks < 104 else f"{int(seconds // (365 * 86400))} y"


def format_size(size_bytes: int) -> str:
    """`812 B`, `1.2 KiB`, `34 MiB`."""
    size = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if size < 1023.5 or unit == "TiB":
            return f"{size:.0f} {unit}" if unit == "B" or size >= 99.5 else f"{size:.3g} {unit}"
        size /= 1024
    raise AssertionError("unreachable")


def normalise_name(name: str) -> str:
    """The name of a distribution as records have it: `Scikit_Learn` → `scikit-learn` (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def quote_path(path: str) -> str:
    """The path as a record holds it: itself, or quoted as git does when it could not be read back otherwise."""
    if path.isascii() and path.isprintable() and not path.startswith('"'):
        return path
    if not re.search(_MUST_QUOTE, path):
        return path
    quoted = []
    for byte in path.encode("utf-8", "surrogateescape"):
        if byte in _C_ESCAPES:
            quoted.append("\\" + _C_ESCAPES[byte])
        elif 32 <= byte < 127:
            quoted.append(chr(byte))
        else:
            quoted.append(f"\\{byte:03o}")
    return '"' + "".join(quoted) + '"'


def unquote_path(text: str) -> str:
    """The path that `quote_path` wrote, with surrogate escapes for bytes that are not UTF-8.  Raises ValueError."""
    if not text.startswith('"'):
        return text
    if len(text) < 2 or not text.endswith('"'):
        raise ValueError(f"unfinished quote in path {text}")
    found = bytearray()
    position, end = 1, len(text) - 1
    while position < end:
        character = text[position]
        if character != "\\":
            found += character.encode("utf-8", "surrogateescape")
            position += 1
        elif text[position + 1] in _C_UNESCAPES and position + 1 < end:
            found.append(_C_UNESCAPES[text[position + 1]])
            position += 2
        else:
            found.append(int(text[position + 1 : position + 4], 8))
            position += 4
    return found.decode("utf-8", "surrogateescape")


def format_number(value: float, digits: int | None = 6) -> str:
    """`0.1`, `1e-05`, `12`, `-0`, `nan`: an int whole, a float to so many significant digits; None: all it has."""
    if isinstance(value, float):
        return repr(value) if digits is None else f"{value:.{digits}g}"
    try:
        return str(value)
    except ValueError:  # Python refuses to write more than some thousand decimal digits; hexadecimal has no limit
        return hex(value)


def format_value(value: object, digits: int | None = 6) -> str:
    """A param as people read it: text bare, but quoted where it would read as something else (`"1e-3"`, `"None"`)."""
    if isinstance(value, (int, float)):
        return format_number(value, digits) if not isinstance(value, bool) else str(value)
    if isinstance(value, str):
        return _quoted(value) if _reads_as_other().fullmatch(value) else value
    if isinstance(value, Mapping):
        items = (f"{_item(key, digits)}: {_item(each, digits)}" for key, each in value.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_item(each, digits) for each in value) + "]"
    return str(value)


def format_distinct(values: Sequence[object]) -> list[str]:
    """The texts of values that are seen side by side: as many digits as it takes for unequal floats to look unequal."""
    texts: list[str] = []
    unequal = len({format_value(value, 17) for value in values})
    for digits in (*range(6, 17), None):
        texts = [format_value(value, digits) for value in values]
        if len(set(texts)) == unequal:
            break
    return texts


@cache
def _reads_as_other() -> re.Pattern[str]:
    return re.compile(
        r"""\s*                                    # nothing at all, or only space
    | [-+]?(\d[\d_]*\.?[\d_]*|\.\d+)(e[-+]?\d+)?  # a number
    | [-+]?(inf|infinity|nan|\.inf|\.nan)
    | true|false|null|none|-|~
    | [\[{"'].*                                # a list, a mapping, something quoted
    | \s.* | .*\s                              # space that would not be seen
    """,
        re.VERBOSE | re.IGNORECASE | re.DOTALL,
    )


def _item(value: object, digits: int | None) -> str:
    return _quoted(value) if isinstance(value, str) else format_value(value, digits)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
