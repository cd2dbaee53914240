"""Do two zip archives hold the same members?  Bytes in; what is the same, in words, out, or None.

Names in their order, modes, comments and bytes must agree; set aside are the members' times, how they are compressed, and
in the property files of office documents the moments of creation and change.  After APPNOTE.TXT 6.3; what it calls data
descriptors, ZIP64 and extra fields is understood, encryption and bytes between the members are not: such archives differ.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable

_PIECE = 1 << 20
_LARGEST_TO_LOOK_INTO = 64 << 20
_TIMES = {0x5455, 0x000A, 0x5855}  # extra fields: extended timestamp, NTFS, Info-ZIP's old one
_SIZES = {0x0001}  # ZIP64
_ENCRYPTED, _DESCRIBED_AFTER = 0x41, 0x08
_OFFICE_DATES = {  # member → the member that tells what kind of package this is, and the dates
    "docProps/core.xml": ("[Content_Types].xml", re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")),
    "meta.xml": ("META-INF/manifest.xml", re.compile(rb"(<(?:dc:date|meta:creation-date)>)[^<]*")),
}

Same = Callable[[bytes, bytes], bool]


def same_members(was: bytes, now: bytes, same: Same) -> str | None:
    """Whether two archives differ in times alone; `same` is asked about members whose bytes differ."""
    try:
        with zipfile.ZipFile(io.BytesIO(was)) as a, zipfile.ZipFile(io.BytesIO(now)) as b:
            of_a, of_b = a.infolist(), b.infolist()
            if len(of_a) != len(of_b) or a.comment != b.comment:
                return None
            if len(set(a.namelist())) < len(of_a) or not (_is_whole(was, a) and _is_whole(now, b)):
                return None
            inside = set()
            for one, other in zip(of_a, of_b, strict=True):
                if _facts(one) != _facts(other):
                    return None
                if not _same_bytes(a, one, b, other):
                    if not _same_inside(a, one, b, other, same):
                        return None
                    inside.add(one.filename)
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        OSError,
        ValueError,
    ):
        return None
    also = f", times inside {', '.join(sorted(inside))}" if inside else ""
    return f"same members; not compared: their times{also}"


def _facts(member: zipfile.ZipInfo) -> tuple[object, ...]:
    """What must agree besides the bytes."""
    return (
        member.filename,
        member.external_attr,
        member.create_system,
        member.comment,
        member.flag_bits & _ENCRYPTED,
        [field for field in _extra_fields(member.extra) if field[0] not in _TIMES | _SIZES],
    )


def _extra_fields(extra: bytes) -> list[tuple[int, bytes]]:
    found, position = [], 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, position)
        found.append((kind, extra[position + 4 : position + 4 + length]))
        position += 4 + length
    return found if position == len(extra) else [*found, (-1, extra[position:])]


def _is_whole(data: bytes, archive: zipfile.ZipFile) -> bool:
    """Whether members, directory and comment follow one another from the first byte to the last, with nothing hidden."""
    end = struct.pack("<H", len(archive.comment)) + archive.comment
    if data[-20 - len(end) :][:4] != b"PK\x05\x06" or not data.endswith(end):
        return False
    position = 0
    for member in sorted(archive.infolist(), key=lambda one: one.header_offset):
        if member.header_offset != position or member.flag_bits & _ENCRYPTED:
            return False
        name_length, extra_length = struct.unpack_from("<HH", data, position + 26)
        position += 30 + name_length + extra_length + member.compress_size
        if member.flag_bits & _DESCRIBED_AFTER:
            position += 4 * (data[position : position + 4] == b"PK\x07\x08")
            long = struct.unpack_from("<Q", data, position + 4)[0] == member.compress_size and data[
                position + 20 : position + 22
            ] in (b"PK", b"")
            position += 20 if long else 12
    return position == archive.start_dir


def _same_bytes(a: zipfile.ZipFile, one: zipfile.ZipInfo, b: zipfile.ZipFile, other: zipfile.ZipInfo) -> bool:
    """Whether two members hold the same; reading to the end checks their CRC."""
    if one.file_size != other.file_size or one.CRC != other.CRC:
        return False
    with a.open(one) as left, b.open(other) as right:
        while True:
            piece = left.read(_PIECE)
            if piece != right.read(_PIECE):
                return False
            if not piece:
                return True


def _same_inside(
    a: zipfile.ZipFile, one: zipfile.ZipInfo, b: zipfile.ZipFile, other: zipfile.ZipInfo, same: Same
) -> bool:
    if max(one.file_size, other.file_size) > _LARGEST_TO_LOOK_INTO:
        return False
    was, now = a.read(one), b.read(other)
    package, dates = _OFFICE_DATES.get(one.filename, ("", None))
    if dates is not None and package in a.namelist():
        return dates.sub(rb"\1", was) == dates.sub(rb"\1", now)
    return same(was, now)
