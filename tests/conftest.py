"""What every test stands on: a scrubbed environment, and real repositories made cheaply."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from commands import Done, Git, Twice

_SCRUBBED = (
    "GIT_",
    "TWICE_",
    "XDG_",
    "LC_",
    "LANG",
    "PYTHON",
    "NO_COLOR",
    "FORCE_COLOR",
)

# A change is judged on the same examples everywhere; `pytest --hypothesis-profile=search` looks for new ones.
hypothesis.settings.register_profile("search", derandomize=False, deadline=None)
hypothesis.settings.register_profile("same", derandomize=True, deadline=None)
hypothesis.settings.load_profile("same")


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A new folder each time: what `mktemp` would make, which looks at all others first."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(scope="session")
def _git_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `git init` copies into a repository, without the examples of hooks: half of its time."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "hooks").mkdir()
    (folder / "info").mkdir()
    (folder / "info" / "exclude").touch()
    return folder


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, _homes: Iterator[Path], _git_template: Path) -> None:
    """No test sees the user's HOME, git configuration, locale, Python or twice settings."""
    for name in list(os.environ):
        if name.startswith(_SCRUBBED):
            monkeypatch.delenv(name)
    home = next(_homes)
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(_git_template))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Ada")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "ada@example.org")
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Ada")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "ada@example.org")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    folder = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", os.pathsep.join([folder, os.environ.get("PATH", os.defpath)]))


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """C git, the oracle: `git("status", "-s", cwd=folder)` gives its standard output; an error raises."""

    def run(*words: str, cwd: Path | None = None, stdin: str | None = None) -> str:
        done = subprocess.run(
            ["git", *words],
            cwd=cwd or tmp_path / "repository",
            input=stdin,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
        )
        assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr}"
        return done.stdout

    return run


@pytest.fixture
def repository(tmp_path: Path, git: Git) -> Path:
    """A repository `tmp_path/repository` on branch main with one commit of two files."""
    root = tmp_path / "repository"
    root.mkdir()
    git("init", "-q", "-b", "main", cwd=root)
    (root / "train.py").write_text("print('accuracy: 0.5')\n")
    (root / "README").write_text("an experiment\n")
    git("add", "-A", cwd=root)
    git("commit", "-q", "-m", "first", cwd=root)
    return root


@pytest.fixture
def twice(tmp_path: Path) -> Twice:
    """The `twice` command as a user has it: `twice("ls", cwd=folder)`; any exit code but the expected ones fails."""

    def run(
        *words: str,
        cwd: Path | None = None,
        stdin: str | None = None,
        expect: int | None = 0,
        env: dict[str, str] | None = None,
    ) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "twice", *words],
            cwd=cwd or tmp_path / "repository",
            input=stdin,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
            env={**os.environ, **(env or {})},
        )
        if expect is not None:
            assert done.returncode == expect, f"twice {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return Done(done.returncode, done.stdout, done.stderr)

    return run
