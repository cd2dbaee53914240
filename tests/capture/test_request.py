from __future__ import annotations

import math
from pathlib import Path

import pytest

from twice.capture.request import (
    check_experiment,
    command_line_params,
    default_experiment,
    find_entry_point,
    parse_assignment,
    parse_value,
)
from twice.errors import UsageError


@pytest.mark.parametrize(
    ("command", "entry_point", "experiment"),
    [
        ("python train.py --lr 0.1", "train.py", "train"),
        ("python -u src/fit.py", "src/fit.py", "fit"),
        ("python3.11 -m package.evaluate --fast", "package.evaluate", "evaluate"),
        ("uv run python train.py", "train.py", "train"),
        ("env LR=1 python train.py", "train.py", "train"),
        ("torchrun --nproc-per-node 2 train.py", "train.py", "train"),
        ("./sweep.sh 3", "./sweep.sh", "sweep"),
        ("bash sweep.sh", "sweep.sh", "sweep"),
        ("python -c pass", None, "python"),
        ("true", None, "true"),
        ("/bin/true", "/bin/true", "true"),
        (".venv/bin/python train.py", "train.py", "train"),
        ("julia model.v2.jl", "model.v2.jl", "model"),
    ],
)
def test_entry_point_and_experiment(tmp_path: Path, command: str, entry_point: str | None, experiment: str) -> None:
    for name in ("train.py", "src/fit.py", "sweep.sh", "model.v2.jl", ".venv/bin/python"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    words = command.split()
    assert find_entry_point(words, tmp_path) == entry_point
    assert default_experiment(words, entry_point) == experiment


@pytest.mark.parametrize("name", ["a", "a/b", "größe", "v1.2", "a-b_c"])
def test_names_for_experiments(name: str) -> None:
    assert check_experiment(name) == name


@pytest.mark.parametrize(
    "name", ["", "/a", "a/", "a//b", "a b", "a..b", "a.lock", ".a", "a/.b", "-a", "a~1", "@{", "a\n"]
)
def test_what_is_no_name_for_an_experiment(name: str) -> None:
    with pytest.raises(UsageError, match="not a name"):
        check_experiment(name)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-3", -3),
        ("007", "007"),
        ("1e-3", 1e-3),
        (".5", 0.5),
        ("1_000", "1_000"),
        ("inf", math.inf),
        ("true", True),
        ("False", False),
        ("None", None),
        ("no", "no"),
        ("", ""),
        ("a=b", "a=b"),
    ],
)
def test_values(text: str, value: object) -> None:
    parsed = parse_value(text)
    assert (type(parsed), parsed) == (type(value), value)


def test_an_assignment_is_split_at_the_first_equals_sign() -> None:
    assert parse_assignment("model.name=a=b", "-p") == ("model.name", "a=b")
    with pytest.raises(UsageError, match="expected key=value"):
        parse_assignment("lr", "-p")
    with pytest.raises(UsageError, match="expected key=value"):
        parse_assignment("=3", "-p")


def test_words_of_any_program() -> None:
    words = [
        "--lr",
        "0.1",
        "--flag",
        "--name=x",
        "--offset",
        "-3",
        "data.csv",
        "seed=4",
        "+model.depth=2",
        "--last",
        "-v",
        "--",
        "--not",
        "this",
    ]
    assert command_line_params(words) == {
        "lr": 0.1,
        "flag": True,
        "name": "x",
        "offset": -3,
        "seed": 4,
        "model.depth": 2,
        "last": True,
    }
