"""Which attributes does a path have?

In: the text of .gitattributes files, each with its folder.  Out: for a path, attribute → value: True (set), False (unset
by `-name`), or bytes; attributes not mentioned, or reset by `!name`, are absent.

Specification: gitattributes(5), and git's attr.c where that is silent. The files from weakest to strongest: git's built-in
`binary` macro, the system's, core.attributesFile, the .gitattributes from the root down to the path's own folder,
info/attributes. A macro may be defined above any folder only; macros of a .gitattributes in a subfolder are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from twice.git.path_pattern import PathPattern

Value = bytes | bool | None  # None: reset, as if nobody had mentioned it
_Setting = tuple[bytes, Value]

_BUILT_IN = b"[attr]binary -diff -merge -text\n"
_BLANK = b" \t\r\n"
_NAME = re.compile(rb"[A-Za-z0-9_.][-A-Za-z0-9_.]*")
_WORD = re.compile(rb"[^ \t\r\n]+")
_MAX_LINE = 2048
_MACRO = b"[attr]"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_C_ESCAPES = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13, '"': 34, "\\": 92}


class AttributeFile:
    """One attributes file: its lines in order, and the macros it defines."""

    __slots__ = ("_folder_length", "lines", "macros")

    def __init__(self, text: bytes, *, folder: bytes = b"", macros_allowed: bool, fold_case: bool = False) -> None:
        """`folder` has a slash at its end, unless it is the root."""
        self._folder_length = len(folder)
        self.lines: list[tuple[PathPattern, tuple[_Setting, ...]]] = []
        self.macros: dict[bytes, tuple[_Setting, ...]] = {}
        for line in text.removeprefix(_BYTE_ORDER_MARK).split(b"\n"):
            parsed = _parse_line(line.partition(b"\0")[0])
            if parsed is None:
                continue
            is_macro, name, settings = parsed
            if is_macro:
                if macros_allowed and _NAME.fullmatch(name):
                    self.macros[name] = settings
            elif not name.startswith(b"!"):  # git warns, and goes on without the line
                self.lines.append((PathPattern(name, fold_case=fold_case), settings))

    def settings_for(self, path: bytes, name: bytes) -> list[tuple[_Setting, ...]]:
        """The settings of the lines that match, the deciding one first."""
        local = path[self._folder_length :]
        return [settings for pattern, settings in reversed(self.lines) if pattern.matches(local, name, False)]


def _parse_line(line: bytes) -> tuple[bool, bytes, tuple[_Setting, ...]] | None:
    """Whether a line defines a macro, its pattern or the macro's name, its settings; None for a line without effect."""
    if len(line) >= _MAX_LINE:
        return None
    text = line.lstrip(_BLANK)
    if not text or text.startswith(b"#"):
        return None
    name, rest = _unquote(text) or _first_word(text)
    is_macro = name.startswith(_MACRO) and len(name) > len(_MACRO)
    if is_macro:
        name = name[len(_MACRO) :]
    settings = []
    for word in _WORD.findall(rest):
        setting = _parse_setting(word)
        if setting is None:
            return None  # one bad word spoils the line, in git too
        settings.append(setting)
    return is_macro, name, tuple(settings)


def _parse_setting(word: bytes) -> _Setting | None:
    name, equals, value = word.partition(b"=")
    mark = name[:1]
    if mark in (b"-", b"!"):
        name = name[1:]
    if _NAME.fullmatch(name) is None:
        return None
    if mark == b"-":
        return name, False
    if mark == b"!":
        return name, None
    return name, value if equals else True


def _first_word(text: bytes) -> tuple[bytes, bytes]:
    name = text
    for blank in _BLANK:
        name = name.partition(bytes([blank]))[0]
    return name, text[len(name) :]


def _unquote(text: bytes) -> tuple[bytes, bytes] | None:
    """A pattern in double quotes with C escapes, and what follows it; None when the quotes are not well formed."""
    found = re.match(rb'"((?:[^"\\]|\\[abtnvfr"\\]|\\[0-3][0-7]{2})*)"', text)
    if found is None:
        return None

    def replaced(escape: re.Match[bytes]) -> bytes:
        code = escape[1].decode("ascii")
        return bytes([_C_ESCAPES[code] if code in _C_ESCAPES else int(code, 8)])

    return re.sub(rb'\\([0-7]{3}|[abtnvfr"\\])', replaced, found[1]), text[found.end() :]


class Attributes:
    """Answers for the paths of one work tree (or of one tree); files are read when a path first needs them."""

    def __init__(
        self,
        read_gitattributes: Callable[[bytes], bytes],
        *,
        weaker: tuple[bytes, ...] = (),
        info_attributes: bytes = b"",
        fold_case: bool = False,
    ) -> None:
        """Where the texts come from.

        `read_gitattributes` gives the text of the file in a folder (empty for the root, else with a slash at its end), or
        nothing; `weaker` are the system's and the user's, weakest first.
        """
        self._read = read_gitattributes
        self._fold_case = fold_case
        self._weaker = [
            AttributeFile(text, macros_allowed=True, fold_case=fold_case) for text in (_BUILT_IN, *weaker) if text
        ]
        self._info = AttributeFile(info_attributes, macros_allowed=True, fold_case=fold_case)
        self._folders: dict[bytes, AttributeFile | None] = {}
        self._chains: dict[bytes, tuple[AttributeFile, ...]] = {}
        self._macros: dict[bytes, tuple[_Setting, ...]] | None = None

    def of(self, path: bytes) -> Mapping[bytes, bytes | bool]:
        """The attributes of a file."""
        folder = path[: path.rfind(b"/") + 1]
        chain = self._chain(folder)
        if all(not file.lines for file in chain):
            return {}
        if self._fold_case:
            path = path.lower()
        name = path[len(folder) :]
        decided: dict[bytes, Value] = {}
        for file in chain:
            for settings in file.settings_for(path, name):
                self._decide(settings, decided)
        return {name: value for name, value in decided.items() if value is not None}

    def _decide(self, settings: tuple[_Setting, ...], decided: dict[bytes, Value]) -> None:
        """Take what a weaker line adds; within a line the last word counts, and a macro brings its own settings."""
        for name, value in reversed(settings):
            if name in decided:
                continue
            decided[name] = value
            if value is True and name in self._all_macros():
                self._decide(self._all_macros()[name], decided)

    def _all_macros(self) -> dict[bytes, tuple[_Setting, ...]]:
        if self._macros is None:
            self._macros = {}
            for file in reversed(self._chain(b"")):
                self._macros.update(file.macros)
        return self._macros

    def _chain(self, folder: bytes) -> tuple[AttributeFile, ...]:
        """The files that count in a folder, strongest first."""
        if folder not in self._chains:
            files: list[AttributeFile | None] = [*self._weaker, self._file(b"")]
            position = folder.find(b"/") + 1
            while position:
                files.append(self._file(folder[:position]))
                position = folder.find(b"/", position) + 1
            files.append(self._info)
            self._chains[folder] = tuple(file for file in reversed(files) if file is not None)
        return self._chains[folder]

    def _file(self, folder: bytes) -> AttributeFile | None:
        if folder not in self._folders:
            text = self._read(folder)
            at_root = folder == b""
            self._folders[folder] = (
                AttributeFile(text, folder=folder, macros_allowed=at_root, fold_case=self._fold_case) if text else None
            )
        return self._folders[folder]
