"""How is what many files hold written as one text, and read back?

A manifest has one line a file, in the form that `sha256sum -c` reads (GNU coreutils: names with a backslash, a line feed or a
carriage return are escaped, and a backslash starts their line). A folder's sha256 is that of its manifest, so equal trees of
files have equal numbers wherever they lie.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from operator import itemgetter

from twice.frozen import frozen


@frozen
class FileDigest:
    """The content of one file."""

    sha256: str
    size_bytes: int
    stable: bool = True  # False: it changed while it was read, twice


@frozen
class FolderDigest:
    """The content of a folder: of all its regular files, or of those that were asked for."""

    sha256: str  # of the manifest
    size_bytes: int
    files: int
    manifest: bytes
    stable: bool = True
    unreadable: tuple[str, ...] = ()  # relative paths that are not in the manifest and should be


def describe_folder(files: Mapping[str, FileDigest], unreadable: Sequence[str] = ()) -> FolderDigest:
    """The digest of a folder, from those of its files by their POSIX path relative to it."""
    by_name = sorted([(os.fsencode(name), digest) for name, digest in files.items()], key=itemgetter(0))
    manifest = manifest_lines(b"", [name for name, _ in by_name], [digest.sha256.encode() for _, digest in by_name])
    return FolderDigest(
        sha256=hashlib.sha256(manifest).hexdigest(),
        size_bytes=sum(digest.size_bytes for _, digest in by_name),
        files=len(by_name),
        manifest=manifest,
        stable=all(digest.stable for _, digest in by_name),
        unreadable=tuple(unreadable),
    )


def read_manifest(manifest: bytes) -> dict[str, str]:
    """Relative path → sha256, from the lines that `describe_folder` or sha256sum wrote.  Raises ValueError."""
    found: dict[str, str] = {}
    for number, line in enumerate(manifest.split(b"\n"), 1):
        if not line:
            continue
        escaped = line.startswith(b"\\")
        digest, mark, name = line[escaped : escaped + 64], line[escaped + 64 : escaped + 66], line[escaped + 66 :]
        if len(digest) != 64 or mark not in (b"  ", b" *") or not name:
            raise ValueError(f"line {number} of the manifest is not one of sha256sum: {os.fsdecode(line)!r}")
        if escaped:
            parts = name.split(b"\\\\")
            name = b"\\".join(part.replace(b"\\n", b"\n").replace(b"\\r", b"\r") for part in parts)
        found[os.fsdecode(name)] = digest.decode("ascii", "replace").lower()
    return found


def manifest_lines(prefix: bytes, names: Sequence[bytes], digests: Sequence[bytes]) -> bytes:
    """The lines for files with these names below a folder, whose relative path `prefix` is, with a slash at its end."""
    before = b"  " + prefix
    lines = list(map(before.join, zip(digests, names, strict=True)))
    joined = b"\n".join(lines)
    if b"\\" in joined or b"\r" in joined or joined.count(b"\n") >= len(lines) > 0:
        lines = [_escape(line) for line in lines]
    return b"\n".join([*lines, b""])


def _escape(line: bytes) -> bytes:
    escaped = line.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    return (b"\\" if escaped != line else b"") + escaped
