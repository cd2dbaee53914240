"""twice diff: what differs between two runs."""

from __future__ import annotations

import click

from twice.cli.options import colour_option, json_option, print_json, run_argument
from twice.cli.runs import known_runs
from twice.cli.screen import When, output_screen, show_bytes, show_text
from twice.cli.workplace import workplace
from twice.comparison.differences import compare
from twice.record.model import Point


@click.command("diff", epilog="Example: twice diff @~1 @")
@run_argument("a", default="@~1")
@run_argument("b", default="@")
@click.option("--code", is_flag=True, help="The difference of the code, as a patch.")
@json_option
@colour_option
def command(a: str, b: str, code: bool, as_json: bool, colour: When) -> int:
    """Show what differs between two runs

    Exits with 1 when they differ, as `git diff --exit-code` does.
    """
    from twice.git.difference import changed_files, patch

    with workplace(bare_ok=True) as place, known_runs(place) as runs:
        row_a, run_a = runs.select(a)
        row_b, run_b = runs.select(b)
        screen = output_screen(place.environ, colour)
        if code:
            text = patch(place.repository, run_a.code.tree, run_b.code.tree, colour=screen.style.enabled)
            show_bytes(text)
            return 1 if text else 0
        commits = {run_a.id: row_a.commit, run_b.id: row_b.commit}

        def history(run_id: str, metric: str) -> tuple[Point, ...]:
            return runs.store.history(commits[run_id], metric)

        changes = changed_files(place.repository, run_a.code.tree, run_b.code.tree)
        comparison = compare(run_a, run_b, changes, history)
        if as_json:
            from twice.display.json_shapes import comparison_json

            print_json(comparison_json(comparison))
        else:
            from twice.display.diff_page import diff_page

            page = diff_page(comparison, run_a, run_b, style=screen.style, width=screen.width, encoding=screen.encoding)
            show_text(page, screen, place.environ)
        return 1 if comparison.differs else 0
