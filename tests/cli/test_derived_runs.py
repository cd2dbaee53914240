"""`reproduce` with a change: another run, recorded as derived from the first, compared with it and not judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands import Git, Twice
from copies import made_once

SCRIPT = """\
import argparse, random, sys
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--weight-decay", type=float, default=0.0)
parser.add_argument("--fast", action="store_true")
parser.add_argument("--data", default="README")
args = parser.parse_args()
print("value:", args.lr + random.random() * 0 + args.weight_decay)
print("size:", len(open(args.data).read()))
sys.exit(3 if args.fast else 0)
"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept") / "repository"


@pytest.fixture
def work(repository: Path, twice: Twice, kept: Path) -> Path:
    (repository / "train.py").write_text(SCRIPT)
    words = ("run", "--seed", "7", "-p", "note=first", "python", "train.py", "--lr", "0.1")
    made_once(repository, kept, lambda: twice(*words))
    return repository


def newest(twice: Twice) -> dict[str, object]:
    found: dict[str, object] = json.loads(twice("show", "@", "--json").out)
    return found


def test_other_arguments(twice: Twice, work: Path, git: Git) -> None:
    first = newest(twice)
    done = twice("reproduce", "@", "--", "--lr", "0.3", "--weight-decay=1")
    again = newest(twice)
    assert again["command"] == ["python", "train.py", "--lr", "0.3", "--weight-decay=1"]
    assert (again["derived_from"], again.get("reproduces")) == (first["id"], None)
    assert again["seeds"]["root"] == 7  # type: ignore[index]
    assert again["metrics"]["value"]["last"] == 1.3  # type: ignore[index]
    assert "lr" in done.out and "value" in done.out and "reproduced" not in done.out + done.err
    assert f"Derived-From: {first['id']}" in git("log", "-1", "--format=%B", str(again["commit"]))
    assert "derived from" in twice("show", "@").out
    assert "verified" not in twice("ls").out


def test_another_param_where_it_stands_or_at_the_end(twice: Twice, work: Path) -> None:
    for option, command in (
        ("lr=0.5", ["--lr", "0.5"]),
        ("weight_decay=2", ["--lr", "0.5", "--weight-decay", "2"]),
        ("weight_decay=1e-3", ["--lr", "0.5", "--weight-decay", "1e-3"]),
        ("note=second", ["--lr", "0.5", "--weight-decay", "1e-3"]),
    ):
        twice("reproduce", "-p", option)
        assert newest(twice)["command"] == ["python", "train.py", *command]
    assert newest(twice)["params"]["note"] == "second"  # type: ignore[index]


def test_a_switch_and_the_exit_code_of_the_command(twice: Twice, work: Path) -> None:
    twice("reproduce", "-p", "fast=true", expect=3)
    assert newest(twice)["command"] == ["python", "train.py", "--lr", "0.1", "--fast"]
    twice("reproduce", "-p", "fast=false")
    assert newest(twice)["command"] == ["python", "train.py", "--lr", "0.1"]
    assert "switched on or off" in twice("reproduce", "-p", "fast=7", expect=2).err


def test_a_param_that_nobody_knows(twice: Twice, work: Path) -> None:
    done = twice("reproduce", "-p", "momentum=1", expect=2)
    assert "momentum" in done.err and "lr" in done.err
    assert "expected key=value" in twice("reproduce", "-p", "lr", expect=2).err
    assert len(json.loads(twice("ls", "--json").out)["runs"]) == 1


def test_data_that_only_the_new_arguments_name(twice: Twice, work: Path) -> None:
    (work / ".git/info/exclude").write_text("*.txt\n")
    (work / "other.txt").write_text("12345")
    twice("reproduce", "@", "--", "--data", "other.txt")
    again = newest(twice)
    assert again["metrics"]["size"]["last"] == 5  # type: ignore[index]
    assert "other.txt" in [one["path"] for one in again["inputs"]]  # type: ignore[attr-defined]


def test_no_arguments_at_all(twice: Twice, work: Path) -> None:
    twice("reproduce", "@", "--")
    assert newest(twice)["command"] == ["python", "train.py"]


def test_a_change_of_a_change_and_its_reproduction(twice: Twice, work: Path) -> None:
    twice("reproduce", "-p", "lr=0.9")
    assert "reproduced" in twice("reproduce", "@").out
