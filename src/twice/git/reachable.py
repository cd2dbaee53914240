"""Which blobs do the user's own refs lead to?  Ids in, those of them that branches, tags, stashes or an index need out.

Refs of our own (runs, what is pinned for them) do not count. Without the git executable everything that is there counts:
this is asked before something is removed, and a wrong no would be a loss.
"""

from __future__ import annotations

from collections.abc import Collection

from twice.git.repository import Repository

_OURS = ("refs/experiments/*", "refs/twice/*", "refs/notes/experiments")


def reachable_blobs(repository: Repository, wanted: Collection[str]) -> set[str]:
    """Those of `wanted` that something of the user's leads to.  Raises RepositoryError."""
    here = {blob for blob in wanted if repository.objects.has(blob)}
    if not here or repository.git is None:
        return here
    excluded = [f"--exclude={pattern}" for pattern in _OURS]
    listed = repository.git.run(
        "rev-list", "--objects", "--no-object-names", "--reflog", *excluded, "--all", "--indexed-objects",
        cwd=repository.common_dir,
    )  # fmt: skip
    return here.intersection(listed.decode("ascii").split())
