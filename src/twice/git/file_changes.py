"""What can be said of one file that differs between two trees?  The facts that both ways to compare give."""

from __future__ import annotations

from typing import Literal

from twice.frozen import frozen

Kind = Literal["added", "deleted", "modified", "renamed", "mode", "type"]

RECORD = ".twice"
"""The folder of a run's record in its tree."""


@frozen
class FileChange:
    """One file that differs."""

    path: str  # in the second tree, if it is there; otherwise in the first
    old_path: str | None  # in the first tree, if it was renamed
    kind: Kind  # "mode": only the mode differs; "type": a file, a symlink or a submodule became another of these
    old_mode: int | None
    new_mode: int | None
    old_id: str | None
    new_id: str | None
    added: int | None  # lines; None when the file is not text
    removed: int | None


def is_code(path: str) -> bool:
    """Whether a path is outside of the record."""
    return path != RECORD and not path.startswith(RECORD + "/")
