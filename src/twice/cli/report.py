"""twice report: a review of runs for a pull request, a browser or a CI system."""

from __future__ import annotations

from pathlib import Path

import click

from twice.cli.options import filter_option
from twice.cli.reviews import review_of
from twice.cli.runs import complete_run, known_runs
from twice.cli.screen import show_bytes
from twice.cli.workplace import Workplace, tell, workplace
from twice.errors import UsageError
from twice.reports.review import Review
from twice.store.known_runs import Runs


@click.command("report", epilog="Example: twice report @~1..@ --md --fail-if 'accuracy < base - noise'")
@click.argument("runs", metavar="[A..B | RUN...]", nargs=-1, shell_complete=complete_run)
@filter_option
@click.option("--md", "form", flag_value="md", default=True, help="Markdown for a comment, at most 60,000 characters.")
@click.option("--html", "form", flag_value="html", help="One HTML file that needs nothing else.")
@click.option("--gitlab", "form", flag_value="gitlab", help="B's metrics in OpenMetrics text, for GitLab's widget.")
@click.option("--github", "form", flag_value="github", help="Add to the step's summary, and annotate changed params.")
@click.option("--junit", "form", flag_value="junit", help="JUnit XML: the run and each --fail-if as a test.")
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Write there, not to stdout.")
@click.option("--fail-if", "conditions", metavar="CONDITION", multiple=True, help="Exit with 1 if this holds.")
@click.option("--key", metavar="TEXT", help="What a later report of the same comparison is recognised by.")
def command(
    runs: tuple[str, ...],
    filter_text: str | None,
    form: str,
    output: Path | None,
    conditions: tuple[str, ...],
    key: str | None,
) -> int:
    """Review runs, for a pull request or CI

    A..B holds run B against run A (default: the latest against the one before it); more than two runs, or those that a
    filter finds, stand side by side. Nothing is sent anywhere. In a condition, a metric is B's (the mean of its
    replicates), `base` is A's and `noise` how far apart seeds alone put the two. Exits with 1 only if a condition holds, or
    cannot be computed.
    """
    with workplace(bare_ok=True) as place, known_runs(place) as known:
        if len(runs) > 2 or filter_text is not None:
            if conditions:
                raise UsageError("--fail-if holds one run against another", hint="name two: A..B")
            _write_many(place, known, runs, filter_text, form, output, key)
            return 0
        words = [*runs, *runs] if form == "gitlab" and _is_one(runs) and not conditions else _split(runs)
        a, b = known.select(words[0]), known.select(words[1])
        review = review_of(place, known, a, b, conditions, key or "..".join(words))
        _write_form(place, review, form, output)
        for gate in review.gates:
            tell(f"{'failed' if gate.failed else 'passed'}: fail if {gate.condition} ({gate.reason})")
        return 0 if review.passed else 1


def _is_one(runs: tuple[str, ...]) -> bool:
    return len(runs) == 1 and ".." not in runs[0]


def _split(runs: tuple[str, ...]) -> list[str]:
    """`A..B` as two; one run is held against the latest before the last; none means the last two."""
    if not runs:
        return ["@~1", "@"]
    if len(runs) == 1:
        first, dots, second = runs[0].partition("..")
        if not dots:
            raise UsageError("one run alone has nothing to be held against", hint=f"twice report @~1..{runs[0]}")
        return [first or "@", second or "@"]
    return list(runs)


def _write_form(place: Workplace, review: Review, form: str, output: Path | None) -> None:
    if form == "html":
        from twice.reports.html_report import html_report

        _write(html_report(review), output)
    elif form == "gitlab":
        from twice.reports.open_metrics import open_metrics

        _write(open_metrics(review.b), output)
    elif form == "junit":
        from twice.reports.junit import junit

        _write(junit(review), output)
    elif form == "github":
        _tell_github(place, review, output)
    else:
        from twice.reports.markdown_report import markdown_report

        _write(markdown_report(review), output)


def _tell_github(place: Workplace, review: Review, output: Path | None) -> None:
    """The report at the end of the step's summary; annotations on stdout, where the runner reads them."""
    from twice.reports.annotations import find_annotations, workflow_commands
    from twice.reports.markdown_report import markdown_report

    _add_to_summary(place, markdown_report(review), output)
    objects = place.repository.objects

    def read(path: str) -> str | None:
        entry = objects.find(review.b.code.tree, path)
        return None if entry is None else objects.read_blob(entry.id).decode("utf-8", "replace")

    click.echo(workflow_commands(find_annotations(review, read)), nl=False)


def _write_many(
    place: Workplace,
    known: Runs,
    words: tuple[str, ...],
    filter_text: str | None,
    form: str,
    output: Path | None,
    key: str | None,
) -> None:
    """Runs side by side; on GitHub without annotations, for there is no one change to speak of."""
    from twice.cli.report_of_many import choose_many, key_of, report_of_many

    chosen = choose_many(place, known, words, filter_text)
    text = report_of_many(place, known, chosen, form, key or key_of(words, filter_text))
    if form == "github":
        _add_to_summary(place, text, output)
    else:
        _write(text, output)


def _add_to_summary(place: Workplace, text: str, output: Path | None) -> None:
    named = place.environ.get("GITHUB_STEP_SUMMARY")
    summary = output or (Path(named) if named else None)
    if summary is None:
        raise UsageError(
            "where is the step's summary? GITHUB_STEP_SUMMARY is not set",
            hint="on a GitHub runner it is; elsewhere: --github -o summary.md",
        )
    try:
        with summary.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{summary} cannot be written: {error.strerror}") from error


def _write(text: str, output: Path | None) -> None:
    data = text.encode("utf-8", "backslashreplace")
    if output is None:
        show_bytes(data)
        return
    try:
        output.write_bytes(data)
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}") from error
