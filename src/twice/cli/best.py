"""twice best: the run with the best value of a metric."""

from __future__ import annotations

import click

from twice.cli.completion_names import complete_metric
from twice.cli.metrics import metric_runs
from twice.cli.options import colour_option, filter_option, json_option, print_json
from twice.cli.runs import known_runs
from twice.cli.screen import When, output_screen, show_text
from twice.cli.workplace import tell, workplace
from twice.errors import SelectorError


@click.command("best", epilog="Example: twice best accuracy -f 'status = finished' -n 3")
@click.argument("metric", shell_complete=complete_metric)
@click.option("--min", "extreme", flag_value="lowest", help="The lowest value is the best.")
@click.option("--max", "extreme", flag_value="highest", help="The highest value is the best.")
@filter_option
@click.option("-n", "--number", metavar="N", type=click.IntRange(1), default=1, help="The best N, the best first.")
@json_option
@colour_option
def command(metric: str, extreme: str | None, filter_text: str | None, number: int, as_json: bool, colour: When) -> int:
    """Show the run with the best value of a metric

    METRIC is a name, or an aspect of it: `loss.min`. Whether high or low is good is told by the name, if it can be.
    """
    with workplace(bare_ok=True) as place, known_runs(place) as runs:
        found = metric_runs(place, runs, metric, filter_text, extreme)
        if not found.keys:
            raise SelectorError(f"no run has a number for `{metric}`", hint="`twice ls --all` shows what runs have")
        summaries = runs.index.summaries_of(found.keys[:number])
        if as_json:
            from twice.display.json_shapes import runs_json

            shape = runs_json(summaries)
            values = [found.values[key] for key in found.keys[:number]]
            print_json({**shape, "metric": metric, "best": found.extreme, "of": len(found.keys), "values": values})
            return 0
        from twice.display.run_table import run_table

        screen = output_screen(place.environ, colour)
        text = run_table(
            summaries,
            now=place.clock.now(),
            width=screen.width,
            style=screen.style,
            encoding=screen.encoding,
            all_ids=runs.index.ids_like(one.id for one in summaries),
        )
        show_text(text, screen, place.environ)
        guess = (
            ""
            if found.is_told
            else f"; the name does not tell, --{'min' if found.extreme == 'highest' else 'max'} asks for the other end"
        )
        tell(f"the {found.extreme} {metric} of {len(found.keys)} runs{guess}")
    return 0
