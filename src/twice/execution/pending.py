"""What keeps the code of a run that has no commit yet?  `refs/twice/pending/<run-id>`: local, and never pushed.

Neither a crash nor `git gc` can take the snapshot while it is there.
"""

from __future__ import annotations

from twice.git.repository import Repository

_PENDING = "refs/twice/pending/"


def keep_pending(repository: Repository, run_id: str, commit: str) -> None:
    """Pin the snapshot of a run that is about to start."""
    repository.refs.create(_PENDING + run_id, commit)


def drop_pending(repository: Repository, run_id: str) -> None:
    """Let go of the snapshot of a run: its own ref keeps it now, or nobody needs it."""
    pinned = repository.refs.read(_PENDING + run_id)
    if pinned is not None:
        repository.refs.delete(_PENDING + run_id, pinned)
