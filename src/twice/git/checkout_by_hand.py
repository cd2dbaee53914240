"""How is a commit checked out beside the work tree, without a git executable?

In: a repository, a commit, a folder that does not exist yet.  Out: a linked worktree, detached at the commit, exactly as
`git worktree add --detach` lays it out (gitrepository-layout, "worktrees"), with an index of its own, so that git accepts
and lists it. Line endings and smudge filters are applied from the commit's own attributes, or refused. Submodules stay
empty folders, as git leaves them. Whatever fails half-way leaves nothing behind.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from twice.errors import RepositoryError
from twice.git.attributes import Attributes
from twice.git.contents import conversion, read_file, weaker_attributes
from twice.git.files import cannot_write, remove
from twice.git.fresh_index import FreshEntry, encode_index
from twice.git.objects import EXECUTABLE, GITLINK, SYMLINK

if TYPE_CHECKING:
    from twice.git.repository import Repository

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_MODES = (0o100644, EXECUTABLE, SYMLINK, GITLINK)


def add_worktree(repository: Repository, commit: str, folder: Path) -> tuple[str, ...]:
    """Check a commit out into a new linked worktree; the paths of its submodules, which are not checked out.

    Raises RepositoryError: no such commit, the folder is not empty, a file cannot be converted or written.
    """
    tree = repository.objects.read_commit(commit).tree
    folder = Path(os.path.realpath(folder))
    existed = _check_is_free(folder)
    admin = _make_admin_folder(repository.common_dir, folder.name)
    try:
        _write(admin / "locked", b"being made\n")  # so that `git worktree prune` leaves it alone
        folder.mkdir(parents=True, exist_ok=True)
        _write(admin / "gitdir", os.fsencode(folder / ".git") + b"\n")
        _write(admin / "commondir", b"../..\n")
        _write(admin / "HEAD", commit.encode("ascii") + b"\n")
        _write(folder / ".git", b"gitdir: " + os.fsencode(admin) + b"\n")
        entries = _Checkout(repository, tree, folder).write_files()
        _write(admin / "index", encode_index(entries, repository.object_format))
        (admin / "locked").unlink()
    except BaseException as error:
        _remove_tree(folder, keep_folder=existed)
        _remove_admin_folder(admin)
        if isinstance(error, OSError):
            raise cannot_write(error.filename or folder, error) from error
        raise
    return tuple(os.fsdecode(entry.path) for entry in entries if entry.mode == GITLINK)


def remove_worktree(repository: Repository, folder: Path) -> None:
    """Remove a linked worktree, whatever has become of its files, and what git knows of it.

    Raises RepositoryError when the folder is not a linked worktree of this repository.
    """
    folder = Path(os.path.realpath(folder))
    admin = _admin_folder_of(repository.common_dir, folder)
    if admin is None:
        raise RepositoryError("this folder is no linked worktree of the repository", details=[str(folder)])
    try:
        _remove_tree(folder, keep_folder=False)
        _remove_admin_folder(admin)
    except OSError as error:
        raise RepositoryError(
            f"the worktree cannot be removed: {error.strerror}", details=[str(error.filename or folder)]
        ) from error


# ------------------------------------------------------------------------------------------------ git's own files


def _check_is_free(folder: Path) -> bool:
    """Whether the folder is there (and empty); raises RepositoryError when something is in it."""
    try:
        if any(folder.iterdir()):
            raise RepositoryError(f"{folder} is not empty")
    except FileNotFoundError:
        return False
    except OSError as error:
        raise RepositoryError(f"{folder} cannot be used: {error.strerror}") from error
    return True


def _make_admin_folder(common_dir: Path, name: str) -> Path:
    """A new folder `worktrees/<name>`, with a number if the name is taken, as git does."""
    name = _NOT_IN_A_NAME.sub("-", name).strip("-.").removesuffix(".lock") or "worktree"
    try:
        (common_dir / "worktrees").mkdir(exist_ok=True)
        for number in range(10_000):
            admin = common_dir / "worktrees" / f"{name}{number or ''}"
            try:
                admin.mkdir()
            except FileExistsError:
                continue
            return admin
    except OSError as error:
        raise cannot_write(common_dir / "worktrees", error) from error
    raise RepositoryError(f"too many worktrees are called {name}", hint="`git worktree prune` removes those long gone")


def _admin_folder_of(common_dir: Path, folder: Path) -> Path | None:
    """The folder in `worktrees/` that names this worktree; it knows it even when the worktree's own files are gone."""
    wanted = os.fsencode(folder / ".git")
    try:
        known = sorted((common_dir / "worktrees").iterdir())
    except OSError:
        return None
    for admin in known:
        named = read_file(admin / "gitdir").strip()
        if named and os.fsencode(os.path.realpath(os.fsencode(admin) + b"/" + named)) == wanted:
            return admin
        if named == wanted:
            return admin
    return None


