"""How are blobs, trees and commits read and written?  The one door for them.

In and out: bytes, entries, plain facts; ids are lower-case hexadecimal, paths are `str` with surrogate escapes. The
formats are git's (gitformat-commit, git-mktree), for SHA-1 and SHA-256 repositories. Objects are only ever added.
Whatever is written is on the disk when the call returns, so a ref may point to it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from twice.errors import RepositoryError
from twice.frozen import frozen
from twice.git.loose_objects import LooseObjects
from twice.git.packed_objects import PackedObjects, damaged

TREE = 0o040000
FILE = 0o100644
EXECUTABLE = 0o100755
SYMLINK = 0o120000
GITLINK = 0o160000

_HEX = re.compile("[0-9a-f]*")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class TreeEntry(NamedTuple):
    """One name in a tree; a tuple, because there can be a hundred thousand."""

    name: str
    mode: int
    id: str


@frozen
class Commit:
    """A commit's facts; people are `Name <email>`, times are UTC."""

    tree: str
    parents: tuple[str, ...]
    author: str
    author_time: datetime
    committer: str
    committer_time: datetime
    message: str


class ObjectStore:
    """The objects of one repository."""

    def __init__(self, folder: Path, object_format: str, packed: PackedObjects) -> None:
        self._loose = LooseObjects(folder, object_format)
        self._packed = packed
        self._id_bytes = 20 if object_format == "sha1" else 32
        self._commits: dict[str, Commit] = {}
        self._ahead: dict[str, tuple[str, bytes]] = {}

    def close(self) -> None:
        """End what reading has started."""
        self._packed.close()

    # ------------------------------------------------------------------------------------------------ reading

    def has(self, object_id: str) -> bool:
        """Whether the object is there."""
        return self.kind(object_id) is not None

    def kind(self, object_id: str) -> str | None:
        """`commit`, `tree`, `blob`, `tag`; None when there is no such object."""
        if not self._is_id(object_id):
            return None
        found = self._loose.read(object_id)
        return found[0] if found else self._packed.kind(object_id)

    def read_ahead(self, object_ids: Iterable[str]) -> set[str]:
        """Read objects that will soon be asked for, together, which takes a tenth of the time; the ids of all of them.

        They stay until `forget` drops them. What cannot be read is left for whoever asks for it.
        """
        wanted = {one for one in object_ids if self._is_id(one)}
        self._ahead.update(self._packed.read_many(list(wanted - self._ahead.keys())))
        return wanted

    def forget(self, object_ids: Iterable[str]) -> None:
        """Drop what was read ahead."""
        for object_id in object_ids:
            self._ahead.pop(object_id, None)

    def read_blob(self, blob: str) -> bytes:
        """The content of a file. Raises RepositoryError when it is missing, damaged or no blob."""
        return self._read(blob, "blob")

    @property
    def empty_tree(self) -> str:
        """The id of the tree without entries, which git knows without having it."""
        return self._loose.empty_tree_id()

    def read_tree(self, tree: str) -> tuple[TreeEntry, ...]:
        """The entries of one folder, in git's order. Raises RepositoryError."""
        return tuple(
            TreeEntry(os.fsdecode(name), int(mode, 8), binary.hex()) for mode, name, binary in self._raw_entries(tree)
        )

    def read_commit(self, commit: str) -> Commit:
        """The facts of a commit. Raises RepositoryError when it is missing, damaged or no commit."""
        known = self._commits.get(commit)
        if known is None:
            try:
                known = _parse_commit(self._read(commit, "commit"))
            except (ValueError, KeyError) as error:
                raise damaged(commit, [f"not a commit: {error}"]) from error
            self._commits[commit] = known
        return known

    def find(self, tree: str, path: str) -> TreeEntry | None:
        """The entry at a path below a tree, folder or file; None when there is none."""
        entry = TreeEntry("", TREE, tree)
        for name in path.split("/"):
            if entry.mode != TREE:
                return None
            wanted = os.fsencode(name)
            found = next((raw for raw in self._raw_entries(entry.id) if raw[1] == wanted), None)
            if found is None:
                return None
            entry = TreeEntry(name, int(found[0], 8), found[2].hex())
        return entry

    def walk(self, tree: str, prefix: str = "") -> Iterator[tuple[str, int, str]]:
        """Path, mode and id of every file, symlink and gitlink below a tree; paths start with `prefix` as it is."""
        for name, mode, object_id in self.read_tree(tree):
            if mode == TREE:
                yield from self.walk(object_id, f"{prefix}{name}/")
            else:
                yield prefix + name, mode, object_id

    # ------------------------------------------------------------------------------------------------ writing

    def write_blob(self, content: bytes) -> str:
        """Write a file's content; its id. Raises RepositoryError on a full or read-only disk."""
        return self._loose.write("blob", content)

    def write_tree(self, entries: Mapping[str, tuple[int, str] | None], base: str | None = None) -> str:
        """The tree `base` (default: nothing) with some paths set to (mode, id), or deleted where None; its id.

        A path with the mode of a folder replaces the whole folder. A path below what is a file in `base` makes it a
        folder; folders that become empty are left out, as git does.
        """
        root: _Edits = {}
        for path, entry in entries.items():
            _add_edit(root, path, entry)
        return self._write_edited(root, base) or self._loose.write("tree", b"")

    def write_commit(
        self,
        *,
        tree: str,
        parents: tuple[str, ...] = (),
        author: str,
        author_time: datetime,
        committer: str,
        committer_time: datetime,
        message: str,
    ) -> str:
        """Write a commit; its id. People are `Name <email>`; a time keeps whole seconds, in UTC."""
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        lines.append(f"author {author} {_seconds(author_time)} +0000")
        lines.append(f"committer {committer} {_seconds(committer_time)} +0000")
        text = "\n".join(lines) + "\n\n" + message.replace("\0", "\\0")
        return self._loose.write("commit", text.encode("utf-8", "surrogateescape"))

    # ------------------------------------------------------------------------------------------------ inside

    def _is_id(self, text: str) -> bool:
        return len(text) == 2 * self._id_bytes and _HEX.fullmatch(text) is not None

    def _read(self, object_id: str, kind: str) -> bytes:
        if not self._is_id(object_id):
            raise RepositoryError(f"not an object id: {object_id!r}")
        found = self._ahead.get(object_id) or self._loose.read(object_id) or self._packed.read(object_id)
        if found is None:
            raise damaged(object_id, [f"there is no such {kind} in this repository"])
        if found[0] != kind:
            raise RepositoryError(f"object {object_id} is a {found[0]}, not a {kind}")
        return found[1]

    @cached_property
    def _entry(self) -> re.Pattern[bytes]:
        """One entry of a tree: mode, name, binary id."""
        return re.compile(rb"([0-7]+) ([^\0]+)\0(.{%d})" % self._id_bytes, re.DOTALL)

    def _raw_entries(self, tree: str) -> list[tuple[bytes, bytes, bytes]]:
        """Mode, name and binary id of each entry of a tree, as they are written."""
        if tree == self.empty_tree:
            return []
        data = self._read(tree, "tree")
        found: list[tuple[bytes, bytes, bytes]] = self._entry.findall(data)
        if sum(len(mode) + len(name) for mode, name, _ in found) + (2 + self._id_bytes) * len(found) != len(data):
            raise damaged(tree, ["not a tree: it is not one entry after the other"])
        return found

    def _write_edited(self, edits: _Edits, base: str | None) -> str | None:
        """Write one folder with its edits; None when nothing is left in it."""
        entries = {entry.name: (entry.mode, entry.id) for entry in self.read_tree(base)} if base else {}
        for name, edit in edits.items():
            if edit is None:
                entries.pop(name, None)
            elif isinstance(edit, tuple):
                entries[name] = edit
            else:
                mode, old = entries.pop(name, (0, ""))
                folder = self._write_edited(edit, old if mode == TREE else None)
                if folder is not None:
                    entries[name] = (TREE, folder)
                elif mode not in (TREE, 0) and not _sets_anything(edit):
                    entries[name] = (mode, old)  # deleting below a file deletes nothing
        if not entries:
            return None
        parts = [(os.fsencode(name), mode, object_id) for name, (mode, object_id) in entries.items()]
        parts.sort(key=lambda part: part[0] + b"/" if part[1] == TREE else part[0])  # git sorts `a` as `a/` if a folder
        return self._loose.write(
            "tree", b"".join(b"%o %s\0%s" % (mode, name, bytes.fromhex(object_id)) for name, mode, object_id in parts)
        )


