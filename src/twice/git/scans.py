"""What can be said of a work tree beside HEAD?  The facts that both ways to look at it give; see `snapshot`."""

from __future__ import annotations

from typing import Literal

from twice.frozen import frozen

State = Literal[
    "modified",  # tracked; content or mode in the work tree is not the index's
    "deleted",  # tracked; gone from the work tree
    "untracked",  # not in the index, not ignored (or only "intended to be added"); a regular file or a symlink
    "staged",  # the index is not HEAD's, the work tree is the index's (a staged deletion has mode 0)
    "type",  # a file became a symlink, or the other way round, or a submodule became a file
    "unmerged",  # in conflict; the work tree's version goes into the snapshot
    "submodule",  # its commit moved, or there are changes inside it (which no snapshot of this repository holds)
    "nested repository",  # untracked; recorded as a link to its commit, as `git add` does, when it has one
    "not a file",  # a tracked path is now a fifo, a socket or a device: never read, not in the snapshot
]


@frozen
class Head:
    """Where HEAD is: the commit (None on an unborn branch) and the branch (None when detached)."""

    commit: str | None
    branch: str | None  # `main`, without refs/heads/


@frozen
class Change:
    """One path that is not what HEAD's commit says."""

    path: str
    state: State
    mode: int  # git's, of the work tree: 0o100644, 0o100755, 0o120000, 0o160000; 0 when it is gone or not a file
    size_bytes: int | None = None  # of a file or a symlink; None otherwise
    mtime_ns: int | None = None


@frozen
class Scan:
    """What `git status` says: HEAD, and each changed path once, sorted."""

    head: Head
    changes: tuple[Change, ...]
