"""`reproduce --check` says what is missing, `--dry-run` what would be done; neither does anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from commands import Git, Twice

SCRIPT = """\
import sys
print("value:", len(open("data/x.csv").read()) + len(sys.argv))
open("out.txt", "w").write("result")
"""


@pytest.fixture
def work(repository: Path, twice: Twice) -> Path:
    (repository / "train.py").write_text(SCRIPT)
    (repository / "data").mkdir()
    (repository / "data/x.csv").write_text("1,2,3\n")
    (repository / ".git/info/exclude").write_text("data/\nout.txt\n")
    twice("run", sys.executable, "train.py", "--lr", "1", env={"OMP_NUM_THREADS": "2"})
    return repository


def needs(twice: Twice, *words: str, expect: int = 0) -> dict[str, tuple[str, str]]:
    shape = json.loads(twice("reproduce", "--check", "--json", *words, expect=expect).out)
    assert shape["ready"] is (expect == 0)
    return {need["part"]: (need["state"], need["text"]) for need in shape["needs"]}


def everything(work: Path) -> set[str]:
    return {str(path) for path in work.rglob("*") if "hashes.sqlite3" not in path.name and "index" not in path.name}


def test_all_is_here(twice: Twice, work: Path) -> None:
    before = everything(work)
    found = needs(twice)
    assert list(found) == ["code", "interpreter", "packages", "data", "memory", "disk", "time"]
    assert {part: state for part, (state, _) in found.items() if part != "packages"} == dict.fromkeys(
        ("code", "interpreter", "data", "memory", "disk", "time"), "ready"
    )
    assert found["interpreter"][1] == sys.executable
    assert found["data"][1] == "1 input, 6 B"
    assert everything(work) == before
    page = twice("reproduce", "--check").out.splitlines()
    assert page[0].startswith("code         ready: commit ")


def test_data_is_missing(twice: Twice, work: Path) -> None:
    (work / "data/x.csv").unlink()
    assert needs(twice, expect=2)["data"] == ("missing", "1 of 1 input, 6 B of 6 B")
    assert "data/x.csv (6 B): not found" in twice("reproduce", "--check", expect=2).out
    assert needs(twice, "--allow-changed-data")["data"][0] == "differs"


def test_the_interpreter_or_the_code_is_missing(twice: Twice, work: Path, git: Git, tmp_path: Path) -> None:
    assert needs(twice, "--python", "no-such-python", expect=2)["interpreter"][0] == "missing"
    ref = git("for-each-ref", "--format=%(refname)", "refs/experiments").split()[0]
    git("clone", "-q", "--depth", "1", f"file://{work}", str(tmp_path / "clone"))
    commit = git("rev-parse", ref).strip()
    git("fetch", "-q", "--depth", "1", f"file://{work}", f"{commit}:{ref}", cwd=tmp_path / "clone")
    done = twice("reproduce", "--check", cwd=tmp_path / "clone", expect=2)
    assert "code         missing: the code of run" in done.out and "twice pull" in done.out


def test_other_packages_are_to_be_rebuilt_or_taken_as_they_are(twice: Twice, work: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    python = str(tmp_path / "bare" / ("Scripts" if os.name == "nt" else "bin") / "python")
    found = needs(twice, "--python", python)
    assert found["interpreter"] == ("ready", python)
    assert found["packages"][0] == "differs"


def test_the_steps_are_a_script_that_gives_the_result(twice: Twice, work: Path, git: Git) -> None:
    before, written_ns = everything(work), (work / "out.txt").stat().st_mtime_ns
    done = twice("reproduce", "--dry-run", env={"OMP_NUM_THREADS": "7", "LANG": "C.UTF-8"})
    assert everything(work) == before
    lines = done.out.splitlines()
    assert "export OMP_NUM_THREADS=2" in lines
    assert "unset LANG" in lines
    assert any(line.startswith(sys.executable) and line.endswith("train.py --lr 1") for line in lines)
    assert any(line.startswith("cp ") and line.endswith("# 6 B") for line in lines)
    ran = subprocess.run(["sh", "-e", "-c", done.out], cwd=work, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "value: 9"
    assert (work / "out.txt").stat().st_mtime_ns == written_ns, "the user's own output is as it was"
    assert git("worktree", "list").count("\n") == 1


def test_the_steps_of_a_change(twice: Twice, work: Path) -> None:
    lines = twice("reproduce", "--dry-run", "-p", "lr=5").out.splitlines()
    assert any(line.endswith("train.py --lr 5") for line in lines)
    assert any("derived from" in line for line in lines)
    assert "exclude each other" in twice("reproduce", "--dry-run", "--check", expect=2).err
    assert len(json.loads(twice("ls", "--json").out)["runs"]) == 1
