"""Which runs does a reading command see?  The index, refreshed, and what is needed to resolve selectors in it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

from twice.cli.workplace import Workplace
from twice.errors import RecordError
from twice.git.repository import Repository
from twice.record.summary import RunSummary
from twice.store.notes import Notes
from twice.store.run_index import Row, RunIndex
from twice.store.run_refs import run_refs, settled_stamps

if TYPE_CHECKING:
    from twice.record.model import Point, Run
    from twice.store.run_search import RunSearch
    from twice.store.run_store import RunStore


class Runs:
    """The runs of the repository, as the index has them."""

    def __init__(self, repository: Repository, index: RunIndex, now: Callable[[], datetime]) -> None:
        self._repository = repository
        self._now = now
        self.index = index

    @cached_property
    def store(self) -> RunStore:
        """The runs' commits; a command that the index can answer does not load what reads them."""
        from twice.store.run_store import RunStore

        return RunStore(self._repository)

    def read(self, commit: str) -> Run:
        """The run recorded in a commit, from git."""
        return self.store.read(commit)

    def read_records(self, commits: Sequence[str]) -> Iterator[Any]:
        """The records of many commits, from git, in order; the error for one that cannot be read."""
        return self.store.read_records(commits)

    def row(self, selector: str) -> Row:
        """The run that a selector names, as the index has it.  Raises SelectorError."""
        from twice.store.selectors import select_run

        return select_run(selector, self.index.rows(), self.index.summaries, lower_is_better, self._now())

    def select(self, selector: str) -> tuple[Row, Run]:
        """The run that a selector names.  Raises SelectorError, RecordError."""
        row = self.row(selector)
        if row.problem is not None:
            raise RecordError(f"run {row.id} cannot be read: {row.problem}")
        return row, self.index.runs([row.ref])[row.ref]

    def history(self, commit: str, metric: str) -> Sequence[Point]:
        """A metric's history, from git, oldest first."""
        return self.store.history(commit, metric)

    def keys_of(self, selectors: Sequence[str]) -> list[int]:
        """The keys, in the index, of the runs that selectors name.  Raises SelectorError."""
        return [self.index.key(self.row(selector).ref) for selector in selectors]

    def search(self, place: Workplace) -> RunSearch:
        """The search of the index, with git at hand for what the index does not know."""
        from twice.store.run_search import RunSearch

        return RunSearch(
            self.index,
            self._repository,
            place.clock.now(),
            select=self.row,
            history=self.history,
            lower_is_better=lower_is_better,
        )

    def summaries(self, experiment: str | None = None) -> Sequence[RunSummary]:
        """What a table shows of each run, oldest first."""
        return self.index.summaries(experiment)


@contextmanager
def known_runs(place: Workplace) -> Iterator[Runs]:
    """The runs, after bringing the index up to date."""
    with RunIndex.open(place.repository.state_dir) as index:
        runs = Runs(place.repository, index, place.clock.now)
        _refresh(place, index, runs)
        notes = Notes(place.repository)
        index.refresh_notes(notes.tip(), notes.changed)
        yield runs


def _refresh(place: Workplace, index: RunIndex, runs: Runs) -> None:
    """Bring the index up to date; where no folder of refs has changed, that is done already."""
    repository, before = place.repository, index.stamps()
    if before and repository.refs.have_stamps(before):
        index.is_current(lambda: run_refs(repository), runs.read_records)
        return
    stamps = settled_stamps(repository, before, int(place.clock.now().timestamp() * 1e9))
    known = index.commits()
    index.refresh(run_refs(repository, known, before), runs.read_records, _progress, known)
    if stamps != before:
        index.keep_stamps(stamps)


def lower_is_better(metric: str) -> bool:
    """Whether less of a metric is better, as far as its name tells."""
    from twice.comparison.directions import direction

    return direction(metric) == "lower"


def _progress(done: int, total: int) -> None:
    if total >= 1000 and sys.stderr.isatty():
        text = f"reading runs: {done} of {total}" if done < total else "\033[K"
        print(f"\r{text}", end="" if done < total else "\r", file=sys.stderr, flush=True)


def complete_run(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
    """Completion: the newest runs' short ids and names that begin as typed."""
    from click.shell_completion import CompletionItem

    from twice.cli.workplace import workplace
    from twice.errors import TwiceError
    from twice.textforms import short_id

    try:
        with workplace(bare_ok=True) as place, known_runs(place) as runs:
            summaries = list(runs.summaries())[-500:]
    except TwiceError:
        return []
    items = [CompletionItem("@", help="the latest run")]
    for summary in reversed(summaries):
        words = " ".join(summary.command)[:60]
        if summary.name:
            items.append(CompletionItem(summary.name, help=words))
        items.append(CompletionItem(short_id(summary.id, 6), help=words))
    return [item for item in items if str(item.value).startswith(incomplete)]
