"""The quick check of documents says what jsonschema says, and knows every keyword that the schemas use."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from twice.record.file_names import DOCUMENT_PATHS
from twice.record.files import to_documents
from twice.record.model import Run
from twice.record.quick_check import UnknownKeyword, compile_check
from twice.record.validation import schema

ODD = (None, True, 0, -1, 1.5, 3.0, math.nan, "", "x", [], [1], {}, {"": None})


def variants(document: Any) -> Iterator[Any]:
    """The document with one of its values another or gone, each of them in turn; and with a key more, everywhere."""
    yield from ODD
    for way in ways(document):
        for odd in ODD:
            changed = copy.deepcopy(document)
            holder(changed, way)[way[-1]] = odd
            yield changed
        changed = copy.deepcopy(document)
        del holder(changed, way)[way[-1]]
        yield changed
        inner = copy.deepcopy(document)
        value = holder(inner, way)[way[-1]]
        if isinstance(value, dict):
            value["unheard of"] = 1
            yield inner


def ways(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value in a document, by keys and positions."""
    if way:
        yield way
    if isinstance(value, (dict, list)):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from ways(one, (*way, key))


def holder(document: Any, way: tuple[Any, ...]) -> Any:
    """The mapping or list that holds the value at the end of the way."""
    for step in way[:-1]:
        document = document[step]
    return document


@pytest.mark.parametrize("name", DOCUMENT_PATHS)
def test_it_agrees_with_jsonschema_on_every_small_change(name: str, example_run: Run) -> None:
    check, oracle = compile_check(schema(name)), Draft202012Validator(schema(name))
    document = to_documents(example_run)[name]
    assert check(document)
    answers = set()
    for variant in variants(document):
        assert check(variant) == oracle.is_valid(variant), variant
        answers.add(check(variant))
    assert answers == {True, False}


@pytest.mark.parametrize(
    "unknown",
    [
        {"properties": {"a": {"oneOf": [{"type": "string"}]}}},
        {"enum": [1, 2]},
        {"$ref": "other.schema.json"},
        {"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}},
    ],
)
def test_what_it_does_not_know_is_left_to_jsonschema(unknown: dict[str, Any]) -> None:
    with pytest.raises(UnknownKeyword):
        compile_check(unknown)
