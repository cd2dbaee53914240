"""A repository is found as git finds it, and what cannot be used is an error that says what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from twice.errors import RepositoryError
from twice.git.executable import Git
from twice.git.repository import Repository


def git(*words: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        ["git", *words], cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.rstrip("\n")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "work"
    (root / "src/deep").mkdir(parents=True)
    (root / "src/deep/file").write_text("text\n")
    git("init", "-q", "-b", "main", cwd=root)
    git("add", "-A", cwd=root)
    git("commit", "-q", "-m", "first", cwd=root)
    return root


def places(repository: Repository) -> tuple[str, ...]:
    return tuple(
        os.path.realpath(path)
        for path in (
            repository.root,
            repository.git_dir,
            repository.common_dir,
            repository.index_file,
            repository.objects_dir,
        )
    )


def git_places(cwd: Path, env: dict[str, str] | None = None) -> tuple[str, ...]:
    questions = ("--show-toplevel", "--git-dir", "--git-common-dir")
    answers = [git("rev-parse", question, cwd=cwd, env=env) for question in questions]
    answers += [git("rev-parse", "--git-path", name, cwd=cwd, env=env) for name in ("index", "objects")]
    return tuple(os.path.realpath(cwd / answer) for answer in answers)


def kinds_of_places(root: Path, tmp_path: Path) -> dict[str, Path]:
    """Folders from which a repository can be found."""
    git("worktree", "add", "-q", "--detach", str(tmp_path / "linked"), cwd=root)
    git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"), cwd=root)
    git("worktree", "add", "-q", str(tmp_path / "of-bare"), "main", cwd=tmp_path / "bare.git")
    git("init", "-q", "--separate-git-dir", str(tmp_path / "apart.git"), str(tmp_path / "apart"), cwd=tmp_path)
    git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(tmp_path / "bare.git"), "sub", cwd=root)
    (tmp_path / "link").symlink_to(root / "src")
    configured = tmp_path / "configured"
    git("init", "-q", str(configured), cwd=tmp_path)
    return {
        "top": root,
        "subfolder": root / "src/deep",
        "linked worktree": tmp_path / "linked/src",
        "worktree of a bare repository": tmp_path / "of-bare",
        "separate git directory": tmp_path / "apart",
        "submodule": root / "sub/src",
        "through a symlink": tmp_path / "link/deep",
    }


def test_found_from_where_git_finds_it(root: Path, tmp_path: Path, environ: dict[str, str]) -> None:
    for kind, path in kinds_of_places(root, tmp_path).items():
        with Repository.open(path, environ) as repository:
            assert places(repository) == git_places(path), kind
            assert repository.state_dir == repository.common_dir / "twice"
            assert repository.object_format == "sha1"
            if kind != "separate git directory":
                assert repository.head().commit == git("rev-parse", "HEAD", cwd=path), kind


def test_the_variables_of_git_count(root: Path, tmp_path: Path, environ: dict[str, str]) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    cases: list[tuple[Path, dict[str, str]]] = [
        (elsewhere, {"GIT_DIR": "../work/.git"}),
        (elsewhere, {"GIT_DIR": str(root / ".git"), "GIT_WORK_TREE": str(root)}),
        (elsewhere, {"GIT_DIR": "../work/.git", "GIT_WORK_TREE": "."}),
        (root / "src", {"GIT_INDEX_FILE": "my-index"}),
        (root / "src", {"GIT_OBJECT_DIRECTORY": str(root / ".git/objects")}),
        (root / "src", {"GIT_WORK_TREE": str(root / "src")}),
    ]
    for path, variables in cases:
        with Repository.open(path, {**environ, **variables}) as repository:
            assert places(repository) == git_places(path, variables), variables
            assert repository.head().commit == git("rev-parse", "HEAD", cwd=root)


def test_a_configured_work_tree(root: Path, tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "files").mkdir()
    git("config", "core.worktree", "../../files", cwd=root)
    with Repository.open(root / ".git" if "TWICE_GIT" not in environ else root, environ, bare_ok=True) as repository:
        assert repository.git_dir == root / ".git"
    with Repository.open(tmp_path / "files", {**environ, "GIT_DIR": str(root / ".git")}) as repository:
        assert repository.root == tmp_path / "files"


def test_no_repository(tmp_path: Path, environ: dict[str, str]) -> None:
    with pytest.raises(RepositoryError, match="not inside a git repository") as caught:
        Repository.open(tmp_path, {**environ, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)})
    assert "git init" in (caught.value.hint or "")
    with pytest.raises(RepositoryError, match="no such folder"):
        Repository.open(tmp_path / "nowhere", environ)


def test_a_ceiling_is_not_passed(root: Path, environ: dict[str, str]) -> None:
    with pytest.raises(RepositoryError, match="not inside"):
        Repository.open(root / "src/deep", {**environ, "GIT_CEILING_DIRECTORIES": str(root)})
    with Repository.open(root, {**environ, "GIT_CEILING_DIRECTORIES": str(root)}) as repository:
        assert repository.root == root


@pytest.mark.parametrize("inside", ["", "objects"])
def test_a_bare_repository_has_no_work_tree(root: Path, tmp_path: Path, environ: dict[str, str], inside: str) -> None:
    bare = tmp_path / "bare.git"
    git("clone", "-q", "--bare", str(root), str(bare), cwd=tmp_path)
    with pytest.raises(RepositoryError, match="no work tree") as caught:
        Repository.open(bare / inside, environ)
    assert caught.value.hint
    with Repository.open(bare / inside, environ, bare_ok=True) as repository:
        assert repository.is_bare
        assert repository.root == repository.git_dir == repository.common_dir == bare
        commit = repository.head().commit
        assert commit == git("rev-parse", "HEAD", cwd=root)
        repository.refs.create("refs/experiments/train/one", commit)


def test_inside_the_git_directory_there_is_no_work_tree(root: Path, environ: dict[str, str]) -> None:
    with pytest.raises(RepositoryError, match="no work tree"):
        Repository.open(root / ".git", environ)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a folder away")
def test_a_repository_of_another_user_is_not_trusted(root: Path, environ: dict[str, str]) -> None:
    for folder, _, files in os.walk(root):
        for path in (folder, *(f"{folder}/{file}" for file in files)):
            os.chown(path, 12345, 12345)
    with pytest.raises(RepositoryError, match="belongs to another user") as caught:
        Repository.open(root / "src", environ)
    assert f"git config --global --add safe.directory {root}" in (caught.value.hint or "")
    git("config", "--global", "--add", "safe.directory", str(root), cwd=root.parent)
    with Repository.open(root / "src", environ) as repository:
        assert repository.root == root


def test_a_format_from_the_future_is_refused(root: Path, environ: dict[str, str]) -> None:
    git("config", "core.repositoryFormatVersion", "1", cwd=root)
    git("config", "extensions.teleport", "true", cwd=root)
    with pytest.raises(RepositoryError) as caught:
        Repository.open(root, environ)
    assert "teleport" in "\n".join(caught.value.details)


def test_refs_in_a_format_that_cannot_be_written(root: Path, environ: dict[str, str]) -> None:
    (root / ".git/reftable").mkdir()
    with pytest.raises(RepositoryError, match="reftable") as caught:
        Repository.open(root, environ)
    assert "git refs migrate" in (caught.value.hint or "")


@pytest.mark.parametrize("content", ["", "garbage\n", "ref: refs/heads/main/..\0"])
def test_a_damaged_head(root: Path, environ: dict[str, str], content: str) -> None:
    (root / ".git/HEAD").write_text(content)
    with pytest.raises(RepositoryError), Repository.open(root, environ) as repository:
        repository.head()


def test_a_branch_that_points_to_nothing(root: Path, environ: dict[str, str]) -> None:
    from twice.git.snapshot import scan

    (root / ".git/refs/heads/main").write_text("12" * 20 + "\n")
    with Repository.open(root, environ) as repository, pytest.raises(RepositoryError) as caught:
        scan(repository)
    assert caught.value.hint


# ------------------------------------------------------------------------------------------------ settings


def test_settings_are_those_that_count(root: Path, tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "included").write_text('[user]\n\tname = Included\n[color "Diff"]\n\tNew = red\n')
    git("config", "--global", "user.name", "Global", cwd=root)
    git("config", "--global", "user.email", "global@example.org", cwd=root)
    git("config", "include.path", str(tmp_path / "included"), cwd=root)
    git("config", "remote.My.Origin.url", "https://example.org/a.git", cwd=root)
    git("config", "--add", "remote.My.Origin.url", "https://example.org/b.git", cwd=root)
    with (root / ".git/config").open("a") as file:
        file.write("[core]\n\tflagged\n\tempty =\n")
    environ = environ | {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.given", "GIT_CONFIG_VALUE_0": "here"}
    with Repository.open(root, environ) as repository:
        assert repository.config("user.name") == "Included"
        assert repository.config("User.Email") == "global@example.org"
        assert repository.config("color.Diff.new") == "red"
        assert repository.config("remote.My.Origin.url") == "https://example.org/b.git"
        assert repository.config("remote.my.origin.url") is None
        assert repository.config("core.flagged") == "true"
        assert repository.config("core.given") == "here"
        assert repository.config("core.nothing") is None
        assert repository.settings.flag("core.flagged")
        assert not repository.settings.flag("core.empty")
        assert repository.settings.all("remote.My.Origin.url") == (
            "https://example.org/a.git",
            "https://example.org/b.git",
        )


def test_settings_of_one_worktree(root: Path, tmp_path: Path, environ: dict[str, str]) -> None:
    git("worktree", "add", "-q", "--detach", str(tmp_path / "linked"), cwd=root)
    git("config", "extensions.worktreeConfig", "true", cwd=root)
    git("config", "--worktree", "user.name", "Linked", cwd=tmp_path / "linked")
    with Repository.open(root, environ) as main, Repository.open(tmp_path / "linked", environ) as linked:
        assert (main.config("user.name"), linked.config("user.name")) == (None, "Linked")


def test_settings_that_depend_on_the_place(root: Path, tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "included").write_text("[user]\n\tname = Here\n")
    git("config", "--global", f"includeIf.gitdir:{tmp_path}/.path", str(tmp_path / "included"), cwd=root)
    git("config", "--global", "includeIf.gitdir:/elsewhere/.path", str(tmp_path / "nothing"), cwd=root)
    with Repository.open(root, environ) as repository:
        assert (repository.config("user.name") or "") == git("config", "--default", "", "user.name", cwd=root)


def test_who_signs(root: Path, environ: dict[str, str]) -> None:
    def signed(**variables: str) -> str:
        with Repository.open(root, {**without, **variables}) as repository:
            return repository.identity()

    without = {name: value for name, value in environ.items() if not name.startswith(("GIT_AUTHOR", "GIT_COMMITTER"))}
    without = {**without, "LOGNAME": "ada"}
    assert signed() == f"ada <ada@{os.uname().nodename}>"
    assert signed(EMAIL="ada@mail") == "ada <ada@mail>"
    git("config", "user.name", "Ada <L>", cwd=root)
    git("config", "user.email", " ada@config ", cwd=root)
    assert signed(EMAIL="ada@mail") == "Ada L <ada@config>"
    git("config", "author.name", "Author", cwd=root)
    assert signed() == "Author <ada@config>"
    assert signed(GIT_AUTHOR_NAME="Env", GIT_AUTHOR_EMAIL="env@env") == "Env <env@env>"


# ------------------------------------------------------------------------------------------------ the executable


def test_which_git_is_used(tmp_path: Path) -> None:
    assert Git.find({"PATH": str(tmp_path)}) is None
    assert Git.find({**os.environ, "TWICE_GIT": "none"}) is None
    script = tmp_path / "my-git"
    script.write_text('#!/bin/sh\nexec git "$@"\n')
    script.chmod(0o755)
    found = Git.find({**os.environ, "TWICE_GIT": str(script)})
    assert found is not None
    assert found.path == str(script)
    with pytest.raises(RepositoryError, match="TWICE_GIT"):
        Git.find({**os.environ, "TWICE_GIT": str(tmp_path / "nothing")})


def test_a_failure_says_what_git_said(root: Path) -> None:
    with Repository.open(root, os.environ) as repository:
        assert repository.git is not None
        with pytest.raises(RepositoryError, match="git rev-parse failed: Needed a single revision") as caught:
            repository.git.run("rev-parse", "--verify", "nothing", cwd=root)
        assert caught.value.details == ("fatal: Needed a single revision",)


def test_with_git_nothing_slow_is_imported(root: Path) -> None:
    """From opening to pinning: no dulwich, and only these processes."""
    (root / "new.py").write_text("new\n")
    script = """
import os, subprocess, sys
from pathlib import Path
started = []
class Counted(subprocess.Popen):
    def __init__(self, command, **rest):
        started.append(next(word for word in command[1:] if word.isidentifier() or word in KNOWN))
        super().__init__(command, **rest)
KNOWN = ("rev-parse", "update-index", "write-tree", "cat-file")
subprocess.Popen = Counted
from twice.git.repository import Repository
from twice.git.snapshot import scan, write_snapshot
with Repository.open(Path(sys.argv[1]), os.environ) as repository:
    snapshot = write_snapshot(repository, scan(repository))
    repository.refs.create("refs/twice/pending/one", snapshot.commit)
print(*started)
print(*sorted({"dulwich", "yaml", "jsonschema", "tabulate", "click", "asyncio", "http"} & set(sys.modules)))
"""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", script, str(root)], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["rev-parse status config update-index write-tree", ""]
    assert git("rev-parse", "refs/twice/pending/one^", cwd=root) == git("rev-parse", "HEAD", cwd=root)
