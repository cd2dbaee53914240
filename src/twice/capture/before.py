"""What is known of a run before its command starts?  Code, time, seed: enough to seal the run if nothing else comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from twice.frozen import frozen
from twice.record.code import Code
from twice.record.values import FilePath, Word


@frozen
class FileState:
    """A path that was not as in HEAD's commit, and what tells whether it is written later."""

    path: FilePath
    state: str
    size_bytes: int | None = None
    mtime_ns: int | None = None


@frozen
class Before:
    """What was true before the start."""

    code: Code
    changes: tuple[FileState, ...]  # of the work tree that the command runs in
    root: FilePath  # top of that work tree
    repository: FilePath  # top of the user's work tree; the same unless the run is isolated
    started_at: datetime
    host: str
    user: str
    tracer: str  # the one that was asked for and could be installed
    blind_spots: tuple[str, ...] = ()
    noise: tuple[FilePath, ...] = ()  # folders that are never the run's data: git's, ours
    data: tuple[FilePath, ...] = ()  # folders that hold data although they lie where noise does
    variables: Mapping[str, Word] = field(default_factory=dict)  # the command's, those that may be recorded
    warnings: tuple[str, ...] = ()
