"""Files that differ in times alone hold the same; nothing else does, not by one byte."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twice.comparison.contents import same_content


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(pixels: bytes = bytes(range(48)), *said: bytes, level: int = 6, gamma: bytes = b"", pieces: int = 1) -> bytes:
    """A picture of 4 × 4 pixels, with the chunks in `said` before its pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0))
    rows = b"".join(b"\0" + pixels[start : start + 12] for start in range(0, 48, 12))
    packed = zlib.compress(rows, level)
    size = -(-len(packed) // pieces)
    data = b"".join(chunk(b"IDAT", packed[start : start + size]) for start in range(0, len(packed), size))
    extra = chunk(b"gAMA", gamma) if gamma else b""
    return b"\x89PNG\r\n\x1a\n" + header + extra + b"".join(said) + data + chunk(b"IEND", b"")


def software(version: str) -> bytes:
    return chunk(b"tEXt", b"Software\0plotter " + version.encode())


def test_pictures_with_the_same_pixels() -> None:
    time = chunk(b"tIME", struct.pack(">HBBBBB", 2026, 11, 21, 1, 2, 3))
    assert same_content(png(), png()) == "same bytes"
    assert (
        same_content(png(), png(bytes(range(48)), software("1"), time)) == "same pixels; not compared: Software, time"
    )
    assert same_content(png(level=9), png(level=0, pieces=3)) == "same pixels, compressed another way"


def test_pictures_that_differ() -> None:
    other = bytes(range(47)) + b"\0"
    assert same_content(png(), png(other)) is None
    assert same_content(png(), png(gamma=b"\0\1\0\0")) is None
    assert same_content(png(), png(bytes(range(48)), software("1")) + b"more") is None
    assert same_content(png(), png(bytes(range(48)), software("1"))[:-3]) is None
    assert same_content(png(), png().replace(b"IDAT", b"iDAT")) is None


def archive(
    *members: tuple[str, bytes], year: int = 2020, method: int = zipfile.ZIP_STORED, comment: bytes = b""
) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.comment = comment
        for name, content in members:
            member = zipfile.ZipInfo(name, (year, 1, 2, 3, 4, 6))
            member.compress_type = method
            file.writestr(member, content)
    return made.getvalue()


A, B = ("a.npy", b"numbers" * 50), ("b.npy", b"more")


def test_archives_with_the_same_members() -> None:
    said = "same members; not compared: their times"
    assert same_content(archive(A, B), archive(A, B, year=2021)) == said
    assert same_content(archive(A, B), archive(A, B, method=zipfile.ZIP_DEFLATED)) == said
    pictures = [archive(("p.png", png(bytes(range(48)), software(version)))) for version in "12"]
    assert same_content(*pictures) == f"{said}, times inside p.png"


def test_a_streamed_archive_is_read_to_the_same_end() -> None:
    class Stream(io.RawIOBase):
        def __init__(self) -> None:
            self.data = b""

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            self.data += bytes(data)  # type: ignore[call-overload]
            return len(bytes(data))  # type: ignore[call-overload]

    made = Stream()
    with zipfile.ZipFile(made, "w") as file:  # type: ignore[call-overload]
        file.writestr(zipfile.ZipInfo("a.npy", (2020, 1, 2, 3, 4, 6)), A[1])
    assert b"PK\x07\x08" in made.data
    other = made.data.replace(struct.pack("<H", (40 << 9) | (1 << 5) | 2), struct.pack("<H", (41 << 9) | (1 << 5) | 2))
    assert other != made.data
    assert same_content(made.data, other) is not None


def test_archives_that_differ() -> None:
    whole = archive(A, B, year=2021)
    assert same_content(archive(A), archive(A, B)) is None
    assert same_content(archive(A, B), archive(B, A)) is None
    assert same_content(archive(A, B), archive(A, ("b.npy", b"less"), year=2021)) is None
    assert same_content(archive(A), archive(A, year=2021, comment=b"!")) is None
    assert same_content(archive(A, B), whole[:-5]) is None
    assert same_content(archive(A, B), whole + b"behind") is None
    local = whole.index(b"PK\x03\x04", 4)
    assert same_content(archive(A, B), whole[:local] + b"hidden" + whole[local:]) is None


def test_office_documents_but_for_their_dates() -> None:
    def document(year: int, author: str = "Ada") -> bytes:
        text = f'<c><dc:creator>{author}</dc:creator><dcterms:created xsi:type="W3">{year}-01-01</dcterms:created></c>'
        return archive(("[Content_Types].xml", b"<Types/>"), ("docProps/core.xml", text.encode()), year=year)

    assert same_content(document(2020), document(2021)) is not None
    assert same_content(document(2020), document(2021, "Eve")) is None
    not_office = [archive(("docProps/core.xml", b"<dcterms:created>%d<" % year)) for year in (1, 2)]
    assert same_content(*not_office) is None


def zipped(content: bytes, mtime: int, name: str = "", level: int = 9) -> bytes:
    made = io.BytesIO()
    with gzip.GzipFile(name, "wb", level, made, mtime) as file:
        file.write(content)
    return made.getvalue()


def test_gzip_files() -> None:
    big = bytes(range(256)) * 20_000
    assert same_content(zipped(big, 1), zipped(big, 2, level=1)) == "same content; not compared: time in the header"
    assert same_content(zipped(b"a", 1) + zipped(b"b", 2), zipped(b"ab", 3)) is not None
    assert same_content(zipped(b"a", 1), zipped(b"b", 1)) is None
    assert same_content(zipped(b"a", 1, "a.csv"), zipped(b"a", 1, "b.csv")) is None
    assert same_content(zipped(big, 1), zipped(big, 2)[:-1]) is None
    assert same_content(zipped(big, 1), zipped(big, 2) + b"\0junk") is None


PDF = b"""%%PDF-1.4
1 0 obj << /Length 30 >>
stream
BT (%s) Tj ET
endstream
endobj
2 0 obj << /CreationDate (D:%s) /Producer (x) >> endobj
trailer << /ID [<%s> <00>] >>
"""


def test_pdf_documents() -> None:
    first = PDF % (b"text", b"20260101000000Z", b"aa")
    assert (
        same_content(first, PDF % (b"text", b"20270102030405Z", b"ab")) == "same document; not compared: dates and ID"
    )
    assert same_content(first, PDF % (b"next", b"20260101000000Z", b"aa")) is None
    shown = [PDF % (b"/CreationDate (D:%d)" % year, b"20260101000000Z", b"aa") for year in (2020, 2021)]
    assert same_content(*shown) is None


SVG = """<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg"><dc:date>%s</dc:date>
<defs><clipPath id="%s"><rect width="%d"/></clipPath><path id="m1"/></defs>
<g clip-path="url(#%s)"><use href="#m1"/><text>%s</text></g></svg>"""


def svg(date: str = "2026-01-01T00:00:00", name: str = "p1", width: int = 3, used: str = "", text: str = "x") -> bytes:
    return (SVG % (date, name, width, used or name, text)).encode()


def test_svg_drawings() -> None:
    assert same_content(svg(), svg("2027-01-01T00:00:00")) == "same drawing; not compared: date"
    assert same_content(svg(), svg(name="p2")) == "same drawing; not compared: date, names of ids"
    for other in (svg(width=4), svg(used="m1"), svg(text="p1"), svg(used="p9"), svg("yesterday")):
        assert same_content(svg(), other) is None
    assert same_content(b"<html>1</html>", b"<html>2</html>") is None


def test_what_has_no_known_form_differs() -> None:
    assert same_content(b"\x80\x04K\x01.", b"\x80\x04K\x02.") is None
    assert same_content(b"", b"x") is None
    assert same_content(png(), archive(A)) is None


def meaning(data: bytes) -> object:
    """What another reader takes the file for."""
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            return [(name, file.read(name)) for name in file.namelist()]
    if data.startswith(b"\x1f\x8b"):
        return gzip.decompress(data)
    position, pixels, others = 8, b"", []
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        kind, body = data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        assert zlib.crc32(kind + body) == struct.unpack_from(">I", data, position + 8 + length)[0]
        if kind == b"IDAT":
            pixels += body
        elif kind not in (b"tEXt", b"tIME", b"iTXt", b"zTXt"):
            others.append((kind, body))
        position += 12 + length
    return zlib.decompress(pixels), others


SAMPLES = {
    "png": png(bytes(range(48)), software("1")),
    "zip": archive(A, B, method=zipfile.ZIP_DEFLATED),
    "gzip": zipped(b"content " * 9, 5, "a.csv"),
}


@pytest.mark.parametrize("kind", SAMPLES)
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_change_of_a_byte_passes_unless_another_reader_agrees(kind: str, data: st.DataObject) -> None:
    sample = SAMPLES[kind]
    place = data.draw(st.integers(0, len(sample) - 1))
    other = sample[:place] + bytes([data.draw(st.integers(0, 255))]) + sample[place + data.draw(st.integers(0, 2)) :]
    if same_content(sample, other) is not None:
        assert meaning(other) == meaning(sample)
