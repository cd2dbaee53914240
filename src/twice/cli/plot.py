"""twice plot: charts of runs, as an image or as one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from twice.cli.chosen import chosen_runs
from twice.cli.completion_names import complete_plain_fact, complete_plain_metric
from twice.cli.metrics import check_enough
from twice.cli.options import filter_option
from twice.cli.runs import complete_run, known_runs
from twice.cli.screen import show_bytes
from twice.cli.workplace import tell, workplace
from twice.comparison.values import is_number
from twice.display.charts import Chart, curves, differing_columns, importance, parallel, scatter
from twice.display.ids import shorten_ids
from twice.errors import UsageError
from twice.record.model import Run
from twice.record.summary import RunSummary, summarise_run
from twice.store.known_runs import Runs

KINDS = ("curves", "scatter", "parallel", "importance")
_MOST_CHARTS = 12
_MOST_RUNS = 1000
_MOST_AXES = 10
_MOST_BARS = 30
_MOST_CURVES = 50
_FORMS = ("html", "png", "svg", "pdf")

Chosen = Sequence[tuple[str, Run]]
"""Runs with their commits."""


@click.command("plot", epilog="Example: twice plot -e train --kind curves -m loss -o loss.html")
@click.argument("runs", metavar="[RUN...]", nargs=-1, shell_complete=complete_run)
@filter_option
@click.option("-e", "--experiment", metavar="NAME", help="All runs of this experiment.")
@click.option("--kind", type=click.Choice(KINDS), default="curves", help="What to draw.")
@click.option(
    "-m",
    "--metric",
    "metrics",
    metavar="NAME",
    multiple=True,
    shell_complete=complete_plain_metric,
    help="Draw this metric only; may be repeated.",
)
@click.option(
    "-x",
    "x",
    metavar="NAME",
    shell_complete=complete_plain_fact,
    help="What stands below a scatter plot: a param, a metric or duration.",
)
@click.option("-o", "--output", metavar="FILE", required=True, help="Where to: .html, .png, .svg, .pdf; - prints HTML.")
def command(
    runs: tuple[str, ...],
    filter_text: str | None,
    experiment: str | None,
    kind: str,
    metrics: tuple[str, ...],
    x: str | None,
    output: str,
) -> int:
    """Draw charts of runs

    HTML needs nothing and loads nothing; images take matplotlib (the extra `twice[plot]`).
    """
    with workplace(bare_ok=True) as place, known_runs(place) as known:
        found = chosen_runs(place, known, runs, filter_text, experiment, most=_MOST_RUNS)
        return draw_runs(known, [(row.commit, run) for row, run in found], kind, output, metrics, x)


def draw_runs(known: Runs, chosen: Chosen, kind: str, output: str, metrics: Sequence[str], x: str | None = None) -> int:
    """Draw charts of a kind into a file, whose name says in which form.  Raises UsageError."""
    form = "html" if output == "-" else Path(output).suffix.lower().removeprefix(".")
    if form not in _FORMS:
        raise UsageError(
            f"{output}: what form of image is that?", hint=f"end it in {', '.join('.' + f for f in _FORMS)}"
        )
    if kind == "overview":
        charts = overview(known, chosen)
        if not charts:
            raise UsageError("nothing to draw: these runs have no metric that changes over steps or differs")
    else:
        charts = _charts(known, chosen, kind, metrics, x)
    if form == "html":
        from twice.display.html_page import figure, html_page, text

        names = shorten_ids([run.id for _, run in chosen])
        title = f"{kind} of {len(names)} run{'' if len(names) == 1 else 's'}"
        data = html_page(f"twice: {title}", [f"<h1>{text(title)}</h1>", *map(figure, charts)]).encode()
    else:
        from twice.plotting.image import draw_image

        data = draw_image(charts, form)
    if output == "-":
        show_bytes(data)
        return 0
    try:
        Path(output).write_bytes(data)
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}") from error
    tell(f"wrote {output}: {len(charts)} chart{'' if len(charts) == 1 else 's'}")
    return 0


def overview(known: Runs, chosen: Chosen) -> list[Chart]:
    """All that can be drawn of these runs: curves, parallel coordinates, and metrics over params; it may be nothing."""
    summaries = [summarise_run(run) for _, run in chosen]
    names = _names(chosen)
    logged = list(dict.fromkeys(name for _, run in chosen for name, each in run.metrics.items() if each.count > 1))
    params, metrics = differing_columns(summaries)
    found = _found_curves(known, chosen, logged[:_MOST_CHARTS], names)
    if params and metrics:
        found.append(parallel([*params[: _MOST_AXES - 2], *metrics[:2]], summaries, names))
        found += [scatter(param, metric, summaries, names) for metric in metrics[:2] for param in params[:3]]
    return [chart for chart in found if chart is not None]


def _charts(known: Runs, chosen: Chosen, kind: str, metrics: Sequence[str], x: str | None) -> list[Chart]:
    summaries = [summarise_run(run) for _, run in chosen]
    _check_names(summaries, metrics)
    names = _names(chosen)
    if kind == "curves":
        return _curves(known, chosen, metrics, names)
    params, differing = differing_columns(summaries)
    wanted = list(metrics) or differing[:1] or [name for one in summaries for name in one.metrics][:1]
    if not wanted:
        raise UsageError("these runs have no metric to draw", hint="twice ls shows what they have")
    if kind == "scatter":
        below = [x] if x else (params or ["duration"])[:4]
        made = [scatter(one, metric, summaries, names) for metric in wanted for one in below]
    elif kind == "parallel":
        made = [parallel([*params[: _MOST_AXES - len(wanted)], *wanted], summaries, names)]
    else:
        made = [_importance(metric, summaries) for metric in wanted]
    found = [chart for chart in made if chart is not None][:_MOST_CHARTS]
    if not found:
        raise UsageError(f"nothing to draw as {kind}: no param differs in these runs, or too few have values")
    return found


def _curves(known: Runs, chosen: Chosen, metrics: Sequence[str], names: dict[str, str]) -> list[Chart]:
    logged = list(dict.fromkeys(name for _, run in chosen for name, each in run.metrics.items() if each.count > 1))
    wanted = list(metrics) or logged[:_MOST_CHARTS]
    if len(chosen) > _MOST_CURVES:
        tell(f"drawing the newest {_MOST_CURVES} of {len(chosen)} runs")
    found = [chart for chart in _found_curves(known, chosen, wanted, names) if chart is not None]
    if not found:
        raise UsageError(
            "no metric was logged more than once: there are no curves", hint="--kind scatter draws last values"
        )
    return found


def _found_curves(known: Runs, chosen: Chosen, metrics: Sequence[str], names: dict[str, str]) -> list[Chart | None]:
    found = []
    for metric in metrics:
        courses = {
            names[run.id]: known.store.history(commit, metric)
            for commit, run in chosen[-_MOST_CURVES:]
            if metric in run.metrics
        }
        found.append(curves(metric, courses))
    return found


def _importance(metric: str, summaries: Sequence[RunSummary]) -> Chart | None:
    from twice.comparison.directions import direction
    from twice.comparison.importance import rank_params

    having = [one for one in summaries if one.reproduces is None and is_number(one.metrics.get(metric))]
    having = [one for one in having if one.metrics[metric] == one.metrics[metric]]
    check_enough(len(having), metric)
    values = [one.metrics[metric] for one in having]
    ranking = rank_params([one.params for one in having], values, lower_is_better=direction(metric) == "lower")
    scores = [(one.param, max(one.share, 0.0)) for one in ranking.params[:_MOST_BARS]]
    return importance(
        metric, scores, f"share of the variation in {len(having)} runs; what goes with it, not what causes it"
    )


def _check_names(summaries: Sequence[RunSummary], metrics: Sequence[str]) -> None:
    known = {name for one in summaries for name in one.metrics}
    for name in metrics:
        if name not in known:
            raise UsageError(
                f"none of these runs has a metric `{name}`", hint=f"they have {', '.join(sorted(known)[:8])}"
            )


def _names(chosen: Chosen) -> dict[str, str]:
    short = shorten_ids([run.id for _, run in chosen])
    return {
        run.id: f"{run.execution.name} {short[run.id]}" if run.execution.name else short[run.id] for _, run in chosen
    }
