"""What becomes of a file's bytes on their way into git, and out of it again?

In: the attributes of a path, the configuration, bytes.  Out: bytes.  Line endings, `ident` and one-shot filter commands
are done as git does them (gitattributes(5), and git's convert.c where that is silent); a filter that talks the long-running
`process` protocol, and an encoding of the work tree other than UTF-8, are refused by a RepositoryError that names the file
and the attribute, for a wrong tree would be worse.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from typing import Literal

from twice.errors import RepositoryError

Attributes = Mapping[bytes, bytes | bool]
Config = Callable[[str], str | None]
RunFilter = Callable[[str, bytes], bytes | None]
"""Runs a command line in a shell at the root of the work tree, with that input; None when it fails."""

_Kind = Literal["verbatim", "text", "guess"]

_PRINTABLE_CONTROLS = b"\b\t\x1b\x0c"
_NONPRINTABLE = bytes([*range(32), 127]).translate(None, _PRINTABLE_CONTROLS + b"\r\n")
_IDENT = re.compile(rb"\$Id:[^$\n]*\$")


class Conversion:
    """The conversions of one work tree, as its configuration has them."""

    def __init__(self, config: Config, run_filter: RunFilter, *, native_crlf: bool) -> None:
        self._config = config
        self._run_filter = run_filter
        autocrlf = (config("core.autocrlf") or "").lower()
        self._autocrlf: Literal["no", "lf", "crlf"] = (
            "lf" if autocrlf == "input" else "crlf" if is_true(autocrlf) else "no"
        )
        eol = (config("core.eol") or "native").lower()
        eol_is_crlf = eol == "crlf" or (eol != "lf" and native_crlf)
        self._text_is_crlf = self._autocrlf == "crlf" or (self._autocrlf == "no" and eol_is_crlf)

    def changes_nothing(self, attributes: Attributes) -> bool:
        """Whether a file with these attributes is the same inside git and outside, whatever its bytes."""
        return (
            self._line_endings(attributes)[0] == "verbatim"
            and attributes.get(b"ident") is not True
            and not isinstance(attributes.get(b"filter"), bytes)
            and b"working-tree-encoding" not in attributes
        )

    def to_git(self, data: bytes, path: bytes, attributes: Attributes, read_index: Callable[[], bytes | None]) -> bytes:
        """The bytes that git keeps for a file of the work tree.

        `read_index` gives what the index holds for the path: where git only guesses that a file is text, one that is kept
        with CRLF stays so.
        """
        data = self._filtered(data, path, attributes, "clean")
        self._refuse_encodings(path, attributes)
        kind, _ = self._line_endings(attributes)
        if b"\r\n" in data and (
            kind == "text" or (kind == "guess" and not _looks_binary(data) and not _keeps_crlf(read_index()))
        ):
            data = data.replace(b"\r\n", b"\n")
        if attributes.get(b"ident") is True and b"$Id:" in data:
            data = _IDENT.sub(b"$Id$", data)
        return data

    def to_work_tree(self, data: bytes, path: bytes, attributes: Attributes, blob_id: str) -> bytes:
        """The bytes that a checkout writes for a blob."""
        if attributes.get(b"ident") is True and b"$Id" in data:
            if b"$Id:" in data:
                raise _refused(path, "ident", "its file holds an expanded $Id:…$ inside git")
            data = data.replace(b"$Id$", b"$Id: " + blob_id.encode("ascii") + b" $")
        kind, crlf = self._line_endings(attributes)
        if crlf and (kind == "text" or (kind == "guess" and b"\r" not in data and not _looks_binary(data))):
            data = re.sub(rb"(?<!\r)\n", b"\r\n", data)
        self._refuse_encodings(path, attributes)
        return self._filtered(data, path, attributes, "smudge")

    def _line_endings(self, attributes: Attributes) -> tuple[_Kind, bool]:
        """Whether the file is text or is looked at to guess; and whether its lines end in CRLF in the work tree."""
        value = attributes.get(b"text")
        if value not in (True, False, b"input", b"auto"):
            value = attributes.get(b"crlf")  # what `text` was called before git 1.7.2
        if value is False:
            return "verbatim", False
        eol = attributes.get(b"eol")
        if eol in (b"lf", b"crlf"):
            return "guess" if value == b"auto" else "text", eol == b"crlf"
        if value == b"input":
            return "text", False
        if value in (True, b"auto"):
            return "guess" if value == b"auto" else "text", self._text_is_crlf
        return "verbatim" if self._autocrlf == "no" else "guess", self._autocrlf == "crlf"

    def _filtered(
        self, data: bytes, path: bytes, attributes: Attributes, direction: Literal["clean", "smudge"]
    ) -> bytes:
        """The data after the filter that `filter=<name>` names, if one is configured under that name."""
        name = attributes.get(b"filter")
        if not isinstance(name, bytes):
            return data
        driver = f"filter.{name.decode('utf-8', 'surrogateescape')}"
        if self._config(f"{driver}.process"):
            raise _refused(path, f"filter={driver[7:]}", "its filter is a long-running process")
        command = self._config(f"{driver}.{direction}")
        result = None
        if command:
            quoted = shlex.quote(path.decode("utf-8", "surrogateescape"))
            result = self._run_filter(command.replace("%%", "\0").replace("%f", quoted).replace("\0", "%"), data)
        if result is not None:
            return result
        if is_true(self._config(f"{driver}.required")):
            problem = "failed" if command else "is not configured, but required"
            raise RepositoryError(f"{display(path)}: the {direction} filter `{driver[7:]}` {problem}")
        return data

    @staticmethod
    def _refuse_encodings(path: bytes, attributes: Attributes) -> None:
        encoding = attributes.get(b"working-tree-encoding")
        if encoding is None or encoding == b"":
            return
        if isinstance(encoding, bytes) and encoding.lower() in (b"utf-8", b"utf8"):
            return
        shown = display(encoding) if isinstance(encoding, bytes) else str(encoding).lower()
        raise _refused(path, f"working-tree-encoding={shown}", "its encoding is not UTF-8")


def is_true(value: str | None) -> bool:
    """Whether a configuration value means yes (git-config(1), "boolean")."""
    if value is None:
        return False
    text = value.lower()
    return text in ("true", "yes", "on") or (text.lstrip("+-").isdigit() and int(text) != 0)


def display(path: bytes) -> str:
    """A path for a message."""
    return path.decode("utf-8", "backslashreplace")


def _refused(path: bytes, attribute: str, because: str) -> RepositoryError:
    return RepositoryError(
        f"{display(path)} cannot be converted without the git executable: {because}",
        details=[f"attribute {attribute}"],
        hint="put git on PATH, so that twice can let it do the conversion",
    )


def _looks_binary(data: bytes) -> bool:
    """Git's guess: a NUL, a CR that ends no line, or more than one control character in 128."""
    if b"\0" in data or data.count(b"\r") != data.count(b"\r\n"):
        return True
    controls = len(data) - len(data.translate(None, _NONPRINTABLE))
    printable = len(data) - controls - data.count(b"\n") - data.count(b"\r")
    if data.endswith(b"\x1a"):  # the end-of-file mark of DOS
        controls -= 1
    return printable >> 7 < controls


def _keeps_crlf(indexed: bytes | None) -> bool:
    return indexed is not None and b"\r\n" in indexed and not _looks_binary(indexed)
