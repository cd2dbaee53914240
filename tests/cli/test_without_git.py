"""The whole loop where there is no git executable at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from commands import Git, Twice


@pytest.fixture
def no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PATH with Python on it and nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.skipif(os.name != "posix", reason="symlinks")
def test_the_core_loop(repository: Path, git: Git, twice: Twice, no_git: None, tmp_path: Path) -> None:
    (repository / "train.py").write_text(
        "import random\nprint('loss:', random.random())\nopen('o.txt', 'w').write('x')\n"
    )
    (repository / "new.txt").write_text("untracked\n")
    python = str(tmp_path / "bin" / "python")
    twice("run", python, "train.py")
    twice("run", "python", "train.py")
    assert "loss" in twice("ls").out
    assert "snapshot" in twice("show").out
    twice("diff", expect=1)
    assert "+untracked" in twice("show", "--code").out
    assert "reproduced" in twice("reproduce", "@", "--python", sys.executable).out
    (repository / "train.py").write_text("print('another')\n")
    assert "train.py" in twice("apply", "@").out
    twice("branch", "@", "kept")


@pytest.mark.skipif(os.name != "posix", reason="symlinks")
def test_git_accepts_what_was_written(repository: Path, git: Git, twice: Twice, tmp_path: Path) -> None:
    (repository / "new.txt").write_text("untracked\n")
    twice("run", "python", "train.py", env={"TWICE_GIT": "none"})
    twice("reproduce", "@", env={"TWICE_GIT": "none"})
    git("fsck", "--strict", cwd=repository)
    ref = git("for-each-ref", "--format=%(refname)", "refs/experiments", cwd=repository).split()[0]
    assert git("show", f"{ref}^:new.txt", cwd=repository) == "untracked\n"
    assert git("status", "--porcelain", cwd=repository) == "?? new.txt\n"
    assert len(git("worktree", "list", cwd=repository).splitlines()) == 1
