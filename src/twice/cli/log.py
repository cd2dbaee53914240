"""twice log: git's log, with the runs beside the commits they came from."""

from __future__ import annotations

import click

from twice.cli.options import colour_option
from twice.cli.runs import known_runs
from twice.cli.screen import When, output_screen, show_text
from twice.cli.workplace import tell, workplace
from twice.record.summary import RunSummary
from twice.store.known_runs import Runs


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
        shown, counts = _by_commit(runs, {line.commit for line in lines if line.commit})
        page = log_page(
            lines,
            shown,
            counts,
            all_ids=runs.index.ids_like(run.id for group in shown.values() for run, _ in group),
            width=screen.width,
            style=screen.style,
            encoding=screen.encoding,
        )
        show_text(page, screen, place.environ)
    return 0


def _by_commit(runs: Runs, commits: set[str]) -> tuple[dict[str, list[tuple[RunSummary, bool]]], dict[str, int]]:
    """Commit → as many of its runs as are shown, newest first, and whether each had uncommitted changes; and their number."""
    from twice.display.log_page import MOST_RUNS

    chosen: dict[int, tuple[str, bool]] = {}
    counts: dict[str, int] = {}
    for key, (_, base, snapshot) in zip(runs.index.keys(), reversed(runs.index.bases()), strict=True):
        if base is not None and base in commits:
            counts[base] = counts.get(base, 0) + 1
            if counts[base] <= MOST_RUNS:
                chosen[key] = (base, snapshot is not None)
    found: dict[str, list[tuple[RunSummary, bool]]] = {}
    for summary, (base, is_changed) in zip(runs.index.summaries_of(chosen), chosen.values(), strict=True):
        found.setdefault(base, []).append((summary, is_changed))
    return found, counts
