"""What changes while a run goes on is found and said: its inputs and its code, edited by somebody else meanwhile."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands import Git, Twice

# Reads, tells that it has, and goes on when the other one is done.
SCRIPT = """\
import json, os, time
import early
with open("data/x.csv") as file:
    start = file.read(3)
    with open("settings.json") as settings:
        json.load(settings)
    open(".git/ready", "w").close()
    while not os.path.exists(".git/go"):
        time.sleep(0.01)
    start += file.read()
import late
print("length:", len(start))
"""


@pytest.fixture
def work(repository: Path, git: Git) -> Path:
    (repository / "train.py").write_text(SCRIPT)
    (repository / "early.py").write_text("V = 1\n")
    (repository / "late.py").write_text("V = 1\n")
    (repository / "settings.json").write_text("{}")
    (repository / ".gitignore").write_text("data/\n")
    (repository / "data").mkdir()
    (repository / "data/x.csv").write_text("1,2,3\n" * 100)
    git("add", "-A", cwd=repository)
    git("commit", "-q", "-m", "a script")
    return repository


def run_beside(work: Path, edit: Callable[[], object], *words: str) -> tuple[str, dict[str, Any]]:
    """Run the script, edit while it waits; what was said, and the record."""
    for name in ("ready", "go"):
        (work / ".git" / name).unlink(missing_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "twice", "run", *words],
        cwd=work,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    deadline = time.monotonic() + 30
    while not (work / ".git/ready").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    edit()
    (work / ".git/go").touch()
    _, said = process.communicate()
    assert process.returncode == 0, said
    shown = subprocess.run(
        [sys.executable, "-m", "twice", "show", "--json", "@"], cwd=work, capture_output=True, check=True
    )
    return said, json.loads(shown.stdout)


def changed(run: dict[str, Any]) -> list[str]:
    return list(run["code"].get("changed_during_run") or [])


def sha256_of(run: dict[str, Any], path: str) -> str | None:
    (found,) = [one for one in run["inputs"] if one["path"] == path]
    return found.get("sha256")


COMMAND = ("python", "train.py")


def test_a_run_that_nobody_disturbs_has_nothing_to_say(work: Path) -> None:
    said, run = run_beside(work, lambda: None, *COMMAND)
    assert "changed" not in said and not run.get("warnings") and changed(run) == []
    assert sha256_of(run, "data/x.csv") == hashlib.sha256((work / "data/x.csv").read_bytes()).hexdigest()


def test_an_input_that_changes_has_no_hash_that_nobody_knows(work: Path) -> None:
    with (work / "data/x.csv").open("a") as file:
        said, run = run_beside(work, lambda: (file.write("more\n"), file.flush()), *COMMAND)
    assert "data/x.csv was read and then changed while the run went on" in said
    assert sha256_of(run, "data/x.csv") is None


def test_an_input_that_was_known_keeps_its_hash_and_the_change_is_said(work: Path) -> None:
    before = hashlib.sha256((work / "data/x.csv").read_bytes()).hexdigest()
    old = time.time() - 60
    os.utime(work / "data/x.csv", (old, old))
    time.sleep(2.1)  # longer than the cache of hashes distrusts a file that is new
    run_beside(work, lambda: None, *COMMAND)
    said, run = run_beside(work, lambda: (work / "data/x.csv").write_text("other"), "--trace", "syscalls", *COMMAND)
    assert "data/x.csv changed while the run went on" in said
    assert sha256_of(run, "data/x.csv") == before


def test_an_input_replaced_by_another_file_of_the_same_size(work: Path) -> None:
    def replace() -> None:
        (work / "data/new").write_text("4,5,6\n" * 100)
        status = (work / "data/x.csv").stat()
        os.utime(work / "data/new", ns=(status.st_atime_ns, status.st_mtime_ns))
        (work / "data/new").replace(work / "data/x.csv")

    said, run = run_beside(work, replace, "--trace", "syscalls", *COMMAND)
    assert "data/x.csv was read and then changed" in said and sha256_of(run, "data/x.csv") is None


def test_an_input_that_git_has_is_known_by_the_snapshot(work: Path) -> None:
    said, run = run_beside(work, lambda: (work / "settings.json").write_text('{"lr": 1}'), *COMMAND)
    assert "settings.json changed while the run went on" in said
    assert sha256_of(run, "settings.json") == hashlib.sha256(b"{}").hexdigest()


@pytest.mark.parametrize("name", ["train.py", "early.py", "late.py"])
def test_code_that_changes_is_named(work: Path, name: str) -> None:
    said, run = run_beside(work, lambda: (work / name).write_text("# another\n"), *COMMAND)
    assert f"code changed while the run went on, and the snapshot may not be what ran: {name}\n" in said
    assert changed(run) == [name]
    assert not run["outputs"], "an edit is no output"


def test_switching_branches_meanwhile_changes_the_code(work: Path, git: Git) -> None:
    git("switch", "-q", "-c", "other")
    (work / "late.py").write_text("V = 2\n")
    git("commit", "-q", "-a", "-m", "another")
    git("switch", "-q", "main")
    said, run = run_beside(work, lambda: git("switch", "-q", "other"), *COMMAND)
    assert "code changed" in said and changed(run) == ["late.py"]


def test_committing_meanwhile_changes_nothing(work: Path, git: Git) -> None:
    (work / "late.py").write_text("V = 3\n")
    said, run = run_beside(work, lambda: git("commit", "-q", "-a", "-m", "what runs"), *COMMAND)
    assert "code changed" not in said and changed(run) == []


def test_removed_code_and_code_that_nobody_loaded(work: Path) -> None:
    (work / "unrelated.py").write_text("")

    def edit() -> None:
        (work / "early.py").unlink()
        (work / "unrelated.py").write_text("# while it runs, people work on something else\n")

    _, run = run_beside(work, edit, *COMMAND)
    assert changed(run) == ["early.py"]


def test_an_edit_that_is_taken_back_and_a_touch_are_nothing(work: Path) -> None:
    def edit() -> None:
        text = (work / "late.py").read_text()
        (work / "late.py").write_text("oops\n")
        (work / "late.py").write_text(text)
        (work / "early.py").touch()

    _, run = run_beside(work, edit, *COMMAND)
    assert changed(run) == []


def test_line_ends_that_git_converts_are_no_change(work: Path, git: Git) -> None:
    (work / ".gitattributes").write_text("*.py text eol=crlf\n")
    git("add", "-A")
    git("commit", "-q", "-m", "line ends")
    for name in ("early.py", "late.py"):
        (work / name).write_bytes(b"V = 1\r\n")
    _, run = run_beside(work, (work / "early.py").touch, *COMMAND)
    assert changed(run) == []
    _, run = run_beside(work, lambda: (work / "early.py").write_bytes(b"V = 2\r\n"), *COMMAND)
    assert changed(run) == ["early.py"]


def test_code_that_is_not_python(work: Path, git: Git) -> None:
    (work / "main.sh").write_text(
        ". ./early.sh\ntouch .git/ready\nuntil [ -e .git/go ]; do sleep 0.01; done\n. ./late.sh\n"
    )
    (work / "early.sh").write_text(":\n")
    (work / "late.sh").write_text(":\n")
    git("add", "-A")
    git("commit", "-q", "-m", "a shell script")
    said, run = run_beside(
        work, lambda: (work / "late.sh").write_text("true\n"), "--trace", "syscalls", "sh", "main.sh"
    )
    assert changed(run) == ["late.sh"] and "late.sh" in said


def test_a_declared_folder_that_somebody_writes_to_while_it_is_hashed(work: Path, twice: Twice) -> None:
    """Whatever comes out: the manifest holds hashes of real contents, never of half of one and half of another."""
    folder = work / "data/many"
    folder.mkdir()
    contents = [bytes([letter]) * 300_000 for letter in b"ab"]
    for number in range(40):
        (folder / str(number)).write_bytes(contents[0])
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None and writer.stdout.readline() == "writing\n"
    try:
        done = twice("run", "-i", "data/many", "true")
    finally:
        writer.kill()
        writer.communicate()
    ref = subprocess.run(
        ["git", "for-each-ref", "--format=%(refname)", "refs/experiments"],
        cwd=work,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    names = subprocess.run(
        ["git", "ls-tree", "-r", "--name-only", ref, ".twice/data"],
        cwd=work,
        capture_output=True,
        text=True,
        check=True,
    )
    manifest = subprocess.run(
        ["git", "show", f"{ref}:{names.stdout.strip()}"], cwd=work, capture_output=True, text=True, check=True
    )
    hashes = {line.split()[0] for line in manifest.stdout.splitlines()}
    known = {hashlib.sha256(content).hexdigest() for content in contents}
    assert hashes <= known or "changed while it was hashed" in done.err


WRITER = """
import os, sys
from pathlib import Path
folder = Path(sys.argv[1])
print("writing", flush=True)
while True:
    for number in range(40):
        for letter in (b"b", b"a"):
            with open(folder / str(number), "r+b") as file:
                file.write(letter * 300_000)
"""
