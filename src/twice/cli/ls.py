"""twice ls: the runs as a table."""

from __future__ import annotations

from datetime import datetime, timezone

import click

from twice.cli.options import colour_option, json_option, print_json
from twice.cli.runs import known_runs
from twice.cli.screen import When, output_screen, show_text
from twice.cli.workplace import Workplace, tell, workplace
from twice.record.summary import RunSummary
from twice.store.live_runs import LiveRun, live_runs
from twice.textforms import parse_time


@click.command("ls", epilog="Example: twice ls -e train -n 20")
@click.option("-e", "--experiment", metavar="NAME", help="Only the runs of this experiment.")
@click.option("-n", "--number", metavar="N", type=click.IntRange(1), help="Only the latest N.")
@click.option("-a", "--all", "all_columns", is_flag=True, help="Every column, however wide.")
@json_option
@colour_option
def command(experiment: str | None, number: int | None, all_columns: bool, as_json: bool, colour: When) -> int:
    """List the runs"""
    with workplace(bare_ok=True) as place, known_runs(place) as runs:
        recorded = runs.summaries(experiment)
        known = {one.id for one in recorded}
        unsealed = [one for one in _unsealed(place, experiment) if one.id not in known]
        summaries = sorted([*recorded, *unsealed], key=lambda one: (one.started_at, one.id))
        shown = summaries[-number:] if number else summaries
        if as_json:
            from twice.display.json_shapes import runs_json

            print_json(runs_json(shown))
            return 0
        for row in runs.index.rows(experiment):
            if row.problem is not None:
                tell(f"run {row.id} cannot be read: {row.problem}")
        if not shown:
            tell("no run yet; record one: twice run python train.py")
            return 0
        from twice.display.run_table import run_table  # which loads tabulate

        screen = output_screen(place.environ, colour)
        text = run_table(
            list(reversed(shown)),
            now=place.clock.now(),
            width=screen.width,
            style=screen.style,
            encoding=screen.encoding,
            all_columns=all_columns,
            all_ids=[summary.id for summary in summaries],
        )
        show_text(text, screen, place.environ)
        cut_off = sum(summary.status == "interrupted" and summary.duration_s is None for summary in shown)
        if cut_off:
            tell(f"{cut_off} cut off before being recorded: `twice recover` records what was captured")
    return 0


def _unsealed(place: Workplace, experiment: str | None) -> list[RunSummary]:
    """The runs that go on, or were cut off: they have a live folder and no commit yet."""
    found = [_summary(live) for live in live_runs(place.repository.state_dir)]
    return [one for one in found if one is not None and experiment in (None, one.experiment)]


def _summary(live: LiveRun) -> RunSummary | None:
    request, before = live.read("request"), live.read("before")
    if request is None or before is None:
        return None
    started_at = parse_time(before["started_at"])
    is_alive = live.is_alive()
    return RunSummary(
        id=live.id,
        experiment=request["experiment"],
        name=request.get("name"),
        status="running" if is_alive else "interrupted",
        started_at=started_at,
        duration_s=(datetime.now(timezone.utc) - started_at).total_seconds() if is_alive else None,
        command=tuple(request["command"]),
        params=request.get("params", {}),
        metrics={},
        tags=request.get("tags", {}),
        reproduces=request.get("reproduces"),
    )
