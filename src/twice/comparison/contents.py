"""Do two files whose bytes differ hold the same?  Bytes in; what is the same, in words, out, or None.

Some formats write down the moment they were made, so that no repetition is ever byte-identical:

    PNG          time and text chunks (tIME, tEXt, zTXt, iTXt); the pixels and all else must agree   PNG 3rd edition
    zip          times of the members (also npz, docx, xlsx, pt); names, modes and bytes must agree  APPNOTE.TXT 6.3
    gzip         time and system in the header; name and content must agree                          RFC 1952
    PDF          CreationDate, ModDate and the trailer's ID, outside of streams; all else must agree  ISO 32000
    SVG          dc:date, and the ids that its writer drew by lot, if renaming them makes it the same

A false "same" is worse than a false "differs": whatever is not understood down to its last byte is None. Pickles, for one,
have no such form: what they mean is known only to whoever runs them.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

from twice.comparison.archives import same_members

_PNG = b"\x89PNG\r\n\x1a\n"
_SAID_OF_PNG = {b"tIME", b"tEXt", b"zTXt", b"iTXt"}
_GZIP = b"\x1f\x8b\x08"
_PIECE = 1 << 20
_DEEPEST = 3  # an archive in an archive in an archive


def same_content(was: bytes, now: bytes, depth: int = 0) -> str | None:
    """What two files share although their bytes differ, such as "same pixels, other Software"; None if they differ."""
    if was == now:
        return "same bytes"
    if depth >= _DEEPEST:
        return None
    for begins, compare in (
        (_PNG, _same_png),
        (b"PK\x03\x04", lambda a, b: same_members(a, b, lambda x, y: same_content(x, y, depth + 1) is not None)),
        (_GZIP, _same_gzip),
        (b"%PDF-", _same_pdf),
    ):
        if was.startswith(begins) and now.startswith(begins):
            return compare(was, now)
    return _same_svg(was, now)


# --------------------------------------------------------------------------------------------------------- PNG


def _same_png(was: bytes, now: bytes) -> str | None:
    a, b = _png_chunks(was), _png_chunks(now)
    if a is None or b is None:
        return None
    if [each for each in a if not _is_pixels(each) and not _is_said(each)] != [
        each for each in b if not _is_pixels(each) and not _is_said(each)
    ]:
        return None
    if _places(a) != _places(b) or not _same_stream(_pixels(a), _pixels(b)):
        return None
    said = sorted({*map(_keyword, filter(_is_said, a)), *map(_keyword, filter(_is_said, b))})
    return f"same pixels; not compared: {', '.join(said)}" if said else "same pixels, compressed another way"


def _png_chunks(data: bytes) -> list[tuple[bytes, bytes]] | None:
    """Type and data of each chunk; None unless every checksum is right and the file ends with IEND."""
    found = []
    position = len(_PNG)
    while position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        kind, end = data[position + 4 : position + 8], position + 8 + length
        if zlib.crc32(data[position + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            return None
        found.append((kind, data[position + 8 : end]))
        position = end + 4
    whole = position == len(data) and bool(found) and found[-1] == (b"IEND", b"")
    return found if whole else None


def _is_pixels(chunk: tuple[bytes, bytes]) -> bool:
    return chunk[0] == b"IDAT"


def _is_said(chunk: tuple[bytes, bytes]) -> bool:
    return chunk[0] in _SAID_OF_PNG


def _keyword(chunk: tuple[bytes, bytes]) -> str:
    """`Software`: text chunks begin with their keyword, in Latin-1."""
    return "time" if chunk[0] == b"tIME" else chunk[1].partition(b"\0")[0].decode("latin-1")


def _places(chunks: list[tuple[bytes, bytes]]) -> list[bytes]:
    """The order of the chunk types, but for those that are set aside and for how many the pixels are cut into."""
    kinds = [kind for kind, data in chunks if kind not in _SAID_OF_PNG]
    return [kind for before, kind in zip([b"", *kinds], kinds, strict=False) if (before, kind) != (b"IDAT", b"IDAT")]


def _pixels(chunks: list[tuple[bytes, bytes]]) -> Iterator[bytes]:
    return _inflate(b"".join(data for kind, data in chunks if kind == b"IDAT"), zlib.MAX_WBITS)


# -------------------------------------------------------------------------------------------------------- gzip


def _same_gzip(was: bytes, now: bytes) -> str | None:
    names = _gzip_name(was), _gzip_name(now)
    if names[0] is None or names[0] != names[1] or not _same_stream(_inflate(was, 31), _inflate(now, 31)):
        return None
    return "same content; not compared: time in the header"


def _gzip_name(data: bytes) -> bytes | None:
    """What the first header says but time and system: flags, extra field, name, comment; None if it is cut off."""
    flags, end = data[3:4], 10
    if len(data) < 18 or flags[0] & 0xE0:
        return None
    if flags[0] & 4:
        end += 2 + int.from_bytes(data[end : end + 2], "little")
    for flag in (8, 16):
        if flags[0] & flag:
            end = data.find(b"\0", end) + 1
            if not end:
                return None
    return flags + data[10:end]


# ------------------------------------------------------------------------------------------------- zlib streams


def _inflate(data: bytes, window: int) -> Iterator[bytes]:
    """The content, in pieces that are not empty; gzip members one after another.  Raises zlib.error."""
    rest = data
    while rest:
        stream = zlib.decompressobj(window)
        while not stream.eof:
            piece = stream.decompress(rest, _PIECE)
            rest = stream.unconsumed_tail
            if piece:
                yield piece
            elif not rest and not stream.eof:
                raise zlib.error("cut off")
        rest = stream.unused_data
        if rest and window <= zlib.MAX_WBITS:
            raise zlib.error("bytes after the end")


def _same_stream(a: Iterator[bytes], b: Iterator[bytes]) -> bool:
    """Whether the pieces make up the same bytes, however they are cut; what is damaged is never the same."""
    left = right = b""
    try:
        while True:
            left, right = left or next(a, b""), right or next(b, b"")
            length = min(len(left), len(right))
            if left[:length] != right[:length]:
                return False
            if not length:
                return not left and not right
            left, right = left[length:], right[length:]
    except zlib.error:
        return False


# -------------------------------------------------------------------------------------------------------- texts

_PDF_DATE = re.compile(rb"/(CreationDate|ModDate)\s*\(D:\d{4,14}(Z|[-+]\d\d'?(\d\d'?)?)?\)")
_PDF_ID = re.compile(rb"/ID\s*\[\s*<[0-9A-Fa-f]*>\s*<[0-9A-Fa-f]*>\s*\]")
_PDF_STREAM = re.compile(rb"(stream\r?\n.*?endstream)", re.DOTALL)


def _same_pdf(was: bytes, now: bytes) -> str | None:
    """The two must be equally long, or the table of offsets would not be the same."""
    same = len(was) == len(now) and _without_dates(was) == _without_dates(now)
    return "same document; not compared: dates and ID" if same else None


def _without_dates(data: bytes) -> list[bytes]:
    parts = _PDF_STREAM.split(data)
    parts[::2] = [_PDF_ID.sub(b"/ID", _PDF_DATE.sub(rb"/\1", part)) for part in parts[::2]]
    return parts


_SVG_START = re.compile(rb"\s*(<\?xml[^>]*\?>\s*)?(<!DOCTYPE[^>\[]*>\s*)?(<!--.*?-->\s*)*<svg[\s>]", re.DOTALL)
_SVG_DATE = re.compile(rb"<dc:date>[-+0-9T:.Z ]*</dc:date>")
_SVG_ID = re.compile(rb"""(?<=\sid=")[^"<&]+(?=")""")
_SVG_USE = re.compile(rb"""(?<=\sid=")[^"<&]+(?=")|(?<=url\(#)[^)"<&]+(?=\))|(?<=href="#)[^"<&]+(?=")""")


def _same_svg(was: bytes, now: bytes) -> str | None:
    if not (_SVG_START.match(was) and _SVG_START.match(now)):
        return None
    a, b = _SVG_DATE.sub(b"<dc:date/>", was), _SVG_DATE.sub(b"<dc:date/>", now)
    if a == b:
        return "same drawing; not compared: date"
    ids = _SVG_ID.findall(a), _SVG_ID.findall(b)
    numbers = [{name: b"%d" % number for number, name in enumerate(dict.fromkeys(names))} for names in ids]
    renamed = [
        _SVG_USE.sub(lambda found, to=to: to.get(found[0], b"#" + found[0]), text)  # type: ignore[misc]
        for text, to in zip((a, b), numbers, strict=True)
    ]
    return "same drawing; not compared: date, names of ids" if renamed[0] == renamed[1] else None
