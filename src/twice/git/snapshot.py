"""What differs from HEAD in the work tree, and which tree and commit hold the code as it is there?  Two ways.

In: a repository.  Out: a `Scan` (what `git status` says), a tree id (what `git add -A && git write-tree` would give
in a private index), a `Snapshot` (that tree, and a commit of it when HEAD is not already one).

Two ways give the same answers: `snapshot_by_git`, with the git executable, and `snapshot_by_hand`, on dulwich, where
there is none. The choice is made here, by capability; tests/git/test_snapshot_contract.py holds both to git's own
answers. Nothing here touches the user's index, HEAD or work tree: only objects are written.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from twice.frozen import frozen
from twice.git.scans import Scan

if TYPE_CHECKING:
    from twice.git.repository import Repository


@frozen
class Snapshot:
    """The code as it is in the work tree, as git ids."""

    tree: str
    base: str | None  # B, the commit the user is on; None on an unborn branch
    commit: str | None  # S; None when B's tree already is the code
    parent_commit: str | None  # the commit whose tree is the code, a run's parent: S, else B


def scan(repository: Repository) -> Scan:
    """Look at the work tree as `git status -uall` does. Reads only; the index is not even refreshed."""
    if repository.git is not None:
        from twice.git import snapshot_by_git

        return snapshot_by_git.scan(repository)
    from twice.git import snapshot_by_hand

    return snapshot_by_hand.scan(repository)


def scan_ahead(repository: Repository) -> None:
    """Start to look, for the one `scan` that comes next: git looks while the caller does something else."""
    if repository.git is not None:
        from twice.git import snapshot_by_git

        snapshot_by_git.scan_ahead(repository)


def write_tree(repository: Repository, scan: Scan, leave_out: Collection[str] = ()) -> str:
    """The tree that `git add -A && git write-tree` gives in a private index, less the untracked paths `leave_out`.

    Writes objects only. With no changes it is HEAD's tree.
    """
    if repository.git is not None:
        from twice.git import snapshot_by_git

        return snapshot_by_git.write_tree(repository, scan, leave_out)
    from twice.git import snapshot_by_hand

    return snapshot_by_hand.write_tree(repository, scan, leave_out)


def write_snapshot(repository: Repository, scan: Scan, leave_out: Collection[str] = ()) -> Snapshot:
    """The tree, and a commit of it on top of HEAD's when they differ.

    The commit's dates are its parent's committer date (the epoch on an unborn branch), so equal code is one commit.
    """
    if scan.changes:
        repository.read_config_ahead()  # for the author's name; git reads it while it also writes the tree
    tree = write_tree(repository, scan, leave_out)
    base = scan.head.commit
    moment = datetime.fromtimestamp(0, timezone.utc)
    message = "Uncommitted changes\n"
    if base is not None:
        parent = repository.objects.read_commit(base)
        if parent.tree == tree:
            return Snapshot(tree=tree, base=base, commit=None, parent_commit=base)
        moment = parent.committer_time
        message = f"Uncommitted changes on {base[:12]}\n"
    identity = repository.identity()
    commit = repository.objects.write_commit(
        tree=tree,
        parents=() if base is None else (base,),
        author=identity,
        author_time=moment,
        committer=identity,
        committer_time=moment,
        message=message,
    )
    return Snapshot(tree=tree, base=base, commit=commit, parent_commit=commit)
