"""The index: the same whether it grew run by run or was built anew, and never trusted more than the refs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sample_runs import make_run, metric
from twice.errors import RecordError
from twice.record.files import to_documents
from twice.record.model import Run
from twice.record.summary import summarise_run
from twice.store.run_index import RunIndex
from twice.textforms import new_run_id

START = datetime(2026, 11, 21, 14, 22, 33, tzinfo=timezone.utc)


def quiet(done: int, total: int) -> None:
    pass


def run(number: int) -> Run:
    run_id = new_run_id(START + timedelta(minutes=number), lambda amount: bytes([number % 256] * amount))
    return make_run(
        id=run_id,
        experiment=("train", "eval", "train/deep")[number % 3],
        started_at=START + timedelta(minutes=number),
        metrics={"loss": metric(number / 7)},
    )


RUNS = {f"refs/experiments/{one.experiment}/{one.id}": one for one in map(run, range(12))}
COMMITS = {f"{position:040x}": one for position, one in enumerate(RUNS.values())}
IDS = dict(zip(RUNS, COMMITS, strict=True))


def record(one: Run) -> tuple[dict[str, Any], str | None]:
    return to_documents(one), one.environment.lock


def read(commits: Sequence[str]) -> Iterator[tuple[dict[str, Any], str | None]]:
    return (record(COMMITS[commit]) for commit in commits)


def content(index: RunIndex) -> object:
    return index.rows(), index.summaries(), index.runs(row.ref for row in index.rows())


@given(st.lists(st.sets(st.sampled_from(list(RUNS))), max_size=6))
def test_the_grown_index_is_the_rebuilt_one(states: list[set[str]]) -> None:
    with RunIndex.open(Path(__file__) / "no-folder") as grown:  # in memory
        for refs in states:
            grown.refresh({ref: IDS[ref] for ref in refs}, read, quiet)
        last = {ref: IDS[ref] for ref in states[-1]} if states else {}
        with RunIndex.open(Path(__file__) / "no-folder") as rebuilt:
            rebuilt.refresh(last, read, quiet)
            assert content(grown) == content(rebuilt)


def test_runs_come_back_as_they_were_oldest_first(tmp_path: Path) -> None:
    with RunIndex.open(tmp_path) as index:
        index.refresh(IDS, read, quiet)
        assert index.runs(RUNS) == RUNS
        assert index.summaries() == [summarise_run(one) for one in RUNS.values()]
        assert [row.id for row in index.rows("train")] == [
            one.id for one in RUNS.values() if one.experiment in ("train", "train/deep")
        ]


def test_only_new_runs_are_read(tmp_path: Path) -> None:
    asked: list[str] = []

    def reading(commits: Sequence[str]) -> Iterator[tuple[dict[str, Any], str | None]]:
        asked.extend(commits)
        return read(commits)

    for amount in (5, 5, 12):
        with RunIndex.open(tmp_path) as index:
            index.refresh(dict(list(IDS.items())[:amount]), reading, quiet)
    assert sorted(asked) == sorted(COMMITS)


@pytest.mark.parametrize("damage", [b"", b"not a database, but long enough to be taken for one" * 50])
def test_a_damaged_index_is_rebuilt_without_asking(tmp_path: Path, damage: bytes) -> None:
    with RunIndex.open(tmp_path) as index:
        index.refresh(IDS, read, quiet)
    (tmp_path / "index.sqlite3").write_bytes(damage)
    with RunIndex.open(tmp_path) as index:
        assert index.rows() == []
        index.refresh(IDS, read, quiet)
        assert len(index.rows()) == len(RUNS)


def test_an_index_of_another_version_is_rebuilt(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "index.sqlite3")
    connection.execute("CREATE TABLE made_by (text TEXT)")
    connection.execute("INSERT INTO made_by VALUES ('999 a twice of the future')")
    connection.execute("CREATE TABLE runs (something_else TEXT)")
    connection.commit()
    connection.close()
    with RunIndex.open(tmp_path) as index:
        index.refresh(IDS, read, quiet)
        assert len(index.summaries()) == len(RUNS)


def test_a_run_that_cannot_be_read_is_listed_with_the_reason(tmp_path: Path) -> None:
    def refuse(commits: Sequence[str]) -> Iterator[RecordError]:
        return (RecordError("run.yaml: made by a newer twice") for _ in commits)

    with RunIndex.open(tmp_path) as index:
        index.refresh(IDS, refuse, quiet)
        assert index.summaries() == []
        assert {row.problem for row in index.rows()} == {"run.yaml: made by a newer twice"}
        assert [row.id for row in index.rows()] == [one.id for one in RUNS.values()]


def test_two_processes_may_use_it_at_once(tmp_path: Path) -> None:
    with RunIndex.open(tmp_path) as first, RunIndex.open(tmp_path) as second:
        first.refresh(IDS, read, quiet)
        second.refresh(IDS, read, quiet)
        assert content(first) == content(second)
