"""Failure is recorded, bad input is told in three parts, and nothing is ever lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from commands import Git, Twice
from copies import made_once


def newest(twice: Twice) -> dict[str, object]:
    run: dict[str, object] = json.loads(twice("show", "@", "--json").out)
    return run


def test_a_script_that_raises(twice: Twice, repository: Path) -> None:
    (repository / "train.py").write_text("print('loss: 3')\nraise ValueError('no')\n")
    done = twice("run", "python", "train.py", expect=1)
    assert "ValueError: no" in done.err and "failed (exit 1)" in done.err
    run = newest(twice)
    assert (run["status"], run["exit_code"]) == ("failed", 1)
    assert "ValueError: no" in twice("show", "@", "--log").out


def test_a_script_that_is_killed(twice: Twice, repository: Path) -> None:
    (repository / "train.py").write_text("import os\nprint('loss: 3', flush=True)\nos.kill(os.getpid(), 9)\n")
    twice("run", "python", "train.py", expect=137)
    run = newest(twice)
    assert (run["status"], run["exit_code"], run["signal"]) == ("killed", 137, "SIGKILL")
    assert json.loads(twice("show", "--json").out)["metrics"]["loss"]["last"] == 3


def test_the_exit_code_is_passed_through(twice: Twice, repository: Path) -> None:
    twice("run", "sh", "-c", "exit 42", expect=42)
    assert newest(twice)["exit_code"] == 42


def start(repository: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "twice", "run", *words],
        cwd=repository,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


SLOW = "import time\nprint('loss: 3', flush=True)\ntime.sleep(60)\n"


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_ctrl_c(twice: Twice, repository: Path) -> None:
    (repository / "train.py").write_text(SLOW)
    process = start(repository, "python", "train.py")
    assert process.stdout is not None
    assert process.stdout.readline() == "loss: 3\n"
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted" in err and "Traceback" in err  # the script's own traceback, none of ours
    assert "twice/cli" not in err
    assert newest(twice)["status"] == "interrupted"


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_a_signal_to_twice_alone_is_handed_on(twice: Twice, repository: Path) -> None:
    (repository / "train.py").write_text(SLOW)
    process = start(repository, "python", "train.py")
    assert process.stdout is not None
    process.stdout.readline()
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert newest(twice)["signal"] == "SIGTERM"


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_kill_9_of_twice_leaves_a_run_to_recover(twice: Twice, repository: Path, git: Git) -> None:
    (repository / "train.py").write_text(SLOW)
    (repository / "notes.txt").write_text("untracked\n")
    process = start(repository, "python", "train.py")
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.5)  # for the packages to be captured, which happens beside the command
    (run,) = json.loads(twice("ls", "--json").out)["runs"]
    assert run["status"] == "running"
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    (run,) = json.loads(twice("ls", "--json").out)["runs"]
    assert run["status"] == "interrupted"
    assert "twice recover" in twice("ls").err
    git("gc", "-q", "--prune=now", cwd=repository)
    twice("recover")
    recovered = json.loads(twice("show", "@", "--json").out)
    assert recovered["status"] == "interrupted"
    assert recovered["metrics"]["loss"]["last"] == 3
    assert recovered["environment"]["packages"]["interpreter"]["implementation"].lower() == "cpython"
    assert "loss: 3" in twice("show", "--log").out
    assert "untracked" in twice("show", "--code").out
    assert git("for-each-ref", "refs/twice", cwd=repository) == ""
    assert "no run was cut off" in twice("recover").err


def three_parts(err: str) -> None:
    lines = err.strip().splitlines()
    assert lines[0].startswith("error: ") and lines[-1].startswith("hint: "), err
    assert "Traceback" not in err


def test_not_a_repository(twice: Twice, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    three_parts(twice("run", "true", cwd=tmp_path / "empty", expect=2).err)
    three_parts(twice("ls", cwd=tmp_path / "empty", expect=2).err)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept") / "repository"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["show", "nothing"], 2),
        (["show", "@~3"], 2),
        (["run", "no-such-program"], 127),
        (["run", "./train.py"], 126),
        (["run", "-p", "lr", "true"], 2),
        (["run", "-e", "a b", "true"], 2),
        (["run", "-i", "nowhere.csv", "true"], 2),
        (["run", "--frobnicate", "true"], 2),
        (["run"], 2),
        (["frobnicate"], 2),
        (["reproduce", "@", "--python", "/nowhere/python"], 2),
        (["reproduce", "@", "--rtol", "-1"], 2),
    ],
)
def test_bad_input_is_told_in_three_parts(
    twice: Twice, repository: Path, git: Git, kept: Path, words: list[str], code: int
) -> None:
    made_once(repository, kept, lambda: twice("run", "python", "train.py"))
    three_parts(twice(*words, expect=code).err)
    assert len(git("for-each-ref", "refs/experiments").splitlines()) == 1


def test_an_ambiguous_selector_lists_the_candidates(twice: Twice, repository: Path) -> None:
    twice("run", "python", "train.py")
    twice("run", "python", "train.py")
    day = str(newest(twice)["id"])[:6]
    done = twice("show", day, expect=2)
    three_parts(done.err)
    assert done.err.count("python train.py") == 2


def test_a_corrupt_record_is_named_and_the_others_are_listed(twice: Twice, repository: Path, git: Git) -> None:
    twice("run", "python", "train.py")
    ref = git("for-each-ref", "--format=%(refname)", "refs/experiments", cwd=repository).strip()
    broken = ref[:-1] + ("a" if ref[-1] != "a" else "b")
    forge(
        git,
        repository,
        ref,
        broken,
        "metrics.yaml",
        "accuracy: {last: high, min: 1, max: 1, mean: 1, count: 1, source: api}\n",
    )
    done = twice("ls")
    assert "metrics.yaml: accuracy.last: expected a number" in done.err
    assert "train" in done.out
    three_parts(twice("show", broken, expect=2).err + "\nhint: -")


def test_a_record_of_a_newer_twice_is_refused(twice: Twice, repository: Path, git: Git) -> None:
    twice("run", "python", "train.py")
    ref = git("for-each-ref", "--format=%(refname)", "refs/experiments", cwd=repository).strip()
    newer = ref[:-1] + ("a" if ref[-1] != "a" else "b")
    text = git("show", f"{ref}:.twice/run.yaml", cwd=repository).replace("format: 1", "format: 99")
    forge(git, repository, ref, newer, "run.yaml", text)
    assert "newer twice" in twice("ls").err


def forge(git: Git, repository: Path, ref: str, name: str, file: str, text: str) -> None:
    """Make a copy of a run whose record has another file."""
    blob = git("hash-object", "-w", "--stdin", cwd=repository, stdin=text).strip()
    git("read-tree", f"--index-output={repository}/.git/forged", ref, cwd=repository)
    os.environ["GIT_INDEX_FILE"] = f"{repository}/.git/forged"
    try:
        git("update-index", "--add", "--cacheinfo", f"100644,{blob},.twice/{file}", cwd=repository)
        tree = git("write-tree", cwd=repository).strip()
    finally:
        del os.environ["GIT_INDEX_FILE"]
    commit = git("commit-tree", tree, "-p", f"{ref}^", "-m", "forged", cwd=repository).strip()
    git("update-ref", name, commit, cwd=repository)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_git_folder(twice: Twice, repository: Path) -> None:
    (repository / ".git").chmod(0o555)
    try:
        three_parts(twice("run", "python", "train.py", expect=2).err)
    finally:
        (repository / ".git").chmod(0o755)


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_FSIZE stands in for a full disk")
def test_a_full_disk_after_the_start_keeps_the_result_for_recover(twice: Twice, repository: Path) -> None:
    """No file may grow beyond 20,000 bytes while the run is recorded: its log cannot be stored in git."""
    (repository / "train.py").write_text(
        "import os\nfor _ in range(400): print(os.urandom(100).hex())\nprint('x: 1')\n"
    )
    limited = f"ulimit -f 20; trap '' XFSZ; exec {sys.executable} -m twice run python train.py"
    done = subprocess.run(["bash", "-c", limited], cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "x: 1" in done.stdout
    runs = json.loads(twice("ls", "--json").out)["runs"]
    assert len(runs) == 1
    if runs[0]["status"] != "finished":
        twice("recover")
    assert newest(twice)["exit_code"] == 0


def test_a_bug_of_ours_is_said_to_be_one_and_debug_shows_it(twice: Twice, repository: Path) -> None:
    (repository / ".git/twice").mkdir()
    (repository / ".git/twice/live").write_text("in the way")
    three_parts(twice("run", "python", "train.py", expect=2).err)


def test_debug_shows_where(twice: Twice, repository: Path) -> None:
    assert "Traceback" in twice("show", "nothing", expect=2, env={"TWICE_DEBUG": "1"}).err


def test_nobody_reading_on_is_no_error(twice: Twice, repository: Path) -> None:
    twice("run", "python", "train.py")
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m twice show --json | head -n 1; exit ${{PIPESTATUS[0]}}"],
        cwd=repository, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and done.stderr == ""


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_killed_between_the_ref_and_the_rest(twice: Twice, repository: Path, git: Git) -> None:
    """The run has its ref already, and its live folder still: it is one run, and recovering it only clears up."""
    (repository / "train.py").write_text(SLOW)
    process = start(repository, "python", "train.py")
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    (live,) = (repository / ".git/twice/live").iterdir()
    copy = repository / "copy"
    shutil.copytree(live, copy)
    twice("recover")
    shutil.copytree(copy, live)
    assert len(json.loads(twice("ls", "--json").out)["runs"]) == 1
    twice("recover")
    assert not live.exists()
    assert len(git("for-each-ref", "refs/experiments", cwd=repository).splitlines()) == 1
