"""Has this file been hashed before, and is it still the same?  A cache of sha256 by what stat(2) says of a file.

One row a folder, for folders are what is asked for: the names of its files, and for each its stamp and its sha256, 32 bytes
both, see `folder_rows`. An entry counts while size, mtime, ctime and inode are what they were. The cache is
disposable: damaged, of another version, or in a folder that cannot be written → rebuilt, or done without, never an error.
A row spans many pages, which a power failure can leave at different ages: each row carries the sha256 of itself.

It must never be wrong, so what stat cannot vouch for is not kept ("racy", as in git's index). A file whose stamps were, when
it was read, closer to the clock than a tick of its file system could change again without its stamp changing; a stamp from
the future is no better. A tick is at most 10 ms where stamps have digits below the millisecond (ext4, xfs, btrfs, APFS,
NTFS), up to 2 s elsewhere (FAT, ext3). Nor are files on tmpfs kept: stores through a memory map do not move mtime there.
What remains is a file server whose clock is behind ours, and a second change of equal size within one tick of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from types import TracebackType

from twice.capture.folder_rows import FolderRow
from twice.capture.opened_files import Stamp, stamp_of
from twice.capture.small_files import pack_stamps, vouches

VERSION = 2

_WAIT_S = 2.0  # for another process that writes; after that we do without: it only costs a second reading
_COLUMNS = ("path", "names", "stamps", "digests", "sha256")  # the last one of the others
_SCHEMA = "CREATE TABLE folders (path BLOB PRIMARY KEY, names BLOB, stamps BLOB, digests BLOB, sha256 BLOB)"


class HashCache:
    """An open cache; used from any thread. `HashCache.open(path)` never fails."""

    def __init__(self, connection: sqlite3.Connection, unreliable_devices: frozenset[int]) -> None:
        self._connection = connection
        self._unreliable_devices = unreliable_devices
        self._lock = threading.Lock()
        self._new: dict[bytes, tuple[FolderRow, bool]] = {}  # and whether it is all that there is in the folder
        self._latest: tuple[bytes, FolderRow | None] = (b"", None)  # of those on disk
        self._readable = self._writable = True

    @classmethod
    def open(cls, path: Path) -> HashCache:
        """Open the cache in this file, made if need be; if that cannot be, a cache that forgets when it is closed."""
        connection = _connect(path)
        if connection is None:
            for stale in (path, Path(f"{path}-journal")):
                with contextlib.suppress(OSError):
                    stale.unlink()
            connection = _connect(path) or _connect_memory()
        return cls(connection, _unreliable_devices())

    def get(self, path: str | Path, status: os.stat_result) -> str | None:
        """The sha256 of a file that stat describes so, in hexadecimal; None if it is not known."""
        return self.get_stamped(path, stamp_of(status))

    def get_stamped(self, path: str | Path, stamp: Stamp) -> str | None:
        """The same for a file that had this stamp once; it may be another one, or gone, by now."""
        folder, name = os.path.split(os.fsencode(_absolute(path)))
        with self._lock:
            row = self._row(folder)
        digest = row.find(name, pack_stamps(stamp)) if row else None
        return digest.hex() if digest else None

    def get_folder(self, folder: str | Path, names: Sequence[bytes]) -> FolderRow | None:
        """What is known of the files with these names in a folder; None: of none of them."""
        with self._lock:
            row = self._row(os.fsencode(_absolute(folder)))
        return row.of(names) if row else None

    def put(self, path: str | Path, status: os.stat_result, sha256: str, *, began_ns: int) -> None:
        """Remember what was read from a file, unless stat cannot vouch for it.

        `status` is from before the reading and was the same after it; the first byte was read at `began_ns`.
        """
        if self.trusts(status, began_ns):
            folder, name = os.path.split(_absolute(path))
            row = FolderRow([os.fsencode(name)], pack_stamps(stamp_of(status)), bytes.fromhex(sha256))
            self.put_folder(folder, row, is_complete=False)

    def trusts(self, status: os.stat_result, began_ns: int) -> bool:
        """Whether stat can vouch for a file that it described so, and of which the first byte was read at `began_ns`."""
        return self.trusts_devices((status.st_dev,)) and vouches(status.st_mtime_ns, status.st_ctime_ns, began_ns)

    def trusts_devices(self, devices: Collection[int]) -> bool:
        """Whether all changes of files on these devices are stamped."""
        return self._unreliable_devices.isdisjoint(devices)

    def put_folder(self, folder: str | Path, row: FolderRow, *, is_complete: bool) -> None:
        """Remember what is trusted of the files in a folder; of all that are in it, so that others are forgotten, or not."""
        key = os.fsencode(_absolute(folder))
        with self._lock:
            if not is_complete and key in self._new:
                older, is_complete = self._new[key]
                row = row.over(older)
            self._new[key] = (row, is_complete)

    def flush(self) -> None:
        """Write what is new to disk; where that cannot be done it stays in memory, and is not tried again."""
        with self._lock:
            if not self._new or not self._writable:
                return
            self._latest = (b"", None)
            try:
                with self._connection:
                    # Else another process could put into the same row between our reading and our writing it.
                    self._connection.execute("BEGIN IMMEDIATE")
                    self._connection.executemany(
                        "INSERT OR REPLACE INTO folders VALUES (?,?,?,?,?)", self._rows_to_write()
                    )
            except sqlite3.Error:
                self._writable = False
            else:
                self._new = {}

    def _rows_to_write(self) -> Iterator[tuple[bytes, ...]]:
        for key, (row, is_complete) in self._new.items():
            older = None if is_complete else self._stored_row(key)
            whole = row.over(older) if older else row
            values = (key, b"\0".join(whole.names), whole.stamps, whole.digests)
            yield (*values, _sha256_of(values))

    def _row(self, key: bytes) -> FolderRow | None:
        if key in self._new:
            row, is_complete = self._new[key]
            older = None if is_complete else self._stored_row(key)
            return row.over(older) if older else row
        if key != self._latest[0]:
            self._latest = (key, self._stored_row(key))
        return self._latest[1]

    def _stored_row(self, key: bytes) -> FolderRow | None:
        """The row as it is on disk; None if there is none, or it is damaged."""
        if not self._readable:
            return None
        try:
            found = self._connection.execute("SELECT * FROM folders WHERE path = ?", (key,)).fetchone()
        except sqlite3.Error:  # the next one would fail as well, and may have waited for it
            self._readable = False
            return None
        if found is None or not all(isinstance(value, bytes) for value in found) or _sha256_of(found[:4]) != found[4]:
            return None
        return FolderRow(found[1].split(b"\0"), found[2], found[3])

    def close(self) -> None:
        """Write what is new and let go of the file."""
        self.flush()
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def __enter__(self) -> HashCache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _sha256_of(values: Sequence[bytes]) -> bytes:
    hasher = hashlib.sha256()
    for value in values:
        hasher.update(len(value).to_bytes(8, "little"))
        hasher.update(value)
    return hasher.digest()


def _absolute(path: str | Path) -> str:
    # Not resolved: stat followed the links, and the inode is part of the stamp.
    text = os.fspath(path)
    if not text.startswith("/") or "/." in text or "//" in text or text.endswith("/"):
        text = os.path.abspath(text)  # noqa: PTH100 - pathlib's absolute() keeps `..`
    return text


def _connect(path: Path) -> sqlite3.Connection | None:
    """A connection to the cache in this file; None if it is not one of this version and has to go."""
    connection = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=_WAIT_S, check_same_thread=False)
        # A crash may lose the newest entries, or the whole file: it is only a cache.
        connection.execute("PRAGMA synchronous = OFF")
        if _version(connection) == 0:
            _create(connection)
        if _version(connection) == VERSION:
            columns = tuple(row[1] for row in connection.execute("PRAGMA table_info(folders)"))
            if columns == _COLUMNS:
                return connection
    except (sqlite3.OperationalError, OSError):  # locked for too long, or not ours to write: leave it alone
        if connection is not None:
            connection.close()
        return _connect_memory()
    except sqlite3.Error:
        pass
    if connection is not None:
        connection.close()
    return None


def _connect_memory() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    _create(connection)
    return connection


def _create(connection: sqlite3.Connection) -> None:
    connection.isolation_level = None  # else Python commits before each statement of a schema
    connection.execute("BEGIN IMMEDIATE")  # of two processes that find nothing, one makes it and the other sees it
    if _version(connection) == 0 and not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        connection.execute(_SCHEMA)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")
    connection.isolation_level = "DEFERRED"


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _unreliable_devices() -> frozenset[int]:
    """Devices of the mounted file systems that do not stamp all changes; empty where /proc is not there to tell."""
    found = set()
    with contextlib.suppress(OSError, ValueError):
        # proc_pid_mountinfo(5): … 0:25 / /dev/shm rw,relatime - tmpfs tmpfs rw
        for line in Path("/proc/self/mountinfo").read_bytes().splitlines():
            words = line.split()
            if words[words.index(b"-", 6) + 1] in (b"tmpfs", b"ramfs"):
                major, minor = words[2].split(b":")
                found.add(os.makedev(int(major), int(minor)))
    return frozenset(found)
