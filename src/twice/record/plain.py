"""How do facts become plain data (dict, list, str, int, float, bool, None), and back?  By their type hints.

In and out: the frozen dataclasses of `model.py`. One form serves the YAML files, the index (JSON) and `--json`.
The order of the fields is the order of the keys; None and empty fields are left out; keys that no field has are kept in
`extra` and written after the known ones. Times become text (`textforms.format_time`), and so do paths that are not
printable UTF-8 (`textforms.quote_path`). Mappings are sorted by key, except the user's own (of `Value`s).

How to treat a class is worked out from its type hints once, then kept. Whatever does not fit its hint is a RecordError
that names the field: `data.yaml: inputs[2].size_bytes: expected a whole number`.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar

from twice.errors import RecordError
from twice.textforms import format_time, parse_time, quote_path, unquote_path

Facts = TypeVar("Facts")

_MAX_DEPTH = 100  # of nesting in a Value: far beyond any configuration, well below what readers can recurse
_MAX_INTEGER_BITS = 14_000  # Python writes and reads at most 4,300 digits


def to_plain(facts: Any, where: str = "", hint: Any = None) -> dict[str, Any]:
    """The facts as plain data; `where` is the file that error messages name.

    `hint` is the facts' type where it is not their class: `Mapping[str, Metric]`.
    Raises RecordError, with the way to the field, for a value that the files cannot hold.
    """
    try:
        written: dict[str, Any] = _form(hint or type(facts)).write(facts)
        return written
    except _Misfit as misfit:
        raise RecordError(misfit.message(where)) from None


def from_plain(cls: type[Facts], data: object, where: str = "") -> Facts:
    """The facts that `to_plain` wrote as `data`; `where` is the file that error messages name.

    Raises RecordError, with the way to the field, where the data does not fit the class.
    """
    try:
        return typing.cast(Facts, _form(cls).read(data))
    except _Misfit as misfit:
        raise RecordError(misfit.message(where)) from None


def clean_text(text: str) -> str:
    r"""The text as UTF-8 can hold it: itself, or with `\xNN` for bytes that were not UTF-8 (PEP 383)."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        try:
            raw = text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:  # half of a surrogate pair, as Windows and JSON can make
            raw = text.encode("utf-8", "surrogatepass")
        return raw.decode("utf-8", "backslashreplace")
    return text


def write_word(word: str) -> str:
    """A word of a command as a record holds it: itself, or quoted when it could not be read back otherwise."""
    if word.startswith('"') or clean_text(word) != word:
        return _write_path(word)
    return word if type(word) is str else str.__str__(word)


class _Misfit(Exception):
    """A value does not fit its field; on its way out it gathers the way to the value."""

    def __init__(self, complaint: str) -> None:
        super().__init__(complaint)
        self.complaint = complaint
        self.steps: list[str | int] = []  # innermost first

    def message(self, where: str) -> str:
        return ": ".join(part for part in (where, field_path(reversed(self.steps)), self.complaint) if part)


def field_path(steps: typing.Iterable[str | int]) -> str:
    """The way to a value as people read it: `inputs[2].sha256`."""
    way = ""
    for step in steps:
        if isinstance(step, int):
            way += f"[{step}]"
        else:
            way += f".{step}" if way else step
    return way


# ------------------------------------------------------------------------------------------------ plans of classes

_Convert = Callable[[Any], Any]


class _Form:
    """How values of one type hint are written and read."""

    __slots__ = ("read", "write")

    def __init__(self, write: _Convert, read: _Convert) -> None:
        self.write = write
        self.read = read


