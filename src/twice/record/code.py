"""Which code ran?  The mapping `code` of run.yaml; see `model.py`, whose part this is."""

from __future__ import annotations

from dataclasses import field

from twice.frozen import frozen
from twice.record.values import Extra, FilePath


@frozen
class LeftOut:
    """A file of the work tree that the snapshot does not hold."""

    path: FilePath
    reason: str  # "large", "secret", "not a file", "nested repository"
    size_bytes: int | None = None
    sha256: str | None = None
    stored: str | None = None  # "lfs", see DataFile; None: only its hash is kept
    extra: Extra = field(default_factory=dict)


@frozen
class Code:
    """Which code ran: git ids, as full lower-case hexadecimal (SHA-1 or SHA-256, as the repository has it)."""

    tree: str  # the code's tree, as `git add -A && git write-tree` would give it, less what was left out
    base: str | None = None  # B, the commit the user was on; None on an unborn branch
    snapshot: str | None = None  # S, the commit of the uncommitted changes; None when the tree was clean
    branch: str | None = None  # None when HEAD was detached
    remote: str | None = None  # URL of the branch's remote, or of `origin`; credentials cut
    left_out: tuple[LeftOut, ...] = ()
    changed_during_run: tuple[FilePath, ...] = ()  # code files that the run loaded and that changed while it ran
    extra: Extra = field(default_factory=dict)

    @property
    def commit(self) -> str | None:
        """The commit whose tree is the code: S, or B when the tree was clean."""
        return self.snapshot or self.base
