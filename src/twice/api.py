"""How does a script or a notebook read runs?  Selectors and filters in, runs with all that is recorded of them out.

    best = twice.get_run("best:accuracy")
    best.params["lr"], best.metrics["accuracy"], best.history("loss"), best.artifact("confusion.png")
    pandas.DataFrame(run.row() for run in twice.search_runs("accuracy > 0.9", order_by="-accuracy"))

Only reads. Nothing stays open between two calls, so runs may be kept for as long as one likes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twice.errors import UsageError
from twice.git.repository import Repository
from twice.store.known_runs import Runs, open_runs
from twice.textforms import short_id

if TYPE_CHECKING:
    from twice.record.model import Point, Run
    from twice.record.summary import RunSummary
    from twice.record.values import Value

Place = str | os.PathLike[str]


class RecordedRun:
    """A run, as the index knows it; what only git knows is read when it is asked for."""

    def __init__(self, summary: RunSummary, repository: Path) -> None:
        self._summary = summary
        self._repository = repository

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value:.6g}" for name, value in list(self.metrics.items())[:4])
        return f"<run {short_id(self.id)} {self.experiment} {self.status}{': ' + shown if shown else ''}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RecordedRun) and other.id == self.id  # no two runs anywhere share one

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def id(self) -> str:
        """The whole id: `20261121-142233-k7q2m9`."""
        return self._summary.id

    @property
    def experiment(self) -> str:
        """The experiment that it belongs to."""
        return self._summary.experiment

    @property
    def name(self) -> str | None:
        """The name that the user gave it."""
        return self._summary.name

    @property
    def status(self) -> str:
        """`finished`, `failed`, `killed` or `interrupted`."""
        return self._summary.status

    @property
    def started_at(self) -> datetime:
        """When its command started, in UTC."""
        return self._summary.started_at

    @property
    def duration_s(self) -> float | None:
        """How long its command took, in seconds."""
        return self._summary.duration_s

    @property
    def command(self) -> tuple[str, ...]:
        """The words of its command."""
        return self._summary.command

    @property
    def params(self) -> Mapping[str, Value]:
        """Its params by dotted name: `model.depth`."""
        return self._summary.params

    @property
    def metrics(self) -> Mapping[str, float | int]:
        """The last value of each of its metrics."""
        return self._summary.metrics

    @property
    def tags(self) -> Mapping[str, str]:
        """Its tags."""
        return self._summary.tags

    @cached_property
    def record(self) -> Run:
        """All facts of the record: code, environment, seeds, inputs and outputs with their hashes. Raises RecordError."""
        with _opened(self._repository) as (_, runs):
            return runs.select(self.id)[1]

    def history(self, metric: str) -> tuple[Point, ...]:
        """What was logged of a metric, oldest first, each with step, time_s and value; empty if that was one value."""
        with _opened(self._repository) as (_, runs):
            return runs.store.history(runs.row(self.id).commit, metric)

    def artifact(self, path: str) -> bytes:
        """The content of a small output that the run's commit holds. Raises UsageError when it holds no such file."""
        with _opened(self._repository) as (_, runs):
            content = runs.store.artifact(runs.row(self.id).commit, path)
        if content is None:
            kept = [one.path for one in self.record.data.outputs if one.stored == "artifacts"]
            raise UsageError(f"run {self.id} keeps no `{path}`", hint=f"it keeps {', '.join(kept) or 'no output'}")
        return content

    def log(self) -> str:
        """What the command printed, stdout and stderr as they came."""
        with _opened(self._repository) as (_, runs):
            return runs.store.log(runs.row(self.id).commit).decode("utf-8", "replace")

    def row(self) -> dict[str, Any]:
        """One flat row for a table, the columns named as MLflow names them: `params.lr`, `metrics.loss`, `tags.reviewed`."""
        return {
            "run_id": self.id,
            "experiment": self.experiment,
            "run_name": self.name,
            "status": self.status,
            "start_time": self.started_at,
            "duration_s": self.duration_s,
            **{f"params.{name}": value for name, value in self.params.items()},
            **{f"metrics.{name}": value for name, value in self.metrics.items()},
            **{f"tags.{name}": value for name, value in self.tags.items()},
        }


def get_run(selector: str = "@", *, repository: Place = ".") -> RecordedRun:
    """The run that a selector names, as on the command line: `@~2`, `k7q2`, a name, `best:accuracy`, a commit.

    `repository` is a folder in the repository. Raises SelectorError, RecordError, RepositoryError.
    """
    with _opened(repository) as (_, runs):
        row = runs.row(selector)
        return RecordedRun(runs.index.summaries_of([runs.index.key(row.ref)])[0], Path(repository).resolve())


def search_runs(
    filter_string: str = "",
    *,
    order_by: str | Sequence[str] = (),
    max_results: int | None = None,
    experiment: str | None = None,
    repository: Place = ".",
) -> list[RecordedRun]:
    """The runs that a filter finds, the latest first, or in the order of columns: `-accuracy`, `metrics.loss ASC`.

    The filter is that of `twice ls -f`, which understands MLflow's (docs/filters.md). Raises UsageError for a filter or an
    order that says nothing, RepositoryError.
    """
    with _opened(repository) as (_, runs):
        root = Path(repository).resolve()
        orders = [order_by] if isinstance(order_by, str) else list(order_by)
        found = runs.search().find(filter_string, orders, experiment)
        return [RecordedRun(one, root) for one in runs.index.summaries_of(found.keys[:max_results])]


def diff_runs(a: str = "@~1", b: str = "@", *, repository: Place = ".") -> dict[str, Any]:
    """What differs between two runs, given by selectors: `identical`, `differs`, and `sections` with their differences.

    The same as `twice diff A B --json`, but for the noise of seeds. Raises SelectorError, RecordError, RepositoryError.
    """
    from twice.comparison.differences import compare
    from twice.display.json_shapes import comparison_json
    from twice.git.difference import changed_files

    with _opened(repository) as (found, runs):
        (row_a, run_a), (row_b, run_b) = runs.select(a), runs.select(b)
        commits = {run_a.id: row_a.commit, run_b.id: row_b.commit}
        changes = changed_files(found, run_a.code.tree, run_b.code.tree)
        return comparison_json(
            compare(run_a, run_b, changes, lambda run_id, metric: runs.store.history(commits[run_id], metric))
        )


@contextmanager
def _opened(place: Place) -> Iterator[tuple[Repository, Runs]]:
    """The repository that a folder is in, and its runs."""
    with Repository.open(Path(place), dict(os.environ), bare_ok=True) as found, open_runs(found, _now) as runs:
        yield found, runs


def _now() -> datetime:
    return datetime.now(timezone.utc)
