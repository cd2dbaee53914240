"""twice pull: runs and what was said of them, from a remote."""

from __future__ import annotations

import click

from twice.cli.workplace import tell, workplace


@click.command("pull", epilog="Example: twice pull origin k7q2")
@click.argument("remote", required=False)
@click.argument("runs", metavar="[RUN]...", nargs=-1)
def command(remote: str | None, runs: tuple[str, ...]) -> int:
    """Pull runs from a git remote

    All runs, or those named by a part of their id, with their code, and the notes on them; no branch or tag moves.
    """
    from twice.execution.sharing import default_remote, pull_runs, runs_at

    with workplace(bare_ok=True) as place:
        name = remote or default_remote(place.repository, pushing=False)
        refs = None
        if runs:
            from twice.store.selectors import select_run

            there = runs_at(name, place.repository)
            refs = list(dict.fromkeys(select_run(one, there, lambda: [], lambda _: None).ref for one in runs))
        done = pull_runs(name, refs, place.repository, place.clock)
        amount = f"{len(done.new)} run{'' if len(done.new) == 1 else 's'}"
        tell(
            f"pulled {amount} from {name}"
            + (f" ({done.there} here already)" if done.there else "")
            + (", with notes" if done.notes_changed else "")
        )
    return 0
