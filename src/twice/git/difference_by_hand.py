"""Which files differ between two trees, without a git executable?  Folders with the same id are not read.

The line counts and the patch come from difflib, which may align lines otherwise than git does; `git apply` reads the
patch either way.
"""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from twice.git.file_changes import FileChange, Kind, is_code
from twice.git.objects import GITLINK, TREE
from twice.git.renames import Side, find_renames
from twice.textforms import quote_path

if TYPE_CHECKING:
    from twice.git.repository import Repository

_LOOKED_AT = 8000  # bytes; with a NUL among them git takes a file for binary
_COLOURS = {b"@": b"\x1b[36m", b"-": b"\x1b[31m", b"+": b"\x1b[32m"}
_BOLD, _PLAIN = b"\x1b[1m", b"\x1b[m"


def changed_files(repository: Repository, tree_a: str, tree_b: str) -> tuple[FileChange, ...]:
    """See `difference.changed_files`."""
    found = (_with_counts(repository, change) for change in _changes(repository, tree_a, tree_b))
    return tuple(sorted(found, key=lambda change: change.path))


def patch(
    repository: Repository, tree_a: str, tree_b: str, paths: Sequence[str] | None = None, *, colour: bool = False
) -> bytes:
    """See `difference.patch`."""
    changes = sorted(_changes(repository, tree_a, tree_b), key=lambda change: change.path)
    wanted = (change for change in changes if paths is None or any(_is_below(change.path, path) for path in paths))
    text = b"".join(b"".join(_file_patch(repository, part)) for change in wanted for part in _parts(change))
    return _coloured(text) if colour else text


def _changes(repository: Repository, tree_a: str, tree_b: str) -> list[FileChange]:
    objects = repository.objects
    a, b = (objects.read_commit(tree).tree if objects.kind(tree) == "commit" else tree for tree in (tree_a, tree_b))
    found = list(_compare(repository, a, b, ""))
    deleted = [old for old, new in found if old and not new]
    added = [new for old, new in found if new and not old]
    renames = find_renames(deleted, added, objects.read_blob)
    paired = {side for pair in renames for side in pair}
    rest = ((old, new) for old, new in found if old not in paired and new not in paired)
    return [_change(old, new) for old, new in (*rest, *renames)]


def _compare(
    repository: Repository, a: str | None, b: str | None, folder: str
) -> Iterator[tuple[Side | None, Side | None]]:
    """Each path that is not the same in two folders, with what it is in one and in the other; less the record."""
    olds, news = (
        {entry.name: entry for entry in repository.objects.read_tree(tree)} if tree else {} for tree in (a, b)
    )
    for name in sorted(olds.keys() | news.keys()):
        old, new, path = olds.get(name), news.get(name), folder + name
        if old == new or not is_code(path):
            continue
        old_folder, new_folder = (entry.id if entry and entry.mode == TREE else None for entry in (old, new))
        old_file, new_file = (
            Side(path, entry.mode, entry.id) if entry and entry.mode != TREE else None for entry in (old, new)
        )
        if old_file or new_file:
            yield old_file, new_file
        if old_folder or new_folder:
            yield from _compare(repository, old_folder, new_folder, path + "/")


def _change(old: Side | None, new: Side | None) -> FileChange:
    kind: Kind
    if old is None:
        kind = "added"
    elif new is None:
        kind = "deleted"
    elif old.path != new.path:
        kind = "renamed"
    elif stat.S_IFMT(old.mode) != stat.S_IFMT(new.mode):
        kind = "type"
    else:
        kind = "mode" if old.id == new.id else "modified"
    return FileChange(
        path=new.path if new else old.path if old else "",
        old_path=old.path if old and kind == "renamed" else None,
        kind=kind,
        old_mode=old.mode if old else None,
        new_mode=new.mode if new else None,
        old_id=old.id if old else None,
        new_id=new.id if new else None,
        added=None,
        removed=None,
    )


def _parts(change: FileChange) -> tuple[FileChange, ...]:
    """The change; or a deletion and an addition, when it became another type of file, as a patch has it."""
    if change.kind != "type":
        return (change,)
    old = Side(change.path, change.old_mode or 0, change.old_id or "")
    new = Side(change.path, change.new_mode or 0, change.new_id or "")
    return _change(old, None), _change(None, new)


