"""How is a linked worktree made without a git executable?

The layout is git's (gitrepository-layout, "worktrees"), and so is the index that goes with the files (gitformat-index,
version 2), so that a git that comes later finds a clean worktree. Names that could lead out of the folder are refused.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from twice.errors import RepositoryError
from twice.git.attributes import Attributes
from twice.git.contents import conversion, read_file, weaker_attributes
from twice.git.files import cannot_write, make_folders, write_new
from twice.git.objects import EXECUTABLE, FILE, GITLINK, SYMLINK

if TYPE_CHECKING:
    from twice.git.repository import Repository

_STAT = struct.Struct(">10L")  # ctime, mtime (seconds, nanoseconds), device, inode, mode, user, group, size
_LOW_32_BITS = 0xFFFFFFFF


def add_worktree(repository: Repository, commit: str, folder: Path) -> tuple[str, ...]:
    """See `checkout.add_worktree`, which cleans up when this fails."""
    try:
        entry = _make_entry(repository, commit, folder)
        os.makedirs(folder, exist_ok=True)
        write_new(f"{folder}/.git", os.fsencode(f"gitdir: {entry}\n"))
        checkout = _Checkout(repository, repository.objects.read_commit(commit).tree, folder)
        checkout.write_files()
        write_new(f"{entry}/index", checkout.index())
        os.unlink(f"{entry}/locked")
    except OSError as error:
        raise cannot_write(error.filename or folder, error) from error
    return tuple(checkout.submodules)


def _make_entry(repository: Repository, commit: str, folder: Path) -> str:
    """The folder `worktrees/<name>` of the git directory; locked, so that nobody prunes it while there are no files yet."""
    above = f"{repository.common_dir}/worktrees"
    make_folders(above)
    name = (
        "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in folder.name).strip(".")
        or "worktree"
    )
    for number in range(1000):
        entry = f"{above}/{name}{number or ''}"
        try:
            os.mkdir(entry)
            break
        except FileExistsError:
            continue
    else:
        raise RepositoryError(
            f"there are a thousand worktrees named {name}", hint="`git worktree prune` clears them away"
        )
    write_new(f"{entry}/locked", b"initializing\n")
    write_new(f"{entry}/gitdir", os.fsencode(f"{folder}/.git\n"))
    write_new(f"{entry}/HEAD", f"{commit}\n".encode("ascii"))
    write_new(f"{entry}/commondir", b"../..\n")
    return entry


class _Checkout:
    """The files of one tree, being written."""

    def __init__(self, repository: Repository, tree: str, folder: Path) -> None:
        self.submodules: list[str] = []
        self._repository = repository
        self._tree = tree
        self._folder = os.fspath(folder)
        self._conversion = conversion(repository)
        self._attributes = Attributes(
            self._read_gitattributes,
            weaker=weaker_attributes(repository),
            info_attributes=read_file(repository.common_dir / "info" / "attributes"),
            fold_case=repository.settings.flag("core.ignorecase"),
        )
        self._links = repository.settings.flag("core.symlinks", default=True)
        self._gitattributes: dict[bytes, str] = {}  # folder → blob
        self._folders: set[str] = set()  # those made so far
        self._written: list[tuple[bytes, int, str, os.stat_result | None]] = []

    def write_files(self) -> None:
        """Write every file; nothing may be in the folder but `.git`."""
        files = [(path, _canonical(mode), blob) for path, mode, blob in self._repository.objects.walk(self._tree)]
        for path, mode, object_id in files:  # first, for they hold for files that come before them, too
            folder, _, file_name = path.rpartition("/")
            if file_name == ".gitattributes" and mode != SYMLINK:
                self._gitattributes[os.fsencode(f"{folder}/" if folder else "")] = object_id
        for path, mode, object_id in files:
            self._make_room(path)
            where = f"{self._folder}/{path}"
            if mode == GITLINK:
                os.mkdir(where)
                self.submodules.append(path)
                self._written.append((os.fsencode(path), mode, object_id, None))
                continue
            content = self._repository.objects.read_blob(object_id)
            if mode == SYMLINK and self._links:
                os.symlink(os.fsdecode(content), where)
            else:
                if mode != SYMLINK:
                    name = os.fsencode(path)
                    content = self._conversion.to_work_tree(content, name, self._attributes.of(name), object_id)
                self._write(where, content, 0o777 if mode == EXECUTABLE else 0o666)
            self._written.append((os.fsencode(path), mode, object_id, os.lstat(where)))

    def index(self) -> bytes:
        """The index that goes with the files."""
        entries = sorted(self._written, key=lambda entry: entry[0])
        parts = [b"DIRC" + struct.pack(">LL", 2, len(entries))]
        for path, mode, object_id, found in entries:
            packed = (
                _stat_fields(found, mode) + bytes.fromhex(object_id) + struct.pack(">H", min(len(path), 0xFFF)) + path
            )
            parts.append(packed + b"\0" * (8 - len(packed) % 8))
        data = b"".join(parts)
        return data + (hashlib.sha256 if self._repository.object_format == "sha256" else hashlib.sha1)(data).digest()

    def _make_room(self, path: str) -> None:
        """Make the folders above a file; a tree made to deceive could send it through a symlink, or into `.git`."""
        parts = path.split("/")
        if any(part in ("", ".", "..") or part.lower() == ".git" for part in parts):
            raise RepositoryError(f"the commit holds a path that no work tree can have: {path!r}")
        for count in range(1, len(parts)):
            folder = "/".join(parts[:count])
            if folder in self._folders:
                continue
            above = f"{self._folder}/{folder}"
            try:
                os.mkdir(above)
            except FileExistsError:
                if not stat.S_ISDIR(os.lstat(above).st_mode):
                    raise RepositoryError(f"the commit holds a path below a file: {path!r}") from None
            self._folders.add(folder)

    def _write(self, where: str, content: bytes, mode: int) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(where, flags, mode), "wb") as file:
            file.write(content)

    def _read_gitattributes(self, folder: bytes) -> bytes:
        blob = self._gitattributes.get(folder)
        return b"" if blob is None else self._repository.objects.read_blob(blob)


def _canonical(mode: int) -> int:
    """The mode as an index has it; trees of git's first days hold others, such as 100664."""
    if stat.S_ISREG(mode):
        return EXECUTABLE if mode & 0o100 else FILE
    return mode


def _stat_fields(found: os.stat_result | None, mode: int) -> bytes:
    if found is None:
        return _STAT.pack(0, 0, 0, 0, 0, 0, mode, 0, 0, 0)
    fields = (
        *divmod(found.st_ctime_ns, 10**9),
        *divmod(found.st_mtime_ns, 10**9),
        *(found.st_dev, found.st_ino, mode, found.st_uid, found.st_gid, found.st_size),
    )
    return _STAT.pack(*(field & _LOW_32_BITS for field in fields))