def _remove_admin_folder(admin: Path) -> None:
    shutil.rmtree(admin)
    try:
        admin.parent.rmdir()  # `worktrees`, if this was the last one
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT):
            raise


def _remove_tree(folder: Path, *, keep_folder: bool) -> None:
    """Remove a folder and all in it, read-only folders too."""
    if not folder.is_dir():
        return
    try:
        shutil.rmtree(folder)
    except PermissionError:
        for below, _, _ in os.walk(folder):
            os.chmod(below, 0o700)
        shutil.rmtree(folder)
    if keep_folder:
        folder.mkdir()


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


# ------------------------------------------------------------------------------------------------ the files


class _Checkout:
    """The files of one tree, on their way into one folder."""

    def __init__(self, repository: Repository, tree: str, folder: Path) -> None:
        self._objects = repository.objects
        self._root = os.fsencode(folder) + b"/"
        self._tree = tree
        self._conversion = conversion(repository)
        self._has_symlinks = repository.settings.flag("core.symlinks", True)
        self._texts: dict[bytes, str] = {}  # folder → the blob of its .gitattributes
        self._attributes = Attributes(
            self._read_gitattributes,
            weaker=weaker_attributes(repository),
            info_attributes=read_file(repository.common_dir / "info" / "attributes"),
            fold_case=repository.settings.flag("core.ignorecase"),
        )
        self._made = {b""}

    def write_files(self) -> list[FreshEntry]:
        """Write everything; the index entries, in git's order."""
        files = [(os.fsencode(path), mode, blob) for path, mode, blob in self._objects.walk(self._tree)]
        self._check(files)
        for path, mode, blob in files:
            if path.endswith(b".gitattributes") and mode & 0o170000 == 0o100000:
                name_start = path.rfind(b"/") + 1
                if path[name_start:] == b".gitattributes":
                    self._texts[path[:name_start]] = blob
        # Symlinks last: so no file can be written through one, whatever names the tree holds.
        files.sort(key=lambda file: file[1] == SYMLINK)
        entries = [self._write_one(path, mode, blob) for path, mode, blob in files]
        return sorted(entries, key=lambda entry: entry.path)

    @staticmethod
    def _check(files: Iterable[tuple[bytes, int, str]]) -> None:
        """Refuse what git refuses: names that lead out of the work tree, or into a git directory."""
        for path, mode, _ in files:
            for name in path.split(b"/"):
                plain = name.lower().partition(b":")[0].rstrip(b" .")
                if plain in (b"", b".git", b"git~1") or b"\0" in name:
                    raise RepositoryError(f"the commit holds a path that git does not check out: {path!r}")
            if mode not in _MODES and mode & 0o170000 != 0o100000:
                raise RepositoryError(f"the commit holds a file of an unknown kind, mode {mode:o}: {path!r}")

    def _read_gitattributes(self, folder: bytes) -> bytes:
        blob = self._texts.get(folder)
        return b"" if blob is None else self._objects.read_blob(blob)

    def _write_one(self, path: bytes, mode: int, blob: str) -> FreshEntry:
        self._make_folder(path[: path.rfind(b"/") + 1])
        target = self._root + path
        if mode == GITLINK:
            os.mkdir(target)
            return FreshEntry(path, mode, blob, None)
        data = self._objects.read_blob(blob)
        if mode == SYMLINK and self._has_symlinks:
            os.symlink(data, target)
            return FreshEntry(path, mode, blob, os.lstat(target))
        if mode != SYMLINK:
            data = self._conversion.to_work_tree(data, path, self._attributes.of(path), blob)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        executable = mode & 0o170000 == 0o100000 and mode & 0o100
        with os.fdopen(os.open(target, flags, 0o777 if executable else 0o666), "wb") as file:
            file.write(data)
            file.flush()
            return FreshEntry(path, mode, blob, os.fstat(file.fileno()))

    def _make_folder(self, folder: bytes) -> None:
        if folder in self._made:
            return
        self._make_folder(folder[: folder.rfind(b"/", 0, -1) + 1])
        try:
            os.mkdir(self._root + folder[:-1])
        except FileExistsError:
            if not stat.S_ISDIR(os.lstat(self._root + folder[:-1]).st_mode):
                raise
        self._made.add(folder)
