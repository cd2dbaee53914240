"""twice apply: a run's code, back in the work tree."""

from __future__ import annotations

import click

from twice.cli.options import run_argument
from twice.cli.runs import known_runs
from twice.cli.workplace import tell, workplace
from twice.textforms import quote_path


@click.command("apply", epilog="Example: twice apply best:accuracy")
@run_argument("run")
def command(run: str) -> int:
    """Bring a run's code into the work tree

    Every file of the run's code becomes what it was. HEAD, branches, index, ignored files and untracked files that the
    run did not have stay, and what was there before is kept under a ref that is named at the end.
    """
    from twice.execution.applying import apply_run

    with workplace() as place:
        with known_runs(place) as runs:
            _, found = runs.select(run)
        applied = apply_run(found, place.repository, place.configuration, place.clock.now(), place.environ)
        for change in applied.changes:
            click.echo(f"{change.kind:<9} {quote_path(change.path)}")
        if applied.left:
            tell(
                f"left alone, untracked and not in the run: {', '.join(quote_path(path) for path in applied.left[:10])}"
            )
        if applied.saved is None:
            tell(f"the work tree already is the code of {found.id}")
        else:
            tell(f"what was here is kept: git diff {applied.saved}, or git restore --source={applied.saved} -- .")
    return 0
