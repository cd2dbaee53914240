"""`run --twice` learns which results are noise, and `reproduce` judges by that: never more lenient without saying so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from commands import Git, Twice

SCRIPT = """\
import os, sys, twice
shake = int.from_bytes(os.urandom(2), "big") / 2**16 * {shake}
for step in range(4):
    twice.log_metric("loss", 1 / (step + 1) + (shake if step >= 2 else 0), step=step)
twice.log_metric("accuracy", 0.5)
open("model.bin", "w").write("always")
open("noise.bin", "w").write(repr(os.urandom(9)))
print("done", *sys.argv[1:])
"""


@pytest.fixture
def work(repository: Path, git: Git) -> Path:
    (repository / "train.py").write_text(SCRIPT.format(shake=1e-6))
    (repository / ".git/info/exclude").write_text("*.bin\ndata/\n")
    return repository


def newest(twice: Twice) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(twice("show", "@", "--json").out)
    return found


def test_results_are_marked_and_judged_by_their_noise(twice: Twice, work: Path, git: Git) -> None:
    done = twice("run", "--twice", "python", "train.py")
    assert done.out == "done\n"
    assert "1 of 2 metrics and 1 of 2 outputs deterministic; noisy: loss (±" in done.err
    run = newest(twice)
    assert run["executions"] == 2
    assert run["metrics"]["accuracy"]["noise"] == {"state": "deterministic"}
    noise = run["metrics"]["loss"]["noise"]
    assert (noise["state"], noise["first_diverging_step"]) == ("noisy", 2)
    assert 0 < noise["spread"] < 1e-6
    assert {one["path"]: one["noise"] for one in run["outputs"]} == {"model.bin": "deterministic", "noise.bin": "noisy"}
    assert len(json.loads(twice("ls", "--json").out)["runs"]) == 1
    assert git("for-each-ref", "refs/twice") == "" and git("worktree", "list").count("\n") == 1
    assert "noisy ±" in twice("show").out and "deterministic" in twice("show").out

    (work / "train.py").write_text("this is not what ran\n")
    done = twice("reproduce", "@", expect=None)
    shape = json.loads(twice("reproduce", run["id"], "--json", expect=None).out)
    outputs = {one["path"]: (one["state"], one["note"]) for one in shape["outputs"]}
    assert outputs["noise.bin"] == ("within noise", "differs, as in the original's second execution")
    metrics = {one["name"]: one["state"] for one in shape["metrics"]}
    assert metrics["accuracy"] == "bit-exact"
    assert metrics["loss"] in ("within noise", "diverged")  # by chance: three values drawn alike
    assert "noise" in done.out


def test_more_than_the_noise_diverges(twice: Twice, work: Path) -> None:
    script = SCRIPT.format(shake=1e-6).replace("if step >= 2 else 0", "+ float(open('data/x').read())")
    (work / "train.py").write_text(script)
    (work / "data").mkdir()
    (work / "data/x").write_text("0")
    twice("run", "--twice", "python", "train.py")
    (work / "data/x").write_text("1")
    done = twice("reproduce", "@", "--allow-changed-data", expect=1)
    assert "more than its noise (3 ×" in done.out
    assert "diverged" in done.out


def test_a_failed_run_and_one_that_eats_its_data(twice: Twice, work: Path) -> None:
    twice("run", "--twice", "python", "-c", "raise SystemExit(4)", expect=4)
    assert "nothing is known of noise" in newest(twice)["warnings"][0]
    (work / "data").mkdir()
    (work / "data/x").write_text("1")
    (work / "train.py").write_text("text = open('data/x').read(); open('data/x', 'w').write(text + '1')\n")
    done = twice("run", "--twice", "python", "train.py")
    assert "the second execution failed" in done.err and "data/x" in done.err
    assert newest(twice).get("executions") is None


def test_the_second_execution_has_the_snapshot_and_the_data(twice: Twice, work: Path) -> None:
    (work / "data").mkdir()
    (work / "data/x").write_text("7")
    (work / "train.py").write_text("print('value:', open('data/x').read())\nopen('here.bin', 'w').write('1')\n")
    twice("run", "--twice", "--isolated", "-i", "data/x", "python", "train.py")
    run = newest(twice)
    assert run["metrics"]["value"]["noise"] == {"state": "deterministic"}
    assert "reproduced" in twice("reproduce", "@").out
