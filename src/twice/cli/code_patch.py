"""How does the code of two runs differ, as a patch?  As `diff --code` and reports show it.

Outputs that lay around in the work tree are part of a snapshot and no code; where they are all that else differs, the patch
is of the other files only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from twice.cli.workplace import Workplace
from twice.comparison.code import code_paths
from twice.record.model import Run

if TYPE_CHECKING:
    from twice.git.file_changes import FileChange

_MOST_PATHS = 2000  # that a command line has room for


def patch_of_code(place: Workplace, a: Run, b: Run, changes: Sequence[FileChange], *, colour: bool = False) -> bytes:
    """The patch; `changes` are all files that differ."""
    from twice.git.difference import patch

    limits = code_limits(a, b, changes)
    if not changes or limits == []:
        return b""
    return patch(place.repository, a.code.tree, b.code.tree, paths=limits, colour=colour)


def code_limits(a: Run, b: Run, changes: Sequence[FileChange]) -> list[str] | None:
    """The paths to show; None for all of them."""
    paths = code_paths(a, b, changes)
    return None if paths is None or len(paths) > _MOST_PATHS else paths
