"""Which bytes, and which blob id, would git keep for a file of the work tree?

In: a repository, its index, a path.  Out: bytes after line endings and filters, or their id. The attributes and the rules
come from the files where git looks for them (gitattributes(5), gitignore(5)); nothing is cached between two scans.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from twice.errors import RepositoryError
from twice.git.attributes import Attributes
from twice.git.conversion import Conversion, display
from twice.git.executable import run_filter
from twice.git.index_file import IndexFile
from twice.git.work_tree import read_regular

if TYPE_CHECKING:
    from twice.git.repository import Repository

_CHUNK = 1 << 20
_MODULUS = 1 << 32


class Contents:
    """The files of a repository's work tree, as git would take them in."""

    def __init__(self, repository: Repository, index: IndexFile) -> None:
        self._repository = repository
        self._index = index
        self._root = os.fsencode(repository.root) + b"/"
        self._hash = hashlib.sha256 if repository.object_format == "sha256" else hashlib.sha1
        self._attributes = Attributes(
            self._read_gitattributes,
            weaker=weaker_attributes(repository),
            info_attributes=read_file(repository.common_dir / "info" / "attributes"),
            fold_case=repository.settings.flag("core.ignorecase"),
        )
        self._conversion = conversion(repository)

    def read(self, path: bytes, status: os.stat_result) -> bytes:
        """What git would keep. Raises RepositoryError when it cannot be told; OSError when the file cannot be read."""
        if stat.S_ISLNK(status.st_mode):
            return os.readlink(self._root + path)
        with open(self._root + path, "rb") as file:
            data = file.read()
        return self._conversion.to_git(data, path, self._attributes.of(path), lambda: self._indexed(path))

    def same_as_entry(self, path: bytes, offset: int, status: os.stat_result) -> bool:
        """Whether git would keep what it already has under this entry of the index.

        A file of another size is not looked at, as in git, even where the line endings would make it the same.
        """
        if self._index.size(offset) not in (0, status.st_size % _MODULUS):
            return False
        if stat.S_ISREG(status.st_mode) and self._conversion.changes_nothing(self._attributes.of(path)):
            return self._hash_file(path, status.st_size) == self._index.object_id(offset)
        data = self.read(path, status)
        return self._hash(b"blob %d\0" % len(data) + data).digest() == self._index.object_id(offset)

    def read_entry(self, offset: int) -> bytes:
        """The blob of an entry of the index."""
        return self._repository.objects.read_blob(self._index.object_id(offset).hex())

    def _hash_file(self, path: bytes, size: int) -> bytes:
        digest = self._hash(b"blob %d\0" % size)
        with open(self._root + path, "rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        return digest.digest()

    def _indexed(self, path: bytes) -> bytes | None:
        """What the index holds for a path, "ours" in a conflict."""
        offset = self._index.entries.get(path)
        if offset is None:
            offset = self._index.conflicts.get(path, {}).get(2)
        if offset is None or self._index.is_intent_to_add(offset):
            return None
        try:
            return self.read_entry(offset)
        except RepositoryError:  # a submodule's commit, or missing: git does not insist either
            return None

    def _read_gitattributes(self, folder: bytes) -> bytes:
        """From the work tree; from the index if the file is not there on purpose and stays in the index."""
        path = folder + b".gitattributes"
        if os.path.lexists(self._root + path):
            return read_regular(self._root + path)
        offset = self._index.entries.get(path) if self._index.may_hold_gitattributes else None
        if offset is None or not (self._index.skips_work_tree(offset) or self._index.assumed_valid(offset)):
            return b""
        return self.read_entry(offset)


def conversion(repository: Repository) -> Conversion:
    """The conversions that the repository's configuration asks for."""

    def run(command: str, data: bytes) -> bytes | None:
        return run_filter(command, data, cwd=repository.root, environ=repository.environ)

    return Conversion(repository.config, run, native_crlf=os.name == "nt")


def weaker_attributes(repository: Repository) -> tuple[bytes, ...]:
    """The system's and the user's attributes: weaker than any of the repository's."""
    system = b""
    if os.name == "posix" and repository.environ.get("GIT_ATTR_NOSYSTEM", "0").lower() in (
        "",
        "0",
        "false",
        "no",
        "off",
    ):
        system = read_file(Path("/etc/gitattributes"))
    return system, read_file(user_file(repository, "core.attributesfile", "attributes"))


def ignore_texts(repository: Repository) -> tuple[bytes, bytes]:
    """The texts of info/exclude and of the user's own exclude file."""
    own = read_file(user_file(repository, "core.excludesfile", "ignore"))
    return read_file(repository.common_dir / "info" / "exclude"), own


def user_file(repository: Repository, key: str, default: str) -> Path | None:
    """The file that a setting names, relative to the root; by default `default` in git's folder of XDG_CONFIG_HOME."""
    named = repository.config(key)
    environ = repository.environ
    if named is None:
        home = environ.get("XDG_CONFIG_HOME") or (f"{environ['HOME']}/.config" if environ.get("HOME") else "")
        return Path(home, "git", default) if home else None
    return repository.root / expand_home(named, environ) if named else None


def expand_home(path: str, environ: Mapping[str, str]) -> str:
    """A path of the configuration with its `~` or `~user` replaced."""
    if path == "~" or path.startswith("~/"):
        return environ.get("HOME", "") + path[1:]
    return os.path.expanduser(path)


def read_file(path: Path | None) -> bytes:
    """The content of a file of the user's; nothing when there is none, or it cannot be read, as git has it."""
    try:
        return b"" if path is None else path.read_bytes()
    except OSError:
        return b""


def cannot_read(path: bytes, error: OSError) -> RepositoryError:
    """What to tell the user about a file of the work tree that cannot be read."""
    return RepositoryError(
        f"{display(path)} cannot be read: {error.strerror}",
        hint="make it readable, or name it in .gitignore if it is not part of the code",
    )
