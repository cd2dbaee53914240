"""What cannot be told exactly without the git executable is refused, with a word on what to do; never guessed."""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from twice.errors import RepositoryError
from twice.git.repository import Repository
from twice.git.scans import Scan
from twice.git.snapshot import scan, write_tree

Git = Callable[..., str]


def scanned(root: Path) -> Scan:
    with Repository.open(root, {**os.environ, "TWICE_GIT": "none"}) as repository:
        found = scan(repository)
        write_tree(repository, found)
        return found


def add_extension(index: Path, name: bytes) -> None:
    data = index.read_bytes()[:-20] + struct.pack(">4sL", name, 3) + b"abc"
    index.write_bytes(data + hashlib.sha1(data).digest())


def test_an_extension_that_must_be_understood(repository: Path) -> None:
    add_extension(repository / ".git/index", b"moon")
    with pytest.raises(RepositoryError, match="moon") as caught:
        scanned(repository)
    assert caught.value.hint


def test_an_extension_that_may_be_skipped(repository: Path) -> None:
    add_extension(repository / ".git/index", b"MOON")
    assert scanned(repository).changes == ()


@pytest.mark.parametrize("keep", [0, 3, 11, 40, 90, 150])
def test_an_index_cut_short(repository: Path, keep: int) -> None:
    index = repository / ".git/index"
    index.write_bytes(index.read_bytes()[:keep])
    if keep == 0:  # git, too, takes an empty file for an empty index
        assert {change.path: change.state for change in scanned(repository).changes} == {
            "README": "untracked",
            "train.py": "untracked",
        }
        return
    with pytest.raises(RepositoryError, match="the index is damaged"):
        scanned(repository)


def test_an_index_of_a_version_to_come(repository: Path) -> None:
    index = repository / ".git/index"
    index.write_bytes(b"DIRC" + struct.pack(">L", 9) + index.read_bytes()[8:])
    with pytest.raises(RepositoryError, match="version 9"):
        scanned(repository)


@pytest.mark.parametrize("name", ["logs/deep/x", "log/x"])
def test_a_pattern_that_versions_of_git_read_differently(repository: Path, name: str) -> None:
    (repository / ".gitignore").write_text("/log**/x\n")
    file = repository / name
    file.parent.mkdir(parents=True)
    file.write_text("x\n")
    if name == "log/x":  # here they agree
        assert [change.path for change in scanned(repository).changes] == [".gitignore"]
        return
    with pytest.raises(RepositoryError, match=r"/log\*\*/x") as caught:
        scanned(repository)
    assert caught.value.hint


def test_names_in_upper_and_lower_case_where_git_was_told_there_is_no_difference(repository: Path, git: Git) -> None:
    git("config", "core.ignoreCase", "true", cwd=repository)
    (repository / "readme").write_text("another file\n")
    with pytest.raises(RepositoryError, match="differ in upper and lower case only"):
        scanned(repository)


def test_patterns_in_upper_and_lower_case(repository: Path, git: Git) -> None:
    git("config", "core.ignoreCase", "true", cwd=repository)
    (repository / ".gitignore").write_text("*.LOG\nBuild/\n/docs/[A-C]?.TXT\n")
    for path in ("a.log", "build/x", "docs/bx.txt", "docs/zx.txt"):
        file = repository / path
        file.parent.mkdir(exist_ok=True)
        file.write_text("x\n")
    found = {change.path for change in scanned(repository).changes}
    assert (
        found
        == set(git("ls-files", "-o", "--exclude-standard", cwd=repository).split())
        == {".gitignore", "docs/zx.txt"}
    )


@pytest.mark.parametrize(
    ("attribute", "settings"),
    [("working-tree-encoding=UTF-16", {}), ("filter=chat", {"filter.chat.process": "cat"})],
)
def test_a_conversion_that_only_git_can_do(
    repository: Path, git: Git, attribute: str, settings: dict[str, str]
) -> None:
    for key, value in settings.items():
        git("config", key, value, cwd=repository)
    (repository / ".gitattributes").write_text(f"*.odd {attribute}\n")
    (repository / "a.odd").write_bytes(b"\xff\xfea\0")
    with pytest.raises(RepositoryError, match=r"a\.odd") as caught:
        scanned(repository)
    assert attribute in caught.value.details[0]
    assert caught.value.hint


def test_a_filter_that_is_required_and_fails(repository: Path, git: Git) -> None:
    git("config", "filter.must.clean", "false", cwd=repository)
    git("config", "filter.must.required", "true", cwd=repository)
    (repository / ".gitattributes").write_text("*.odd filter=must\n")
    (repository / "a.odd").write_text("a\n")
    with pytest.raises(RepositoryError, match=r"a\.odd.*must"):
        scanned(repository)


def test_a_name_that_git_keeps_to_itself(repository: Path) -> None:
    (repository / "sub/.GIT").mkdir(parents=True)
    (repository / "sub/.GIT/config").write_text("evil\n")
    with pytest.raises(RepositoryError, match="not a path that a tree can hold"):
        scanned(repository)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_cannot_be_read(repository: Path) -> None:
    (repository / "private").write_text("x\n")
    (repository / "private").chmod(0)
    with pytest.raises(RepositoryError, match="private"):
        scanned(repository)
