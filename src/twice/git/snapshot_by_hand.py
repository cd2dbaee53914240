"""The snapshot of the work tree, without a git executable.

The same answers as `snapshot_by_git`, from our own reading of the index, the ignore rules, the attributes and the work tree.
What cannot be done exactly as git does it is refused by a RepositoryError: no tree is better than a wrong one. No process
is started, but for the filter commands that the user has configured.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from twice.errors import RepositoryError
from twice.git.contents import Contents, cannot_read, ignore_texts
from twice.git.ignore_rules import IgnoreRules
from twice.git.index_file import IndexFile
from twice.git.scans import Change, Scan
from twice.git.work_tree import GITLINK, Difference, Links, TreeSettings, WorkTree, mode_of

if TYPE_CHECKING:
    from twice.git.repository import Repository

_TREE = 0o040000
_OUTER_ONLY = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX")


def scan(repository: Repository) -> Scan:
    """What `git status` says, and the size and time of each changed file."""
    head = repository.head()
    index = _read_index(repository)
    contents = Contents(repository, index)
    settings = _settings(repository)
    info_exclude, excludes_file = ignore_texts(repository)
    work_tree = WorkTree(
        os.fsencode(repository.root),
        index,
        settings=settings,
        rules=IgnoreRules.of_repository(info_exclude, excludes_file, fold_case=settings.ignore_case),
        links=_links(repository),
        same_content=contents.same_as_entry,
        read_indexed=contents.read_entry,
    )
    changes = {difference.path: _change(difference) for difference in work_tree.differences()}
    for path in _staged(repository, index, head.commit):
        if path not in changes:
            changes[path] = _staged_change(repository, index, path)
    return Scan(head=head, changes=tuple(changes[path] for path in sorted(changes)))


def write_tree(repository: Repository, scan: Scan, leave_out: Collection[str]) -> str:
    """The tree of the work tree; see `snapshot.write_tree`."""
    base = None if scan.head.commit is None else repository.objects.read_commit(scan.head.commit).tree
    if not scan.changes and base is not None:
        return base
    index = _read_index(repository)
    contents, settings = Contents(repository, index), _settings(repository)
    entries: dict[str, tuple[int, str] | None] = {}
    for change in scan.changes:
        path = os.fsencode(change.path)
        if change.mode == 0 or (change.state in ("untracked", "nested repository") and change.path in leave_out):
            entries[change.path] = None
        elif change.state == "staged":
            entries[change.path] = _index_entry(index, path)
        elif change.mode == GITLINK:
            commit = _head_of(repository, path)
            entries[change.path] = (GITLINK, commit) if commit else _index_entry(index, path)
        else:
            entries[change.path] = _write_file(repository, index, contents, settings, path)
    return repository.objects.write_tree(entries, base)


def _read_index(repository: Repository) -> IndexFile:
    return IndexFile.read(repository.index_file, id_length=32 if repository.object_format == "sha256" else 20)


def _settings(repository: Repository) -> TreeSettings:
    flag = repository.settings.flag
    return TreeSettings(
        file_mode=flag("core.filemode", os.name != "nt"),
        symlinks=flag("core.symlinks", True),
        ignore_case=flag("core.ignorecase"),
        precompose=sys.platform == "darwin" and flag("core.precomposeunicode"),
        trust_ctime=flag("core.trustctime", True),
        check_all=(repository.config("core.checkstat") or "default").lower() != "minimal",
        sparse=flag("core.sparsecheckout") and not flag("sparse.expectfilesoutsideofpatterns"),
    )


def _change(difference: Difference) -> Change:
    path, state, mode, status = difference
    if status is None or mode == 0:
        return Change(path=os.fsdecode(path), state=state, mode=mode)
    return Change(
        path=os.fsdecode(path), state=state, mode=mode, size_bytes=status.st_size, mtime_ns=status.st_mtime_ns
    )


# ------------------------------------------------------------------------------------------------ what is staged


def _staged(repository: Repository, index: IndexFile, head: str | None) -> list[bytes]:
    """The paths whose entry in the index is not HEAD's. Folders that the cache-tree knows to be HEAD's are not read."""
    objects = repository.objects
    same_folders: set[bytes] = set()
    in_head: dict[bytes, tuple[int, bytes]] = {}
    pending = [] if head is None else [(b"", objects.read_commit(head).tree)]
    while pending:
        folder, tree = pending.pop()
        if index.tree_ids.get(folder[:-1]) == bytes.fromhex(tree):
            same_folders.add(folder)
            continue
        for name, mode, object_id in objects.read_tree(tree):
            path = folder + os.fsencode(name)
            if mode == _TREE:
                pending.append((path + b"/", object_id))
            else:
                in_head[path] = (mode, bytes.fromhex(object_id))
    if b"" in same_folders:
        return []
    staged = []
    is_same: dict[bytes, bool] = {}
    for path, offset in index.entries.items():
        if _is_in(same_folders, path[: path.rfind(b"/") + 1], is_same) or index.is_intent_to_add(offset):
            continue
        if in_head.pop(path, None) != (index.mode(offset), index.object_id(offset)):
            staged.append(path)
    return staged + [path for path in in_head if path not in index.conflicts]


def _is_in(same_folders: Collection[bytes], folder: bytes, known: dict[bytes, bool]) -> bool:
    """Whether the folder, or one above it, is one of those."""
    if folder not in known:
        above = folder[: folder.rfind(b"/", 0, -1) + 1]
        known[folder] = folder in same_folders or (folder != b"" and _is_in(same_folders, above, known))
    return known[folder]


def _staged_change(repository: Repository, index: IndexFile, path: bytes) -> Change:
    offset = index.entries.get(path)
    name = os.fsdecode(path)
    if offset is None or index.is_intent_to_add(offset):
        return Change(path=name, state="staged", mode=0)
    mode = index.mode(offset)
    try:
        status = os.lstat(f"{repository.root}/{name}")
    except OSError:  # left out by a sparse checkout
        return Change(path=name, state="staged", mode=mode)
    if stat.S_ISDIR(status.st_mode):
        return Change(path=name, state="staged", mode=mode, mtime_ns=status.st_mtime_ns)
    return Change(path=name, state="staged", mode=mode, size_bytes=status.st_size, mtime_ns=status.st_mtime_ns)


def _index_entry(index: IndexFile, path: bytes) -> tuple[int, str] | None:
    offset = index.entries.get(path)
    return None if offset is None else (index.mode(offset), index.object_id(offset).hex())


# ------------------------------------------------------------------------------------------------ what is in the work tree


def _write_file(
    repository: Repository, index: IndexFile, contents: Contents, settings: TreeSettings, path: bytes
) -> tuple[int, str] | None:
    """Write the blob of a file or a symlink as it is now; None when it has gone since the scan."""
    try:
        status = os.lstat(os.fsencode(repository.root) + b"/" + path)
        known = 0 if settings.file_mode and settings.symlinks else _known_mode(index, path)
        mode = mode_of(settings, status, known)
        if mode == 0:
            return None
        return mode, repository.objects.write_blob(contents.read(path, status))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise cannot_read(path, error) from error


def _known_mode(index: IndexFile, path: bytes) -> int:
    """The mode that the index holds for a path, "ours" in a conflict; 0 when it holds none."""
    offset = index.entries.get(path, index.conflicts.get(path, {}).get(2))
    return 0 if offset is None else index.mode(offset)


# ------------------------------------------------------------------------------------------------ repositories inside


def _links(repository: Repository) -> Links:
    return Links(
        is_repository=lambda path: _is_nested(repository, path),
        head=lambda path: _head_of(repository, path),
        is_changed=lambda path, commit: _is_changed(repository, path, commit),
    )


def _is_nested(repository: Repository, path: bytes) -> bool:
    with _open(repository, path) as nested:
        return nested is not None and nested.git_dir != repository.git_dir


def _head_of(repository: Repository, path: bytes) -> str | None:
    with _open(repository, path) as nested:
        return None if nested is None else nested.head().commit


def _is_changed(repository: Repository, path: bytes, commit: str) -> bool:
    """Whether a submodule's commit moved, or something in it changed. One that is not checked out did not."""
    now = _head_of(repository, path)
    if now is None or now != commit:
        return now is not None
    with type(repository).open(repository.root / os.fsdecode(path), _inner_environ(repository)) as nested:
        return bool(scan(nested).changes)


@contextmanager
def _open(repository: Repository, path: bytes) -> Iterator[Repository | None]:
    """The repository whose work tree is the folder `path`, whoever owns it, to look at its HEAD; None when it is none."""
    folder = repository.root / os.fsdecode(path)
    if not os.path.lexists(folder / ".git"):
        yield None
        return
    environ = {**_inner_environ(repository), "GIT_DIR": str(folder / ".git"), "GIT_WORK_TREE": str(folder)}
    try:
        nested = type(repository).open(folder, environ)
    except RepositoryError:
        yield None
        return
    with nested:
        yield nested


def _inner_environ(repository: Repository) -> dict[str, str]:
    return {name: value for name, value in repository.environ.items() if name not in _OUTER_ONLY}
