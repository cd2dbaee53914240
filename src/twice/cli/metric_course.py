"""twice show -m: the course of one metric of a run, as a plot in the terminal or as data."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

import click

from twice.cli.options import print_json
from twice.cli.screen import Screen
from twice.errors import UsageError
from twice.record.model import Point, Run


def show_course(run: Run, points: Sequence[Point], metric: str, screen: Screen, as_json: bool) -> None:
    """Print the plot, or the logged values as JSON.  Raises UsageError when the run has no such metric."""
    if metric not in run.metrics:
        near = get_close_matches(metric, run.metrics, n=1)
        known = ", ".join(list(run.metrics)[:8]) or "none at all"
        raise UsageError(
            f"run {run.id} has no metric `{metric}`",
            hint=f"did you mean `{near[0]}`?" if near else f"its metrics: {known}",
        )
    one = run.metrics[metric]
    logged = points or [Point(step=one.last_step or 0, time_s=run.execution.duration_s, value=one.last)]
    if as_json:
        from twice.display.json_shapes import SCHEMA_VERSION, strict_mapping

        rows = [{"step": each.step, "time_s": each.time_s, "value": each.value} for each in logged]
        print_json(strict_mapping({"schema_version": SCHEMA_VERSION, "run": run.id, "metric": metric, "points": rows}))
        return
    from twice.display.line_plot import line_plot

    click.echo(line_plot(metric, logged, width=screen.width, encoding=screen.encoding), nl=False)
