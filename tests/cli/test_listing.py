"""`twice ls`: filters, order, columns, forms, and what a terminal can bear."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from commands import Git, Twice

SCRIPT = """\
import sys
import twice

lr, quality = float(sys.argv[1]), float(sys.argv[2])
twice.log_params({"lr": lr, "model": {"layers": int(sys.argv[3])}})
for step in range(3):
    twice.log_metric("accuracy", quality * (step + 1) / 3, step=step)
    twice.log_metric("loss", 1 - quality, step=step)
"""
ROWS = [("0.1", "0.9", "2"), ("0.01", "0.6", "2"), ("0.5", "0.3", "3")]


@pytest.fixture
def three(twice: Twice, repository: Path, git: Git) -> list[str]:
    """Three runs; the last one ran with an uncommitted change to model.py. Their ids, oldest first."""
    (repository / "train.py").write_text(SCRIPT)
    (repository / "model.py").write_text("LAYERS = 2\n")
    (repository / "data.csv").write_text("1,2\n")
    git("add", "-A", cwd=repository)
    git("commit", "-q", "-m", "a script", cwd=repository)
    for position, words in enumerate(ROWS):
        if position == 2:
            (repository / "model.py").write_text("LAYERS = 3\n")
        name = ("-n", "wide") if position == 2 else ()
        twice(
            "run",
            "-i",
            "data.csv",
            "--seed",
            str(position),
            *name,
            "-t",
            f"fold={position}",
            "python",
            "train.py",
            *words,
        )
    return [run["id"] for run in json.loads(twice("ls", "--json").out)["runs"]]


def test_listing(three: list[str], twice: Twice, repository: Path, git: Git) -> None:
    def found(text: str, *words: str) -> list[int]:
        runs = json.loads(twice("ls", "--json", "-f", text, *words).out)["runs"]
        return [three.index(run["id"]) for run in runs]

    # what the index alone can answer
    assert found("accuracy > 0.5 AND params.lr < 0.05") == [1]
    assert found("metrics.accuracy > 0.85 and params.lr = '0.1'") == [0]
    assert found("attributes.run_name LIKE 'wi%'") == [2]
    assert found("seed = 1 or tags.fold = 2") == [1, 2]
    assert found("accuracy.at(0) < 0.25 and accuracy.mean < 1") == [1, 2]
    assert found("env.python >= 3.8") == [0, 1, 2]
    assert found("data.data IS NOT NULL and started > 1h") == [0, 1, 2]
    # what takes git
    assert found("code.touches('model.py')") == [2]
    assert found("NOT code.touches(model.py)") == [0, 1]
    assert found("code.touches('train.py')") == []
    assert found("under(main)") == found("under(HEAD)") == [0, 1, 2]
    assert found("under('HEAD~1')") == []
    assert found("same(code, @~1)") == [0, 1]
    assert found(f"same(params, {three[2]}) or same(params, best:accuracy)") == [0, 2]
    assert found("same(data, @) and same(env, @)") == [0, 1, 2]
    # order, number, selectors
    assert found("", "--sort", "accuracy") == [2, 1, 0]
    assert found("", "--sort", "metrics.accuracy DESC", "-n", "2") == [0, 1]
    assert found("lr > 0.05", "@", "@~2") == [0, 2]
    assert found("", "-e", "nothing") == []

    # forms
    rows = list(csv.DictReader(io.StringIO(twice("ls", "--csv").out)))
    assert [row["params.lr"] for row in rows] == ["0.5", "0.01", "0.1"]
    assert rows[2]["metrics.accuracy"] == "0.9" and rows[0]["tags.fold"] == "2" and rows[0]["id"] == three[2]
    table = twice("ls", "--columns", "id,lr,accuracy.min,seed,name,duration,started,branch").out.splitlines()
    assert table[0].split() == ["id", "lr", "accuracy.min", "seed", "name", "duration", "started", "branch"]
    assert table[1].split()[1:5] == ["0.5", "0.1", "2", "wide"] and table[1].endswith("main")
    assert twice("ls", "--md").out.startswith("| id | age | experiment |")
    exact = list(csv.DictReader(io.StringIO(twice("ls", "--csv", "--columns", "started,accuracy.count").out)))
    assert exact[0]["accuracy.count"] == "3" and exact[0]["started"].endswith("Z")

    # mistakes
    wrong = twice("ls", "-f", "acuracy > 0.5", expect=2)
    assert wrong.err == (
        "error: no run has an attribute, param, metric or tag `acuracy`\n"
        "  acuracy > 0.5\n"
        "  ^\n"
        "hint: did you mean `accuracy`?\n"
    )
    assert twice("ls", "-f", "metrics.acuracy > 0").err == (
        "twice: no run has the metric `acuracy`; did you mean `accuracy`?\ntwice: no run is like that\n"
    )
    assert "git knows no such branch" in twice("ls", "-f", "under(nowhere)", expect=2).err
    assert "no run has the param" in twice("ls", "--sort", "params.x", expect=2).err
    assert "expected ASC, DESC" in twice("ls", "--sort", "lr sideways", expect=2).err
    assert "no run `nothing`" in twice("ls", "nothing", expect=2).err

    # without the git executable the answers are the same
    for text in ("code.touches('model.py')", "under(main)", "accuracy.at(0) < 0.25"):
        without = json.loads(twice("ls", "--json", "-f", text, env={"TWICE_GIT": "none"}).out)["runs"]
        assert [three.index(run["id"]) for run in without] == found(text)


def test_a_tree_nests_what_came_from_what(three: list[str], twice: Twice) -> None:
    twice("reproduce", three[0])
    lines = twice("ls", "--tree").out.splitlines()
    assert lines[1].startswith(three[2][16:20]) and lines[4].startswith("└ ")
    assert lines[3].startswith(three[0][16:20])


def test_names_and_values_from_outside_do_not_break_the_terminal(twice: Twice, repository: Path) -> None:
    (repository / "train.py").write_text(
        "import twice\n"
        "twice.log_params({'a': 'x\\n\\x1b[31m', 'сумма': '数据', '|pipe|': '`code` @user', 'b': '=1+1\\x9b\\u202e'})\n"
        "twice.log_metrics({f'metric {number}': number / 7 for number in range(500)})\n"
        "twice.log_metrics({'nan': float('nan'), 'inf': float('-inf')})\n"
    )
    twice("run", "python", "train.py")
    for words in ([], ["--all"], ["--md"], ["--columns", "a,сумма,nan,inf"], ["--json"]):
        shown = twice("ls", *words, env={"COLUMNS": "80"}).out
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shown)
        assert words or max(map(len, shown.split("\n"))) <= 80
    assert json.loads(twice("ls", "--json").out)["runs"][0]["params"]["b"] == "=1+1\x9b\u202e"
    assert "@user" not in twice("ls", "--md", "--all").out
    (row,) = csv.DictReader(io.StringIO(twice("ls", "--csv").out))
    assert (row["params.a"], row["metrics.nan"], len(row)) == ("x\n\x1b[31m", "nan", 8 + 4 + 502)
    assert twice("ls", "-f", "a = 'x\n\x1b[31m' and сумма = 数据 and nan = nan and inf < 0").out.count("\n") == 2
    wrong = twice("ls", "-f", "`\x1b[31m` > 1", expect=2)
    assert "\x1b" not in wrong.err


def test_a_long_list_says_what_it_leaves_out(twice: Twice, repository: Path) -> None:
    (repository / "train.py").write_text("print('x: 1')\n")
    for _ in range(3):
        twice("run", "python", "train.py")
    assert twice("ls", "-n", "2").out.count("\n") == 3
    assert twice("ls", "--all").out.count("\n") == 4
    (repository / ".git/twice/index.sqlite3").write_bytes(b"damaged" * 2000)
    assert twice("ls").out.count("\n") == 4
