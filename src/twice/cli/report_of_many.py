"""What does `report` say of runs that are not two, but any number?  Put side by side, in each of its forms."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from twice.cli.chosen import chosen_runs
from twice.cli.groups import groups_of, histories_of, same_code
from twice.cli.workplace import Workplace
from twice.comparison.side_by_side import MOST_RUNS, put_side_by_side
from twice.display.ids import shorten_ids
from twice.errors import UsageError
from twice.record.model import Run
from twice.store.known_runs import Runs
from twice.store.run_index import Row

Chosen = Sequence[tuple[Row, Run]]


def choose_many(place: Workplace, known: Runs, words: Sequence[str], filter_text: str | None) -> Chosen:
    """The runs that are named, or found.  Raises UsageError when there are too many."""
    found = {row.id: (row, run) for row, run in chosen_runs(place, known, words, filter_text, most=MOST_RUNS)}
    if len(found) > MOST_RUNS:
        raise UsageError(f"{len(found)} runs are too many for a report: at most {MOST_RUNS}")
    return list(found.values())


def report_of_many(place: Workplace, known: Runs, chosen: Chosen, form: str, key: str) -> str:
    """The text of the report; of `github`, what goes into the step's summary."""
    words = _words([run for _, run in chosen])
    if form == "gitlab":
        from twice.reports.open_metrics import open_metrics_of

        return open_metrics_of({words[run.id]: run for _, run in chosen})
    if form == "junit":
        from twice.reports.junit import junit_of

        return junit_of({words[run.id]: run for _, run in chosen})
    runs = [run for _, run in chosen]
    side = put_side_by_side(runs, same_code(place), groups_of(place, known, runs))
    logged = list(dict.fromkeys(name for run in runs for name, each in run.metrics.items() if each.count > 1))
    courses = histories_of(known, {row.id: row.commit for row, _ in chosen}, logged[:60])
    if form == "html":
        from twice.cli.plot import overview
        from twice.reports.side_report import side_html

        return side_html(side, courses, overview(known, [(row.commit, run) for row, run in chosen]))
    from twice.reports.side_report import side_markdown

    return side_markdown(side, courses, key)


def key_of(words: Sequence[str], filter_text: str | None) -> str:
    """What a later report of the same choice is recognised by; of a filter its digest, for it may hold any character."""
    found = [f"filter-{sha256(filter_text.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"] if filter_text else []
    return " ".join([*words, *found])


def _words(runs: Sequence[Run]) -> dict[str, str]:
    """Run id → its name, where no other has it, else its short id."""
    short = shorten_ids([run.id for run in runs])
    names = [run.execution.name for run in runs]
    return {
        run.id: name if name and names.count(name) == 1 else short[run.id]
        for run, name in zip(runs, names, strict=True)
    }