class _Plan:
    """How one dataclass is written and read."""

    def __init__(self, cls: type) -> None:
        hints = inspect.get_annotations(cls, eval_str=True)  # a third of the time of typing.get_type_hints
        self.keeps_extra = False  # the facts of a live run, which is never older than the twice that reads it, do not
        self.forms: dict[str, _Form] = {}
        self.required: list[str] = []
        self.omitted_when_empty: set[str] = set()
        for one in fields(cls):
            if one.name == "extra":
                self.keeps_extra = True
                continue
            self.forms[one.name] = _form(hints[one.name])
            if one.default is MISSING and one.default_factory is MISSING:
                self.required.append(one.name)
            elif one.default is None or one.default == () or one.default_factory is not MISSING:
                self.omitted_when_empty.add(one.name)
        self._writers = [(name, form.write, name in self.omitted_when_empty) for name, form in self.forms.items()]
        self._readers = {name: form.read for name, form in self.forms.items()}
        self._make: Callable[..., Any] = cls

    def write(self, facts: Any) -> dict[str, Any]:
        document: dict[str, Any] = {}
        name = ""
        try:
            for name, write, omit_empty in self._writers:
                value = getattr(facts, name)
                if value is None and omit_empty:
                    continue
                written = write(value)
                if not written and omit_empty and isinstance(written, (dict, list)):
                    continue
                document[name] = written
            for name, value in facts.extra.items() if self.keeps_extra else ():
                if name in self.forms:
                    raise _Misfit("a field of its own cannot be in extra as well")
                document[_write_key(name)] = _write_value(value)
        except _Misfit as misfit:
            misfit.steps.append(str(name))
            raise
        return document

    def read(self, data: Any) -> Any:
        if not isinstance(data, dict):
            raise _Misfit("expected a mapping")
        found: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        readers = self._readers
        key: Any = ""
        try:
            for key, value in data.items():
                read = readers.get(key)
                if read is None:
                    extra[key] = value
                elif value is not None:
                    found[key] = read(value)
        except _Misfit as misfit:
            misfit.steps.append(key)
            raise
        for name in self.required:
            if name not in found:
                raise _Misfit(f"`{name}` is missing")
        if extra and self.keeps_extra:
            found["extra"] = extra
        return self._make(**found)


def _form(hint: Any) -> _Form:
    """How values of a type hint are written and read, worked out once."""
    form = _FORMS.get(hint)
    if form is None:
        form = _FORMS[hint] = _make_form(hint)
    return form


