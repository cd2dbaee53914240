"""twice importance: the params that a metric goes with."""

from __future__ import annotations

from dataclasses import asdict

import click

from twice.cli.completion_names import complete_metric
from twice.cli.metrics import check_enough, metric_runs
from twice.cli.options import colour_option, filter_option, json_option, print_json
from twice.cli.runs import known_runs
from twice.cli.screen import When, output_screen, show_text
from twice.cli.workplace import tell, workplace


@click.command("importance", epilog="Example: twice importance val_loss -f 'status = finished'")
@click.argument("metric", shell_complete=complete_metric)
@filter_option
@click.option("-n", "--number", metavar="N", type=click.IntRange(1), help="Only the N most important params.")
@json_option
@colour_option
def command(metric: str, filter_text: str | None, number: int | None, as_json: bool, colour: When) -> int:
    """Rank the params by how much of a metric goes with them

    `share` is the part of the metric's variation, by ranks, that goes with the param; `chance` how often the strongest of
    all params would look as strong by accident. Runs that repeat another one are left out: they would count twice.
    """
    from twice.comparison.importance import rank_params

    with workplace(bare_ok=True) as place, known_runs(place) as runs:
        found = metric_runs(place, runs, metric, filter_text)
        summaries = runs.index.summaries_of(found.keys)
        rows = [(one, key) for one, key in zip(summaries, found.keys, strict=True) if one.reproduces is None]
        check_enough(len(rows), metric)
        values = [found.values[key] for _, key in rows]
        ranking = rank_params([one.params for one, _ in rows], values, lower_is_better=found.extreme == "lowest")
        if as_json:
            print_json({"schema_version": 1, "metric": metric, **asdict(ranking)})
            return 0
        from twice.display.importance_table import importance_notes, importance_table

        screen = output_screen(place.environ, colour)
        if ranking.params:
            text = importance_table(ranking, style=screen.style, encoding=screen.encoding, most=number)
            show_text(text, screen, place.environ)
        else:
            tell("no param differs between these runs")
        for note in importance_notes(ranking):
            tell(note)
    return 0
