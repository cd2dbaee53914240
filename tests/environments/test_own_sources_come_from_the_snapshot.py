"""What the run had installed from folders and archives: the repository's own from its snapshot, others as recorded."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands import Git, Twice
from real_environments import needs_hashes_of_archives

Make = Callable[..., Any]

SCRIPT = "import features\nprint(f'length: {len(features.VERSION)}')\nprint(features.VERSION)\n"


@pytest.fixture
def project(repository: Path, make_project: Make, git: Git) -> Path:
    """A repository that is itself a Python project, `features`, with a script that imports it."""
    make_project(repository, "features", "1.0")
    (repository / "train.py").write_text(SCRIPT)
    (repository / "run").mkdir()
    (repository / "run" / "train.py").write_text(SCRIPT)  # its folder is on the path, not the root
    git("add", "-A", cwd=repository)
    git("commit", "-q", "-m", "a project", cwd=repository)
    return repository


def states(verdict: str) -> dict[str, str]:
    return {row["part"]: row["state"] for row in json.loads(verdict)["rows"]}


def test_an_editable_install_of_the_repository(
    twice: Twice, project: Path, make_wheel: Make, make_environment: Make, tmp_path: Path
) -> None:
    make_wheel("plain-one", "1.0")
    first = make_environment("first")
    first.install("plain-one", "-e", ".", cwd=project)
    twice("run", str(first.python), "run/train.py")
    (project / "features.py").write_text("VERSION = 'something else'\n")  # the work tree moves on
    cache = tmp_path / "cache"
    for run, wish, kind in (("@", "auto", "current"), ("@~1", "rebuild", "rebuilt")):
        done = twice("reproduce", run, "--env", wish, "--json", env={"TWICE_CACHE": str(cache)})
        assert states(done.out) == {
            "code": "identical",
            "environment": "identical",
            "data": "identical",
            "execution": "identical",
            "results": "identical",
        }
        assert "something else" not in done.err
        assert json.loads(done.out)["rows"][1]["text"].endswith(f"{kind})")
    # The cache that others share is not spoiled by what is installed for one.
    (site,) = cache.glob("environments/*/*/lib/python*/site-packages")
    assert not [path.name for path in site.iterdir() if "features" in path.name]
    assert (site / "plain_one.py").is_file()
    assert not list((cache / "worktrees").iterdir())


def test_an_editable_install_without_its_build_backend(twice: Twice, project: Path, make_environment: Make) -> None:
    first = make_environment("first")
    first.install("-e", ".", cwd=project)
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["not-to-be-had"]\nbuild-backend = "not_to_be_had"\n'
        '[project]\nname = "features"\nversion = "1.0"\n'
    )
    twice("run", str(first.python), "run/train.py")
    shutil.rmtree(first.folder)
    done = twice("reproduce", "@")
    assert "rebuilt)" in done.out and "its sources are on the path as they are" in done.err


def test_an_archive_and_a_folder_in_the_repository(
    twice: Twice, repository: Path, git: Git, make_wheel: Make, make_project: Make, make_environment: Make
) -> None:
    (repository / "vendor").mkdir()
    make_wheel("vendored", "0.3").rename(repository / "vendor" / "vendored-0.3-py3-none-any.whl")
    make_project(repository / "libs" / "features", "features", "1.1")
    (repository / "train.py").write_text("import vendored\n" + SCRIPT)
    git("add", "-A", cwd=repository)
    git("commit", "-q", "-m", "vendored", cwd=repository)
    first = make_environment("first")
    first.install("./vendor/vendored-0.3-py3-none-any.whl", "./libs/features", cwd=repository)
    twice("run", str(first.python), "train.py")
    current = json.loads(twice("reproduce", "@", "--json").out)["rows"][1]
    assert (current["state"], current["text"][-8:]) == ("identical", "current)")
    shutil.rmtree(first.folder)
    shutil.rmtree(repository / "vendor")
    rebuilt = json.loads(twice("reproduce", "@~1", "--json").out)["rows"][1]
    assert (rebuilt["state"], rebuilt["text"][-8:]) == ("identical", "rebuilt)")


@pytest.fixture
def beside(
    twice: Twice, repository: Path, git: Git, make_project: Make, make_environment: Make, tmp_path: Path
) -> Path:
    """A library beside the repository, in a git repository of its own, installed in editable form; its run; no venv."""
    folder: Path = make_project(tmp_path / "library", "features", "1.3")
    git("init", "-q", cwd=folder)
    (folder / ".gitignore").write_text("__pycache__/\n")
    git("add", "-A", cwd=folder)
    git("commit", "-q", "-m", "library", cwd=folder)
    first = make_environment("first")
    first.install("-e", str(folder), cwd=repository)
    (repository / "train.py").write_text(SCRIPT)
    twice("run", str(first.python), "train.py")
    shutil.rmtree(first.folder)
    return folder


def test_a_library_beside_the_repository(twice: Twice, beside: Path, git: Git) -> None:
    original = json.loads(twice("show", "--json").out)["id"]
    done = twice("reproduce", original)
    assert "identical (1 distribution" in done.out and "rebuilt)" in done.out
    recorded = git("rev-parse", "HEAD", cwd=beside).strip()
    (beside / "features.py").write_text("VERSION = 'newer'\n")
    done = twice("reproduce", original, "--allow-changed-data", expect=2)
    assert f"was at commit {recorded}, and is commit {recorded} with uncommitted changes" in done.err
    git("commit", "-q", "-am", "newer", cwd=beside)
    done = twice("reproduce", original, "--allow-changed-data", expect=2)
    now = git("rev-parse", "HEAD", cwd=beside).strip()
    assert f"features 1.3: {beside} was at commit {recorded}, and is commit {now}" in done.err
    shutil.rmtree(beside)
    done = twice("reproduce", original, "--allow-changed-data", expect=2)
    assert "features 1.3: its source folder is not there" in done.err and "--env current" in done.err


def test_a_local_archive_that_changed(
    twice: Twice, repository: Path, make_wheel: Make, make_environment: Make, tmp_path: Path
) -> None:
    needs_hashes_of_archives()
    far = make_wheel("features", "0.4").rename(tmp_path / "features-0.4-py3-none-any.whl")
    first = make_environment("first")
    first.install(str(far))
    (repository / "train.py").write_text(SCRIPT)
    twice("run", str(first.python), "train.py")
    shutil.rmtree(first.folder)
    far.write_bytes(make_wheel("features", "0.4", {"more.py": ""}).read_bytes())
    done = twice("reproduce", "@", expect=2)
    assert f"features 0.4: {far} has changed: sha256 was" in done.err


@pytest.mark.slow  # near to what tests/capture/test_lock_installs_again.py proves
def test_a_repository_by_its_commit(
    twice: Twice, repository: Path, git: Git, make_project: Make, make_environment: Make, tmp_path: Path
) -> None:
    zoo = tmp_path / "zoo"
    make_project(zoo / "python", "features", "2.0")
    git("init", "-q", cwd=zoo)
    git("add", "-A", cwd=zoo)
    git("commit", "-q", "-m", "zoo", cwd=zoo)
    first = make_environment("first")
    first.install(f"git+{zoo.as_uri()}#subdirectory=python")
    (repository / "train.py").write_text(SCRIPT)
    twice("run", str(first.python), "train.py")
    shutil.rmtree(first.folder)
    (zoo / "python" / "features.py").write_text("VERSION = 'newer'\n")
    git("commit", "-q", "-am", "newer", cwd=zoo)
    done = twice("reproduce", "@")
    assert "identical (1 distribution" in done.out and "rebuilt)" in done.out
