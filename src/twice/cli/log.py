"""twice log: git's log, with the runs beside the commits they came from."""

from __future__ import annotations

import click

from twice.cli.options import colour_option
from twice.cli.runs import Runs, known_runs
from twice.cli.screen import When, output_screen, show_text
from twice.cli.workplace import tell, workplace
from twice.record.summary import RunSummary


@click.command("log", epilog="Example: twice log -n 20 main")
@click.argument("revisions", metavar="[REVISION...]", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Start from all branches and tags.")
@click.option("-n", "--number", metavar="N", type=click.IntRange(1), help="Only the latest N commits.")
@colour_option
def command(revisions: tuple[str, ...], everything: bool, number: int | None, colour: When) -> int:
    """Show the commits, and beside each its runs

    As `git log --graph` draws them. A run stands at the commit that the user was on; it says when its code had uncommitted
    changes on top.
    """
    from twice.display.log_page import log_page
    from twice.git.log_graph import log_graph

    with workplace(bare_ok=True) as place, known_runs(place) as runs:
        if not revisions and not everything and place.repository.head().commit is None:
            tell("there is no commit yet")
            return 0
        lines = log_graph(place.repository, revisions, everything=everything, most=number)
        screen = output_screen(place.environ, colour)
        shown = {line.commit for line in lines if line.commit}
        page = log_page(
            lines, _by_commit(runs, shown), width=screen.width, style=screen.style, encoding=screen.encoding
        )
        show_text(page, screen, place.environ)
    return 0


def _by_commit(runs: Runs, commits: set[str]) -> dict[str, list[tuple[RunSummary, bool]]]:
    """Commit → its runs, newest first, and whether each had uncommitted changes."""
    summaries = {one.id: one for one in runs.summaries()}
    found: dict[str, list[tuple[RunSummary, bool]]] = {}
    for run_id, base, snapshot in runs.index.bases():
        if base in commits and run_id in summaries:
            found.setdefault(base, []).insert(0, (summaries[run_id], snapshot is not None))
    return found
