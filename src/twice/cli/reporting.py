"""What is said of a run when its command has ended?  One line, on stderr: stdout is the command's own."""

from __future__ import annotations

import sys

from twice.cli.main import error_text
from twice.cli.screen import Screen
from twice.cli.workplace import tell
from twice.display.headline import headline
from twice.execution.recording import Recorded


def report_run(recorded: Recorded, screen: Screen) -> None:
    """Say the run's headline, or why it could not be recorded."""
    if recorded.problem is not None:
        print(error_text(recorded.problem), file=sys.stderr)
        if recorded.problem.hint is None:
            print("hint: nothing is lost: `twice recover` records it once that is mended", file=sys.stderr)
        return
    if recorded.run is not None:
        for warning in recorded.run.execution.warnings:
            if warning not in recorded.told:
                tell(warning)
        tell(headline(recorded.run, style=screen.style, encoding=screen.encoding))
