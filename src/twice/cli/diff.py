"""twice diff: what differs between two runs, or between a run and what is here now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from twice.cli.options import colour_option, json_option, print_json, run_argument
from twice.cli.runs import known_runs
from twice.cli.screen import Screen, When, output_screen, run_in_terminal, show_bytes, show_text
from twice.cli.workplace import Workplace, workplace
from twice.comparison.sections import Comparison
from twice.errors import UsageError
from twice.record.model import Point, Run
from twice.store.known_runs import Runs
from twice.store.run_index import Row

if TYPE_CHECKING:
    from twice.reports.review import Review


@click.command("diff", epilog="Example: twice diff @~1 @")
@run_argument("a", required=False)
@run_argument("b", required=False)
@click.option("--code", is_flag=True, help="The difference of the code, as a patch.")
@click.option("--difftool", is_flag=True, help="Show the code in git's difftool, as two folders.")
@click.option("--md", "form", flag_value="md", help="Print Markdown for a pull request instead.")
@click.option("--html", "form", flag_value="html", help="Print one HTML file instead.")
@click.option("--exit-code/--no-exit-code", default=True, help="Exit with 1 when something differs (the default).")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing.")
@json_option
@colour_option
def command(
    a: str | None,
    b: str | None,
    code: bool,
    difftool: bool,
    form: str | None,
    exit_code: bool,
    quiet: bool,
    as_json: bool,
    colour: When,
) -> int:
    """Show what differs between two runs

    One run is held against the work tree: its code, its data, and the packages of its interpreter as they are now. No run
    means the latest two. Exits with 1 when something differs, as `git diff --exit-code` does.
    """
    _check_forms({"--code": code, "--difftool": difftool, f"--{form}": form is not None, "--json": as_json})
    with workplace(bare_ok=b is not None or a is None) as place, known_runs(place) as runs:
        screen = output_screen(place.environ, colour)
        row_a, run_a = runs.select(a or "@~1")
        if a is not None and b is None:
            if code or difftool:
                differs = _show_code(place, run_a, _with_code_of_now(place, run_a), difftool, quiet, screen)
            else:
                differs = _against_work_tree(place, runs, (row_a, run_a), form, quiet, as_json, screen)
        else:
            other = runs.select(b or "@")
            if code or difftool:
                differs = _show_code(place, run_a, other[1], difftool, quiet, screen)
            else:
                differs = _against_run(place, runs, (row_a, run_a), other, form, quiet, as_json, screen)
    return 1 if differs and exit_code else 0


def _check_forms(asked: Mapping[str, bool]) -> None:
    forms = [option for option, is_asked in asked.items() if is_asked]
    if len(forms) > 1:
        raise UsageError(f"{forms[0]} and {forms[1]} show it in two ways: choose one")


def _against_run(
    place: Workplace,
    runs: Runs,
    a: tuple[Row, Run],
    b: tuple[Row, Run],
    form: str | None,
    quiet: bool,
    as_json: bool,
    screen: Screen,
) -> bool:
    if form is not None:
        from twice.cli.reviews import review_of

        return _as_document(review_of(place, runs, a, b), form, quiet)
    from twice.cli.groups import replicates_of
    from twice.comparison.differences import compare
    from twice.comparison.noise import seed_noise
    from twice.git.difference import changed_files

    (row_a, run_a), (row_b, run_b) = a, b
    commits = {run_a.id: row_a.commit, run_b.id: row_b.commit}

    def history(run_id: str, metric: str) -> tuple[Point, ...]:
        return runs.store.history(commits[run_id], metric)

    changes = changed_files(place.repository, run_a.code.tree, run_b.code.tree)
    comparison = compare(run_a, run_b, changes, history)
    if quiet:
        return comparison.differs
    noises = {}
    if comparison.section("metrics").differences:
        noises = seed_noise(replicates_of(place, runs, run_a, run_b), run_a, run_b)
    if as_json:
        from twice.display.comparison_shapes import noise_json
        from twice.display.json_shapes import comparison_json

        print_json({**comparison_json(comparison), "seed_noise": noise_json(noises)})
        return comparison.differs
    from twice.display.diff_page import diff_page

    page = diff_page(
        comparison,
        run_a,
        run_b,
        style=screen.style,
        width=screen.width,
        encoding=screen.encoding,
        noises=noises,
    )
    show_text(page, screen, place.environ)
    return comparison.differs


def _as_document(review: Review, form: str, quiet: bool) -> bool:
    if quiet:
        return review.comparison.differs
    if form == "html":
        from twice.reports.html_report import html_report

        text = html_report(review)
    else:
        from twice.reports.markdown_report import markdown_report

        text = markdown_report(review)
    show_bytes(text.encode("utf-8", "backslashreplace"))
    return review.comparison.differs


def _against_work_tree(
    place: Workplace,
    runs: Runs,
    a: tuple[Row, Run],
    form: str | None,
    quiet: bool,
    as_json: bool,
    screen: Screen,
) -> bool:
    row, run = a
    comparison, present = _hold_against_present(place, runs, row, run)
    if quiet:
        return comparison.differs
    if form is not None:
        from twice.cli.reviews import review_of_work_tree

        return _as_document(review_of_work_tree(place, runs, run, present, comparison), form, quiet)
    if as_json:
        from twice.display.json_shapes import comparison_json

        print_json(comparison_json(comparison))
        return comparison.differs
    from twice.display.diff_page import diff_page
    from twice.display.ids import shorten_ids
    from twice.execution.present import WORK_TREE

    page = diff_page(
        comparison,
        run,
        present,
        style=screen.style,
        width=screen.width,
        encoding=screen.encoding,
        names=(shorten_ids([run.id])[run.id], WORK_TREE),
    )
    show_text(page, screen, place.environ)
    return comparison.differs


def _hold_against_present(place: Workplace, runs: Runs, row: Row, run: Run) -> tuple[Comparison, Run]:
    from twice.comparison.differences import compare
    from twice.execution.present import present_state, seen_at_present
    from twice.git.difference import changed_files

    present = present_state(
        run, place.repository, place.configuration, place.environ, lambda path: runs.store.manifest(row.commit, path)
    )
    changes = changed_files(place.repository, run.code.tree, present.code.tree)
    return seen_at_present(compare(run, present, changes)), present


def _with_code_of_now(place: Workplace, run: Run) -> Run:
    from dataclasses import replace

    from twice.capture.code import capture_code

    return replace(run, execution=replace(run.execution, code=capture_code(place.repository, place.configuration).code))


def _show_code(place: Workplace, a: Run, b: Run, difftool: bool, quiet: bool, screen: Screen) -> bool:
    """The patch, in the user's pager or difftool; whether there is any."""
    from twice.cli.code_patch import code_limits, patch_of_code
    from twice.git.difference import changed_files

    trees = (a.code.tree, b.code.tree)
    changes = changed_files(place.repository, *trees)
    limits = code_limits(a, b, changes)
    differs = bool(changes) and limits != []
    if quiet or not differs:
        return differs
    if difftool:
        git = place.repository.git
        if git is None:
            raise UsageError(
                "--difftool takes the git executable", hint="twice diff --code prints the patch without it"
            )
        paths = [f":(top,literal){path}" for path in limits or ()]
        run_in_terminal(
            [git.path, "difftool", "--dir-diff", "--no-prompt", *trees, "--", *paths], place.repository.root
        )
        return differs
    text = patch_of_code(place, a, b, changes, colour=screen.style.enabled)
    if screen.is_terminal:
        show_text(text.decode("utf-8", "surrogateescape"), screen, place.environ)
    else:
        show_bytes(text)
    return differs
