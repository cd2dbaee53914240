"""What `--json` prints: strict JSON, with a version, whole."""

from __future__ import annotations

import json
from typing import Any

from sample_runs import file, make_run, metric, points
from twice.comparison.differences import compare
from twice.comparison.tolerance import Tolerance
from twice.comparison.verdict import judge
from twice.display.json_shapes import comparison_json, run_json, runs_json, verdict_json
from twice.record.model import Data, Environment, Params
from twice.record.summary import summarise_run


def strict(shape: dict[str, Any]) -> Any:
    """What another program reads: JSON as RFC 8259 has it, in UTF-8."""

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is not JSON")

    text = json.dumps(shape, allow_nan=False, ensure_ascii=False)
    return json.loads(text.encode(), parse_constant=refuse)


def test_a_run_has_every_fact_under_a_versioned_shape() -> None:
    shape = strict(run_json(make_run(), commit="c" * 40))
    assert shape["schema_version"] == 1
    assert (shape["commit"], shape["id"]) == ("c" * 40, "20261121-142233-k7q2m9")
    assert (shape["status"], shape["exit_code"], shape["signal"], shape["name"]) == ("finished", 0, None, None)
    assert shape["command"] == ["python", "train.py", "--lr", "0.1"]
    assert (shape["started_at"], shape["duration_s"]) == ("2026-11-21T14:22:33.000000Z", 12.4)
    assert shape["params"] == {"lr": 0.1, "model": {"layers": 2}}
    assert shape["param_sources"] == {"lr": "argparse", "model": "file:c.yaml"}
    assert shape["metrics"]["loss"]["max"] == 2.5
    assert [each["path"] for each in (*shape["inputs"], *shape["outputs"])] == ["data/train.csv", "model.pkl"]
    assert shape["seeds"]["root"] == 1234
    assert shape["environment"]["packages"]["distributions"][0]["version"] == "2.4.1"
    assert shape["environment"]["machine"]["threads"] == {"torch": 2}
    assert shape["code"]["branch"] == "main"
    assert (shape["tags"], shape["warnings"], shape["directory"], shape["isolated"]) == ({}, [], ".", False)


def test_the_keys_of_a_run_are_always_the_same() -> None:
    bare = make_run(params=Params(), metrics={}, data=Data(), environment=Environment(), exit_code=None)
    full = make_run(name="n", message="m", tags={"a": "b"}, warnings=("w",), reproduces="x", signal="SIGKILL")
    assert list(run_json(bare)) == list(run_json(full))
    assert run_json(bare)["environment"] == {"packages": None, "machine": None, "variables": {}}


def test_what_a_newer_twice_recorded_is_passed_on() -> None:
    assert run_json(make_run(extra={"newer": [1]}))["extra"] == {"newer": [1]}


def test_numbers_and_texts_that_json_lacks_are_written_as_strings() -> None:
    run = make_run(
        params=Params(values={"a": float("nan"), "b": [float("inf"), {"c": float("-inf")}], "d": "\udcff"}),
        metrics={"loss": metric(float("nan"))},
        data=Data(inputs=(file("\udcff\n.csv"),)),
        environment=Environment(variables={"X": "\udcff"}),
    )
    shape = strict(run_json(run))
    assert shape["params"] == {"a": "NaN", "b": ["Infinity", {"c": "-Infinity"}], "d": "\\xff"}
    assert shape["metrics"]["loss"]["last"] == "NaN"
    assert shape["inputs"][0]["path"] == '"\\377\\n.csv"'
    assert shape["environment"]["variables"] == {"X": "\\xff"}


def test_a_list_of_runs_is_the_same_from_runs_and_from_the_index() -> None:
    runs = [make_run("aaaaaa"), make_run("bbbbbb", metrics={"loss": metric(float("inf"))})]
    shape = strict(runs_json(runs))
    assert shape == strict(runs_json([summarise_run(run) for run in runs]))
    assert shape["schema_version"] == 1
    assert shape["runs"][0]["params"] == {"lr": 0.1, "model.layers": 2}
    assert shape["runs"][1]["metrics"] == {"loss": "Infinity"}


def test_a_comparison_lists_its_sections_and_their_differences() -> None:
    a, b = (
        make_run("aaaaaa"),
        make_run("bbbbbb", params=Params(values={"lr": 0.6}), metrics={"loss": metric(float("nan"))}),
    )
    shape = strict(comparison_json(compare(a, b)))
    assert (shape["schema_version"], shape["a"], shape["b"]) == (1, a.id, b.id)
    assert (shape["identical"], shape["differs"]) == (False, True)
    params = next(section for section in shape["sections"] if section["name"] == "params")
    assert params == {
        "name": "params",
        "state": "differs",
        "summary": "differs: lr 0.1 → 0.6, missing model.layers 2",
        "differences": [
            {"name": "lr", "kind": "changed", "a": 0.1, "b": 0.6, "delta": 0.5, "note": ""},
            {"name": "model.layers", "kind": "removed", "a": 2, "b": None, "delta": None, "note": ""},
        ],
    }


def test_a_verdict_has_its_outcome_rows_metrics_and_outputs() -> None:
    a, b = make_run("aaaaaa"), make_run("bbbbbb", metrics={"accuracy": metric(0.9125), "loss": metric(0.5)})
    histories = {a.id: {"loss": points(1, 2)}, b.id: {"loss": points(1, 3)}}
    tolerance = Tolerance(rtol=0.5, per_metric={"x": (0.1, 0.2)}, origin="--rtol")
    shape = strict(verdict_json(judge(a, b, compare(a, b), tolerance, histories)))
    assert (shape["schema_version"], shape["original"], shape["again"]) == (1, a.id, b.id)
    assert shape["outcome"] == "diverged"
    assert shape["tolerance"] == {"rtol": 0.5, "atol": 0.0, "per_metric": {"x": [0.1, 0.2]}, "origin": "--rtol"}
    assert [each["part"] for each in shape["rows"]] == ["code", "environment", "data", "execution", "results"]
    assert shape["metrics"][1]["first_diverging_step"] == 1
    assert shape["outputs"] == [
        {"path": "model.pkl", "state": "byte-identical", "was": "e" * 64, "now": "e" * 64, "note": ""}
    ]
