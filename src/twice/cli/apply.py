"""twice apply: a run's code, back in the work tree."""

from __future__ import annotations

import click

from twice.cli.options import run_argument
from twice.cli.runs import known_runs
from twice.cli.workplace import tell, workplace


@click.command("apply", epilog="Example: twice apply best:accuracy")
@run_argument("run")
def command(run: str) -> int:
    """Bring a run's code into the work tree

    Every file that git would keep becomes what it was in the run. HEAD, branches, index and ignored files stay, and what
    was there before is kept under a ref that is named at the end.
    """
    from twice.execution.applying import apply_run

    with workplace() as place:
        with known_runs(place) as runs:
            _, found = runs.select(run)
        applied = apply_run(found, place.repository, place.configuration, place.clock.now(), place.environ)
        for change in applied.changes:
            click.echo(f"{change.kind:<9} {change.path}")
        if applied.saved is None:
            tell(f"the work tree already is the code of {found.id}")
        else:
            tell(f"what was here is kept: git diff {applied.saved}, or git restore --source={applied.saved} -- .")
    return 0
