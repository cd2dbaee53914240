"""Pythons that a run starts and that will not be seeded are known, with the reason."""

from __future__ import annotations

import pytest
from interpreters import Runner

from twice.agent.process_keys import ignoring_options
from twice.capture.seeds import gather_seeds


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["-I", "x.py"], "I"),
        (["-IS", "-E", "x.py"], "ISE"),
        (["-uSc", "print('-E')"], "S"),
        (["-W", "-E", "x.py"], ""),  # -E is the value of -W
        (["-Werror", "-E", "x.py"], "E"),
        (["-Xdev", "-E"], "E"),
        (["x.py", "-I"], ""),
        (["-m", "module", "-S"], ""),
        (["-", "-S"], ""),
        (["--version"], ""),
        ([], ""),
    ],
)
def test_options_that_shut_us_out(words: list[str], expected: str) -> None:
    assert ignoring_options(words) == expected


def test_children_that_take_nothing_are_reported_with_the_reason(run: Runner) -> None:
    ran = run(
        "import subprocess, sys\n"
        "subprocess.run([sys.executable, '-I', '-c', ''])\n"
        "subprocess.run([sys.executable, '-I', '-c', ''])\n"
        "subprocess.run([sys.executable, '-c', ''], env={})\n"
        "subprocess.run([sys.executable, '-c', ''])\n"
        "subprocess.run(['true', '-I'], env={})\n"
    )
    assert [event["key"] for event in ran.of_kind("unreached")] == ["main/popen-1", "main/popen-2", "main/popen-3"]
    seeds = gather_seeds(7, ran.events, python_expected=True)
    first, second = seeds.not_applied
    assert first.startswith("main/popen-1 and 1 more: python") and first.endswith(
        "-I does not take the run's variables"
    )
    assert second.startswith("main/popen-3: python") and "without the run's" in second
    assert {process.key for process in seeds.processes} == {"main", "main/popen-4"}


def test_who_reports_in_all_the_same_was_reached(run: Runner) -> None:
    ran = run("import subprocess, sys; subprocess.run([sys.executable, '-I', '-c', ''])")
    events = [*ran.events, {"kind": "process", "pid": 1, "key": "main/popen-1", "version": "3.11.7"}]
    assert gather_seeds(7, events, python_expected=True).not_applied == ()
