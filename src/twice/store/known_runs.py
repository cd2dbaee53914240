"""Which runs does a repository have?  The index, brought up to date, and git for what the index does not hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

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

Progress = Callable[[int, int], None]
"""Called with how many runs were read, of how many."""


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

    def search(self) -> RunSearch:
        """The search of the index, with git at hand for what the index does not know."""
        from twice.store.run_search import RunSearch

        return RunSearch(
            self.index,
            self._repository,
            self._now(),
            select=self.row,
            history=self.history,
            lower_is_better=lower_is_better,
        )

    def summaries(self, experiment: str | None = None) -> Sequence[RunSummary]:
        """What a table shows of each run, oldest first."""
        return self.index.summaries(experiment)


@contextmanager
def open_runs(repository: Repository, now: Callable[[], datetime], progress: Progress | None = None) -> Iterator[Runs]:
    """The runs of a repository, after bringing the index up to date."""
    with RunIndex.open(repository.state_dir) as index:
        runs = Runs(repository, index, now)
        _refresh(repository, index, runs, now, progress)
        notes = Notes(repository)
        index.refresh_notes(notes.tip(), notes.changed)
        yield runs


def _refresh(
    repository: Repository, index: RunIndex, runs: Runs, now: Callable[[], datetime], progress: Progress | None
) -> None:
    """Bring the index up to date; where no folder of refs has changed, that is done already."""
    before = index.stamps()
    if before and repository.refs.have_stamps(before):
        index.is_current(lambda: run_refs(repository), runs.read_records)
        return
    stamps = settled_stamps(repository, before, int(now().timestamp() * 1e9))
    known = index.commits()
    index.refresh(run_refs(repository, known, before), runs.read_records, progress or _say_nothing, known)
    if stamps != before:
        index.keep_stamps(stamps)


def _say_nothing(done: int, total: int) -> None:
    """No progress is shown."""


def lower_is_better(metric: str) -> bool:
    """Whether less of a metric is better, as far as its name tells."""
    from twice.comparison.directions import direction

    return direction(metric) == "lower"
