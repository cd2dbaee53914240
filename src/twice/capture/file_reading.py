"""What is in one file, large or not, although it may be changing?

In: paths. Out: sha256, size, and the status and the moment that the reading began with. Only regular files are read, never a
pipe or a device (opening one can block, or do something). A file that changes under the reader, or has changed this very
moment, is read once more, and marked unstable if it will not keep still.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Callable, Sequence

from twice.capture.small_files import OPEN_FLAGS, WRITE_NS
from twice.frozen import frozen
from twice.threads import in_threads, one_at_a_time

Progress = Callable[[int], None]
"""Called with the number of bytes read since the last call, from any thread, one call at a time."""

_BLOCK_BYTES = 1 << 20
_SMALL_BYTES = 64 << 10


@frozen(kw_only=False)
class Reading:
    """One file, read: what it was, how it stood, and when (nanoseconds since the epoch) the first byte was read."""

    sha256: str
    size_bytes: int
    stable: bool  # False: it changed while it was read, twice
    status: os.stat_result
    began_ns: int


def read_all(paths: Sequence[str], progress: Progress | None = None) -> dict[str, Reading]:
    """Read the files in a few threads; unreadable ones are left out."""
    done: dict[str, Reading] = {}
    report = one_at_a_time(progress)

    def begin() -> Callable[[str], None]:
        buffer = memoryview(bytearray(_BLOCK_BYTES))

        def read(path: str) -> None:
            reading = _read_until_stable(path, buffer, report)
            if reading is not None:
                done[path] = reading

        return read

    in_threads(paths, len(paths), begin)
    return done


def _read_until_stable(path: str, buffer: memoryview, report: Progress) -> Reading | None:
    first = _read(path, buffer, report)
    if first is None or first.stable:
        return first
    return _read(path, buffer, report) or first


def _read(path: str, buffer: memoryview, report: Progress) -> Reading | None:
    """Read a file once; None if it is not a regular file, or cannot be read."""
    try:
        descriptor = os.open(path, OPEN_FLAGS)
    except OSError:
        return None
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            return None
        is_being_written = (age_ns := _age_ns(before)) < WRITE_NS
        if is_being_written:
            time.sleep((WRITE_NS - age_ns) / 1e9)
            before = os.fstat(descriptor)
            is_being_written = _age_ns(before) < WRITE_NS
        began_ns = time.time_ns()
        sha256, size = _read_content(descriptor, before.st_size, buffer, report)
        same = _signature(before) == _signature(os.fstat(descriptor)) == _signature(os.stat(path))  # noqa: PTH116
    except OSError:  # an I/O error, or the path is gone: what was read stands for nothing that is there
        return None
    finally:
        os.close(descriptor)
    stable = same and size == before.st_size and not is_being_written
    return Reading(sha256, size, stable, before, began_ns)


def _read_content(descriptor: int, size: int, buffer: memoryview, report: Progress) -> tuple[str, int]:
    """The sha256 of the first `size` bytes, and how many there were; not to the end: a growing file may have none."""
    if size <= _SMALL_BYTES:
        content = os.read(descriptor, size)
        report(len(content))
        return hashlib.sha256(content).hexdigest(), len(content)
    hasher, done = hashlib.sha256(), 0
    while done < size:
        part = buffer[: size - done]
        count = os.readv(descriptor, [part]) if hasattr(os, "readv") else _read_into(descriptor, part)
        if not count:
            break
        hasher.update(part[:count])
        done += count
        report(count)
    return hasher.hexdigest(), done


def _read_into(descriptor: int, buffer: memoryview) -> int:  # pragma: no cover - Windows
    content = os.read(descriptor, len(buffer))
    buffer[: len(content)] = content
    return len(content)


def _age_ns(status: os.stat_result) -> int:
    """Since the last change; what is stamped in the future, by whatever clock, counts as old."""
    age = time.time_ns() - status.st_mtime_ns
    return age if age >= 0 else WRITE_NS


def _signature(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
