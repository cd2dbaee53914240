"""What does a Git LFS pointer say?  The small text that stands in git for a large file; pure, both ways.

Specification: Git LFS docs/spec.md, "The Pointer": `key value` lines, `version` first and the others sorted, less than
1024 bytes. Keys other than `oid` and `size` (of extensions) are read over.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_BYTES = 1024
_VERSION = b"version https://git-lfs.github.com/spec/v1\n"
_OID = re.compile(rb"^oid sha256:([0-9a-f]{64})$", re.MULTILINE)
_SIZE = re.compile(rb"^size (\d+)$", re.MULTILINE)


class Pointer(NamedTuple):
    """The content that a pointer stands for."""

    sha256: str
    size_bytes: int


def write_pointer(pointer: Pointer) -> bytes:
    """The pointer's text, as git-lfs writes it: the same content always gives the same blob."""
    return _VERSION + f"oid sha256:{pointer.sha256}\nsize {pointer.size_bytes}\n".encode()


def read_pointer(content: bytes) -> Pointer | None:
    """The pointer that a file's content is; None if it is something else."""
    if len(content) > MAX_BYTES or not content.startswith(_VERSION):
        return None
    oid, size = _OID.search(content), _SIZE.search(content)
    return Pointer(oid[1].decode(), int(size[1])) if oid and size else None
