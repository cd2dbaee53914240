"""Why a run diverged: what differs, what was not seeded, what the script asks for that no seed decides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sample_runs import make_run
from twice.comparison.causes import find_causes
from twice.comparison.differences import compare
from twice.record.model import Run, SeededProcess, Seeds

QUIET = Seeds(root=1, processes=(SeededProcess(key="main", python="3.11.7", seeded=("random",)),))


def a_run(seeds: Seeds = QUIET) -> Run:
    return replace(make_run(), seeds=seeds)


def causes(was: Run, now: Run, script: str = "") -> tuple[str, ...]:
    return find_causes(was, now, compare(was, now), script)


def test_what_differs_is_the_cause() -> None:
    other = replace(QUIET, root=2)
    assert causes(a_run(), a_run(other), "import time; time.time()") == ("what else differs: seeds",)


def test_a_python_that_was_not_seeded() -> None:
    seeds = replace(QUIET, not_applied=("main/popen-1: python -I does not take the run's variables",))
    assert causes(a_run(seeds), a_run(seeds)) == (
        "not seeded: main/popen-1: python -I does not take the run's variables",
    )


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import time\nx = time.time()\ny = time.perf_counter()", "the time (line 2, 3)"),
        ("from uuid import uuid4\nprint(uuid4())", "the system's entropy (line 2)"),
        ("import secrets\nsecrets.choice('ab')", "the system's entropy (line 2)"),
        ("import os\nfor name in os.listdir('.'): print(name)", "the order in which a folder is listed (line 2)"),
        ("import sys\nfor line in sys.stdin: print(line)", "what came on standard input (line 2)"),
    ],
)
def test_what_no_seed_decides_is_named_by_line(script: str, words: str) -> None:
    assert causes(a_run(), a_run(), script) == (f"the script depends on {words}",)


@pytest.mark.parametrize("script", ["", "this is no Python", "import os\nsorted(os.listdir('.'))", "row.id()"])
def test_without_a_known_cause_nothing_is_made_up(script: str) -> None:
    (words,) = causes(a_run(), a_run(), script)
    assert "nothing that is recorded differs" in words


def test_workers_that_take_tasks_as_they_come() -> None:
    workers = tuple(SeededProcess(key=f"main/process-{n}", python="", seeded=("numpy",)) for n in (1, 2))
    seeds = replace(QUIET, processes=(*QUIET.processes, *workers))
    (words,) = causes(a_run(seeds), a_run(seeds))
    assert words.startswith("2 worker processes have random numbers of their own")
