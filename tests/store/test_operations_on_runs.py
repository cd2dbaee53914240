"""What is said of a run is appended, merged without conflict, and lost to nobody."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from commands import Git
from sample_runs import make_run
from twice.git.repository import Repository
from twice.record.operations import Operation, count_verdicts, parse_operations
from twice.store.notes import NOTES_REF, Notes
from twice.store.run_index import RunIndex

NOW = datetime(2026, 11, 21, 14, 22, 33, tzinfo=timezone.utc)
RUN, OTHER_RUN = "1" * 40, "2" * 40


def operation(minutes: int = 0, op: str = "verdict", **facts: object) -> Operation:
    return Operation(at=NOW + timedelta(minutes=minutes), by="Ada <ada@example.org>", op=op, facts=facts)


@pytest.fixture
def notes(repository: Path) -> Iterator[Notes]:
    with Repository.open(repository, dict(os.environ)) as opened:
        yield Notes(opened)


def test_operations_read_back_in_the_order_of_time(notes: Notes, git: Git) -> None:
    assert (notes.tip(), notes.of(RUN)) == (None, ())
    second, first = operation(2, outcome="diverged", count=2), operation(1, "tag", name="a\nb “c”")
    notes.add({RUN: [second]}, "Say something", NOW)
    notes.add({RUN: [first], OTHER_RUN: [first]}, "Say more", NOW)
    assert notes.of(RUN) == (first, second)
    assert notes.of(OTHER_RUN) == (first,)
    lines = git("notes", "--ref=experiments", "show", RUN).splitlines()
    assert lines == sorted(lines) and lines[0].startswith('{"at": "2026-11-21T14:23:33.000000Z", "by": "Ada ')
    assert git("log", "--format=%s%n%an", NOTES_REF).splitlines() == ["Say more", "Ada", "Say something", "Ada"]


def test_what_somebody_else_wrote_into_a_note_is_kept(notes: Notes, git: Git) -> None:
    git("notes", "--ref=experiments", "add", "-m", "looks good to me", RUN)
    git("notes", "--ref=experiments", "add", "-m", '{"at": 7, "by": [], "op": "verdict"}', OTHER_RUN)
    notes.add({RUN: [operation()], OTHER_RUN: [operation()]}, "Say something", NOW)
    assert notes.of(RUN) == notes.of(OTHER_RUN) == (operation(),)
    assert "looks good to me" in git("notes", "--ref=experiments", "show", RUN)


def test_a_note_that_is_no_text_or_no_operation_says_nothing() -> None:
    for text in (b"\xff\xfe", b"[1]", b"null", b'{"at": "yesterday", "by": "x", "op": "y"}', b"[" * 100_000):
        assert parse_operations(text) == ()


def test_merging_is_that_of_git(notes: Notes, git: Git) -> None:
    both = operation(0, outcome="reproduced")
    base = notes.add({RUN: [both]}, "base", NOW)
    mine = notes.add({RUN: [operation(3)], OTHER_RUN: [operation(4)]}, "mine", NOW)
    git("update-ref", NOTES_REF, base)
    theirs = notes.add({RUN: [operation(1)], "3" * 40: [operation(5)]}, "theirs", NOW)
    git("update-ref", NOTES_REF, mine)
    merged = notes.merge(theirs, NOW)
    assert [one.at for one in notes.of(RUN)] == [NOW, NOW + timedelta(minutes=1), NOW + timedelta(minutes=3)]
    assert git("log", "-1", "--format=%P", merged).split() == [mine, theirs]
    ours = git("rev-parse", f"{merged}^{{tree}}")
    git("update-ref", NOTES_REF, mine)
    git("update-ref", "refs/notes/theirs", theirs)
    git("notes", "--ref=experiments", "merge", "-s", "cat_sort_uniq", "theirs")
    assert git("rev-parse", f"{NOTES_REF}^{{tree}}") == ours


def test_merging_into_nothing(notes: Notes, git: Git) -> None:
    theirs = notes.add({RUN: [operation()]}, "theirs", NOW)
    git("update-ref", "-d", NOTES_REF)
    notes.merge(theirs, NOW)
    assert notes.of(RUN) == (operation(),)


def test_only_the_runs_whose_notes_changed_are_read_again(notes: Notes, git: Git) -> None:
    first = notes.add({RUN: [operation(1)], OTHER_RUN: [operation(2)]}, "first", NOW)
    second = notes.add({RUN: [operation(3)]}, "second", NOW)
    assert notes.changed(first, second) == {RUN: (operation(1), operation(3))}
    assert notes.changed(None, second).keys() == notes.changed("f" * 40, second).keys() == {RUN, OTHER_RUN}
    git("notes", "--ref=experiments", "remove", OTHER_RUN)
    assert notes.changed(second, notes.tip()) == {OTHER_RUN: ()}
    assert notes.changed(second, None) == {RUN: (), OTHER_RUN: ()}


def say_many(root: str, number: int) -> None:
    with Repository.open(Path(root), dict(os.environ)) as opened:
        for minute in range(8):
            Notes(opened).add({RUN: [operation(minute, writer=number)]}, "Say something", NOW)


def test_writers_at_the_same_moment_lose_nothing(notes: Notes, repository: Path, git: Git) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=say_many, args=(str(repository), number)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 4
    said = {(one.facts["writer"], one.at) for one in notes.of(RUN)}
    assert len(said) == 32
    assert git("rev-list", "--count", NOTES_REF).strip() == "32"


def test_an_index_that_grew_knows_what_a_rebuilt_one_does(notes: Notes, git: Git, tmp_path: Path) -> None:
    run = make_run()
    with RunIndex.open(tmp_path / "grown") as grown, RunIndex.open(tmp_path / "rebuilt") as rebuilt:
        grown.add("refs/experiments/train/a", RUN, run)
        rebuilt.add("refs/experiments/train/a", RUN, run)
        for minute, outcome in enumerate(("reproduced", "diverged", "reproduced", "unheard of")):
            said = operation(minute, outcome=outcome, run=f"run {minute}")
            notes.add({RUN: [said], OTHER_RUN: [said]}, "Say something", NOW)
            grown.refresh_notes(notes.tip(), notes.changed)
        rebuilt.refresh_notes(notes.tip(), notes.changed)
        assert grown.operations(RUN) == rebuilt.operations(RUN) == notes.of(RUN)
        assert grown.summaries() == rebuilt.summaries()
        assert [(one.reproduced, one.diverged) for one in grown.summaries()] == [(2, 1)]
        git("update-ref", "-d", NOTES_REF)
        grown.refresh_notes(notes.tip(), notes.changed)
        assert (grown.operations(RUN), grown.summaries()[0].reproduced) == ((), 0)


def test_the_same_reproduction_said_twice_counts_once() -> None:
    said = [
        operation(1, outcome="reproduced", run="a"),
        operation(2, outcome="reproduced", run="a"),
        operation(3, "tag"),
    ]
    assert count_verdicts(said) == (1, 0)
