"""The runs' refs, listed by what has changed: right also when they change while nobody can tell times apart."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from commands import Git
from twice.git.repository import Repository
from twice.store.run_refs import run_refs, settled_stamps

CHANGES = ["update-ref {}/train/a HEAD~1", "update-ref -d {}/train/a", "update-ref {}/train/c HEAD", "pack-refs --all"]


def age(path: Path, seconds: float) -> None:
    moment = time.time() - seconds
    os.utime(path, (moment, moment))


@pytest.mark.parametrize("folder_age", [0, 1, 60])
@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_after_listing_is_seen(repository: Path, git: Git, change: str, folder_age: int) -> None:
    git("commit", "-q", "--allow-empty", "-m", "second", cwd=repository)
    for name in ("train/a", "train/b", "eval/a"):
        git("update-ref", f"refs/experiments/{name}", "HEAD", cwd=repository)
    for path in (repository / ".git/refs/experiments").glob("*"):
        age(path, folder_age)
    with Repository.open(repository, dict(os.environ)) as opened:
        stamps = settled_stamps(opened, {}, time.time_ns())
        known = run_refs(opened)
        git(*change.format("refs/experiments").split(), cwd=repository)
        assert not opened.refs.have_stamps(stamps)
        assert run_refs(opened, known, stamps) == run_refs(opened)
        again = settled_stamps(opened, stamps, time.time_ns())
        assert run_refs(opened, run_refs(opened), again) == run_refs(opened)


def test_of_a_folder_that_has_just_changed_old_files_count_as_unchanged(repository: Path, git: Git) -> None:
    for name in ("a", "b"):
        git("update-ref", f"refs/experiments/train/{name}", "HEAD", cwd=repository)
    age(repository / ".git/refs/experiments/train/a", 60)
    with Repository.open(repository, dict(os.environ)) as opened:
        stamps = settled_stamps(opened, {}, time.time_ns())
        head = git("rev-parse", "HEAD", cwd=repository).strip()
        known = {f"refs/experiments/train/{name}": "a" * 40 for name in ("a", "b")}
        assert list(run_refs(opened, known, stamps).values()) == ["a" * 40, head]  # believed, and read
