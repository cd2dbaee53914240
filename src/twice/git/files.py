"""How is a file of the git directory written, so that a reader sees all of it or nothing?  Whole, synced and renamed.

Git may remove an empty folder at any moment (gc, pack-refs), so making a folder and using it is tried again. In a
repository shared by a group (core.sharedRepository) new folders get the permissions of the folder they are in.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path

from twice.errors import RepositoryError

_NO_ROOM = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
_GROUP_WRITES = 0o020


def write_new(path: str, data: bytes, mode: int = 0o666) -> None:
    """Write a file that must not exist yet, its folders too, synced; on failure nothing is left. Raises OSError."""
    for attempt in range(20):
        make_folders(os.path.dirname(path))
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
            break
        except FileNotFoundError:  # the folder has vanished again
            if attempt == 19:
                raise
            time.sleep(0.001 * attempt)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            if data:  # an empty one is a lock: it counts for as long as it is there, and need not outlive a power cut
                file.flush()
                os.fsync(file.fileno())
    except OSError:
        remove(path)
        raise


def make_folders(folder: str) -> None:
    """Make a folder and those above it, as writable for the group as the one that was there. Raises OSError."""
    try:
        os.mkdir(folder)
    except FileExistsError:
        if not os.path.isdir(folder):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), folder) from None
    except FileNotFoundError:
        make_folders(os.path.dirname(folder))
        make_folders(folder)
    else:
        mode = os.stat(os.path.dirname(folder)).st_mode
        if mode & _GROUP_WRITES:
            os.chmod(folder, mode & 0o7777)


def remove(path: str) -> None:
    """Remove a file if it can be removed: it may never have been made, or lie where nothing can be written."""
    try:
        os.unlink(path)
    except OSError:
        return


def cannot_write(path: str | Path, error: OSError) -> RepositoryError:
    """What to tell the user about a file of the git directory that could not be written."""
    return RepositoryError(
        f"the git directory cannot be written: {error.strerror}",
        details=[str(path)],
        hint="make room on the disk that holds the repository"
        if error.errno in _NO_ROOM
        else "twice keeps runs in the git directory: make it writable",
    )


def waits(total_s: float) -> Iterator[float]:
    """Seconds to sleep between attempts: growing, at random so that rivals do not meet again, `total_s` in all."""
    end = time.monotonic() + total_s
    step = 0.001
    while time.monotonic() < end:
        yield step * (0.5 + os.urandom(1)[0] / 256)
        step = min(step * 2, 0.1)
