"""A worktree is what git would check out, and goes without a trace; hooks never run."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from twice.errors import RepositoryError
from twice.git.checkout import add_worktree, remove_worktree
from twice.git.repository import Repository


def run_git(*words: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    command = ["git", "-c", "protocol.file.allow=always", *words]
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return os.fsdecode(done.stdout).rstrip("\n")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with files of all kinds."""
    root = tmp_path / "work"
    (root / "src/deep").mkdir(parents=True)
    run_git("init", "-q", "-b", "main", cwd=root)
    run_git("config", "filter.shout.clean", "tr A-Z a-z", cwd=root)
    run_git("config", "filter.shout.smudge", "tr a-z A-Z", cwd=root)
    (root / ".gitattributes").write_text("*.txt filter=shout\n*.bat text eol=crlf\n")
    (root / "src/.gitattributes").write_text("*.lf text eol=lf\n*.id ident\n")
    (root / "src/deep/loud.txt").write_text("QUIET\n")
    (root / "run.bat").write_bytes(b"one\r\ntwo\r\n")
    (root / "src/a.id").write_text("$Id$\n")
    (root / "src/run.sh").write_text("#!/bin/sh\n")
    (root / "src/run.sh").chmod(0o755)
    (root / "link").symlink_to("src/run.sh")
    (root / "dangling").symlink_to("nowhere")
    Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9 \n")).write_text("odd\n")
    (root / "empty").write_text("")
    run_git("add", "-A", cwd=root)
    run_git("commit", "-q", "-m", "first", cwd=root)
    return root


@pytest.fixture
def opened(root: Path, environ: dict[str, str]) -> Iterator[Repository]:
    with Repository.open(root, environ) as repository:
        yield repository


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    found = {}
    for here, folders, names in os.walk(folder):
        if ".git" in folders:
            folders.remove(".git")
        for name in names:
            path = Path(here, name)
            if name != ".git":
                content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
                found[str(path.relative_to(folder))] = (path.lstat().st_mode, content)
    return found


def users_state(root: Path) -> dict[str, bytes]:
    """Every file of the git directory that is not an object, twice's own, or a linked worktree's."""
    git_dir = root / ".git"
    found = {}
    for here, folders, names in os.walk(git_dir):
        if Path(here) == git_dir:
            folders[:] = sorted(set(folders) - {"objects", "twice", "worktrees"})
        if Path(here) == git_dir / "refs":
            folders[:] = sorted(set(folders) - {"twice"})
        for name in names:
            found[str(Path(here, name))] = Path(here, name).read_bytes()
    return found


def head_of(root: Path) -> str:
    return run_git("rev-parse", "HEAD", cwd=root)


def test_the_files_are_those_of_a_checkout(opened: Repository, root: Path, tmp_path: Path) -> None:
    ours, gits = tmp_path / "ours", tmp_path / "gits"
    assert add_worktree(opened, head_of(root), ours) == ()
    run_git("worktree", "add", "-q", "--detach", str(gits), cwd=root)
    assert files(ours) == files(gits)
    assert files(ours)["src/deep/loud.txt"][1] == b"QUIET\n"
    assert run_git("status", "--porcelain", cwd=ours) == ""
    assert run_git("rev-parse", "HEAD", cwd=ours) == head_of(root)
    assert f"worktree {ours}\nHEAD {head_of(root)}\ndetached" in run_git("worktree", "list", "--porcelain", cwd=root)
    run_git("fsck", cwd=root)
    run_git("worktree", "prune", cwd=root)
    assert (ours / ".git").exists()
    assert run_git("status", "--porcelain", cwd=ours) == ""


