"""twice reproduce: run a run again, from its own code, and say what is the same; or with a change, and what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from twice.cli.options import colour_option, json_option, print_json, run_argument
from twice.cli.runs import known_runs
from twice.cli.screen import Screen, When, error_screen, output_screen
from twice.cli.workplace import Workplace, tell, workplace
from twice.comparison.tolerance import Tolerance
from twice.errors import UsageError
from twice.textforms import new_run_id

if TYPE_CHECKING:
    from twice.execution.derivation import Change
    from twice.execution.reproduction import Surroundings, Wishes
    from twice.record.model import Run

_ARGUMENTS = "twice.arguments"


class _WithArguments(click.Command):
    """A command whose words after `--` are another program's arguments."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Set the words after the first `--` aside; none there is another thing than no `--`."""
        if "--" in args:
            at = args.index("--")
            ctx.meta[_ARGUMENTS] = tuple(args[at + 1 :])
            args = args[:at]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """The usage line, with what may follow `--`."""
        return [*super().collect_usage_pieces(ctx), "[-- ARGUMENTS…]"]


@click.command("reproduce", cls=_WithArguments, epilog="Example: twice reproduce @ --rtol 1e-6")
@run_argument("run", default="@")
@click.option("-p", "--param", "params", metavar="KEY=VALUE", multiple=True, help="Run with another value of a param.")
@click.option("--check", is_flag=True, help="Say what is missing; run nothing.")
@click.option("--dry-run", is_flag=True, help="Print the steps as a shell would take them; run nothing.")
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
@click.pass_context
def command(
    context: click.Context,
    run: str,
    params: tuple[str, ...],
    check: bool,
    dry_run: bool,
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

    With -p, or with other arguments after --, it runs with that change: recorded as derived from the run, compared with
    it, and the exit code is the command's own.
    """
    from twice.execution.derivation import Change
    from twice.execution.reproduction import Wishes

    arguments = context.meta.get(_ARGUMENTS)
    change = Change(arguments=arguments, params=params) if arguments is not None or params else None
    if check and dry_run:
        raise UsageError("--check and --dry-run exclude each other")
    if change is not None and (rtol is not None or atol is not None):
        raise UsageError("a run with a change is not judged: --rtol and --atol say nothing there")
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
        around = place.surroundings()
        screen = output_screen(place.environ, colour)
        if check:
            return _check(original, row.commit, wishes, around, as_json, screen)
        if dry_run:
            return _show_steps(original, row.commit, change, wishes, around)
        if change is not None:
            return _derive(original, row.commit, change, wishes, around, as_json, screen)
        return _reproduce(original, row.commit, wishes, around, as_json, screen)


def _reproduce(original: Run, commit: str, wishes: Wishes, around: Surroundings, as_json: bool, screen: Screen) -> int:
    from twice.execution.reproduction import reproduce_run

    done = reproduce_run(original, commit, wishes, around)
    if done.kept_at is not None:
        tell(f"worktree kept: {done.kept_at}")
    if done.verdict is None:
        from twice.cli.reporting import report_run

        report_run(done.recorded, error_screen(around.environ))
        return 2
    if as_json:
        from twice.display.json_shapes import verdict_json

        print_json(verdict_json(done.verdict))
    else:
        from twice.display.verdict_table import outcome_line, verdict_table

        click.echo(verdict_table(done.verdict, style=screen.style, encoding=screen.encoding), nl=False)
        click.echo(outcome_line(done.verdict, style=screen.style, encoding=screen.encoding))
    return 0 if done.verdict.reproduced else 1


def _derive(
    original: Run, commit: str, change: Change, wishes: Wishes, around: Surroundings, as_json: bool, screen: Screen
) -> int:
    from twice.cli.reporting import report_run
    from twice.execution.reproduction import derive_run

    done = derive_run(original, commit, change, wishes, around)
    if done.kept_at is not None:
        tell(f"worktree kept: {done.kept_at}")
    report_run(done.recorded, error_screen(around.environ))
    if done.comparison is not None and done.recorded.run is not None:
        if as_json:
            from twice.display.json_shapes import comparison_json

            print_json(comparison_json(done.comparison))
        else:
            from twice.display.diff_page import diff_page

            page = diff_page(
                done.comparison,
                original,
                done.recorded.run,
                style=screen.style,
                width=screen.width,
                encoding=screen.encoding,
            )
            click.echo(page, nl=False)
    return done.recorded.exit_code


def _check(original: Run, commit: str, wishes: Wishes, around: Surroundings, as_json: bool, screen: Screen) -> int:
    from twice.execution.checking import check_run

    needs = check_run(original, commit, wishes, around)
    if as_json:
        from twice.display.json_shapes import needs_json

        print_json(needs_json(original.id, needs))
    else:
        from twice.display.needs_table import needs_table

        click.echo(needs_table(needs, style=screen.style, encoding=screen.encoding), nl=False)
    return 2 if any(need.state == "missing" for need in needs) else 0


def _show_steps(original: Run, commit: str, change: Change | None, wishes: Wishes, around: Surroundings) -> int:
    from twice.execution.steps import reproduction_steps

    for line in reproduction_steps(original, commit, change, wishes, around):
        click.echo(line)
    return 0


def _tolerance(rtol: float | None, atol: float | None, place: Workplace) -> Tolerance:
    """What the user typed wins over what is configured, for all metrics."""
    if rtol is not None or atol is not None:
        given = [name for name, value in (("--rtol", rtol), ("--atol", atol)) if value is not None]
        return Tolerance(rtol=rtol or 0.0, atol=atol or 0.0, origin=" ".join(given))
    configured = place.configuration
    bounds = configured.compare_metrics
    if not (configured.compare_rtol or configured.compare_atol or bounds):
        return Tolerance()
    file = "twice.toml" if (place.repository.root / "twice.toml").exists() else "pyproject.toml"
    return Tolerance(rtol=configured.compare_rtol, atol=configured.compare_atol, per_metric=bounds, origin=file)