def _make_form(hint: Any) -> _Form:
    """The form of a hint that `model.py` uses; no others are known."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _MARKED[arguments[1]]
    if origin is Literal:
        return _choice_form(arguments)
    if origin in (typing.Union, types.UnionType):
        members = [member for member in arguments if member is not type(None)]
        if len(members) == 1:
            return _form(members[0])
        if set(members) == {int, float}:
            return _Form(_write_number, _read_number)
    if origin is tuple:
        return _sequence_form(_form(arguments[0]))
    if origin is Mapping:
        return _Form(_write_values, _read_mapping) if arguments[1] is Any else _mapping_form(_form(arguments[1]))
    if is_dataclass(hint) and isinstance(hint, type):
        plan = _Plan(hint)
        return _Form(plan.write, plan.read)
    raise TypeError(f"no plain form for {hint}")


def _sequence_form(item: _Form) -> _Form:
    def write(values: Any) -> list[Any]:
        return _each(item.write, values)

    def read(values: Any) -> tuple[Any, ...]:
        if not isinstance(values, list):
            raise _Misfit("expected a list")
        return tuple(_each(item.read, values))

    return _Form(write, read)


def _each(convert: _Convert, values: Sequence[Any]) -> list[Any]:
    converted: list[Any] = []
    try:
        for value in values:
            converted.append(convert(value))  # its length says which one did not fit
    except _Misfit as misfit:
        misfit.steps.append(len(converted))
        raise
    return converted


def _mapping_form(item: _Form) -> _Form:
    def convert_all(convert: _Convert, values: Mapping[str, Any]) -> dict[str, Any]:
        key = ""
        converted = {}
        try:
            for key, value in values.items():
                converted[_write_key(key)] = convert(value)
        except _Misfit as misfit:
            misfit.steps.append(key)
            raise
        return converted

    def write(values: Any) -> dict[str, Any]:
        return dict(sorted(convert_all(item.write, values).items()))

    def read(values: Any) -> dict[str, Any]:
        return convert_all(item.read, _read_mapping(values))

    return _Form(write, read)


def _choice_form(choices: tuple[str, ...]) -> _Form:
    allowed = frozenset(choices)

    def check(value: Any) -> Any:
        if isinstance(value, str) and value in allowed:
            return value
        raise _Misfit(f"expected one of {', '.join(choices)}")

    return _Form(check, check)


# ------------------------------------------------------------------------------------------------------- scalars
# Written values may be of subclasses (numpy.float64, a StrEnum); plain data is of the built-in types alone.


def _write_text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Misfit(f"expected text, not {_kind(value)}")
    return clean_text(value if type(value) is str else str.__str__(value))


def _read_text(value: Any) -> str:
    if type(value) is str:
        return value
    raise _Misfit("expected text")


def _write_integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _Misfit(f"expected a whole number, not {_kind(value)}")
    if value.bit_length() > _MAX_INTEGER_BITS:
        raise _Misfit("a whole number of more than 4,200 digits cannot be recorded")
    return int(value)


def _read_integer(value: Any) -> int:
    if type(value) is int:
        return value
    if type(value) is float and value.is_integer():  # JSON Schema calls 3.0 an integer too
        return int(value)
    raise _Misfit("expected a whole number")


def _write_float(value: Any) -> float:
    if isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool)):
        return float(value)
    raise _Misfit(f"expected a number, not {_kind(value)}")


def _read_float(value: Any) -> float:
    if type(value) is float:
        return value
    if type(value) is int:
        return float(value)
    raise _Misfit("expected a number")


def _write_number(value: Any) -> float | int:
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return _write_integer(value)
    raise _Misfit(f"expected a number, not {_kind(value)}")


def _read_number(value: Any) -> float | int:
    if type(value) is float or type(value) is int:
        return value
    raise _Misfit("expected a number")


def _check_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _Misfit("expected true or false")


def _write_time(value: Any) -> str:
    if not isinstance(value, datetime):
        raise _Misfit(f"expected a time, not {_kind(value)}")
    return format_time(value)


def _read_time(value: Any) -> datetime:
    try:
        return parse_time(_read_text(value))
    except ValueError:
        raise _Misfit("expected a time such as 2026-11-21T14:22:33.000000Z") from None


def _write_path(value: Any) -> str:
    if not isinstance(value, str):
        raise _Misfit(f"expected a path, not {_kind(value)}")
    try:
        return quote_path(value if type(value) is str else str.__str__(value))
    except UnicodeEncodeError:
        raise _Misfit("expected a path: half of a surrogate pair is none") from None


def _read_path(value: Any) -> str:
    try:
        return unquote_path(_read_text(value))
    except (ValueError, IndexError):
        raise _Misfit("expected a path, quoted as git does where it needs to be") from None


def _write_word(value: Any) -> str:
    if not isinstance(value, str):
        raise _Misfit(f"expected text, not {_kind(value)}")
    return write_word(value)


# -------------------------------------------------------------------------------------------- the user's own values


def _write_value(value: Any, depth: int = _MAX_DEPTH) -> Any:
    """A Value of built-in types alone; tuples become lists.  Raises _Misfit for what YAML cannot hold."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _write_text(value)
    if isinstance(value, (int, float)):
        return _write_number(value)
    if depth == 0:
        raise _Misfit(f"nested more than {_MAX_DEPTH} deep")
    if isinstance(value, (list, tuple)):
        return _each(lambda one: _write_value(one, depth - 1), value)
    if isinstance(value, Mapping):
        return _write_values(value, depth)
    raise _Misfit(
        f"{_kind(value)} cannot be recorded: text, numbers, true, false, null, lists and mappings of these can"
    )


def _write_values(values: Any, depth: int = _MAX_DEPTH) -> dict[str, Any]:
    if not isinstance(values, Mapping):
        raise _Misfit(f"expected a mapping, not {_kind(values)}")
    written = {}
    key: Any = ""
    try:
        for key, value in values.items():
            written[_write_key(key)] = _write_value(value, depth - 1)
    except _Misfit as misfit:
        misfit.steps.append(str(key))
        raise
    return written


def _write_key(key: Any) -> str:
    if not isinstance(key, str):
        raise _Misfit(f"a name must be text, not {_kind(key)}")
    return key if key.isascii() and type(key) is str else _write_text(key)


def _read_mapping(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise _Misfit("expected a mapping")


def _kind(value: object) -> str:
    return type(value).__name__


_FORMS: dict[Any, _Form] = {
    str: _Form(_write_text, _read_text),
    int: _Form(_write_integer, _read_integer),
    float: _Form(_write_float, _read_float),
    bool: _Form(_check_boolean, _check_boolean),
    datetime: _Form(_write_time, _read_time),
}
_MARKED: dict[str, _Form] = {
    "path": _Form(_write_path, _read_path),
    "word": _Form(_write_word, _read_path),
}
