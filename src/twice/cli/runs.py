"""Which runs does a reading command see?  Those of the repository that the user is in; and their completion."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from twice.cli.workplace import Workplace
from twice.store.known_runs import Runs, open_runs


@contextmanager
def known_runs(place: Workplace) -> Iterator[Runs]:
    """The runs, after bringing the index up to date."""
    with open_runs(place.repository, place.clock.now, _progress) as runs:
        yield runs


def _progress(done: int, total: int) -> None:
    if total >= 1000 and sys.stderr.isatty():
        text = f"reading runs: {done} of {total}" if done < total else "\033[K"
        print(f"\r{text}", end="" if done < total else "\r", file=sys.stderr, flush=True)


def complete_run(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
    """Completion: the newest runs' short ids and names that begin as typed."""
    from click.shell_completion import CompletionItem

    from twice.cli.workplace import workplace
    from twice.errors import TwiceError
    from twice.textforms import short_id

    try:
        with workplace(bare_ok=True) as place, known_runs(place) as runs:
            summaries = list(runs.summaries())[-500:]
    except TwiceError:
        return []
    items = [CompletionItem("@", help="the latest run")]
    for summary in reversed(summaries):
        words = " ".join(summary.command)[:60]
        if summary.name:
            items.append(CompletionItem(summary.name, help=words))
        items.append(CompletionItem(short_id(summary.id, 6), help=words))
    return [item for item in items if str(item.value).startswith(incomplete)]
