"""Is a document valid?  jsonschema's door.

In: a document's name (`metrics`) and its plain data. Out: nothing, or a RecordError in plain words with the way to the
field: `metrics.yaml: accuracy.last: expected a number`. The schemas are JSON Schema 2020-12; they refer only to
themselves, and nothing is ever fetched. NaN and the infinities are numbers.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twice.errors import RecordError
from twice.record.file_names import DOCUMENT_PATHS
from twice.record.plain import field_path
from twice.record.quick_check import Check, UnknownKeyword, compile_check

if TYPE_CHECKING:
    from jsonschema import ValidationError

_MAX_DETAILS = 20

_TYPE_WORDS = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
    "null": "null",
}


def validate(document_name: str, data: Any) -> None:
    """Raise RecordError if the data is no valid document of that name: first problem in the message, all in details."""
    if _quick_check(document_name)(data):
        return
    validator = _validator(document_name)
    if validator.is_valid(data):
        return
    path = DOCUMENT_PATHS[document_name]
    problems: list[str] = []
    for error in validator.iter_errors(data):
        problem = ": ".join(part for part in (path, field_path(error.absolute_path), _complaint(error)) if part)
        if problem not in problems[-1:]:  # jsonschema has an error for each missing key; the complaint names them all
            problems.append(problem)
    more = [f"… and {len(problems) - _MAX_DETAILS} more"] if len(problems) > _MAX_DETAILS else []
    raise RecordError(problems[0], details=[*problems[:_MAX_DETAILS], *more] if len(problems) > 1 else ())


def prepare() -> None:
    """Load the schemas ahead of time, so that `validate` has not to."""
    for name in DOCUMENT_PATHS:
        _quick_check(name)


def schema(document_name: str) -> dict[str, Any]:
    """The JSON Schema of a document, from the installed package or the checkout."""
    for folder in (Path(__file__).parents[1] / "schemas", Path(__file__).parents[3] / "schemas"):
        file = folder / f"{document_name}.schema.json"
        if file.is_file():
            loaded: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            return loaded
    raise RecordError(f"the schema {document_name}.schema.json is missing", hint="install twice again")


@functools.cache
def _quick_check(document_name: str) -> Check:
    try:
        return compile_check(schema(document_name))
    except UnknownKeyword:
        return lambda _: False


@functools.cache
def _validator(document_name: str) -> Any:
    import jsonschema  # takes 40 to 70 ms, and only what `quick_check` does not pass needs it
    import referencing

    # An empty registry: without it jsonschema would fetch a reference to the outside.
    return jsonschema.Draft202012Validator(schema(document_name), registry=referencing.Registry())


def _complaint(error: ValidationError) -> str:
    """What is wrong, in words for people who do not know JSON Schema."""
    asked: Any = error.validator_value
    instance: Any = error.instance
    if error.validator == "type":
        types = [asked] if isinstance(asked, str) else asked
        return "expected " + " or ".join(_TYPE_WORDS[one] for one in types)
    if error.validator == "enum":
        return "expected one of " + ", ".join(map(str, asked))
    if error.validator == "const":
        return f"expected {asked}"
    if error.validator == "required":
        missing = [name for name in asked if name not in instance]
        return " and ".join(f"`{name}`" for name in missing) + (" is missing" if len(missing) == 1 else " are missing")
    if error.validator == "minimum":
        return f"expected {asked} or more"
    if error.validator == "minItems":
        return f"expected {asked} or more entries"
    if error.validator == "minLength":
        return "expected text that is not empty"
    if error.validator == "pattern":
        return f"expected text of the form {asked}"
    return error.message
