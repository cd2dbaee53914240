"""twice recover: the runs that were cut off become runs."""

from __future__ import annotations

import sys

import click

from twice.cli.main import error_text
from twice.cli.screen import error_screen
from twice.cli.workplace import tell, workplace


@click.command("recover", epilog="Example: twice recover")
def command() -> int:
    """Seal the runs that were cut off

    A run whose recording process died (kill -9, power) is recorded with all that was captured until then.
    """
    from twice.display.headline import headline
    from twice.execution.recovery import recover_runs

    failed = False
    with workplace() as place:
        recovered = recover_runs(place.repository, place.configuration, place.clock)
        screen = error_screen(place.environ)
        for sealed in recovered:
            if sealed.problem is not None:
                failed = True
                print(error_text(sealed.problem), file=sys.stderr)
            elif sealed.run is not None:
                tell(headline(sealed.run, style=screen.style, encoding=screen.encoding))
        if not recovered:
            tell("no run was cut off")
    return 2 if failed else 0