_Edits = dict[str, "tuple[int, str] | _Edits | None"]


def _add_edit(folder: _Edits, path: str, entry: tuple[int, str] | None) -> None:
    *folders, name = path.split("/")
    if any(part in ("", ".", "..") or part.lower() == ".git" for part in (*folders, name)):
        raise RepositoryError(f"not a path that a tree can hold: {path!r}")
    for part in folders:
        below = folder.setdefault(part, {})
        if below is None or isinstance(below, tuple):
            if entry is None:
                return  # deleting below what is set or deleted as a whole
            below = folder[part] = {}
        folder = below
    if not (entry is None and folder.get(name)):  # `a` deleted and `a/b` set: a file has become a folder
        folder[name] = entry


def _sets_anything(edits: _Edits) -> bool:
    return any(isinstance(edit, tuple) or (edit is not None and _sets_anything(edit)) for edit in edits.values())


def _parse_commit(data: bytes) -> Commit:
    header, _, message = data.partition(b"\n\n")
    facts: dict[str, list[str]] = {}
    encoding = "utf-8"
    for line in header.split(b"\n"):
        key, _, value = line.partition(b" ")
        if key in (b"tree", b"parent", b"author", b"committer"):
            facts.setdefault(key.decode("ascii"), []).append(value.decode("utf-8", "surrogateescape"))
        elif key == b"encoding":
            encoding = value.decode("ascii", "replace")
    author, author_time = _parse_person(facts["author"][0])
    committer, committer_time = _parse_person(facts["committer"][0])
    return Commit(
        tree=facts["tree"][0],
        parents=tuple(facts.get("parent", ())),
        author=author,
        author_time=author_time,
        committer=committer,
        committer_time=committer_time,
        message=_decode(message, encoding),
    )


def _parse_person(text: str) -> tuple[str, datetime]:
    """`Name <email> 1700000000 +0100`: the person and the time; a time that is no time is the epoch, as git has it."""
    person, _, moment = text.rpartition("> ")
    seconds = moment.split(" ")[0] if person else "0"
    try:
        return f"{person}>" if person else text, _EPOCH + timedelta(seconds=int(seconds))
    except (ValueError, OverflowError):
        return f"{person}>", _EPOCH


def _decode(message: bytes, encoding: str) -> str:
    try:
        return message.decode(encoding)
    except (LookupError, UnicodeDecodeError):
        return message.decode("utf-8", "surrogateescape")


def _seconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(seconds=1)
