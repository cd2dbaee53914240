"""twice push: runs and what was said of them, to a remote."""

from __future__ import annotations

import click

from twice.cli.runs import complete_run, known_runs
from twice.cli.workplace import tell, workplace


@click.command("push", epilog="Example: twice push origin best:accuracy")
@click.argument("remote", required=False)
@click.argument("runs", metavar="[RUN]...", nargs=-1, shell_complete=complete_run)
def command(remote: str | None, runs: tuple[str, ...]) -> int:
    """Push runs to a git remote

    All runs, or those named, with their code, and the notes on them; nothing else: no branch, no tag, no data that git
    does not hold. A run that is there is never overwritten.
    """
    from twice.execution.sharing import default_remote, push_runs

    with workplace(bare_ok=True) as place:
        refs = None
        if runs:
            with known_runs(place) as known:
                refs = list(dict.fromkeys(known.select(selector)[0].ref for selector in runs))
        name = remote or default_remote(place.repository, pushing=True)
        done = push_runs(name, refs, place.repository, place.clock)
        amount = f"{len(done.new)} run{'' if len(done.new) == 1 else 's'}"
        tell(
            f"pushed {amount} to {name}"
            + (f" ({done.there} there already)" if done.there else "")
            + (", with notes" if done.notes_changed else "")
        )
    return 0
