"""What is wrong with a document is said in plain words, with file and field; NaN and infinities are numbers."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from twice.errors import RecordError
from twice.record.files import DOCUMENT_PATHS, read_run, to_documents, to_files
from twice.record.model import Attachments
from twice.record.validation import validate
from twice.record.yaml_text import dump

METRIC = {"last": 1, "min": 1, "max": 1, "mean": 1}


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("metrics", {"accuracy": {**METRIC, "last": "high"}}, "metrics.yaml: accuracy.last: expected a number"),
        ("metrics", {"a": {**METRIC, "min": True}}, "metrics.yaml: a.min: expected a number"),
        ("metrics", {"a": {**METRIC, "count": 0}}, "metrics.yaml: a.count: expected 1 or more"),
        ("metrics", {"a": {**METRIC, "count": 1.5}}, "metrics.yaml: a.count: expected a whole number"),
        ("metrics", {"a": {"last": 1}}, "metrics.yaml: a: `min` and `max` and `mean` are missing"),
        ("metrics", [], "metrics.yaml: expected a mapping"),
        ("metrics", None, "metrics.yaml: expected a mapping"),
        ("data", {"inputs": [{"path": "a"}, {"path": 1}]}, "data.yaml: inputs[1].path: expected text"),
        ("data", {"inputs": [{}]}, "data.yaml: inputs[0]: `path` is missing"),
        ("data", {"inputs": {}}, "data.yaml: inputs: expected a list"),
        ("data", {"inputs": [{"path": "a", "kind": "x"}]}, "data.yaml: inputs[0].kind: expected one of file, folder"),
        (
            "data",
            {"inputs": [{"path": "a", "sha256": "x"}]},
            "data.yaml: inputs[0].sha256: expected text of the form ^[",
        ),
        ("data", {"inputs": [{"path": "a", "size_bytes": -1}]}, "data.yaml: inputs[0].size_bytes: expected 0 or more"),
        ("packages", {"interpreter": 3}, "environment/packages.yaml: interpreter: expected a mapping"),
        ("variables", {"A": 1}, "environment/variables.yaml: A: expected text"),
        ("seeds", {"root": 1.5}, "seeds.yaml: root: expected a whole number"),
    ],
)
def test_a_problem_is_said_in_plain_words(name, data, message):
    with pytest.raises(RecordError) as caught:
        validate(name, data)
    assert caught.value.message.startswith(message)
    assert caught.value.details == ()


def test_all_problems_are_in_the_details_and_the_first_in_the_message():
    files = [{"path": index} for index in range(30)]
    with pytest.raises(RecordError) as caught:
        validate("data", {"inputs": files})
    assert caught.value.message == "data.yaml: inputs[0].path: expected text"
    assert caught.value.details[:3] == tuple(f"data.yaml: inputs[{index}].path: expected text" for index in range(3))
    assert caught.value.details[-1] == "… and 10 more"


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 10**400, -0.0])
def test_every_float_and_whole_number_is_a_number(number):
    validate("metrics", {"a": {**METRIC, "last": number}})


def test_unknown_keys_are_allowed_at_every_level():
    validate("metrics", {"a": {**METRIC, "median": "?"}})
    validate("data", {"inputs": [{"path": "a", "owner": []}], "caches": 1})


def test_the_example_is_valid(example_run):
    for name, document in to_documents(example_run).items():
        validate(name, document)


def test_nothing_invalid_is_written(example_run):
    wrong = replace(example_run, execution=replace(example_run.execution, id="../../etc"))
    with pytest.raises(RecordError, match=r"^run\.yaml: id: expected text of the form"):
        to_files(wrong, Attachments())


@pytest.mark.parametrize("name", DOCUMENT_PATHS)
def test_nothing_invalid_is_read(example_run, name):
    files = to_files(example_run, Attachments())
    documents = to_documents(example_run)
    files[DOCUMENT_PATHS[name]] = dump([documents[name]])
    with pytest.raises(RecordError, match=rf"^{DOCUMENT_PATHS[name]}: "):
        read_run(files.get)
