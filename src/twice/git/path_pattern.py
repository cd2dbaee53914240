r"""Does a path match a line of .gitignore or .gitattributes?  Pure; the same matcher for both, as in git.

In: the pattern and a path, both as bytes, the path relative to the folder of the file that holds the pattern.
Specification: gitignore(5) "PATTERN FORMAT", and where that is silent what git's wildmatch.c and dir.c do:

    foo, *.o, [a-c]?     no slash: compared with the last part of the path only
    /foo, a/b, a/*/c     a slash: compared with the whole path; `*` and `?` stop at slashes, `**` does not
    foo/                 a slash at the end: directories only
    \x                   x itself, whatever it means otherwise;  a `\` at the very end: never matches
    [!a-z], [^[:digit:]] one byte (not) of the set; a set without its `]`, or of an unknown class: never matches

`dulwich.ignore.Pattern` differs from git in a backslash at the end, in `//`, in case folding and in `a**/x`; hence our own.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from twice.errors import RepositoryError

_SPECIAL = re.compile(rb"[*?\[\\]")
_NEVER = rb"(?!)"
_SLASH = ord("/")


def _is(characters: bytes) -> Callable[[int], bool]:
    return frozenset(characters).__contains__


_CLASSES: dict[bytes, Callable[[int], bool]] = {  # ASCII only, and `space` without \v and \f: git's own ctype
    b"alnum": lambda byte: byte < 128 and chr(byte).isalnum(),
    b"alpha": lambda byte: byte < 128 and chr(byte).isalpha(),
    b"blank": _is(b" \t"),
    b"cntrl": lambda byte: byte < 32 or byte == 127,
    b"digit": _is(b"0123456789"),
    b"graph": lambda byte: 32 < byte < 127,
    b"lower": lambda byte: 97 <= byte <= 122,
    b"print": lambda byte: 32 <= byte < 127,
    b"punct": lambda byte: 32 < byte < 127 and not chr(byte).isalnum(),
    b"space": _is(b" \t\n\r"),
    b"upper": lambda byte: 65 <= byte <= 90,
    b"xdigit": _is(b"0123456789abcdefABCDEF"),
}


class _Unmatchable(Exception):
    """The pattern is malformed: git gives up on it, so it matches nothing."""


class PathPattern:
    """One pattern, compiled when it is first needed.

    With `fold_case` (core.ignoreCase) the paths given to `matches` must be lower case already (ASCII letters only).
    """

    __slots__ = (
        "_fold_case", "_regex", "_rest", "_rest_before", "_text",
        "directories_only", "last_part_only", "literal_name", "literal_path", "literal_start", "literal_suffix", "negated",
    )  # fmt: skip

    def __init__(self, text: bytes, *, fold_case: bool = False) -> None:
        self._text = text
        self._fold_case = fold_case
        self.negated = text.startswith(b"!")
        if self.negated:
            text = text[1:]
        self.directories_only = text.endswith(b"/")
        if self.directories_only:
            text = text[:-1]
        self.last_part_only = b"/" not in text
        if text.startswith(b"/"):
            text = text[1:]
        special = _SPECIAL.search(text)
        literal = text if special is None else text[: special.start()]
        self.literal_start = literal.lower() if fold_case else literal
        self._rest = text[len(literal) :]
        self._regex: re.Pattern[bytes] | None = None
        # Git 2.4x took what follows the literal start for a pattern of its own, so that in `a**/x` the stars had a slash
        # (none, that is) before them and crossed folders; later versions see the `a` and take them for one star.
        crosses = self._rest.startswith(b"**") and literal[-1:] not in (b"", b"/") and not self.last_part_only
        self._rest_before = literal[-1:] if crosses else b""
        # What a caller with many patterns can look up, or compare, before it tries this one.
        self.literal_name: bytes | None = None
        self.literal_path: bytes | None = None
        self.literal_suffix: bytes | None = None
        if not self.last_part_only and not self._rest:
            self.literal_path = self.literal_start
        elif not self._rest:
            self.literal_name = self.literal_start
        elif self.last_part_only and text.startswith(b"*") and _SPECIAL.search(text, 1) is None:
            self.literal_suffix = text[1:].lower() if fold_case else text[1:]

    def matches(self, path: bytes, last_part: bytes, is_directory: bool) -> bool:
        """Whether the pattern is about this path. Negation is the caller's business.

        Raises RepositoryError where versions of git disagree about the pattern, and it matters for this path.
        """
        if self.directories_only and not is_directory:
            return False
        if self.literal_name is not None:
            return last_part == self.literal_name != b""
        if self.literal_suffix is not None:
            return last_part.endswith(self.literal_suffix)
        subject = last_part if self.last_part_only else path
        literal = self.literal_start
        if not subject.startswith(literal):
            return False
        if not self._rest:
            return len(subject) == len(literal) != 0
        if self._regex is None:
            self._regex = re.compile(_translate(self._rest, self._fold_case))
        found = self._regex.fullmatch(subject, len(literal)) is not None
        if self._rest_before:
            later = re.compile(_translate(self._rest_before + self._rest, self._fold_case))
            if found != (later.fullmatch(subject, len(literal) - 1) is not None):
                raise RepositoryError(
                    f"versions of git disagree whether the pattern `{_display(self._text)}` matches {_display(path)}",
                    hint="write `*` for one folder, or `/**/` for any number of folders, between slashes",
                )
        return found


def _display(text: bytes) -> str:
    return text.decode("utf-8", "backslashreplace")


def _translate(pattern: bytes, fold_case: bool) -> bytes:
    """The regular expression that does what git's wildmatch (with WM_PATHNAME) does; for a full match."""
    try:
        return rb"(?s:" + b"".join(_pieces(pattern, fold_case)) + rb")"
    except _Unmatchable:
        return _NEVER


