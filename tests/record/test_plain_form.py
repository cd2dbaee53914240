"""Facts become plain data of built-in types, in the order of the fields, and anything that does not fit is named."""

from __future__ import annotations

import enum
import json
from collections import OrderedDict
from datetime import datetime, timedelta, timezone

import pytest

from twice.errors import RecordError
from twice.record.files import from_documents, to_documents
from twice.record.model import Code, Data, DataFile, Execution, Metric, Params, Resources, Tracer
from twice.record.plain import clean_text, from_plain, to_plain


class Level(str, enum.Enum):
    HIGH = "high"


class Half(float):
    def __repr__(self) -> str:
        return "Half(0.5)"


def test_none_and_empty_are_left_out_and_everything_else_is_written():
    assert to_plain(DataFile(path="a", found=())) == {"path": "a", "kind": "file"}
    assert to_plain(Resources(cpu_user_s=0.0)) == {"cpu_user_s": 0.0}
    assert to_plain(Params(values={"a": None, "b": {}, "c": [], "d": "", "e": 0})) == {
        "values": {"a": None, "b": {}, "c": [], "d": "", "e": 0}
    }


def test_keys_nobody_knows_are_kept_and_written_after_the_known_ones():
    data = {"colour": "red", "path": "a", "kind": "file", "extra": {"deep": [None]}, "odd": None}
    facts = from_plain(DataFile, data, "data.yaml")
    assert facts.extra == {"colour": "red", "extra": {"deep": [None]}, "odd": None}
    assert list(to_plain(facts)) == ["path", "kind", "colour", "extra", "odd"]


def test_a_known_field_cannot_be_in_extra_as_well():
    with pytest.raises(RecordError, match="path: a field of its own cannot be in extra as well"):
        to_plain(DataFile(path="a", extra={"path": "b"}))


def test_null_for_a_known_key_is_as_if_it_were_not_there():
    assert from_plain(DataFile, {"path": "a", "sha256": None, "kind": None}) == DataFile(path="a")


def test_plain_data_is_of_built_in_types_alone():
    values = {"level": Level.HIGH, "half": Half(0.5), "pair": (1, 2), "nested": OrderedDict(a=OrderedDict(b=True))}
    plain = to_plain(Params(values=values))
    assert json.dumps(plain) == (
        '{"values": {"level": "high", "half": 0.5, "pair": [1, 2], "nested": {"a": {"b": true}}}}'
    )
    assert type(plain["values"]["level"]) is str
    assert type(plain["values"]["half"]) is float


def test_whole_numbers_are_read_and_written_as_floats_where_floats_belong():
    assert repr(to_plain(Resources(cpu_user_s=1))["cpu_user_s"]) == "1.0"
    assert repr(from_plain(Resources, {"cpu_user_s": 1}).cpu_user_s) == "1.0"
    assert repr(from_plain(Metric, {"last": 1, "min": 1.0, "max": 1, "mean": 1, "count": 2.0})) == repr(
        Metric(last=1, min=1.0, max=1, mean=1, count=2)
    )


def test_times_are_utc_in_any_zone_and_paths_are_quoted_only_where_they_must_be():
    zone = timezone(timedelta(hours=2))
    facts = Execution(
        id="20261121-142233-k7q2m9",
        experiment="train",
        status="finished",
        command=("x", "\udcff", '"', "a\nb", "\u2028"),
        directory="d\n",
        started_at=datetime(2026, 11, 21, 16, 22, 33, tzinfo=zone),
        duration_s=1,
        host="h\udcff",
        user="u",
        repository="/r\udcff",
        twice="0.1.0",
        code=Code(tree="0" * 40),
        tracer=Tracer(name="off"),
    )
    plain = to_plain(facts)
    assert plain["started_at"] == "2026-11-21T14:22:33.000000Z"
    assert plain["command"] == ["x", '"\\377"', '"\\""', "a\nb", "\u2028"]
    assert plain["directory"] == '"d\\n"'
    assert plain["repository"] == '"/r\\377"'
    assert plain["host"] == "h\\xff"
    again = from_plain(Execution, plain)
    assert (again.command, again.directory, again.repository) == (facts.command, facts.directory, facts.repository)
    assert again.started_at == facts.started_at


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [("é", "é"), ("a\udce9b", "a\\xe9b"), ("\ud800", "\\xed\\xa0\\x80"), ("😀\udc80", "😀\\x80")],
)
def test_text_that_is_not_utf_8_shows_its_bytes(text, cleaned):
    assert clean_text(text) == cleaned


def _deep(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model": {"weights": [1, b"x"]}}, "values.model.weights[1]: bytes cannot be recorded"),
        ({"f": len}, "values.f: builtin_function_or_method cannot be recorded"),
        ({"layers": {1: 64}}, "values.layers.1: a name must be text, not int"),
        ({"n": 10**5000}, "values.n: a whole number of more than 4,200 digits"),
        ({"deep": _deep(200)}, "values.deep.a.a.a.a"),
    ],
)
def test_params_that_cannot_be_recorded_are_named(values, message):
    with pytest.raises(RecordError) as caught:
        to_plain(Params(values=values), "params.yaml")
    assert caught.value.message.startswith(f"params.yaml: {message}")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "data.yaml: expected a mapping"),
        ({"inputs": {}}, "data.yaml: inputs: expected a list"),
        ({"inputs": [{"path": "a"}, {}]}, "data.yaml: inputs[1]: `path` is missing"),
        ({"inputs": [{"path": None}]}, "data.yaml: inputs[0]: `path` is missing"),
        ({"inputs": [{"path": 1}]}, "data.yaml: inputs[0].path: expected text"),
        ({"inputs": [{"path": '"a'}]}, "data.yaml: inputs[0].path: expected a path"),
        ({"inputs": [{"path": '"\\9"'}]}, "data.yaml: inputs[0].path: expected a path"),
        ({"inputs": [{"path": "a", "size_bytes": True}]}, "data.yaml: inputs[0].size_bytes: expected a whole number"),
        ({"inputs": [{"path": "a", "size_bytes": 1.5}]}, "data.yaml: inputs[0].size_bytes: expected a whole number"),
        ({"inputs": [{"path": "a", "kind": "pipe"}]}, "data.yaml: inputs[0].kind: expected one of file, folder"),
        ({"outputs": [{"path": "a", "found": [1]}]}, "data.yaml: outputs[0].found[0]: expected text"),
    ],
)
def test_data_that_does_not_fit_is_named(data, message):
    with pytest.raises(RecordError) as caught:
        from_plain(Data, data, "data.yaml")
    assert caught.value.message.startswith(message)


def test_a_metric_that_does_not_fit_is_named_in_its_file(example_run):
    documents = to_documents(example_run)
    documents["metrics"]["accuracy"]["last"] = "high"
    with pytest.raises(RecordError) as caught:
        from_documents(documents, None)
    assert caught.value.message == "metrics.yaml: accuracy.last: expected a number"


def test_documents_pass_through_json_unchanged(example_run):
    documents = to_documents(example_run)
    assert json.dumps(json.loads(json.dumps(documents))) == json.dumps(documents)


def test_a_time_that_is_none_is_named():
    with pytest.raises(RecordError, match="started_at: expected a time such as 2026-11-21T14:22:33"):
        from_plain(Execution, {"started_at": "yesterday"}, "run.yaml")
