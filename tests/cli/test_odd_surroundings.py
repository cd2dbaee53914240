"""Odd names, odd places, several at once: a run is recorded all the same."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from commands import Git, Twice

ROOT = Path(__file__).parents[2]


def show(twice: Twice, cwd: Path | None = None) -> dict[str, object]:
    run: dict[str, object] = json.loads(twice("show", "@", "--json", cwd=cwd).out)
    return run


@pytest.mark.skipif(sys.platform != "linux", reason="names that other systems refuse")
def test_file_names_that_are_not_text(twice: Twice, repository: Path) -> None:
    names = [b"\xff\xfe.csv", b"new\nline", b'"quoted"', "größe 損失".encode(), b"back\\slash", b"-dash", b" blank "]
    for name in names:
        (repository / os.fsdecode(name)).write_bytes(name)
    (repository / "train.py").write_text(
        "import os\nfor name in sorted(os.listdir(b'.')):\n"
        "    if os.path.isfile(name) and not name.endswith(b'.py'): open(name, 'rb').read()\n"
        "open(b'\\xff.out', 'wb').write(b'x')\nprint('x: 1')\n"
    )
    twice("run", "-n", "ünï", "-t", "täg=line\nbreak", "-m", "a\n\nmessage: `|*", "python", "train.py", "\udcff")
    run = show(twice)
    assert [one["path"] for one in run["outputs"]] == ['"\\377.out"']  # type: ignore[attr-defined]
    assert run["tags"] == {"täg": "line\nbreak"}
    assert "reproduced" in twice("reproduce", "@").out
    assert twice("ls").out.count("\n") == 3


def test_without_home_user_and_locale(twice: Twice, repository: Path) -> None:
    kept = ("PATH", "SYSTEMROOT")
    environ = {name: value for name, value in os.environ.items() if name in kept}
    for words in (["run", "python", "train.py"], ["ls"], ["reproduce", "@"]):
        done = subprocess.run(
            [sys.executable, "-m", "twice", *words], cwd=repository, env=environ, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_no_name_and_address_configured(
    twice: Twice, repository: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name)
    git("config", "user.useConfigOnly", "true", cwd=repository)
    (repository / "new.txt").write_text("untracked")
    twice("run", "python", "train.py")
    ref = git("for-each-ref", "--format=%(refname)", "refs/experiments", cwd=repository).strip()
    assert "@" in git("log", "-1", "--format=%ae", ref, cwd=repository)


def test_a_run_inside_a_run_knows_its_parent(twice: Twice, repository: Path) -> None:
    inner = "import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'twice', 'run', 'true'], check=True)\n"
    (repository / "train.py").write_text(inner)
    twice("run", "python", "train.py")
    runs = {run["experiment"]: run for run in json.loads(twice("ls", "--json").out)["runs"]}
    inside = json.loads(twice("show", runs["true"]["id"], "--json").out)
    assert inside["parent"] == runs["train"]["id"]


def test_many_runs_at_once(twice: Twice, repository: Path, git: Git) -> None:
    (repository / "train.py").write_text("import sys, time\ntime.sleep(0.2)\nprint('x:', sys.argv[1])\n")
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "twice", "run", "python", "train.py", str(number)],
            cwd=repository,
            stdout=subprocess.DEVNULL,
        )
        for number in range(8)
    ]
    assert [process.wait() for process in processes] == [0] * 8
    runs = json.loads(twice("ls", "--json").out)["runs"]
    assert sorted(run["metrics"]["x"] for run in runs) == list(range(8))
    assert git("for-each-ref", "refs/twice", cwd=repository) == ""
    git("fsck", "--strict", cwd=repository)


def test_large_and_secret_files_stay_out(twice: Twice, repository: Path, git: Git) -> None:
    (repository / "twice.toml").write_text('code.max_file_size = "1 KiB"\n')
    (repository / "big.bin").write_bytes(b"x" * 5000)
    (repository / ".env").write_text("TOKEN=abc\n")
    (repository / "train.py").write_text("print('n:', len(open('big.bin').read()))\n")
    done = twice("run", "python", "train.py")
    assert "big.bin" in done.err and ".env" in done.err
    run = show(twice)
    ref = git("for-each-ref", "--format=%(refname)", "refs/experiments", cwd=repository).strip()
    held = git("ls-tree", "-r", "--name-only", f"{ref}^", cwd=repository).split()
    assert "big.bin" not in held and ".env" not in held and "twice.toml" in held
    left_out = {one["path"]: one for one in run["code"]["left_out"]}  # type: ignore[index]
    assert left_out["big.bin"]["reason"] == "large" and len(left_out["big.bin"]["sha256"]) == 64
    assert left_out[".env"]["reason"] == "secret" and "sha256" not in left_out[".env"]
    assert "TOKEN" not in git("log", "-p", "--all", cwd=repository)
    assert "reproduced" in twice("reproduce", "@").out


def test_data_beside_the_repository_is_found_by_its_relative_path(
    twice: Twice, repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.txt").write_text("7")
    (repository / "train.py").write_text("print('x:', open('../data/x.txt').read())\n")
    twice("run", "python", "train.py")
    (found,) = show(twice)["inputs"]  # type: ignore[misc]
    assert found["path"] == "../data/x.txt"
    assert "reproduced" in twice("reproduce", "@").out


def test_the_shell_example(twice: Twice, git: Git, tmp_path: Path) -> None:
    work = tmp_path / "shell"
    shutil.copytree(ROOT / "examples" / "shell", work)
    git("init", "-q", cwd=work)
    git("add", "-A", cwd=work)
    git("commit", "-q", "-m", "shell", cwd=work)
    twice("run", "-i", "words.txt", "./count.sh", "words.txt", "--top", "5", cwd=work)
    run = show(twice, work)
    assert run["params"] == {"top": 5}
    assert {name: metric["last"] for name, metric in run["metrics"].items()} == {"words": 42, "distinct": 25}  # type: ignore[attr-defined]
    assert [one["path"] for one in run["outputs"]] == ["counts.txt"]  # type: ignore[attr-defined]
    assert "reproduced" in twice("reproduce", "@", cwd=work).out


def test_the_demonstration(twice: Twice, git: Git, tmp_path: Path) -> None:
    done = twice("demo", str(tmp_path / "demo"), cwd=tmp_path)
    assert "reproduced" in done.out and "$ twice diff @~1 @" in done.out
    assert git("rev-parse", "--verify", "first-try", cwd=tmp_path / "demo")
    assert "not empty" in twice("demo", str(tmp_path / "demo"), cwd=tmp_path, expect=2).err
