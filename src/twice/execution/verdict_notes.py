"""How does a verdict stay with the run it is about?  As an operation in the notes: who, when, where, how it came out."""

from __future__ import annotations

from collections.abc import Callable

from twice.comparison.verdict import Verdict
from twice.errors import RepositoryError
from twice.execution.clock import Clock
from twice.git.repository import Repository
from twice.record.model import Run
from twice.record.operations import VERDICT, Operation
from twice.store.notes import Notes


def note_verdict(
    verdict: Verdict, commit: str, again: Run, repository: Repository, clock: Clock, tell: Callable[[str], None]
) -> None:
    """Append the verdict to the notes on the original run, whose commit is given; that it failed is told, no more."""
    results = next(row.text for row in verdict.rows if row.part == "results")
    facts = {
        "outcome": verdict.outcome,
        "run": again.id,
        "machine": again.execution.host,
        "results": results,
        "parts": {row.part: row.state for row in verdict.rows},
    }
    operation = Operation(at=clock.now(), by=repository.identity(), op=VERDICT, facts=facts)
    try:
        Notes(repository).add({commit: [operation]}, f"{verdict.outcome} {verdict.original}", operation.at)
    except RepositoryError as error:
        tell(f"the verdict is not kept with the run: {error.message}")
