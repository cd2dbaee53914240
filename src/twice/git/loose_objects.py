"""How is one object written to, and read from, its own file under `objects/`?  Git's format, one file each.

The format is git's: `<kind> <size> NUL <content>`, deflated, in a file named by the hash of exactly those bytes. A file
is written beside its place, synced and renamed into it, so a reader sees all of it or nothing; writing it twice is
harmless.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from pathlib import Path

from twice.errors import RepositoryError
from twice.git.files import cannot_write, remove, write_new

_LEVEL = 1  # git's own default for loose objects: half the time of 6, a few per cent larger


class LooseObjects:
    """The loose objects of one repository."""

    def __init__(self, folder: Path, object_format: str) -> None:
        self._folder = str(folder)
        self._hash = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}[object_format]

    def read(self, object_id: str) -> tuple[str, bytes] | None:
        """The kind and the content; None when there is no such file. Raises RepositoryError when it is damaged."""
        try:
            with open(self._path(object_id), "rb") as file:
                deflated = file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise RepositoryError(f"object {object_id} cannot be read: {error.strerror}") from error
        try:
            header, _, content = zlib.decompress(deflated).partition(b"\0")
            kind, _, size = header.partition(b" ")
            if int(size) != len(content):
                raise ValueError("its size is not what its header says")
        except (zlib.error, ValueError) as error:
            raise RepositoryError(
                f"object {object_id} is damaged",
                details=[f"{self._path(object_id)}: {error}"],
                hint="`git fsck` says what else is; fetching from another clone may bring it back",
            ) from error
        return kind.decode("ascii"), content

    def write(self, kind: str, content: bytes) -> str:
        """Write an object, unless its file is there already; its id. Synced to the disk when it returns."""
        data = b"%s %d\0%s" % (kind.encode("ascii"), len(content), content)
        object_id = self._hash(data).hexdigest()
        path = self._path(object_id)
        try:
            os.utime(path)  # as git does: a fresh object is safe from a gc that runs right now
        except OSError:
            self._write_file(path, zlib.compress(data, _LEVEL))
        return object_id

    def empty_tree_id(self) -> str:
        """The id of the tree with nothing in it."""
        return self._hash(b"tree 0\0").hexdigest()

    def _path(self, object_id: str) -> str:
        return f"{self._folder}/{object_id[:2]}/{object_id[2:]}"

    def _write_file(self, path: str, deflated: bytes) -> None:
        # The prefix is the one that `git prune` clears away, should we die half-way.
        temporary = f"{os.path.dirname(path)}/tmp_obj_{os.getpid()}_{os.urandom(6).hex()}"
        try:
            for attempt in range(20):
                write_new(temporary, deflated, mode=0o444)
                try:
                    os.replace(temporary, path)
                    return
                except FileNotFoundError:  # `git prune` took the temporary file for an old one's remains
                    if attempt == 19:
                        raise
        except OSError as error:
            remove(temporary)
            raise cannot_write(path, error) from error
