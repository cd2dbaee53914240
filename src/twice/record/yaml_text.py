"""How does plain data become YAML text, and back?  PyYAML's door.

Writing follows what all readers agree on (YAML 1.1 and 1.2): block style, one fact a line, the given order, LF, UTF-8,
no anchors, no line folding; floats by `repr`; every string quoted that some reader could take for a number, a boolean,
null, a time or a merge key. Reading follows the core schema of YAML 1.2 (`no` and `2026-01-01` are text, `1e-3` is a
number), and keys are always text. Refused: aliases, tags other than `!!str`, `!!map` and `!!seq`, a key given twice,
several documents, nesting beyond reason.

The text is written here and not by PyYAML: it becomes part of a commit's id, so the same facts must give the same bytes
with every version of PyYAML and libyaml, and the dumpers of both write `1e-3`, a string, bare.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from twice.errors import RecordError

MAX_BYTES = 64 * 1024 * 1024
_MAX_DEPTH = 200
_MAX_SIMPLE_KEY = 1000  # a key on one line with its value may have at most 1024 characters (YAML 1.2, 8.2.2)

# ---------------------------------------------------------------------------------------------------------- writing

# What a bare string may look like: begins with a letter, a digit, `_`, `/` or (before one of these) `.`, `-` and `--`;
# holds nothing invisible, no `: ` and no ` #`, and does not end with a blank or a colon. Most text is ASCII, and what it
# takes to judge other text is compiled when there is some: that takes milliseconds.
_BARE = r"(?:--?|\.{0,2}/|\.)?[A-Za-z0-9_/%s](?:[^:#]|:(?! |$)|(?<! )#)*"
_ASCII_BARE = re.compile(_BARE % "")


@cache
def _any_bare() -> re.Pattern[str]:
    return re.compile(_BARE % r"\u00a1-\ud7ff\uf900-\uffef\U00010000-\U0010ffff")


_NOT_BARE = re.compile(
    r"""
      [-+.]?[0-9][0-9_.,:]*(?:[eE][-+]?[0-9_.]*)?  # numbers, also to base 60, and all that comes near (3.11.7)
    | [-+]?0[xXoObB][0-9a-fA-F_]*
    | [-+]?\.?(?:inf|infinity|nan)
    | y|n|yes|no|on|off|true|false|null|none|nil
    | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*             # dates and times
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)

# Control characters, YAML 1.1's line ends, blanks and marks that nobody sees, surrogates, non-characters.
# A fixed list: `str.isprintable` changes with Python's version of Unicode, and the bytes with it.
_INVISIBLE = (
    "\\x00-\\x1f\\x7f-\\xa0\\xad\\u034f\\u061c\\u1680\\u180e\\u2000-\\u200f\\u2028-\\u202f\\u205f-\\u206f\\u3000"
    "\\ud800-\\udfff\\ufeff\\ufff0-\\uffff"
)
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def dump(data: Any) -> bytes:
    """The YAML text of plain data: nested dict (keys are str), list, str, int, float, bool and None.

    Raises RecordError for anything else, and when the text is larger than `load` reads.
    """
    lines: list[str] = []
    _write_node(lines, "", "", data)
    content = ("\n".join(lines) + "\n").encode()
    if len(content) > MAX_BYTES:
        raise RecordError(f"too large to be recorded: {len(content)} bytes of YAML; {MAX_BYTES} are allowed")
    return content


def _write_node(lines: list[str], lead: str, indent: str, data: Any) -> None:
    """Append the lines of a node; `lead` stands before its first line, `indent` before the others."""
    if isinstance(data, dict) and data:
        for key, value in data.items():
            _write_entry(lines, lead, indent, key, value)
            lead = indent
    elif isinstance(data, list) and data:
        for value in data:
            _write_node(lines, f"{lead}- ", f"{indent}  ", value)
            lead = indent
    else:
        lines.append(lead + _scalar_text(data))


def _write_entry(lines: list[str], lead: str, indent: str, key: Any, value: Any) -> None:
    if not isinstance(key, str):
        raise RecordError(f"a key must be text, not {type(key).__name__}")
    name = _string_text(key)
    if len(name) > _MAX_SIMPLE_KEY:
        lines.append(f"{lead}? {name}")
        lead, name = indent, ""
    if isinstance(value, (dict, list)) and value:
        lines.append(f"{lead}{name}:")
        _write_node(lines, f"{indent}  ", f"{indent}  ", value)
    else:
        lines.append(f"{lead}{name}: {_scalar_text(value)}")


def _scalar_text(value: Any) -> str:
    if isinstance(value, str):
        return _string_text(value)
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int):
        return _integer_text(value)
    if isinstance(value, float):
        return _float_text(value)
    if value == {} or value == []:
        return "{}" if isinstance(value, dict) else "[]"
    raise RecordError(f"{type(value).__name__} cannot be written as YAML")


def _string_text(text: str) -> str:
    if text.isascii() and text.isprintable():
        bare = _ASCII_BARE
    elif _invisible().search(text):
        return '"' + _escaped().sub(_escape, text) + '"'
    else:
        bare = _any_bare()
    if bare.fullmatch(text) and not text.endswith(" ") and not _NOT_BARE.fullmatch(text):
        return text
    return "'" + text.replace("'", "''") + "'"


@cache
def _invisible() -> re.Pattern[str]:
    return re.compile(f"[{_INVISIBLE}]")


@cache
def _escaped() -> re.Pattern[str]:
    return re.compile(f'["\\\\{_INVISIBLE}]')


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if "\ud800" <= character <= "\udfff":
        raise RecordError("text with bytes that are not UTF-8 cannot be written as YAML")
    return _ESCAPES.get(character) or f"\\u{ord(character):04x}"


