"""The schemas say what the dataclasses say: names, order, types, what is required; and every field is explained."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
import typing
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pytest
from jsonschema import Draft202012Validator

import twice.record.model as model
from twice.record.file_names import DOCUMENT_PATHS
from twice.record.validation import schema

CHECKOUT = Path(__file__).parents[2]
CLASSES = {
    "run": model.Execution,
    "params": model.Params,
    "metrics": Mapping[str, model.Metric],
    "seeds": model.Seeds,
    "data": model.Data,
    "packages": model.Packages,
    "machine": model.Machine,
    "variables": Mapping[str, model.Word],
}


def test_there_is_a_schema_for_each_document_and_no_other():
    assert {file.name for file in (CHECKOUT / "schemas").iterdir()} == {f"{name}.schema.json" for name in CLASSES}
    assert list(CLASSES) == list(DOCUMENT_PATHS)


@pytest.mark.parametrize("name", CLASSES)
def test_schema_and_class_agree(name):
    whole = schema(name)
    Draft202012Validator.check_schema(whole)
    used: set[str] = set()
    _compare(CLASSES[name], whole, whole, name, used)
    assert used == set(whole.get("$defs", {}))


def _compare(hint: Any, part: dict[str, Any], whole: dict[str, Any], way: str, used: set[str]) -> None:
    if "$ref" in part:
        definition = part["$ref"].removeprefix("#/$defs/")
        used.add(definition)
        part = whole["$defs"][definition]
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        fields = [field for field in dataclasses.fields(hint) if field.name != "extra"]
        assert part["type"] == "object", way
        assert "additionalProperties" not in part, f"{way}: unknown keys are kept"
        assert list(part["properties"]) == [field.name for field in fields], way
        required = [field.name for field in fields if _is_required(field)]
        assert part.get("required", []) == required, way
        for field in fields:
            _compare(hints[field.name], part["properties"][field.name], whole, f"{way}.{field.name}", used)
        return
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        _compare(arguments[0], part, whole, way, used)
        return
    members = [member for member in arguments if member is not type(None)]
    if origin is Literal:
        assert part["type"] == "string", way
        assert part["enum"] == list(arguments), way
    elif origin is tuple:
        assert part["type"] == "array", way
        _compare(arguments[0], part["items"], whole, f"{way}[]", used)
    elif origin is Mapping:
        assert part["type"] == "object", way
        if arguments[1] is not Any:
            _compare(arguments[1], part["additionalProperties"], whole, f"{way}.*", used)
    elif len(members) == 1:
        _compare(members[0], part, whole, way, used)
    elif members:
        assert set(members) == {int, float}, way
        assert part["type"] == "number", way
    else:
        words = {str: "string", int: "integer", float: "number", bool: "boolean", datetime: "string"}
        assert part["type"] == words[typing.get_origin(hint) or hint], way


def _is_required(field: dataclasses.Field[Any]) -> bool:
    if field.name == "format":  # has a default in the model, for its makers; a record always says it
        return True
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _properties(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield from part.get("properties", {}).values()
        yield from part.get("$defs", {}).values()
        for inner in part.values():
            yield from _properties(inner)


@pytest.mark.parametrize("name", CLASSES)
def test_every_field_is_explained_in_one_sentence(name):
    whole = schema(name)
    assert whole["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    for part in (whole, *_properties(whole)):
        assert part["title"][0].isupper()
        assert part["description"].endswith(".")
        assert "\n" not in part["description"]


@pytest.mark.parametrize("name", CLASSES)
def test_fields_with_a_unit_in_their_name_explain_it(name):
    units = {"_s": "in seconds", "_bytes": "in bytes"}
    for part in (schema(name), *_properties(schema(name))):
        for field, described in part.get("properties", {}).items():
            for ending, words in units.items():
                if field.endswith(ending):
                    assert words in described["description"], field


def test_an_installed_package_finds_its_schemas_inside_itself(tmp_path):
    shutil.copytree(CHECKOUT / "src" / "twice" / "record", tmp_path / "twice" / "record")
    for file in ("errors.py", "textforms.py"):
        shutil.copy(CHECKOUT / "src" / "twice" / file, tmp_path / "twice")
    shutil.copytree(CHECKOUT / "schemas", tmp_path / "twice" / "schemas")
    program = "from twice.record.validation import schema; print(schema('data')['title'])"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "Data\n", done.stderr