def test_another_commit_than_head(opened: Repository, root: Path, tmp_path: Path) -> None:
    first = head_of(root)
    (root / "later.py").write_text("later\n")
    run_git("add", "-A", cwd=root)
    run_git("commit", "-q", "-m", "second", cwd=root)
    add_worktree(opened, first, tmp_path / "ours")
    assert "later.py" not in files(tmp_path / "ours")
    with pytest.raises(RepositoryError, match="cannot be read"):
        add_worktree(opened, "12" * 20, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_gone_without_a_trace(opened: Repository, root: Path, tmp_path: Path) -> None:
    (root / "src/run.sh").write_text("changed\n")
    (root / "new.py").write_text("new\n")
    run_git("stash", "-q", "-u", cwd=root)
    (root / "src/run.sh").write_text("changed again\n")
    run_git("add", "-A", cwd=root)
    before, work_before = users_state(root), files(root)
    one, two = tmp_path / "one/work", tmp_path / "two/work"
    add_worktree(opened, head_of(root), one)
    add_worktree(opened, head_of(root), two)
    assert users_state(root) == before
    (one / "left").write_text("by a run\n")
    (one / "locked").mkdir()
    (one / "locked/file").write_text("x")
    (one / "locked").chmod(0o500)
    remove_worktree(opened, one)
    assert not one.exists()
    assert two.exists()
    shutil.rmtree(two)  # somebody was faster
    remove_worktree(opened, two)
    remove_worktree(opened, two)
    assert not (root / ".git/worktrees").exists()
    assert (users_state(root), files(root)) == (before, work_before)


def test_only_linked_worktrees_are_removed(opened: Repository, root: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for folder in (root, root / "src", tmp_path / "folder", tmp_path):
        with pytest.raises(RepositoryError, match="not a linked worktree"):
            remove_worktree(opened, folder)
    assert (root / "run.bat").exists()


def test_an_occupied_folder_is_left_alone(opened: Repository, root: Path, tmp_path: Path) -> None:
    occupied = tmp_path / "occupied"
    occupied.mkdir()
    (occupied / "mine").write_text("mine\n")
    with pytest.raises(RepositoryError, match="new or empty"):
        add_worktree(opened, head_of(root), occupied)
    with pytest.raises(RepositoryError, match="new or empty"):
        add_worktree(opened, head_of(root), occupied / "mine")
    assert (occupied / "mine").read_text() == "mine\n"
    assert not (root / ".git/worktrees").exists()
    (tmp_path / "empty").mkdir()
    add_worktree(opened, head_of(root), tmp_path / "empty")


def test_a_failing_filter_leaves_nothing(opened: Repository, root: Path, tmp_path: Path) -> None:
    run_git("config", "filter.shout.smudge", "false", cwd=root)
    run_git("config", "filter.shout.required", "true", cwd=root)
    (tmp_path / "existing").mkdir()
    for folder in (tmp_path / "new", tmp_path / "existing"):
        with pytest.raises(RepositoryError):
            add_worktree(opened, head_of(root), folder)
    assert not (tmp_path / "new").exists()
    assert not any((tmp_path / "existing").iterdir())
    assert not (root / ".git/worktrees").exists()
    assert run_git("worktree", "list", cwd=root).count("\n") == 0


def test_no_hook_runs(opened: Repository, root: Path, tmp_path: Path) -> None:
    from twice.git.snapshot import scan, write_snapshot

    (root / "new.py").write_text("new\n")
    hooks = root / ".git/hooks"
    names = (
        "post-checkout",
        "pre-commit",
        "post-index-change",
        "reference-transaction",
        "fsmonitor-watchman",
        "pre-auto-gc",
    )
    for name in names:
        (hooks / name).write_text(f"#!/bin/sh\necho {name} >> {tmp_path}/ran\n")
        (hooks / name).chmod(0o755)
    run_git("config", "core.fsmonitor", str(hooks / "fsmonitor-watchman"), cwd=root)
    run_git("status", cwd=root)
    assert (tmp_path / "ran").exists()  # git itself does run them
    (tmp_path / "ran").unlink()
    snapshot = write_snapshot(opened, scan(opened))
    assert snapshot.commit is not None
    opened.refs.create("refs/twice/pending/one", snapshot.commit)
    add_worktree(opened, snapshot.commit, tmp_path / "ours")
    remove_worktree(opened, tmp_path / "ours")
    opened.refs.delete("refs/twice/pending/one")
    assert not (tmp_path / "ran").exists()


def test_nothing_of_the_users_changes_from_scan_to_removal(opened: Repository, root: Path, tmp_path: Path) -> None:
    from twice.git.snapshot import scan, write_snapshot

    (root / "src/run.sh").write_text("stashed\n")
    run_git("stash", "-q", cwd=root)
    (root / "src/run.sh").write_text("staged\n")
    (root / "empty").unlink()
    run_git("add", "-A", cwd=root)
    (root / "run.bat").write_text("changed\n")
    (root / "new.py").write_text("new\n")
    os.utime(root / "link", follow_symlinks=False)  # git would like to refresh its index
    before, work_before = users_state(root), files(root)
    times_before = {name: (root / name).lstat().st_mtime_ns for name in (".git/index", ".git/HEAD", "run.bat", ".")}
    snapshot = write_snapshot(opened, scan(opened))
    assert snapshot.commit is not None
    opened.refs.create("refs/twice/pending/one", snapshot.commit)
    add_worktree(opened, snapshot.commit, tmp_path / "ours")
    assert files(tmp_path / "ours").keys() == work_before.keys()
    remove_worktree(opened, tmp_path / "ours")
    opened.refs.delete("refs/twice/pending/one", snapshot.commit)
    assert users_state(root) == before
    assert files(root) == work_before
    assert {name: (root / name).lstat().st_mtime_ns for name in times_before} == times_before
    assert [path for path in (root / ".git/twice").rglob("*") if path.is_file()] == []
    run_git("fsck", "--strict", cwd=root)


def test_all_files_are_there_although_the_users_work_tree_is_sparse(
    root: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    from twice.git.snapshot import scan, write_tree

    run_git("sparse-checkout", "set", "--cone", "src/deep", cwd=root)
    before = users_state(root)
    with Repository.open(root, environ) as opened:
        add_worktree(opened, head_of(root), tmp_path / "ours")
    assert users_state(root) == before
    assert "link" in files(tmp_path / "ours")
    assert run_git("status", "--porcelain", cwd=tmp_path / "ours") == ""
    assert len(files(tmp_path / "ours")) == len(run_git("ls-tree", "-r", "HEAD", cwd=root).splitlines())
    with Repository.open(tmp_path / "ours", environ) as inside:
        assert scan(inside).changes == ()
        (tmp_path / "ours/other").mkdir()
        (tmp_path / "ours/other/new").write_text("outside of the cone\n")
        assert [change.path for change in scan(inside).changes] == ["other/new"]
        write_tree(inside, scan(inside))


def test_submodules_are_named_and_left_empty(root: Path, environ: dict[str, str], tmp_path: Path) -> None:
    other = tmp_path / "other"
    run_git("clone", "-q", str(root), str(other), cwd=tmp_path)
    run_git("submodule", "add", "-q", str(other), "vendor/lib", cwd=root)
    run_git("commit", "-q", "-m", "with a submodule", cwd=root)
    run_git("config", "submodule.recurse", "true", cwd=root)
    with Repository.open(root, environ) as opened:
        assert add_worktree(opened, head_of(root), tmp_path / "ours") == ("vendor/lib",)
        assert list((tmp_path / "ours/vendor/lib").iterdir()) == []
        assert run_git("status", "--porcelain", cwd=tmp_path / "ours") == ""
        remove_worktree(opened, tmp_path / "ours")
    assert not (root / ".git/worktrees").exists()


def test_from_a_linked_worktree_and_from_a_hook(root: Path, environ: dict[str, str], tmp_path: Path) -> None:
    run_git("worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"), cwd=root)
    index = (root / ".git/index").read_bytes()
    linked_index = root / ".git/worktrees/linked/index"
    before = linked_index.read_bytes()
    variables = {
        "GIT_DIR": str(root / ".git/worktrees/linked"),
        "GIT_INDEX_FILE": str(linked_index),
    }  # as git sets for hooks
    with Repository.open(tmp_path / "linked", {**environ, **variables}) as opened:
        add_worktree(opened, head_of(root), tmp_path / "ours")
        assert run_git("status", "--porcelain", cwd=tmp_path / "ours") == ""
        assert linked_index.read_bytes() == before
        remove_worktree(opened, tmp_path / "ours")
    assert (root / ".git/index").read_bytes() == index
    assert [path.name for path in (root / ".git/worktrees").iterdir()] == ["linked"]
