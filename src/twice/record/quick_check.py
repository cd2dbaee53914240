"""Is a document valid, as far as that can be told without jsonschema?  A schema in, a quick check of documents out.

The schemas of the record use a dozen keywords of JSON Schema 2020-12. A check for just these is compiled from each schema:
reading a thousand runs takes a tenth of the time, and sealing a short run not much longer than it does without. It never
has the last word on what is wrong: whatever it does not pass, and every schema with a keyword that it does not know, is
jsonschema's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], bool]

_ANNOTATIONS = frozenset(("$schema", "$id", "$defs", "title", "description", "default", "examples", "format"))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_TYPES: Mapping[str, Check] = {
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": lambda value: _is_number(value) and (isinstance(value, int) or value.is_integer()),
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "null": lambda value: value is None,
}


# What nearly every value is that passes; asked first, for a call a value is what all this takes.
_EXACT_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (float, int),
    "integer": (int,),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}


class UnknownKeyword(Exception):
    """The schema uses what this module does not know."""


def compile_check(schema: Mapping[str, Any]) -> Check:
    """A function that tells whether a document is valid.  Raises UnknownKeyword."""
    return _Compiler(schema).compile(schema)


class _Compiler:
    """Compiles the parts of one schema."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._definitions: dict[str, Check | None] = {}

    def compile(self, schema: Any) -> Check:
        """The check of one part: all that its keywords ask for."""
        if isinstance(schema, bool):
            return lambda _: schema
        checks = [
            self._keyword(word, schema)
            for word in schema
            if word not in _ANNOTATIONS and not (word == "additionalProperties" and "properties" in schema)
        ]
        return _all_of(checks)

    def _keyword(self, word: str, schema: Mapping[str, Any]) -> Check:
        asked = schema[word]
        match word:
            case "type":
                return _type_check([asked] if isinstance(asked, str) else asked)
            case "$ref":
                return self._reference(asked)
            case "properties":
                return self._properties(asked, schema.get("additionalProperties", True))
            case "additionalProperties":
                return self._properties({}, asked)
            case "items":
                item = self.compile(asked)
                return lambda value: not isinstance(value, list) or all(map(item, value))
            case "required":
                needed = frozenset(asked)
                return lambda value: not isinstance(value, dict) or needed <= value.keys()
            case "enum" if all(isinstance(one, str) for one in asked):
                return lambda value: isinstance(value, str) and value in asked
            case "pattern":
                search = re.compile(asked).search
                return lambda value: not isinstance(value, str) or search(value) is not None
            case "minimum":
                return lambda value: not _is_number(value) or not value < asked  # NaN is not below anything
            case "minLength":
                return lambda value: not isinstance(value, str) or len(value) >= asked
            case "minItems":
                return lambda value: not isinstance(value, list) or len(value) >= asked
        raise UnknownKeyword(word)

    def _properties(self, properties: Mapping[str, Any], others: Any) -> Check:
        checks = {name: self.compile(schema) for name, schema in properties.items()}
        other = self.compile(others)
        check_of = checks.get

        def check(value: Any) -> bool:
            if isinstance(value, dict):
                for name, one in value.items():
                    if not check_of(name, other)(one):
                        return False
            return True

        return check

    def _reference(self, reference: str) -> Check:
        start, _, name = reference.rpartition("/")
        if start != "#/$defs":
            raise UnknownKeyword(f"$ref: {reference}")
        if name not in self._definitions:
            self._definitions[name] = None  # until it is compiled
            self._definitions[name] = self.compile(self._root["$defs"][name])
        check = self._definitions[name]
        if check is None:
            raise UnknownKeyword(f"{reference} refers to itself")
        return check


def _all_of(checks: list[Check]) -> Check:
    if len(checks) == 1:
        return checks[0]

    def check(value: Any) -> bool:
        for one in checks:  # noqa: SIM110 - a generator takes twice as long
            if not one(value):
                return False
        return True

    return check


def _type_check(names: list[str]) -> Check:
    exact = frozenset(one for name in names for one in _EXACT_TYPES[name])
    checks = [_TYPES[name] for name in names]
    return lambda value: type(value) in exact or any(check(value) for check in checks)
