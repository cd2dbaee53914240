"""What a notebook reads of runs is what was recorded, and what the command line says."""

from __future__ import annotations

import json
import traceback
from pathlib import Path

import pytest

import twice as api
from commands import Twice

TRAIN = """
import argparse, pathlib, twice
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
args = parser.parse_args()
for step in range(3):
    twice.log_metrics({"loss": args.lr / (step + 1)}, step=step)
twice.log_metric("accuracy", 1 - args.lr)
twice.log_params({"model": {"depth": 3}})
twice.set_tag("kind", "test")
pathlib.Path("weights.txt").write_text(str(args.lr))
print("trained")
"""


@pytest.fixture
def recorded(repository: Path, twice: Twice) -> Path:
    (repository / "train.py").write_text(TRAIN)
    twice("run", "-n", "first", "python", "train.py")
    twice("run", "python", "train.py", "--lr", "0.2")
    return repository


def test_a_run_is_read_whole(recorded: Path, twice: Twice) -> None:
    run = api.get_run("first", repository=recorded)
    said = json.loads(twice("show", "first", "--json").out)
    assert (run.id, run.experiment, run.name, run.status) == (said["id"], "train", "first", "finished")
    assert run.params == {"lr": 0.1, "model.depth": 3}
    assert run.metrics == {name: one["last"] for name, one in said["metrics"].items()}
    assert [(point.step, point.value) for point in run.history("loss")] == [(0, 0.1), (1, 0.05), (2, 0.1 / 3)]
    assert run.artifact("weights.txt") == b"0.1"
    assert run.log() == "trained\n"
    assert run.record.code.tree == said["code"]["tree"]
    assert run.tags == {"kind": "test"}
    assert run.row()["params.model.depth"] == 3
    assert repr(run) == f"<run {run.id[-6:-2]} train finished: accuracy=0.9, loss=0.0333333>"


def test_filters_and_orders_are_those_of_the_command_line(recorded: Path) -> None:
    (recorded / "below").mkdir()
    found = api.search_runs("metrics.accuracy > 0.5", order_by="-params.lr", repository=recorded / "below")
    assert [run.params["lr"] for run in found] == [0.2, 0.1]
    assert [run.name for run in api.search_runs(order_by=["metrics.loss ASC"], max_results=1, repository=recorded)] == [
        "first"
    ]
    assert api.search_runs(experiment="other", repository=recorded) == []
    assert api.get_run(repository=recorded) == found[0]
    assert len({*found, *api.search_runs(repository=recorded)}) == 2


def test_a_difference_is_that_of_the_command_line(recorded: Path, twice: Twice) -> None:
    said = json.loads(twice("diff", "@~1", "@", "--json", expect=1).out)
    del said["seed_noise"]
    assert json.loads(json.dumps(api.diff_runs(repository=recorded))) == said


def test_what_is_wrong_is_told_with_its_place_and_a_hint(recorded: Path) -> None:
    with pytest.raises(api.TwiceError) as raised:
        api.search_runs("acuracy > 1", repository=recorded)
    shown = "".join(traceback.format_exception(raised.value))
    assert "did you mean `accuracy`?" in str(raised.value.hint)
    if hasattr(raised.value, "add_note"):  # Python 3.11
        assert "^" in shown
        assert "hint: " in shown
    with pytest.raises(api.TwiceError, match=r"keeps no `model\.pt`") as missing:
        api.get_run(repository=recorded).artifact("model.pt")
    assert missing.value.hint == "it keeps weights.txt"
    with pytest.raises(api.TwiceError, match="no run"):
        api.get_run("nothing", repository=recorded)


def test_outside_of_a_repository(tmp_path: Path) -> None:
    with pytest.raises(api.TwiceError, match="repository"):
        api.search_runs(repository=tmp_path)
