"""twice show: one run, on one page."""

from __future__ import annotations

import click

from twice.cli.completion_names import complete_plain_metric
from twice.cli.options import colour_option, json_option, print_json, run_argument
from twice.cli.runs import known_runs
from twice.cli.screen import When, output_screen, show_bytes, show_text
from twice.cli.workplace import workplace


@click.command("show", epilog="Example: twice show @ --log")
@run_argument("run", default="@")
@click.option("--log", is_flag=True, help="What the command printed, byte for byte.")
@click.option("--code", is_flag=True, help="The uncommitted changes that the run ran with, as a patch.")
@click.option(
    "-m",
    "--metric",
    metavar="NAME",
    shell_complete=complete_plain_metric,
    help="The course of one metric, as a plot.",
)
@json_option
@colour_option
def command(run: str, log: bool, code: bool, metric: str | None, as_json: bool, colour: When) -> int:
    """Show one run"""
    with workplace(bare_ok=True) as place, known_runs(place) as runs:
        row, found = runs.select(run)
        screen = output_screen(place.environ, colour)
        if log:
            show_bytes(runs.store.log(row.commit))
        elif metric is not None:
            from twice.cli.metric_course import show_course

            show_course(found, runs.store.history(row.commit, metric), metric, screen, as_json)
        elif code:
            from twice.git.difference import patch

            base = found.code.base
            objects = place.repository.objects
            base_tree = objects.read_commit(base).tree if base else objects.empty_tree
            show_bytes(patch(place.repository, base_tree, found.code.tree, colour=screen.style.enabled))
        elif as_json:
            from twice.display.json_shapes import run_json

            print_json(run_json(found, commit=row.commit, operations=runs.index.operations(row.commit)))
        else:
            from twice.display.run_page import run_page

            histories = {name: runs.store.history(row.commit, name) for name in list(found.metrics)[:100]}
            page = run_page(
                found,
                now=place.clock.now(),
                histories=histories,
                width=screen.width,
                style=screen.style,
                encoding=screen.encoding,
                operations=runs.index.operations(row.commit),
            )
            show_text(page, screen, place.environ)
    return 0
