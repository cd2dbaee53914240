from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twice.errors import SelectorError
from twice.record.summary import RunSummary
from twice.store.run_index import Row
from twice.store.selectors import select_run
from twice.textforms import new_run_id

NOW = datetime(2026, 11, 21, 18, 0, 0, tzinfo=timezone.utc)
START = datetime(2026, 11, 21, 14, 22, 33, tzinfo=timezone.utc)


def row(run_id: str, experiment: str = "train", name: str | None = None, commit: str = "0" * 40) -> Row:
    ref = f"refs/experiments/{experiment}/{run_id}"
    started = datetime.strptime(run_id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=timezone.utc)
    return Row(
        ref=ref, commit=commit, id=run_id, experiment=experiment, name=name, started_us=int(started.timestamp()) * 10**6
    )


def summary(of: Row, **metrics: float) -> RunSummary:
    return RunSummary(
        id=of.id,
        experiment=of.experiment,
        name=of.name,
        status="finished",
        started_at=START,
        duration_s=1.0,
        command=("python", "train.py", of.id[-2:]),
        params={},
        metrics=metrics,
        tags={},
    )


ROWS = [
    row("20261119-080000-aaaaaa", name="baseline", commit="ab" * 20),
    row("20261120-091102-k7mz32", commit="cd" * 20),
    row("20261120-100000-bbbbbb", experiment="eval", name="baseline", commit="ef" * 20),
    row("20261121-142233-k7q2m9", commit="12" * 20),
]
SUMMARIES = [
    summary(ROWS[0], accuracy=0.5, loss=2.0, tie=1),
    summary(ROWS[1], accuracy=0.9, loss=3.0, tie=1),
    summary(ROWS[2], accuracy=float("nan")),
    summary(ROWS[3], loss=1.0),
]


def select(selector: str) -> Row:
    return select_run(selector, ROWS, lambda: SUMMARIES, lambda metric: metric == "loss", NOW)


@pytest.mark.parametrize(
    ("selector", "position"),
    [
        ("@", 3),
        ("@~", 2),
        ("@~0", 3),
        ("@~3", 0),
        ("eval/@", 2),
        ("train/@~1", 1),
        ("@{yesterday}", 2),
        ("@{2026-11-20}", 2),
        ("@{2026-11-20}~", 1),
        ("train/@{yesterday}", 1),
        ("@{2026-11-20 09:30}", 1),
        ("@{2026-11}", 3),
        ("@{2 days ago}", 0),
        ("@{4h}", 2),
        ("@{now}", 3),
        ("k7q2", 3),
        ("k7m", 1),
        ("20261121", 3),
        ("20261120-091102-k7mz32", 1),
        ("baseline", 2),
        ("abababab", 0),
        ("12" * 20, 3),
        ("refs/experiments/eval/20261120-100000-bbbbbb", 2),
        ("experiments/eval/20261120-100000-bbbbbb", 2),
        ("best:accuracy", 1),
        ("best:loss", 3),
        ("best:-accuracy", 0),
        ("best:tie", 1),
        ("best:-tie", 1),
    ],
)
def test_selectors(selector: str, position: int) -> None:
    assert select(selector) is ROWS[position]


def test_an_ambiguous_part_lists_all_candidates_newest_first() -> None:
    with pytest.raises(SelectorError, match="run `k7` could be either of two runs") as raised:
        select("k7")
    assert [detail.split()[0] for detail in raised.value.details] == [ROWS[3].id, ROWS[1].id]
    assert "python train.py" in raised.value.details[0]


@pytest.mark.parametrize(
    ("selector", "words"),
    [
        ("zzz", "no run `zzz`"),
        ("", "no run ``"),
        ("k", "no run `k`"),
        ("@~4", "there are only 4 runs"),
        ("@{2026-11-18}", "there was no run at that time"),
        ("@{soon}", "that is no time"),
        ("@{yesterday}~3", "there are only 3 runs: `@{yesterday}~3`"),
        ("nothing/@", "no run in experiment `nothing` yet"),
        ("best:f1", "no run has a metric `f1`"),
    ],
)
def test_what_selects_nothing(selector: str, words: str) -> None:
    with pytest.raises(SelectorError, match=words) as raised:
        select(selector)
    assert raised.value.hint


def test_without_any_run_the_hint_is_how_to_record_one() -> None:
    with pytest.raises(SelectorError) as raised:
        select_run("k7", [], list, lambda metric: None)
    assert "twice run" in str(raised.value.hint)


@given(st.integers(1, 40), st.integers(0, 2**32), st.data())
def test_any_part_of_an_id_is_unique_or_lists_all_candidates(number: int, seed: int, data: st.DataObject) -> None:
    state = [seed]

    def random_bytes(amount: int) -> bytes:
        state[0] = (state[0] * 6364136223846793005 + 1) % 2**64
        return state[0].to_bytes(8, "big")[:amount]

    rows = [row(new_run_id(START + timedelta(hours=n), random_bytes)) for n in range(number)]
    chosen = data.draw(st.sampled_from(rows)).id
    start = data.draw(st.integers(0, len(chosen) - 2))
    part = chosen[start : data.draw(st.integers(start + 2, len(chosen)))]
    having = {one.id for one in rows if part in one.id}
    try:
        assert {select_run(part, rows, list, lambda metric: None).id} == having
    except SelectorError as error:
        assert len(having) > 1
        assert {detail.split()[0] for detail in error.details if not detail.startswith("…")} <= having
        assert len(error.details) == min(len(having), 9)
