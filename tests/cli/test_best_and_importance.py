from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands import Twice


@pytest.fixture
def sweep(twice: Twice, repository: Path) -> list[dict[str, object]]:
    """Six runs: lr makes the accuracy, the optimizer does not; one of them has NaN for a loss."""
    (repository / "train.py").write_text(
        "import sys, twice\n"
        "lr, optimizer = float(sys.argv[1]), sys.argv[2]\n"
        "twice.log_params({'lr': lr, 'optimizer': optimizer, 'epochs': 3})\n"
        "twice.log_metrics({'accuracy': 1 - lr, 'zeal': lr, 'loss': float('nan') if lr == 0.5 else lr})\n"
    )
    for lr, optimizer in ((0.1, "adam"), (0.2, "sgd"), (0.3, "adam"), (0.4, "sgd"), (0.5, "adam"), (0.6, "sgd")):
        twice("run", "python", "train.py", str(lr), optimizer)
    runs: list[dict[str, object]] = json.loads(twice("ls", "--json").out)["runs"]
    return runs


def test_best_and_importance(sweep: list[dict[str, object]], twice: Twice) -> None:
    def best(*words: str) -> tuple[list[int], list[float], str]:
        shape = json.loads(twice("best", "--json", *words).out)
        return [sweep.index(run) for run in shape["runs"]], shape["values"], shape["best"]

    assert best("accuracy") == ([0], [0.9], "highest")
    assert best("loss", "-n", "2") == ([0, 1], [0.1, 0.2], "lowest")
    assert best("loss", "--max") == ([5], [0.6], "highest")
    assert best("accuracy", "-f", "optimizer = sgd") == ([1], [0.8], "highest")
    assert best("metrics.accuracy.min", "--min") == ([5], [0.4], "lowest")
    done = twice("best", "zeal")
    assert done.out.splitlines()[1].split()[-3:] == ["0.4", "0.6", "0.6"]
    assert done.err == "twice: the highest zeal of 6 runs; the name does not tell, --min asks for the other end\n"
    assert twice("best", "accuracy").err == "twice: the highest accuracy of 6 runs\n"
    assert "did you mean `accuracy`" in twice("best", "acuracy", expect=2).err
    assert "is no metric of any run" in twice("best", "lr", expect=2).err
    assert "no run has a number" in twice("best", "loss", "-f", "lr = 0.5", expect=2).err

    done = twice("importance", "accuracy")
    assert done.out.splitlines()[0].split() == ["param", "share", "chance", "correlation", "best", "runs", "values"]
    assert done.out.splitlines()[1].split()[:2] == ["lr", "100%"]
    assert "only 6 runs" in done.err and "1 param is the same" in done.err
    ranking = json.loads(twice("importance", "accuracy", "--json").out)
    assert [one["param"] for one in ranking["params"]] == ["lr", "optimizer"]
    assert ranking["params"][0]["correlation"] == -1 and ranking["runs"] == 6 and ranking["constant"] == ["epochs"]
    assert "too few" in twice("importance", "accuracy", "-f", "lr < 0.3", expect=2).err
    twice("reproduce", "@")
    assert json.loads(twice("importance", "accuracy", "--json").out)["runs"] == 6

    complete = {"_TWICE_COMPLETE": "bash_complete", "COMP_WORDS": "twice best ac", "COMP_CWORD": "2"}
    assert "accuracy" in twice(env=complete, expect=None).out
