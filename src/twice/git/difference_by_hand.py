"""Which files differ between two trees, without a git executable?  Dulwich finds them, renames included.

The line counts and the patch come from difflib, which may align lines otherwise than git does; `git apply` reads the
patch either way.
"""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from twice.git.difference import FileChange, Kind, is_code
from twice.git.objects import GITLINK
from twice.git.packed_objects import damaged
from twice.textforms import quote_path

if TYPE_CHECKING:
    from dulwich.objects import ObjectID

    from twice.git.repository import Repository

_SIMILAR_PERCENT = 50  # git's own idea of a rename
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


def _changes(repository: Repository, tree_a: str, tree_b: str) -> Iterator[FileChange]:
    from dulwich.diff_tree import RenameDetector, tree_changes
    from dulwich.object_format import get_object_format
    from dulwich.object_store import DiskObjectStore

    store = DiskObjectStore(repository.objects_dir, object_format=get_object_format(repository.object_format))
    detector = RenameDetector(store, rename_threshold=_SIMILAR_PERCENT, rewrite_threshold=None)
    a, b = (_tree_id(repository, tree) for tree in (tree_a, tree_b))
    try:
        for change in tree_changes(store, a, b, rename_detector=detector):
            old, new = change.old, change.new
            yield from _without_the_record(
                _change(
                    None if old is None or old.path is None else (os.fsdecode(old.path), old.mode, old.sha),
                    None if new is None or new.path is None else (os.fsdecode(new.path), new.mode, new.sha),
                )
            )
    except KeyError as error:
        raise damaged(str(error.args[0]), ["there is no such object in this repository"]) from error
    finally:
        store.close()


def _tree_id(repository: Repository, tree: str) -> ObjectID | None:
    from dulwich.objects import ObjectID

    if repository.objects.kind(tree) == "commit":
        tree = repository.objects.read_commit(tree).tree
    return ObjectID(tree.encode("ascii")) if repository.objects.read_tree(tree) else None


_Side = tuple[str, "int | None", "bytes | None"]


def _change(old: _Side | None, new: _Side | None) -> FileChange:
    old_path, old_mode, old_id = old or ("", None, None)
    new_path, new_mode, new_id = new or ("", None, None)
    kind: Kind
    if old is None:
        kind = "added"
    elif new is None:
        kind = "deleted"
    elif old_path != new_path:
        kind = "renamed"
    elif stat.S_IFMT(old_mode or 0) != stat.S_IFMT(new_mode or 0):
        kind = "type"
    else:
        kind = "mode" if old_id == new_id else "modified"
    return FileChange(
        path=new_path or old_path,
        old_path=old_path if kind == "renamed" else None,
        kind=kind,
        old_mode=old_mode,
        new_mode=new_mode,
        old_id=old_id.decode("ascii") if old_id else None,
        new_id=new_id.decode("ascii") if new_id else None,
        added=None,
        removed=None,
    )


def _without_the_record(change: FileChange) -> Iterator[FileChange]:
    for part in (change,) if is_code(change.old_path or change.path) == is_code(change.path) else _parts(change, True):
        if is_code(part.path):
            yield part


def _parts(change: FileChange, split: bool = False) -> tuple[FileChange, ...]:
    """The change; or a deletion and an addition, when it became another type of file, as a patch has it."""
    if change.kind != "type" and not split:
        return (change,)
    old = (change.old_path or change.path, change.old_mode, (change.old_id or "").encode("ascii"))
    new = (change.path, change.new_mode, (change.new_id or "").encode("ascii"))
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
