"""twice reproduce: run a run again, from its own code, and say what is the same."""

from __future__ import annotations

from typing import Literal

import click

from twice.cli.options import colour_option, json_option, print_json, run_argument
from twice.cli.runs import known_runs
from twice.cli.screen import When, error_screen, output_screen
from twice.cli.workplace import Workplace, tell, workplace
from twice.comparison.tolerance import Tolerance
from twice.textforms import new_run_id


@click.command("reproduce", epilog="Example: twice reproduce @ --rtol 1e-6")
@run_argument("run", default="@")
@click.option("--rtol", type=click.FloatRange(0), help="Relative tolerance for metrics (default: exact).")
@click.option("--atol", type=click.FloatRange(0), help="Absolute tolerance for metrics (default: exact).")
@click.option("--python", metavar="PATH", help="The interpreter to use (default: the run's own).")
@click.option(
    "--env",
    type=click.Choice(["auto", "current", "rebuild"]),
    default="auto",
    help="Run in the environment that is here, or in one rebuilt from the record (default: rebuild if it differs).",
)
@click.option("--allow-changed-data", is_flag=True, help="Run even if inputs are missing or have changed.")
@click.option("--keep", is_flag=True, help="Keep the worktree and say where it is.")
@json_option
@colour_option
def command(
    run: str,
    rtol: float | None,
    atol: float | None,
    python: str | None,
    env: Literal["auto", "current", "rebuild"],
    allow_changed_data: bool,
    keep: bool,
    as_json: bool,
    colour: When,
) -> int:
    """Run a run again and say what is the same

    Its code goes into a fresh worktree; yours is not touched. Exits with 0 when reproduced, 1 when it diverged, 2 when
    it could not be run.
    """
    from twice.execution.reproduction import Wishes, reproduce_run

    with workplace() as place:
        with known_runs(place) as runs:
            row, original = runs.select(run)
        wishes = Wishes(
            id=new_run_id(place.clock.now()),
            python=python,
            environment=env,
            tolerance=_tolerance(rtol, atol, place),
            allow_changed_data=allow_changed_data,
            keep=keep,
        )
        done = reproduce_run(
            original,
            row.commit,
            wishes,
            place.repository,
            place.configuration,
            place.clock,
            place.environ,
            tell,
        )
        if done.kept_at is not None:
            tell(f"worktree kept: {done.kept_at}")
        if done.verdict is None:
            from twice.cli.reporting import report_run

            report_run(done.recorded, error_screen(place.environ))
            return 2
        if as_json:
            from twice.display.json_shapes import verdict_json

            print_json(verdict_json(done.verdict))
        else:
            from twice.display.verdict_table import outcome_line, verdict_table

            screen = output_screen(place.environ, colour)
            click.echo(verdict_table(done.verdict, style=screen.style, encoding=screen.encoding), nl=False)
            click.echo(outcome_line(done.verdict, style=screen.style, encoding=screen.encoding))
        return 0 if done.verdict.reproduced else 1


def _tolerance(rtol: float | None, atol: float | None, place: Workplace) -> Tolerance:
    """What the user typed wins over what is configured, for all metrics."""
    if rtol is not None or atol is not None:
        given = [name for name, value in (("--rtol", rtol), ("--atol", atol)) if value is not None]
        return Tolerance(rtol=rtol or 0.0, atol=atol or 0.0, origin=" ".join(given))
    configured = place.configuration
    bounds = configured.compare_metrics
    if not (configured.compare_rtol or configured.compare_atol or bounds):
        return Tolerance()
    return Tolerance(
        rtol=configured.compare_rtol, atol=configured.compare_atol, per_metric=bounds, origin="configuration"
    )
