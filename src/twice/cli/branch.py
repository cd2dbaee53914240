"""twice branch: a git branch of a run's code."""

from __future__ import annotations

import click

from twice.cli.options import run_argument
from twice.cli.runs import known_runs
from twice.cli.workplace import tell, workplace


@click.command("branch", epilog="Example: twice branch best:accuracy wide-model")
@run_argument("run")
@click.argument("name", metavar="NAME")
def command(run: str, name: str) -> int:
    """Make a git branch of a run's code"""
    from twice.execution.applying import branch_run

    with workplace(bare_ok=True) as place:
        with known_runs(place) as runs:
            _, found = runs.select(run)
        commit = branch_run(found, name, place.repository)
        tell(f"branch {name} is at {commit[:12]}, the code of {found.id}; go there: git switch {name}")
    return 0
