"""What have people said of a run since it was recorded?  Append-only operations, as git notes on the run's commit.

    refs/notes/experiments     git notes --ref=experiments show <commit of a run>

Each operation is a line (see `record.operations`). The lines are sorted, so by time, and each is there once: git's
`cat_sort_uniq`. Two people's notes are merged by uniting their lines, and nothing is ever in conflict. Lines that are no
operation (somebody's own `git notes add`) are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from twice.errors import RepositoryError
from twice.git.notes import changed_notes, find_note, read_notes, set_notes, write_notes_commit
from twice.git.refs import RefMoved
from twice.git.repository import Repository
from twice.record.operations import Operation, operation_line, parse_operations

NOTES_REF = "refs/notes/experiments"
_MOST_TRIES = 1000


class Notes:
    """The operations on the runs of one repository."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def tip(self) -> str | None:
        """The commit that the notes are at; it changes whenever a note does."""
        return self._repository.refs.read(NOTES_REF)

    def of(self, commit: str) -> tuple[Operation, ...]:
        """The operations on one run, oldest first."""
        blob = find_note(self._repository.objects, self._tree(self.tip()), commit)
        return () if blob is None else parse_operations(self._repository.objects.read_blob(blob))

    def changed(self, since: str | None, tip: str | None) -> dict[str, tuple[Operation, ...]]:
        """Commit → all its operations at `tip`, for the runs whose notes are not as they were at the tip `since`."""
        objects = self._repository.objects
        new = self._tree(tip)
        if since is None or not objects.has(since):
            return {
                commit: parse_operations(objects.read_blob(blob)) for commit, blob in read_notes(objects, new).items()
            }
        found = {}
        for commit in changed_notes(objects, self._tree(since), new):
            blob = find_note(objects, new, commit)
            found[commit] = () if blob is None else parse_operations(objects.read_blob(blob))
        return found

    def add(self, operations: Mapping[str, Iterable[Operation]], message: str, moment: datetime) -> str:
        """Append operations (commit of a run → what is said of it) in one commit; the new tip.

        Whoever else writes at the same moment loses nothing. Raises RepositoryError.
        """
        lines = {commit: [operation_line(one) for one in said] for commit, said in operations.items()}
        for _ in range(_MOST_TRIES):
            tip = self.tip()
            tree = self._united(tip, lines)
            new = write_notes_commit(self._repository, tree, (tip,) if tip else (), message, moment)
            if self._move(tip, new):
                return new
        raise _busy()

    def merge(self, theirs: str, moment: datetime) -> str:
        """Take in another line of notes, by uniting the lines of each note; the new tip.  Raises RepositoryError.

        The caller knows that neither side is an ancestor of the other.
        """
        objects = self._repository.objects
        other = self._tree(theirs)
        for _ in range(_MOST_TRIES):
            tip = self.tip()
            mine = self._tree(tip)
            lines = {}
            for commit in changed_notes(objects, mine, other):
                blob = find_note(objects, other, commit)
                if blob is not None:
                    lines[commit] = objects.read_blob(blob).split(b"\n")
            parents = (tip, theirs) if tip else (theirs,)
            new = write_notes_commit(self._repository, self._united(tip, lines), parents, "Merge notes on runs", moment)
            if self._move(tip, new):
                return new
        raise _busy()

    def _united(self, tip: str | None, lines: Mapping[str, Iterable[bytes]]) -> str:
        """The tree of notes at `tip` with these lines added; nothing but objects is written."""
        objects = self._repository.objects
        tree = self._tree(tip)
        blobs = {}
        for commit, more in lines.items():
            blob = find_note(objects, tree, commit)
            there = objects.read_blob(blob).split(b"\n") if blob is not None else []
            united = sorted({line for line in (*there, *more) if line})
            blobs[commit] = objects.write_blob(b"".join(line + b"\n" for line in united))
        return set_notes(objects, tree, blobs)

    def _move(self, old: str | None, new: str) -> bool:
        try:
            self._repository.refs.update(NOTES_REF, new, old)
        except RefMoved:
            return False
        return True

    def _tree(self, tip: str | None) -> str | None:
        return self._repository.objects.read_commit(tip).tree if tip else None


def _busy() -> RepositoryError:
    return RepositoryError(
        f"{NOTES_REF} keeps moving: another process writes it without end", hint="try again when it has ended"
    )
