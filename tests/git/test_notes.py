"""Notes have the very trees that git gives them, and are read whoever wrote them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from hashlib import sha1
from pathlib import Path

import pytest

from commands import Git
from twice.git.notes import changed_notes, find_note, read_notes, set_notes, write_notes_commit
from twice.git.repository import Repository

REF = "refs/notes/experiments"
NOW = datetime(2026, 11, 21, tzinfo=timezone.utc)


def some_ids(count: int, start: str = "") -> list[str]:
    """Ids of objects that need not be there, all beginning with the same digits."""
    return [start + sha1(str(number).encode()).hexdigest()[len(start) :] for number in range(count)]


@pytest.fixture
def opened(repository: Path) -> Iterator[Repository]:
    with Repository.open(repository, dict(os.environ)) as found:
        yield found


@pytest.fixture
def blob(opened: Repository) -> str:
    return opened.objects.write_blob(b"a note\n")


def by_git(git: Git, blob: str, ids: Sequence[str]) -> str:
    """The notes' tree after git has added the same note to each object."""
    git("notes", "--ref=experiments", "add", "-f", "-C", blob, ids[0])
    git("notes", "--ref=experiments", "copy", "-f", "--stdin", stdin="".join(f"{ids[0]} {each}\n" for each in ids[1:]))
    return git("rev-parse", f"{REF}^{{tree}}").strip()


@pytest.mark.parametrize("count", [1, 2, 60, 150, 700])
def test_the_trees_are_those_of_git(git: Git, opened: Repository, blob: str, count: int) -> None:
    ids = some_ids(count)
    assert set_notes(opened.objects, None, dict.fromkeys(ids, blob)) == by_git(git, blob, ids)


def test_many_notes_in_one_folder_are_cut_up_again(git: Git, opened: Repository, blob: str) -> None:
    ids = [*some_ids(400, "ab"), *some_ids(150)]
    tree = set_notes(opened.objects, None, dict.fromkeys(ids, blob))
    assert tree == by_git(git, blob, ids)
    assert any(path.count("/") == 2 for path, _, _ in opened.objects.walk(tree))


def test_growing_by_turns_with_git(git: Git, opened: Repository, blob: str) -> None:
    ids = some_ids(260)
    tree = None
    for start in range(0, 260, 20):
        mine = ids[start : start + 10]
        tree = set_notes(opened.objects, tree, dict.fromkeys(mine, blob))
        commit = write_notes_commit(opened, tree, (), "more", NOW)
        git("update-ref", REF, commit)
        theirs = ids[start + 10 : start + 20]
        tree = by_git(git, blob, theirs)
    assert tree == set_notes(opened.objects, None, dict.fromkeys(ids, blob))
    assert git("fsck", "--strict", "--no-dangling") == ""


def test_reading_what_git_wrote(git: Git, opened: Repository, blob: str) -> None:
    ids = some_ids(150)
    tree = by_git(git, blob, ids)
    assert read_notes(opened.objects, tree) == dict.fromkeys(ids, blob)
    assert find_note(opened.objects, tree, ids[7]) == blob
    assert find_note(opened.objects, tree, "0" * 40) is None
    assert (read_notes(opened.objects, None), find_note(opened.objects, None, ids[0])) == ({}, None)


def test_any_fan_out_is_read_and_what_is_no_note_is_kept(git: Git, opened: Repository, blob: str) -> None:
    one, two, three = some_ids(3)
    paths = {one: one, two: f"{two[:2]}/{two[2:]}", three: f"{three[:2]}/{three[2:4]}/{three[4:]}"}
    tree = opened.objects.write_tree({**dict.fromkeys(paths.values(), (33188, blob)), "README": (0o100644, blob)})
    assert set(read_notes(opened.objects, tree)) == {one, two, three}
    assert {each: find_note(opened.objects, tree, each) for each in paths} == dict.fromkeys(paths, blob)
    other = opened.objects.write_blob(b"another\n")
    changed = set_notes(opened.objects, tree, {one: other, three: other})
    assert read_notes(opened.objects, changed) == {one: other, two: blob, three: other}
    assert opened.objects.find(changed, "README") is not None
    git("update-ref", REF, write_notes_commit(opened, changed, (), "mixed", NOW))
    assert {each: git("notes", "--ref=experiments", "show", each) for each in paths} == {
        one: "another\n",
        two: "a note\n",
        three: "another\n",
    }


def test_what_changed_between_two_trees(opened: Repository, blob: str) -> None:
    ids = some_ids(200)
    old = set_notes(opened.objects, None, dict.fromkeys(ids[:30], blob))
    other = opened.objects.write_blob(b"another\n")
    new = set_notes(opened.objects, old, {**dict.fromkeys(ids[30:], blob), ids[0]: other})
    assert changed_notes(opened.objects, old, new) >= {ids[0], *ids[30:]}
    newer = set_notes(opened.objects, new, {ids[5]: other})
    assert changed_notes(opened.objects, new, newer) == {ids[5]}
    assert changed_notes(opened.objects, new, new) == set()
    assert changed_notes(opened.objects, None, new) == set(ids)