def _pieces(pattern: bytes, fold_case: bool) -> list[bytes]:
    pieces: list[bytes] = []
    position, end = 0, len(pattern)
    while position < end:
        byte = pattern[position : position + 1]
        if byte == b"*":
            position, piece = _stars(pattern, position)
            if pieces[-1:] != [piece]:  # `**/**/` is `**/`, and two stars in a row would backtrack for ever
                pieces.append(piece)
        elif byte == b"?":
            pieces.append(rb"[^/]")
            position += 1
        elif byte == b"[":
            position, members = _set(pattern, position + 1, fold_case)
            pieces.append(members)
        elif byte == b"\\":
            if position + 1 == end:
                raise _Unmatchable
            pieces.append(re.escape(pattern[position + 1 : position + 2]))  # not folded: so git does it
            position += 2
        else:
            pieces.append(re.escape(byte.lower() if fold_case else byte))
            position += 1
    return pieces


def _stars(pattern: bytes, start: int) -> tuple[int, bytes]:
    """A run of stars at `start`: where it ends, and its regular expression."""
    end = start
    while pattern[end : end + 1] == b"*":
        end += 1
    whole_part = pattern[end : end + 1] in (b"", b"/") or pattern[end : end + 2] == b"\\/"
    if end - start >= 2 and whole_part and (start == 0 or pattern[start - 1] == _SLASH):
        if pattern[end : end + 1] == b"/":
            return end + 1, rb"(?:.*/)?"
        return end, rb".*"
    return end, rb"[^/]*"


def _set(pattern: bytes, start: int, fold_case: bool) -> tuple[int, bytes]:
    """A bracket expression whose `[` is just before `start`: where it ends, and the set as a regular expression."""
    position = start
    negated = pattern[position : position + 1] in (b"!", b"^")
    position += negated
    tests: list[Callable[[int], bool]] = []
    before = 0  # the byte that a `-` would make the low end of a range; 0 after a range or a class
    first = True
    while first or pattern[position : position + 1] != b"]":
        first = False
        byte = _byte_at(pattern, position)
        if byte == ord("\\"):
            position += 1
            before = _byte_at(pattern, position)
            tests.append(before.__eq__)
        elif byte == ord("-") and before and pattern[position + 1 : position + 2] not in (b"", b"]"):
            position += 1
            if pattern[position : position + 1] == b"\\":
                position += 1
            tests.append(_range(before, _byte_at(pattern, position), fold_case))
            before = 0
        elif byte == ord("[") and pattern[position + 1 : position + 2] == b":":
            close = pattern.find(b"]", position + 2)
            if close < 0:
                raise _Unmatchable
            if close == position + 2 or pattern[close - 1] != ord(":"):  # not a class after all
                tests.append(byte.__eq__)
                before = byte
            else:
                tests.append(_class(pattern[position + 2 : close - 1], fold_case))
                position, before = close, 0
        else:
            tests.append(byte.__eq__)
            before = byte
        position += 1
    members = [byte for byte in range(1, 256) if byte != _SLASH and any(test(byte) for test in tests) != negated]
    if not members:
        return position + 1, _NEVER
    return position + 1, b"[" + b"".join(b"\\x%02x" % byte for byte in members) + b"]"


def _byte_at(pattern: bytes, position: int) -> int:
    if position >= len(pattern):
        raise _Unmatchable
    return pattern[position]


def _range(low: int, high: int, fold_case: bool) -> Callable[[int], bool]:
    def within(byte: int) -> bool:
        return low <= byte <= high or (fold_case and 97 <= byte <= 122 and low <= byte - 32 <= high)

    return within


def _class(name: bytes, fold_case: bool) -> Callable[[int], bool]:
    try:
        test = _CLASSES[name]
    except KeyError:
        raise _Unmatchable from None
    return _CLASSES[b"alpha"] if fold_case and name == b"upper" else test
