"""twice ls: the runs as a table."""

from __future__ import annotations

from collections.abc import Sequence

import click

from twice.cli.completion_names import complete_columns, complete_order
from twice.cli.listing import Listed, Listing, as_tree, chosen_columns
from twice.cli.options import colour_option, filter_option, json_option, print_json
from twice.cli.runs import complete_run, known_runs
from twice.cli.screen import Screen, When, output_screen, show_text
from twice.cli.workplace import Workplace, tell, workplace
from twice.frozen import frozen
from twice.record.summary import RunSummary
from twice.store.known_runs import Runs

_PROBLEMS_SHOWN = 10
_SHOWN = 100  # rows of a table, unless asked for more


@click.command("ls", epilog="Example: twice ls -f 'accuracy > 0.9 and params.lr < 0.1' --sort -accuracy")
@click.argument("selectors", metavar="[SELECTOR]...", nargs=-1, shell_complete=complete_run)
@filter_option
@click.option("-e", "--experiment", metavar="NAME", help="Only the runs of this experiment.")
@click.option(
    "-s",
    "--sort",
    "orders",
    metavar="[-]COL",
    multiple=True,
    shell_complete=complete_order,
    help="Sort by this; with - the greatest first.",
)
@click.option(
    "-c",
    "--columns",
    metavar="A,B,…",
    shell_complete=complete_columns,
    help="Show just these: params, metrics, `loss.min`, `seed`, …",
)
@click.option(
    "-n", "--number", metavar="N", type=click.IntRange(1), help="Only the first N: without --sort, the latest."
)
@click.option("--tree", "is_tree", is_flag=True, help="Each run below the one that it repeats, or was started in.")
@click.option("-a", "--all", "shows_all", is_flag=True, help="Every run and every column, however wide.")
@click.option("--csv", "form", flag_value="csv", help="Print comma-separated values instead, unrounded.")
@click.option("--md", "form", flag_value="md", help="Print a Markdown table instead.")
@json_option
@colour_option
def command(
    selectors: tuple[str, ...],
    filter_text: str | None,
    experiment: str | None,
    orders: tuple[str, ...],
    columns: str | None,
    number: int | None,
    is_tree: bool,
    shows_all: bool,
    form: str | None,
    as_json: bool,
    colour: When,
) -> int:
    """List the runs

    The latest come first. A table has the latest 100 of them, unless -n or --all says otherwise.
    """
    with workplace(bare_ok=True) as place, known_runs(place) as runs:
        listing = Listing(place, runs, experiment)
        found = listing.find(selectors, filter_text, orders)
        listed = found[: number or (None if as_json or form == "csv" or shows_all else _SHOWN)]
        summaries = listing.summaries(listed)
        if as_json:
            from twice.display.json_shapes import runs_json

            print_json(runs_json(summaries if orders else summaries[::-1]))
            return 0
        if not (filter_text or selectors):
            _tell_problems(runs.index.problems(experiment))
        if not listed:
            asked = filter_text or selectors or experiment
            tell("no run is like that" if asked else "no run yet; record one: twice run python train.py")
            return 0
        depths: Sequence[int] = ()
        if is_tree:
            listed, summaries, depths = as_tree(runs, listed, summaries)
        screen = output_screen(place.environ, colour)
        table = _Table(listed, summaries, depths, columns, shows_all)
        show_text(
            _seen(_separated(place, runs, table), screen)
            if form == "csv"
            else _drawn(place, runs, table, form, screen),
            screen,
            place.environ,
        )
        if number is None and len(found) > len(listed):
            tell(f"{len(found) - len(listed)} more: -n {len(found)} or --all shows them")
        cut_off = sum(summary.status == "interrupted" and summary.duration_s is None for summary in summaries)
        if cut_off:
            tell(f"{cut_off} cut off before being recorded: `twice recover` records what was captured")
    return 0


def _tell_problems(problems: Sequence[tuple[str, str]]) -> None:
    """Say which runs are not in the list, because their records cannot be read."""
    for run_id, problem in problems[:_PROBLEMS_SHOWN]:
        tell(f"run {run_id} cannot be read: {problem}")
    if len(problems) > _PROBLEMS_SHOWN:
        tell(f"{len(problems) - _PROBLEMS_SHOWN} more cannot be read")


@frozen(kw_only=False)
class _Table:
    """The runs of a table, and how it is wanted."""

    listed: Sequence[Listed]
    summaries: Sequence[RunSummary]
    depths: Sequence[int]
    columns: str | None
    shows_all: bool


def _separated(place: Workplace, runs: Runs, table: _Table) -> str:
    from twice.display.chosen_table import columns_of, separated_values

    if table.columns is None:
        return separated_values(columns_of(table.summaries))
    return separated_values(chosen_columns(place, runs, table.columns, table.listed, table.summaries))


def _seen(text: str, screen: Screen) -> str:
    """The text; on a terminal, which would act on them, with its control characters written out."""
    if not screen.is_terminal:
        return text
    from twice.display.characters import harmless

    return "".join(f"{harmless(line)}\n" for line in text.splitlines())


def _drawn(place: Workplace, runs: Runs, table: _Table, form: str | None, screen: Screen) -> str:
    if table.columns is not None:
        from twice.display.chosen_table import chosen_table, markdown_table, readable_column

        chosen = chosen_columns(place, runs, table.columns, table.listed, table.summaries)
        if form == "md":
            return markdown_table([readable_column(one) for one in chosen])
        return chosen_table(chosen, screen.encoding)
    from twice.display.run_table import run_columns, run_table  # which load tabulate

    all_ids = runs.index.ids_like(one.id for one in table.summaries)
    now = place.clock.now()
    if form == "md":
        from twice.display.chosen_table import markdown_table

        return markdown_table(
            run_columns(table.summaries, now=now, all_columns=table.shows_all, all_ids=all_ids, depths=table.depths)
        )
    return run_table(
        table.summaries,
        now=now,
        width=screen.width,
        style=screen.style,
        encoding=screen.encoding,
        all_columns=table.shows_all,
        all_ids=all_ids,
        depths=table.depths,
    )
