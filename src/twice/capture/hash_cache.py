"""Has this file been hashed before, and is it still the same?  A cache of sha256 by what stat(2) says of a file.

Key: the absolute path. An entry counts while size, mtime, ctime and inode are what they were. It is disposable:
damaged, of another version, or in a folder that cannot be written → rebuilt, or done without, and never an error.

It must never be wrong, so what stat cannot vouch for is not kept ("racy", as in git's index). A file whose stamps were, when
it was read, closer to the clock than a tick of its file system could change again without its stamp changing; a stamp from
the future is no better. A tick is at most 10 ms where stamps have digits below the millisecond (ext4, xfs, btrfs, APFS,
NTFS), up to 2 s elsewhere (FAT, ext3). Nor are files on tmpfs kept: stores through a memory map do not move mtime there.
What remains is a file server whose clock is behind ours, and a second change of equal size within one tick of it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from twice.capture.opened_files import Stamp, stamp_of

VERSION = 1

_COARSE_TICK_NS, _FINE_TICK_NS = 2_000_000_000, 100_000_000  # with room to spare
_FLUSH_AFTER = 1000  # entries
_ASK_AT_ONCE = 500  # SQLite takes at least 999 parameters
_WAIT_S = 2.0  # for another process that writes; after that we do without: it only costs a second reading
_SCHEMA = """
CREATE TABLE digests (
  path BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, inode TEXT, sha256 BLOB
) WITHOUT ROWID
"""


class HashCache:
    """An open cache; used from any thread. `HashCache.open(path)` never fails."""

    def __init__(self, connection: sqlite3.Connection, unreliable_devices: frozenset[int]) -> None:
        self._connection = connection
        self._unreliable_devices = unreliable_devices
        self._lock = threading.Lock()
        self._new: dict[bytes, tuple[bytes, int, int, int, str, bytes]] = {}
        self._writable = True

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

    def get(self, path: Path, status: os.stat_result) -> str | None:
        """The sha256 of a file that stat describes so, in hexadecimal; None if it is not known."""
        return self.get_stamped(path, stamp_of(status))

    def get_stamped(self, path: Path, stamp: Stamp) -> str | None:
        """The same for a file that had this stamp once; it may be another one, or gone, by now."""
        key = _key(path)
        with self._lock:
            row = self._new.get(key)
            if row is None:
                try:
                    row = self._connection.execute("SELECT * FROM digests WHERE path = ?", (key,)).fetchone()
                except sqlite3.Error:
                    return None
        return None if row is None else _sha256_in(row, stamp)

    def get_all(self, statuses: Mapping[str, os.stat_result]) -> dict[str, str]:
        """`get` for many files at once: path → sha256, of those that are known."""
        found: dict[str, str] = {}
        paths = {_key(path): path for path in statuses}
        keys = list(paths)
        with self._lock:
            for start in range(0, len(keys), _ASK_AT_ONCE):
                asked = keys[start : start + _ASK_AT_ONCE]
                rows = [self._new[key] for key in asked if key in self._new] if self._new else []
                marks = ",".join("?" * len(asked))
                with contextlib.suppress(sqlite3.Error):  # what cannot be read has to be hashed
                    rows = [*self._connection.execute(f"SELECT * FROM digests WHERE path IN ({marks})", asked), *rows]
                for row in rows:
                    path = paths[row[0]]
                    sha256 = _sha256_in(row, stamp_of(statuses[path]))
                    if sha256 is not None:
                        found[path] = sha256
                    else:
                        found.pop(path, None)
        return found

    def put(self, path: str | Path, status: os.stat_result, sha256: str, *, began_ns: int) -> None:
        """Remember what was read from a file, unless stat cannot vouch for it.

        `status` is from before the reading and was the same after it; the first byte was read at `began_ns`.
        """
        newest = max(status.st_mtime_ns, status.st_ctime_ns)
        # By ctime, which nobody can set; one stamp in a million looks coarse and is not.
        tick_ns = _FINE_TICK_NS if status.st_ctime_ns % 1_000_000 else _COARSE_TICK_NS
        if began_ns - newest < tick_ns or status.st_dev in self._unreliable_devices:
            return
        key = _key(path)
        with self._lock:
            self._new[key] = (key, *_stored(stamp_of(status)), bytes.fromhex(sha256))
            full = len(self._new) >= _FLUSH_AFTER
        if full:
            self.flush()

    def flush(self) -> None:
        """Write what is new to disk; where that cannot be done it stays in memory, and is not tried again."""
        with self._lock:
            if not self._new or not self._writable:
                return
            try:
                with self._connection:
                    self._connection.executemany(
                        "INSERT OR REPLACE INTO digests VALUES (?,?,?,?,?,?)", self._new.values()
                    )
            except sqlite3.Error:
                self._writable = False
            else:
                self._new = {}

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


def _key(path: str | Path) -> bytes:
    # Not resolved: stat followed the links, and the inode is part of the stamp.
    text = os.fspath(path)
    if not text.startswith("/") or "/." in text or "//" in text or text.endswith("/"):
        text = os.path.abspath(text)  # noqa: PTH100 - pathlib's absolute() keeps `..`
    return os.fsencode(text)


def _sha256_in(row: Sequence[Any], stamp: Stamp) -> str | None:
    """The digest in a row, if the row is about the file with this stamp."""
    if tuple(row[1:5]) != _stored(stamp) or not isinstance(row[5], bytes) or len(row[5]) != 32:
        return None
    return row[5].hex()


def _stored(stamp: Stamp) -> tuple[int, int, int, str]:
    # The inode as text: NTFS and some network file systems have numbers beyond SQLite's signed 64 bits.
    return stamp[0], stamp[1], stamp[2], str(stamp[3])


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
            columns = tuple(row[1] for row in connection.execute("PRAGMA table_info(digests)"))
            if columns == ("path", "size", "mtime_ns", "ctime_ns", "inode", "sha256"):
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
