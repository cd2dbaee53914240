"""A worktree made without a git executable is the one that `git worktree add` makes, and git takes it for its own."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from twice.errors import RepositoryError
from twice.git.checkout import add_worktree, remove_worktree
from twice.git.repository import Repository

Git = Callable[..., str]


def opened(root: Path) -> Repository:
    return Repository.open(root, {**os.environ, "TWICE_GIT": "none"})


def files(root: Path) -> dict[str, tuple[int, bytes]]:
    """Each file below a folder but `.git`: type and executable bit, content."""
    found = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != ".git"]
        for path in (Path(folder, name) for name in (*names, *folders)):
            mode = path.lstat().st_mode
            readable = stat.S_ISREG(mode)
            content = os.fsencode(path.readlink()) if stat.S_ISLNK(mode) else path.read_bytes() if readable else b""
            found[str(path.relative_to(root))] = (mode, content)
    del found[".git"]
    return found


def check_out_both_ways(root: Path, git: Git) -> Path:
    """Check HEAD out by git and by hand; they must not differ. Returns the folder made by hand."""
    git("worktree", "add", "-q", "--detach", "../by-git", "HEAD", cwd=root)
    folder = root.parent / "by-hand"
    with opened(root) as repository:
        add_worktree(repository, git("rev-parse", "HEAD", cwd=root).strip(), folder)
    assert files(folder) == files(root.parent / "by-git")
    assert git("status", "--porcelain", "--ignored", cwd=folder) == ""
    assert git("diff-files", cwd=folder) == ""  # the index knows the files as they are: nothing needs to be read again
    assert git("rev-parse", "HEAD", cwd=folder) == git("rev-parse", "HEAD", cwd=root)
    listing = git("worktree", "list", "--porcelain", cwd=root)
    assert f"worktree {folder}\n" in listing
    assert "locked" not in listing
    assert "prunable" not in listing
    return folder


def write(root: Path, path: str, content: bytes = b"text\n", mode: int = 0o644) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    file.chmod(mode)


def commit(root: Path, git: Git) -> None:
    git("add", "-A", cwd=root)
    git("commit", "-q", "-m", "more", cwd=root)


def test_kinds_of_files_and_odd_names(repository: Path, git: Git) -> None:
    write(repository, "run.sh", b"#!/bin/sh\n", 0o755)
    write(repository, "deep/er/file", b"\0\r\n")
    write(repository, "empty", b"")
    for name in ("with space", "line\nbreak", 'quote"d', "ünïcödé", os.fsdecode(b"latin-\xe9"), "a" * 200):
        write(repository, name)
    (repository / "latest").symlink_to("deep")
    (repository / "dangling").symlink_to("no/where")
    commit(repository, git)
    check_out_both_ways(repository, git)


def test_line_ends_filters_and_ident(repository: Path, git: Git) -> None:
    git("config", "filter.shout.clean", "sed '$d' | tr a-z A-Z", cwd=repository)
    git("config", "filter.shout.smudge", "tr A-Z a-z; echo %f", cwd=repository)
    git("config", "core.autocrlf", "true", cwd=repository)
    write(repository, ".gitattributes", b"*.sh eol=lf\n*.raw -text\n*.bin binary\n*.loud filter=shout\nid ident\n")
    write(repository, "deep/.gitattributes", b"*.sh eol=crlf\n")
    for path in ("a.txt", "a.sh", "a.raw", "a.bin", "a.loud", "deep/a.sh", "+before"):
        write(repository, path, b"one\ntwo\n")
    write(repository, "mixed.txt", b"one\r\ntwo\n")
    write(repository, "really-binary", b"\0one\ntwo\n")
    write(repository, "id", b"$Id$ and $Idea$\n")
    commit(repository, git)
    folder = check_out_both_ways(repository, git)
    assert (folder / "a.txt").read_bytes() == b"one\r\ntwo\r\n"
    assert (folder / "a.sh").read_bytes() == b"one\ntwo\n"
    assert b"a.loud" in (folder / "a.loud").read_bytes()


def test_sha256(tmp_path: Path, git: Git) -> None:
    root = tmp_path / "repository"
    root.mkdir()
    git("init", "-q", "--object-format=sha256")
    write(root, "deep/file")
    commit(root, git)
    git("gc", "-q")
    check_out_both_ways(root, git)


def test_from_a_linked_worktree_and_a_sparse_one(repository: Path, git: Git) -> None:
    write(repository, "deep/file")
    commit(repository, git)
    git("sparse-checkout", "set", "--cone", "nothing", cwd=repository)
    git("worktree", "add", "-q", "--detach", "../linked", cwd=repository)
    folder = repository.parent / "by-hand"
    with opened(repository.parent / "linked") as linked:
        add_worktree(linked, git("rev-parse", "HEAD", cwd=repository).strip(), folder)
    assert set(files(folder)) == {"README", "train.py", "deep", "deep/file"}  # a run needs all of its code
    assert git("status", "--porcelain", cwd=folder) == ""


def test_submodules_are_named_and_left_empty(repository: Path, git: Git, tmp_path: Path) -> None:
    other = tmp_path / "other"
    git("clone", "-q", str(repository), str(other), cwd=tmp_path)
    git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other), "vendor/lib", cwd=repository)
    commit(repository, git)
    folder = tmp_path / "by-hand"
    with opened(repository) as opened_repository:
        left = add_worktree(opened_repository, git("rev-parse", "HEAD", cwd=repository).strip(), folder)
    assert left == ("vendor/lib",)
    assert list((folder / "vendor/lib").iterdir()) == []
    assert git("status", "--porcelain", cwd=folder) == ""


@pytest.mark.parametrize(
    ("attribute", "settings", "content"),
    [
        ("working-tree-encoding=UTF-16", {}, b"\xff\xfeh\0i\0"),
        ("filter=chat", {"filter.chat.process": "cat", "filter.chat.required": "false"}, b"hi\n"),
        (
            "filter=must",
            {"filter.must.clean": "cat", "filter.must.smudge": "false", "filter.must.required": "true"},
            b"hi\n",
        ),
    ],
)
def test_what_cannot_be_converted_is_refused_and_leaves_nothing(
    repository: Path, git: Git, attribute: str, settings: dict[str, str], content: bytes
) -> None:
    write(repository, ".gitattributes", f"*.odd {attribute}\n".encode())
    write(repository, "file.odd", content)
    commit(repository, git)
    for key, value in settings.items():
        git("config", key, value, cwd=repository)
    folder = repository.parent / "by-hand"
    with opened(repository) as opened_repository, pytest.raises(RepositoryError) as caught:
        add_worktree(opened_repository, git("rev-parse", "HEAD", cwd=repository).strip(), folder)
    assert "file.odd" in caught.value.message
    assert not folder.exists()
    assert not (repository / ".git/worktrees").exists()


@pytest.mark.parametrize("path", ["../escaped", ".git/hooks/post-checkout", ".GIT/config", "a/../b", "link/file"])
def test_a_tree_made_to_deceive_is_refused(repository: Path, git: Git, path: str) -> None:
    blob = git("hash-object", "-w", "--stdin", stdin="evil\n", cwd=repository).strip()
    *folders, name = path.split("/")
    tree = _tree(git, repository, f"100644 {name}", blob)
    for folder in reversed(folders):
        tree = _tree(
            git, repository, f"40000 {folder}", tree, *([f"120000 {folder}", blob] if folder == "link" else [])
        )
    made = git("commit-tree", "-m", "evil", tree, cwd=repository).strip()
    folder = repository.parent / "by-hand"
    with opened(repository) as opened_repository, pytest.raises(RepositoryError):
        add_worktree(opened_repository, made, folder)
    assert not folder.exists()
    assert not (repository.parent / "escaped").exists()


def _tree(git: Git, root: Path, *entries: str) -> str:
    """A tree as nobody but an attacker writes it: `git mktree` would refuse the names."""
    pairs = list(zip(entries[::2], entries[1::2], strict=True))
    data = b"".join(entry.encode() + b"\0" + bytes.fromhex(object_id) for entry, object_id in reversed(pairs))
    file = root.parent / "tree"
    file.write_bytes(data)
    return git("hash-object", "-t", "tree", "-w", "--literally", str(file), cwd=root).strip()


def test_removed_without_a_trace(repository: Path, git: Git) -> None:
    folder = repository.parent / "by-hand"
    with opened(repository) as opened_repository:
        add_worktree(opened_repository, git("rev-parse", "HEAD", cwd=repository).strip(), folder)
        (folder / "output").mkdir(mode=0o500)
        remove_worktree(opened_repository, folder)
    assert not folder.exists()
    assert not (repository / ".git/worktrees").exists()
    assert git("worktree", "list", cwd=repository).count("\n") == 1