def _integer_text(value: int) -> str:
    try:
        return str(value)
    except ValueError as error:  # sys.set_int_max_str_digits
        raise RecordError("a whole number of more than 4,300 digits cannot be written as YAML") from error


def _float_text(value: float) -> str:
    """The shortest text that reads back as the same float, with the dot and the sign that YAML 1.1 wants in it."""
    if value != value:
        return ".nan"
    if value in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    text = float.__repr__(value)
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}.0e{exponent}" if e and "." not in mantissa else text


# ---------------------------------------------------------------------------------------------------------- reading

_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{sign + word: float(sign + "inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_OTHER_BASES = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_BEGIN_NUMBERS = frozenset("+-.0123456789")
_KNOWN_TAGS = {"!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}


def load(content: bytes, name: str) -> Any:
    """The plain data of a YAML text; None for an empty one.  `name` is the file that error messages name.

    Raises RecordError, with line and column, for what is not YAML or is refused.
    """
    if len(content) > MAX_BYTES:
        raise RecordError(f"{name}: too large: {len(content)} bytes; {MAX_BYTES} are allowed")
    quick = _load_quickly(content)
    if quick is not None:
        return quick
    import yaml  # takes 18 ms, and writing and reading what was written here do without

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is 10 times faster; a wheel may lack it
    try:
        return _build(yaml.parse(content.decode("utf-8-sig"), Loader=loader), name)
    except UnicodeDecodeError as error:
        raise RecordError(f"{name}: not UTF-8 at byte {error.start}") from error
    except yaml.MarkedYAMLError as error:
        raise RecordError(f"{name}: {_place(error.problem_mark)}{error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise RecordError(f"{name}: not YAML: {str(error).splitlines()[0]}") from error


def _load_quickly(content: bytes) -> Any | None:
    """The data of a text in the form that `dump` writes; None for any other text, valid or not."""
    try:
        return _quick_reader()(content.decode())
    except ValueError:  # not UTF-8, or a number too long: PyYAML's door says where
        return None


@cache
def _quick_reader() -> Callable[[str], Any | None]:
    from twice.record.quick_yaml import load_quickly  # what only writes does without these
    from twice.record.text_shapes import TextShapes

    return TextShapes(lambda text: load_quickly(text, _bare_value)).load


class _Open:
    """A mapping or a sequence whose end has not come yet."""

    __slots__ = ("key", "value")

    def __init__(self, value: dict[str, Any] | list[Any]) -> None:
        self.value = value
        self.key: str | None = None  # of the entry whose value comes next


def _build(events: Iterator[Any], name: str) -> Any:
    """Put the data together from the parser's events; no recursion, so depth is ours to bound."""
    import yaml

    opened: list[_Open] = []
    documents: list[Any] = []
    for event in events:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            value: Any = _scalar_value(event, name, is_key=_wants_key(opened))
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            _check_start(event, opened, name)
            opened.append(_Open({} if kind is yaml.MappingStartEvent else []))
            continue
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            value = opened.pop().value
        elif kind is yaml.AliasEvent:
            raise _refusal(event, name, "aliases (*name) are not allowed")
        else:  # the start and the end of the stream and of each document
            continue
        if not opened:
            documents.append(value)
        else:
            _add(opened[-1], value, event, name)
    if len(documents) > 1:
        raise RecordError(f"{name}: holds {len(documents)} documents; one is expected")
    return documents[0] if documents else None


def _wants_key(opened: list[_Open]) -> bool:
    return bool(opened) and isinstance(opened[-1].value, dict) and opened[-1].key is None


def _check_start(event: Any, opened: list[_Open], name: str) -> None:
    _check_tag(event, name)
    if _wants_key(opened):
        raise _refusal(event, name, "a key must be text")
    if len(opened) >= _MAX_DEPTH:
        raise _refusal(event, name, f"nested more than {_MAX_DEPTH} deep")


def _add(parent: _Open, value: Any, event: Any, name: str) -> None:
    if isinstance(parent.value, list):
        parent.value.append(value)
    elif parent.key is None:
        if value in parent.value:
            raise _refusal(event, name, f"the key {value!r} is given twice")
        parent.key = value
    else:
        parent.value[parent.key] = value
        parent.key = None


def _scalar_value(event: Any, name: str, *, is_key: bool) -> Any:
    text: str = event.value
    if event.tag is not None:
        _check_tag(event, name)
        return text
    if is_key or not event.implicit[0]:
        return text
    try:
        return _bare_value(text)
    except ValueError as error:  # sys.set_int_max_str_digits
        raise _refusal(event, name, "a whole number of more than 4,300 digits") from error


def _bare_value(text: str) -> Any:
    """The value of a scalar without quotes, by the core schema.  Raises ValueError for a number too long to read."""
    if text[:1] in _BEGIN_NUMBERS and (number := _NUMBER.fullmatch(text)):
        return float(text) if number[1] or "." in text else int(text)
    if text in _WORDS:
        return _WORDS[text]
    if _OTHER_BASES.fullmatch(text):
        return int(text[2:], {"o": 8, "x": 16}[text[1]])
    return text


def _check_tag(event: Any, name: str) -> None:
    if event.tag is not None and event.tag not in _KNOWN_TAGS:
        raise _refusal(event, name, f"the tag {event.tag} is not allowed")


def _refusal(event: Any, name: str, complaint: str) -> RecordError:
    return RecordError(f"{name}: {_place(event.start_mark)}{complaint}")


def _place(mark: Any) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
