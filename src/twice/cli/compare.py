"""twice compare: many runs side by side."""

from __future__ import annotations

import click

from twice.cli.chosen import chosen_runs
from twice.cli.groups import groups_of, histories_of, same_code
from twice.cli.options import colour_option, filter_option, json_option, print_json
from twice.cli.runs import complete_run, known_runs
from twice.cli.screen import When, output_screen, show_text
from twice.cli.workplace import workplace
from twice.comparison.side_by_side import MOST_RUNS, put_side_by_side
from twice.errors import UsageError


@click.command("compare", epilog="Example: twice compare @~2 @~1 @")
@click.argument("runs", metavar="[RUN]...", nargs=-1, shell_complete=complete_run)
@filter_option
@click.option("-a", "--all", "all_rows", is_flag=True, help="Also the rows that are the same in all runs.")
@click.option("--md", "as_markdown", is_flag=True, help="Print tables of Markdown instead.")
@click.option(
    "--plot", metavar="FILE", help="Draw curves, scatter and parallel coordinates instead: .html, .svg or .png."
)
@json_option
@colour_option
def command(
    runs: tuple[str, ...],
    filter_text: str | None,
    all_rows: bool,
    as_markdown: bool,
    plot: str | None,
    as_json: bool,
    colour: When,
) -> int:
    """Show runs side by side

    One column a run, and only the params and metrics that differ, with the course of each metric. Runs that differ in the
    seed alone are replicates: their means stand below, and whether they differ by more than seeds make them.
    """
    with workplace(bare_ok=True) as place, known_runs(place) as known:
        found = {row.id: (row, run) for row, run in chosen_runs(place, known, runs, filter_text, most=MOST_RUNS)}
        if not 2 <= len(found) <= MOST_RUNS:
            raise UsageError(
                f"{len(found)} run{'' if len(found) == 1 else 's'} to compare: it takes 2 to {MOST_RUNS}",
                hint="twice compare @~1 @",
            )
        chosen = [run for _, run in found.values()]
        if plot is not None:
            from twice.cli.plot import draw_runs

            return draw_runs(known, [(row.commit, run) for row, run in found.values()], "overview", plot, ())
        side = put_side_by_side(chosen, same_code(place), groups_of(place, known, chosen))
        if as_json:
            from twice.display.comparison_shapes import side_by_side_json

            print_json(side_by_side_json(side))
            return 0
        screen = output_screen(place.environ, colour)
        names = [row.name for row in side.metrics if row.differs or all_rows]
        logged = [name for name in names if any(name in run.metrics and run.metrics[name].count > 1 for run in chosen)]
        courses = histories_of(known, {row.id: row.commit for row, _ in found.values()}, logged[:60])
        from twice.display.compare_page import compare_markdown, compare_page

        if as_markdown:
            show_text(compare_markdown(side, courses=courses, all_rows=all_rows), screen, place.environ)
            return 0
        page = compare_page(
            side,
            courses=courses,
            style=screen.style,
            width=screen.width,
            encoding=screen.encoding,
            all_rows=all_rows,
        )
        show_text(page, screen, place.environ)
    return 0
