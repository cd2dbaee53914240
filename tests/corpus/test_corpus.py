"""Does the promise hold?  Each program of the corpus is recorded, carried away as one ref, and run again elsewhere.

The repository that it is recorded in has modified, staged, deleted and untracked files; what reproduces it is a fresh clone
in another folder with an empty home, when the first repository is gone. Nothing that `twice` says is believed: files are
hashed here, printed numbers are read here, and both must agree with the verdict.

`TWICE_CORPUS_PYTHON` names another Python for the programs, one with torch, pandas, polars and the like.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from table import BESIDE, PROGRAMS, Program

from commands import Git, Twice

pytestmark = pytest.mark.slow

_FOLDER = Path(__file__).parent / "programs"
_METRIC = re.compile(r"^([a-z][\w ]*): (\S+)(?: \(step (\d+)\))?$", re.MULTILINE | re.IGNORECASE)


_PYTHON = os.environ.get("TWICE_CORPUS_PYTHON") or sys.executable  # read here: no test sees variables of ours


def require(modules: tuple[str, ...]) -> None:
    """Skip, and say why, when the Python of the programs lacks one of the modules."""
    code = "import importlib.util, sys; print(*[n for n in sys.argv[1:] if importlib.util.find_spec(n) is None])"
    missing = subprocess.run([_PYTHON, "-c", code, *modules], capture_output=True, text=True, check=True).stdout.split()
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


@dataclass
class Carried:
    """A program that was recorded, and a clone that has its run and nothing else."""

    run: dict[str, Any]
    printed: str
    bare: str
    contents: dict[str, str]
    clone: Path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def lay_out(program: Program, work: Path, git: Git) -> None:
    """A repository with the program in it, and with all that people leave lying around."""
    git("init", "-q", "-b", "main", str(work), cwd=work.parent)
    source = _FOLDER / program.files
    if source.is_dir():
        shutil.copytree(source, work, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, work)
    if (ignored := work / "ignored").exists():
        ignored.rename(work / ".gitignore")
    names = sorted(path for path in work.rglob("*") if path.is_file() and ".git" not in path.parts)
    untracked = names[1::3]
    code = {path: path.read_text() for path in names if path.suffix == ".py"}
    for path, text in code.items():
        path.write_text(text + "# a first draft\n")
    (work / "gone.txt").write_text("will be deleted\n")
    (work / "notes.txt").write_text("notes\n")
    git("add", "-A", cwd=work)
    if untracked:
        git("rm", "-q", "--cached", "--ignore-unmatch", *(str(path) for path in untracked), cwd=work)
    git("commit", "-q", "-m", "a first draft", cwd=work)
    for path, text in code.items():
        path.write_text(text)
    (work / "gone.txt").unlink()
    (work / "notes.txt").write_text("notes, changed\n")
    (work / "staged.txt").write_text("staged\n")
    git("add", "staged.txt", cwd=work)
    (work / "a draft, not tracked.txt").write_text("untracked\n")


@pytest.fixture
def carry(tmp_path: Path, git: Git, twice: Twice, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(_PYTHON).parent), os.environ["PATH"]]))

    def run(program: Program) -> Carried:
        work, clone = tmp_path / "work", tmp_path / "clone"
        lay_out(program, work, git)
        beside = tmp_path / "beside"
        beside.mkdir()
        (beside / "values.txt").write_text(BESIDE)
        (beside / "other.txt").write_text("absolute\n")
        if program.files == "linked_data":
            (work / "data").symlink_to(beside)
        command = program.command.format(here=tmp_path).split()
        # Bare first, in a copy: what is true of the program without us.
        shutil.copytree(work, tmp_path / "bare" / "work", symlinks=True)
        shutil.copytree(beside, tmp_path / "bare" / "beside")
        bare = subprocess.run(
            command, cwd=tmp_path / "bare" / "work", capture_output=True, text=True, input=program.stdin, check=False
        )
        assert bare.returncode == program.exit_code, bare.stderr
        done = twice("run", *program.options, *command, cwd=work, stdin=program.stdin or "", expect=program.exit_code)
        shown = json.loads(twice("show", "--json", cwd=work).out)
        contents = {
            one["path"]: sha256(work / one["path"]) for one in shown["outputs"] if one.get("kind", "file") == "file"
        }
        ref = git("for-each-ref", "--format=%(refname)", "refs/experiments", cwd=work).strip()
        git("init", "-q", str(clone), cwd=tmp_path)
        git("fetch", "-q", str(work), f"{ref}:{ref}", cwd=clone)
        work.rename(tmp_path / "gone")
        home = tmp_path / "empty"
        home.mkdir()
        monkeypatch.setenv("HOME", str(home))
        return Carried(shown, done.out, bare.stdout, contents, clone)

    return run


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_comes_out_again_or_the_cause_is_named(name: str, carry: Any, twice: Twice, tmp_path: Path) -> None:
    program = PROGRAMS[name]
    require(program.needs)
    was: Carried = carry(program)
    check_record(program, was, tmp_path)
    if program.outcome == "impossible":
        failed = twice("reproduce", "@", cwd=was.clone, expect=2)
        assert all(cause in failed.err for cause in program.says), failed.err
        return
    done = twice("reproduce", "@", "--json", "--keep", cwd=was.clone, expect=None)
    assert done.exit_code in (0, 1), done.err
    verdict = json.loads(done.out)
    check_verdict(program, was, verdict, done.err)
    check_claims(was, verdict, done.err)


def check_record(program: Program, was: Carried, tmp_path: Path) -> None:
    """The record is true: outputs and inputs are these, hashed as they are, and the params those that the program used."""
    recorded = {one["path"]: one.get("sha256") for one in was.run["outputs"]}
    assert recorded == was.contents
    assert set(recorded) == set(program.outputs), "outputs"
    inputs = {path.format(here=tmp_path) for path in program.inputs}
    assert {one["path"] for one in was.run["inputs"]} == inputs, "inputs"
    assert was.run["params"].items() >= program.params.items()
    numbers = _METRIC.findall(was.printed)
    assert len(was.run["metrics"]) == len({name for name, *_ in numbers}) > 0
    for name, value, _ in numbers:
        known = was.run["metrics"][name]
        assert known["count"] > 1 or repr(known["last"]) == value
    if program.is_random:
        assert numbers != _METRIC.findall(was.bare), "the program is not random at all"
    elif program.outcome == "reproduced" and program.files != "shell_pipeline":
        assert was.printed == was.bare, "twice has changed what the program computes"
    if program.distinct is not None:
        assert was.run["metrics"]["distinct"]["last"] == program.distinct


def check_verdict(program: Program, was: Carried, verdict: dict[str, Any], told: str) -> None:
    """What is said is what is true of the program."""
    rows = {row["part"]: row for row in verdict["rows"]}
    assert rows["code"]["state"] == "identical", rows["code"]
    assert rows["environment"]["state"] == "identical", rows["environment"]
    assert rows["data"]["state"] == "identical", rows["data"]
    if program.outcome != "either":
        assert verdict["outcome"] == program.outcome, told + json.dumps(verdict["rows"], indent=1)
    allowed = {"bit-exact", "diverged"} if program.outcome == "either" else {"diverged"}
    for metric in verdict["metrics"]:
        assert metric["state"] in (allowed if metric["name"] in program.diverging else {"bit-exact"}), metric
    assert {one["path"]: one["state"] for one in verdict["outputs"]} == dict(program.outputs)
    words = json.dumps(verdict["causes"])
    assert all(cause in words for cause in program.says), words
    if verdict["outcome"] == "diverged":
        assert verdict["causes"] and "nothing that is recorded" not in words, words


def check_claims(was: Carried, verdict: dict[str, Any], told: str) -> None:
    """No "identical" that is none: files hashed and numbers read once more, here."""
    kept = Path(re.findall(r"kept[^/]*(/\S+)", told)[-1])
    for one in verdict["outputs"]:
        same = (kept / one["path"]).is_file() and sha256(kept / one["path"]) == was.contents.get(one["path"])
        assert (one["state"] == "byte-identical") == same, one
    first, again = _METRIC.findall(was.printed), _METRIC.findall(told)
    for metric in verdict["metrics"]:
        name = metric["name"]
        same = [one for one in first if one[0] == name] == [one for one in again if one[0] == name]
        assert (metric["state"] == "bit-exact") == same, metric
    (row,) = (row for row in verdict["rows"] if row["part"] == "results")
    if row["state"] == "identical":
        assert first == again
