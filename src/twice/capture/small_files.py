"""Are these files of one folder as they were, and what is in those that are not?

In: a folder, names in it, and the stamp that each had when its content was known. Out: the stamps as they are, and the
sha256 of every small file whose stamp is another one now. What needs more care (a large file, one that changes this very
moment, one that does not open) is left to `file_reading`.

The stamps of many files are one `bytes`, 32 for each file, so that a folder in which nothing has changed is told by one
comparison. Runs in the process that asks and in processes beside it (`reader_processes`). Those are started with this file
alone: it imports nothing of the rest, and little of the standard library.
"""

from __future__ import annotations

import marshal
import os
import stat
import struct
import sys
import time

TYPE_CHECKING = False  # as type checkers know it; to import typing takes longer than to read 500 files
if TYPE_CHECKING:
    from collections.abc import Sequence

Part = tuple[bytes, list[bytes], bytes]
"""A folder, names in it, their known stamps in the same order (`NO_STAMP` where none is known)."""

Looked = tuple[bytes, bytes, bytes, tuple[int, ...], int]
"""In the order of the names, the stamps, one state a file, and the sha256 of what was read (zeros where nothing was); the
devices that it was read from; how many bytes were read."""

Reply = Looked | None
"""None: all is as known."""

STAMP_BYTES = 32
NO_STAMP = bytes(STAMP_BYTES)  # not a file, or not there: no file has the inode 0 and was last changed in 1970
SHA256_BYTES = 32

ABSENT, KNOWN, READ, RACY, LATER = range(5)
"""No regular file · has the known stamp · was read, and its stamp vouches for it · was read · needs more care."""

# O_NONBLOCK: a file replaced by a pipe after it was looked at must not hang us. O_BINARY: Windows.
OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
WRITE_NS = 10_000_000  # write(2) sets the time of change first and then copies: so long it may still be at it

_SMALL_BYTES = 256 << 10
_COARSE_TICK_NS, _FINE_TICK_NS = 2_000_000_000, 100_000_000  # with room to spare
_INODE_MASK = (1 << 64) - 1
# O_PATH: a folder that may be entered but not listed will do.
_FOLDER_FLAGS = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_HAS_FOLDER_DESCRIPTORS = os.stat in os.supports_dir_fd and os.open in os.supports_dir_fd


def pack_stamps(numbers: Sequence[int]) -> bytes:
    """Stamps as bytes; `numbers` are the size, mtime_ns, ctime_ns and inode of one file after the other."""
    form = "=" + "qqqQ" * (len(numbers) // 4)
    try:
        return struct.pack(form, *numbers)
    except struct.error:  # ReFS numbers its files with 128 bits
        return struct.pack(
            form, *[number & _INODE_MASK if at % 4 == 3 else number for at, number in enumerate(numbers)]
        )


def vouches(mtime_ns: int, ctime_ns: int, began_ns: int) -> bool:
    """Whether a file with these stamps, of which the first byte was read at `began_ns`, would get others if it changed.

    Not if they were closer to the clock than a tick of the file system, which is told by ctime, as nobody can set that; one
    stamp in a million looks coarse and is not.
    """
    return began_ns - max(mtime_ns, ctime_ns) >= (_FINE_TICK_NS if ctime_ns % 1_000_000 else _COARSE_TICK_NS)


def look(folder: bytes, names: list[bytes], known: bytes) -> Reply:
    """Whether the files in this folder have their known stamps, and what is in the small ones that have not."""
    descriptor = _open_folder(folder)
    try:
        places = names if descriptor is not None else [os.path.join(folder, name) for name in names]  # noqa: PTH118
        numbers = _stat_all(places, descriptor)
        stamps = pack_stamps(numbers)
        return None if stamps == known else _read_changed(places, descriptor, numbers, stamps, known)
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _open_folder(folder: bytes) -> int | None:
    """Relative to a descriptor each name is looked up in one step; None: by the whole path, then."""
    if _HAS_FOLDER_DESCRIPTORS:
        try:
            return os.open(folder, _FOLDER_FLAGS)
        except (OSError, ValueError):
            pass
    return None


def _stat_all(places: Sequence[bytes], descriptor: int | None) -> list[int]:
    numbers: list[int] = []
    look_up, regular = os.stat, stat.S_IFREG
    for place in places:
        try:
            status = look_up(place, dir_fd=descriptor)
        except (OSError, ValueError):  # ValueError: a NUL in the name
            numbers += (0, 0, 0, 0)
            continue
        if status.st_mode & 0o170000 == regular:
            numbers += (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        else:
            numbers += (0, 0, 0, 0)
    return numbers


def _read_changed(
    places: Sequence[bytes], descriptor: int | None, numbers: Sequence[int], stamps: bytes, known: bytes
) -> Reply:
    from hashlib import sha256  # where nothing has changed nobody needs it

    states, digests, devices, done = bytearray(len(places)), bytearray(SHA256_BYTES * len(places)), set(), 0
    for number, place in enumerate(places):
        at = STAMP_BYTES * number
        stamp = stamps[at : at + STAMP_BYTES]
        if stamp == NO_STAMP:
            continue
        if stamp == known[at : at + STAMP_BYTES]:
            states[number] = KNOWN
            continue
        size, mtime_ns, ctime_ns, inode = numbers[4 * number : 4 * number + 4]
        began_ns = time.time_ns()
        states[number] = LATER
        if size > _SMALL_BYTES or 0 <= began_ns - mtime_ns < WRITE_NS:
            continue
        try:
            file = os.open(place, OPEN_FLAGS, dir_fd=descriptor)
        except OSError:
            continue
        try:
            content = os.read(file, size + 1)
            after = os.fstat(file)
        except OSError:
            continue
        finally:
            os.close(file)
        # The same stamp before and after: what was opened is what was looked at, and it kept still.
        if len(content) == size and (after.st_size, after.st_mtime_ns, after.st_ctime_ns, after.st_ino) == (
            size, mtime_ns, ctime_ns, inode
        ):  # fmt: skip
            digests[at : at + SHA256_BYTES] = sha256(content).digest()
            states[number] = READ if vouches(mtime_ns, ctime_ns, began_ns) else RACY
            devices.add(after.st_dev)
            done += size
    return stamps, bytes(states), bytes(digests), tuple(devices), done


# ------------------------------------------------------------------------------------- in a process of its own


def serve() -> None:
    """Answer on standard output what is asked on standard input, until that ends."""
    requests, replies = sys.stdin.buffer, sys.stdout.buffer
    while len(header := requests.read(8)) == 8:
        parts: list[Part] = marshal.loads(requests.read(int.from_bytes(header, "little")))
        answer = marshal.dumps([look(*part) for part in parts])
        replies.write(len(answer).to_bytes(8, "little") + answer)
        replies.flush()


if __name__ == "__main__":
    serve()
