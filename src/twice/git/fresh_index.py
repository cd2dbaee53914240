"""Which index goes with files that were just checked out?  Pure: facts in, the bytes of an index file out.

Specification: gitformat-index(5), version 2, without extensions. The files' times and sizes are in it, so that `git status`
need not read them again.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Sequence
from typing import NamedTuple

_WORD = 0xFFFFFFFF
_NAME_LENGTH = 0x0FFF


class FreshEntry(NamedTuple):
    """One path of the index; `status` is the file's in the work tree, None for a submodule."""

    path: bytes
    mode: int
    id: str
    status: os.stat_result | None


def encode_index(entries: Sequence[FreshEntry], object_format: str) -> bytes:
    """The index file that holds these entries, which are sorted by path."""
    parts = [struct.pack(">4sLL", b"DIRC", 2, len(entries))]
    for path, mode, object_id, status in entries:
        fields = (0,) * 6 + (_canonical(mode),) + (0,) * 3 if status is None else _fields(status, _canonical(mode))
        flags = min(len(path), _NAME_LENGTH)
        entry = struct.pack(">10L", *fields) + bytes.fromhex(object_id) + struct.pack(">H", flags) + path
        parts.append(entry + b"\0" * (8 - len(entry) % 8))
    data = b"".join(parts)
    return data + hashlib.new(object_format, data).digest()


def _canonical(mode: int) -> int:
    """Old trees hold modes such as 100664, which an index does not."""
    if mode & 0o170000 == 0o100000:
        return 0o100755 if mode & 0o100 else 0o100644
    return mode


def _fields(status: os.stat_result, mode: int) -> tuple[int, ...]:
    fields = (
        *divmod(status.st_ctime_ns, 1_000_000_000),
        *divmod(status.st_mtime_ns, 1_000_000_000),
        status.st_dev,
        status.st_ino,
        mode,
        status.st_uid,
        status.st_gid,
        status.st_size,
    )
    return tuple(field & _WORD for field in fields)
