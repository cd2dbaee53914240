"""Starting is quick because little is loaded: which modules each way in must not load, or not yet.

Nothing is timed here. A test process cannot tell what is loaded in another at a given moment, so each command runs in an
interpreter that a `sitecustomize` watches: it writes down what is loaded whenever a process starts, and at the end.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from commands import Git, Twice

LIBRARIES = {"dulwich", "jsonschema", "referencing", "yaml", "pip_requirements_parser", "packaging", "tabulate"}
SLOW_PARTS_OF_PYTHON = {"importlib.metadata", "email", "http", "asyncio", "multiprocessing", "tomllib", "sqlite3"}
OF_SEALING = {"twice.record.model", "twice.record.files", "twice.capture.data_files", "twice.capture.packages"}

WATCH = """
import atexit, json, os, subprocess, sys

def note(event):
    with open(os.environ["LOADED"], "a") as file:
        print(json.dumps([event, sorted(sys.modules)]), file=file)

if "LOADED" in os.environ:
    start = subprocess.Popen.__init__

    def watched(self, words, *others, **options):
        note(list(words))
        start(self, words, *others, **options)

    subprocess.Popen.__init__ = watched
    atexit.register(note, "end")
"""


def loaded(words: list[str], tmp_path: Path, cwd: Path) -> list[tuple[object, set[str]]]:
    """What a Python has loaded each time that it starts a process, and at its end: (the command or "end", modules)."""
    watch, notes = tmp_path / "watch", tmp_path / "loaded.jsonl"
    watch.mkdir(exist_ok=True)
    (watch / "sitecustomize.py").write_text(WATCH)
    notes.unlink(missing_ok=True)
    environ = {**os.environ, "PYTHONPATH": str(watch), "LOADED": str(notes)}
    subprocess.run([sys.executable, *words], cwd=cwd, env=environ, check=True, capture_output=True)
    return [(event, set(modules)) for event, modules in map(json.loads, notes.read_text().splitlines())]


def at_the_end(words: list[str], tmp_path: Path, cwd: Path) -> set[str]:
    event, modules = loaded(words, tmp_path, cwd)[-1]
    assert event == "end"
    return modules


def test_import_twice_loads_nothing_that_a_script_has_not(tmp_path: Path) -> None:
    bare = at_the_end(["-c", "pass"], tmp_path, tmp_path)
    assert at_the_end(["-c", "import twice"], tmp_path, tmp_path) - bare == {"twice", "__future__"}


def test_help_loads_click_and_no_command(tmp_path: Path) -> None:
    modules = at_the_end(["-m", "twice", "--help"], tmp_path, tmp_path)
    assert "click" in modules
    assert not modules & (LIBRARIES | SLOW_PARTS_OF_PYTHON)
    assert {name for name in modules if name.startswith("twice")} == {
        "twice",
        "twice.cli",
        "twice.cli.main",
        "twice.errors",
    }


@pytest.mark.parametrize("trace", ["auto", "python"])
def test_a_command_starts_before_what_only_sealing_needs_is_loaded(
    tmp_path: Path, repository: Path, trace: str
) -> None:
    (repository / "train.py").write_text("print('accuracy: 0.75')\n")
    (repository / "new.txt").write_text("untracked\n")
    command = [sys.executable, "train.py"]
    moments = loaded(["-m", "twice", "run", "--trace", trace, *command], tmp_path, repository)
    [before] = [modules for event, modules in moments if event == command]
    assert not before & (LIBRARIES | SLOW_PARTS_OF_PYTHON | OF_SEALING)
    assert "twice.execution.sealing" not in before
    event, after = moments[-1]
    assert event == "end"
    assert after >= OF_SEALING
    assert not after & {"jsonschema", "dulwich", "yaml", "tabulate"}  # writing a valid record needs none of them


def test_git_is_asked_once_for_each_thing_before_a_command_starts(tmp_path: Path, repository: Path) -> None:
    (repository / "train.py").write_text("print('accuracy: 0.75')\n")
    moments = loaded(["-m", "twice", "run", sys.executable, "train.py"], tmp_path, repository)
    started = [event for event, _ in moments if isinstance(event, list)]
    before = started[: started.index([sys.executable, "train.py"])]
    asked = [next(word for word in words[1:] if word != "-c" and "=" not in word) for words in before]
    assert asked == ["rev-parse", "status", "config", "update-index", "write-tree"]


def test_listing_loads_nothing_that_reads_or_writes_records(tmp_path: Path, repository: Path, twice: Twice) -> None:
    twice("run", "true")
    twice("ls")
    modules = at_the_end(["-m", "twice", "ls"], tmp_path, repository)
    assert "tabulate" in modules
    assert not modules & ({"dulwich", "jsonschema", "referencing", "yaml", "pip_requirements_parser"} | OF_SEALING)
    assert not modules & {"twice.execution.recording", "twice.store.run_store", "twice.capture.secrets"}
    assert "tabulate" not in at_the_end(["-m", "twice", "ls", "--json"], tmp_path, repository)


def test_a_rebuilt_index_is_read_from_git_without_dulwich_or_jsonschema(
    tmp_path: Path, repository: Path, twice: Twice, git: Git
) -> None:
    twice("run", "true")
    git("gc", "-q")
    (repository / ".git" / "twice" / "index.sqlite3").unlink()
    modules = at_the_end(["-m", "twice", "ls"], tmp_path, repository)
    assert "twice.record.files" in modules
    assert not modules & {"dulwich", "jsonschema", "pip_requirements_parser"}
