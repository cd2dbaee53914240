"""What notes hang on an object, and how is one changed?  The trees and commits behind a ref such as refs/notes/commits.

In and out: ids of objects, ids of the blobs that are their notes. The format is git's (git-notes): the tree of the ref's
commit has one file for each object with a note, named by the object's id; where there are many, the first two digits of
the name become a folder, and again inside it ("fan-out"). A folder is cut up as git does it, when at least two of its names
begin with each of the sixteen digits, so what git and `twice` write has the same ids. Any fan-out can be read.

Only objects are written here; moving the ref is the caller's, who knows what to do when somebody else has moved it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from twice.git.objects import FILE, TREE, ObjectStore, TreeEntry
from twice.git.repository import Repository

_DIGITS = frozenset("0123456789abcdef")


def read_notes(objects: ObjectStore, tree: str | None) -> dict[str, str]:
    """Object → blob, of every note of a notes tree."""
    return {} if tree is None else {object_id: blob for object_id, _, blob in _walk(objects, tree)}


def find_note(objects: ObjectStore, tree: str | None, object_id: str) -> str | None:
    """The blob of one object's note."""
    if tree is None:
        return None
    _, entries, rest = _descend(objects, tree, object_id)
    return next((entry.id for entry in entries if entry.name == rest and entry.mode != TREE), None)


def changed_notes(objects: ObjectStore, old: str | None, new: str | None) -> set[str]:
    """The objects whose notes are not the same in two trees; folders that are the same are not read."""
    if old == new:
        return set()
    return {object_id for object_id, _, _ in _differing(objects, old, new)}


def set_notes(objects: ObjectStore, tree: str | None, notes: Mapping[str, str]) -> str:
    """The tree with some notes (object → blob) added or replaced; its id."""
    edits: dict[str, tuple[int, str] | None] = {}
    folders: dict[str, dict[str, str]] = {}  # path of a folder with files → what is to be in it
    for object_id, blob in notes.items():
        prefix, entries, rest = _descend(objects, tree, object_id)
        if prefix not in folders:
            folders[prefix] = {entry.name: entry.id for entry in entries if entry.mode != TREE and _is_hex(entry.name)}
            edits.update((prefix + name, None) for name in folders[prefix])
        folders[prefix][rest] = blob
    for prefix, files in folders.items():
        edits.update((prefix + path, (FILE, blob)) for path, blob in _fan_out(files))
    return objects.write_tree(edits, base=tree)


def write_notes_commit(
    repository: Repository, tree: str, parents: tuple[str, ...], message: str, moment: datetime
) -> str:
    """Write the commit that a notes ref can be moved to; its id."""
    identity = repository.identity()
    return repository.objects.write_commit(
        tree=tree,
        parents=parents,
        author=identity,
        author_time=moment,
        committer=identity,
        committer_time=moment,
        message=message + "\n",
    )


def _fan_out(files: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Path → blob for the notes in one folder, cut up if there are many."""
    amounts = Counter(name[0] for name in files)
    if len(amounts) < 16 or min(amounts.values()) < 2:
        yield from files.items()
        return
    below: dict[str, dict[str, str]] = {}
    for name, blob in files.items():
        below.setdefault(name[:2], {})[name[2:]] = blob
    for folder, inside in below.items():
        yield from ((f"{folder}/{path}", blob) for path, blob in _fan_out(inside))


def _descend(objects: ObjectStore, tree: str | None, object_id: str) -> tuple[str, tuple[TreeEntry, ...], str]:
    """The folder where the note of an object is, or belongs: path with a slash, entries, and the note's name in it."""
    prefix, rest = "", object_id
    entries = objects.read_tree(tree) if tree else ()
    while any(_is_fan(entry) for entry in entries):
        folder = next((entry for entry in entries if _is_fan(entry) and entry.name == rest[:2]), None)
        if folder is None and any(entry.name == rest for entry in entries):
            break  # another hand left it beside the folders
        prefix, rest = f"{prefix}{rest[:2]}/", rest[2:]
        entries = objects.read_tree(folder.id) if folder else ()
    return prefix, entries, rest


def _walk(objects: ObjectStore, tree: str, prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Object, path and blob of each note below a tree."""
    for entry in objects.read_tree(tree):
        if _is_fan(entry):
            yield from _walk(objects, entry.id, f"{prefix}{entry.name}/")
        elif entry.mode != TREE and _is_note(prefix + entry.name):
            yield (prefix + entry.name).replace("/", ""), prefix + entry.name, entry.id


def _differing(
    objects: ObjectStore, old: str | None, new: str | None, prefix: str = ""
) -> Iterator[tuple[str, str, str]]:
    """As `_walk`, of what only one of two trees has."""
    sides = [{entry.name: entry for entry in (objects.read_tree(tree) if tree else ())} for tree in (old, new)]
    for name in sides[0].keys() | sides[1].keys():
        was, now = sides[0].get(name), sides[1].get(name)
        if was == now:
            continue
        folders = [entry.id if entry is not None and _is_fan(entry) else None for entry in (was, now)]
        if any(folders):
            yield from _differing(objects, folders[0], folders[1], f"{prefix}{name}/")
        for entry in (was, now):
            if entry is not None and entry.mode != TREE and _is_note(prefix + name):
                yield (prefix + name).replace("/", ""), prefix + name, entry.id


def _is_fan(entry: TreeEntry) -> bool:
    return entry.mode == TREE and len(entry.name) == 2 and _is_hex(entry.name)


def _is_note(path: str) -> bool:
    digits = path.replace("/", "")
    return len(digits) in (40, 64) and _is_hex(digits)


def _is_hex(name: str) -> bool:
    return _DIGITS.issuperset(name)
