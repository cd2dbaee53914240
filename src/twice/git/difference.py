"""Which files differ between two trees, and how does the patch read?  One door, two ways.

In: two tree (or commit) ids.  Out: facts, one a file, sorted by path; or a patch as `git diff` prints it. The record of a
run, `.twice/`, is not code and is left out. With the git executable this is `git diff-tree`, otherwise
`difference_by_hand`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from twice.git.file_changes import RECORD, FileChange, Kind
from twice.git.objects import GITLINK

if TYPE_CHECKING:
    from twice.git.repository import Repository

_PLAIN = ("-r", "-M", "--no-ext-diff", "--no-textconv")
_ALL_BUT_THE_RECORD = f":(top,exclude,literal){RECORD}"
_MAGIC: dict[str, str | None] = {"GIT_LITERAL_PATHSPECS": None}  # to leave the record out takes a pathspec with magic


def changed_files(repository: Repository, tree_a: str, tree_b: str) -> tuple[FileChange, ...]:
    """The files that differ, sorted by path. Raises RepositoryError when a tree is missing."""
    if tree_a == tree_b:
        return ()
    if repository.git is None:
        from twice.git import difference_by_hand

        return difference_by_hand.changed_files(repository, tree_a, tree_b)
    words = ("diff-tree", *_PLAIN, "-z", "--raw", "--numstat", tree_a, tree_b, "--", _ALL_BUT_THE_RECORD)
    output = repository.git.run(*words, cwd=repository.root, env_extra=_MAGIC)
    return tuple(sorted(_parse(os.fsdecode(output)), key=lambda change: change.path))


def patch(
    repository: Repository, tree_a: str, tree_b: str, paths: Sequence[str] | None = None, *, colour: bool = False
) -> bytes:
    """The differences as a patch, in git's format; of some files or folders only, if `paths` are given."""
    if tree_a == tree_b:
        return b""
    if repository.git is None:
        from twice.git import difference_by_hand

        return difference_by_hand.patch(repository, tree_a, tree_b, paths, colour=colour)
    limits = [f":(top,literal){path}" for path in paths or ()]
    words = ("diff-tree", *_PLAIN, "-p", "--color=always" if colour else "--no-color", tree_a, tree_b, "--")
    return repository.git.run(*words, *limits, _ALL_BUT_THE_RECORD, cwd=repository.root, env_extra=_MAGIC)


def _parse(output: str) -> Iterator[FileChange]:
    """What `diff-tree -z --raw --numstat` prints: first a record for each file, then its counts in the same order."""
    fields = iter(output.split("\0")[:-1])
    raw: list[tuple[list[str], str | None, str]] = []
    counts: list[tuple[int | None, int | None]] = []
    for field in fields:
        if field.startswith(":"):
            facts = field[1:].split(" ")
            old_path = next(fields) if facts[4][0] in "RC" else None
            raw.append((facts, old_path, next(fields)))
        else:
            added, removed, path = field.split("\t", 2)
            if not path:  # a rename: two paths follow
                next(fields)
                next(fields)
            counts.append((_number(added), _number(removed)))
    for (facts, old_path, path), (added_lines, removed_lines) in zip(raw, counts, strict=True):
        old_mode, new_mode = int(facts[0], 8) or None, int(facts[1], 8) or None
        is_text = GITLINK not in (old_mode, new_mode)
        yield FileChange(
            path=path,
            old_path=old_path,
            kind=_kind(facts[4][0], same_content=facts[2] == facts[3]),
            old_mode=old_mode,
            new_mode=new_mode,
            old_id=facts[2] if old_mode else None,
            new_id=facts[3] if new_mode else None,
            added=added_lines if is_text else None,
            removed=removed_lines if is_text else None,
        )


def _kind(letter: str, *, same_content: bool) -> Kind:
    kinds: dict[str, Kind] = {"A": "added", "D": "deleted", "R": "renamed", "T": "type"}
    return kinds.get(letter, "mode" if same_content else "modified")


def _number(text: str) -> int | None:
    return None if text == "-" else int(text)