def _is_below(path: str, above: str) -> bool:
    above = above.rstrip("/")
    return path == above or path.startswith(above + "/") or above in ("", ".")


# ------------------------------------------------------------------------------------------------ lines


def _content(repository: Repository, mode: int | None, object_id: str | None) -> bytes:
    if object_id is None:
        return b""
    if mode == GITLINK:
        return f"Subproject commit {object_id}\n".encode("ascii")
    return repository.objects.read_blob(object_id)


def _lines(content: bytes) -> list[bytes]:
    """The lines with their ends; only a line feed ends one."""
    lines = content.split(b"\n")
    last = lines.pop()
    return [line + b"\n" for line in lines] + ([last] if last else [])


def _is_binary(content: bytes) -> bool:
    return b"\0" in content[:_LOOKED_AT]


def _with_counts(repository: Repository, change: FileChange) -> FileChange:
    if GITLINK in (change.old_mode, change.new_mode):
        return change
    old = _content(repository, change.old_mode, change.old_id)
    new = _content(repository, change.new_mode, change.new_id)
    if _is_binary(old) or _is_binary(new):
        return change
    added = removed = 0
    if old != new:
        matcher = difflib.SequenceMatcher(None, _lines(old), _lines(new))
        for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
            if tag != "equal":
                added += new_end - new_start
                removed += old_end - old_start
    return FileChange(
        path=change.path,
        old_path=change.old_path,
        kind=change.kind,
        old_mode=change.old_mode,
        new_mode=change.new_mode,
        old_id=change.old_id,
        new_id=change.new_id,
        added=added,
        removed=removed,
    )


# ------------------------------------------------------------------------------------------------ the patch


def _file_patch(repository: Repository, change: FileChange) -> Iterator[bytes]:
    old = _content(repository, change.old_mode, change.old_id)
    new = _content(repository, change.new_mode, change.new_id)
    old_name, new_name = _name("a/", change.old_path or change.path), _name("b/", change.path)
    yield b"diff --git %s %s\n" % (old_name, new_name)
    yield from _header(change)
    if change.old_id == change.new_id:
        return
    old_name = old_name if change.old_id else b"/dev/null"
    new_name = new_name if change.new_id else b"/dev/null"
    if _is_binary(old) or _is_binary(new):
        yield b"Binary files %s and %s differ\n" % (old_name, new_name)
        return
    old_name, new_name = (name + b"\t" if b" " in name else name for name in (old_name, new_name))
    for line in difflib.diff_bytes(difflib.unified_diff, _lines(old), _lines(new), old_name, new_name):
        yield line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"


def _header(change: FileChange) -> Iterator[bytes]:
    if change.kind == "added":
        yield f"new file mode {change.new_mode:06o}\n".encode("ascii")
    elif change.kind == "deleted":
        yield f"deleted file mode {change.old_mode:06o}\n".encode("ascii")
    elif change.old_mode != change.new_mode:
        yield f"old mode {change.old_mode:06o}\nnew mode {change.new_mode:06o}\n".encode("ascii")
    if change.old_path is not None:
        yield b"rename from %s\nrename to %s\n" % (_name("", change.old_path), _name("", change.path))
    if change.old_id != change.new_id:
        nothing = "0" * len(change.old_id or change.new_id or "")
        line = f"index {(change.old_id or nothing)[:7]}..{(change.new_id or nothing)[:7]}"
        if change.old_mode == change.new_mode:
            line += f" {change.new_mode:06o}"
        yield f"{line}\n".encode("ascii")


def _name(prefix: str, path: str) -> bytes:
    return os.fsencode(quote_path(prefix + path))


def _coloured(text: bytes) -> bytes:
    lines, in_header = [], False
    for line in text.split(b"\n")[:-1]:
        in_header = line.startswith(b"diff --git ") or (in_header and not line.startswith(b"@@ "))
        colour = _BOLD if in_header else _COLOURS.get(line[:1])
        lines.append(colour + line + _PLAIN if colour else line)
    return b"".join(line + b"\n" for line in lines)
