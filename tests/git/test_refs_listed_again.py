"""Listing refs again, knowing how they were: the same answer as listing them anew, whatever happened in between."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from commands import Git
from twice.git.repository import Repository

PREFIX = "refs/experiments/"


def settle(root: Path) -> None:
    """Make every ref look as if it had been written twenty seconds ago, and its folder as if that were ten."""
    now = time.time()
    for path in sorted((root / ".git/refs").rglob("*"), reverse=True):
        age = 10 if path.is_dir() else 20
        os.utime(path, (now - age, now - age))
    if (root / ".git/packed-refs").exists():
        os.utime(root / ".git/packed-refs", (now - 10, now - 10))


CHANGES = {
    "a new run": ["update-ref refs/experiments/train/c HEAD"],
    "a new experiment": ["update-ref refs/experiments/deep/er/a HEAD"],
    "a deleted run": ["update-ref -d refs/experiments/train/a"],
    "a deleted packed run": ["update-ref -d refs/experiments/packed/a"],
    "a moved run": ["update-ref refs/experiments/train/a HEAD~1"],
    "a moved packed run": ["update-ref refs/experiments/packed/a HEAD~1"],
    "packing": ["pack-refs --all"],
    "packing and moving": ["pack-refs --all", "update-ref refs/experiments/train/a HEAD~1"],
    "deleted and made again": ["update-ref -d refs/experiments/train/a", "update-ref refs/experiments/train/a HEAD~1"],
    "an experiment gone": ["update-ref -d refs/experiments/eval/a"],
}


@pytest.fixture
def refs_of(repository: Path, git: Git) -> Path:
    git("commit", "-q", "--allow-empty", "-m", "second", cwd=repository)
    git("update-ref", "refs/experiments/packed/a", "HEAD", cwd=repository)
    git("pack-refs", "--all", cwd=repository)
    for name in ("train/a", "train/b", "eval/a"):
        git("update-ref", f"refs/experiments/{name}", "HEAD", cwd=repository)
    return repository


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_is_seen(refs_of: Path, git: Git, change: str) -> None:
    settle(refs_of)
    with Repository.open(refs_of, dict(os.environ)) as repository:
        refs = repository.refs
        stamps, known = refs.stamps(PREFIX), refs.list(PREFIX)
        assert refs.have_stamps(stamps)
        assert refs.list(PREFIX, known, stamps) == known
        for words in CHANGES[change]:
            git(*words.split(), cwd=refs_of)
        assert not refs.have_stamps(stamps)
        listed = git("for-each-ref", "--format=%(refname) %(objectname)", "refs/experiments", cwd=refs_of)
        expected = dict(line.split() for line in listed.splitlines())
        assert refs.list(PREFIX, known, stamps) == refs.list(PREFIX) == expected
        assert refs.stamps(PREFIX, stamps) == refs.stamps(PREFIX)


def test_what_is_known_is_not_read_again(refs_of: Path, git: Git) -> None:
    settle(refs_of)
    with Repository.open(refs_of, dict(os.environ)) as repository:
        stamps, known = repository.refs.stamps(PREFIX), repository.refs.list(PREFIX)
        git("update-ref", "refs/experiments/train/c", "HEAD", cwd=refs_of)
        found = repository.refs.list(PREFIX, {**known, "refs/experiments/train/a": "a" * 40}, stamps)
        assert found["refs/experiments/train/a"] == "a" * 40  # believed, not read
        assert "refs/experiments/train/c" in found


def test_without_any_ref_there_are_stamps_too(repository: Path, git: Git) -> None:
    with Repository.open(repository, dict(os.environ)) as opened:
        stamps = opened.refs.stamps(PREFIX)
        assert stamps == {"packed-refs": 0, PREFIX: 0}
        assert opened.refs.have_stamps(stamps)
        git("update-ref", "refs/experiments/train/a", "HEAD", cwd=repository)
        assert not opened.refs.have_stamps(stamps)
