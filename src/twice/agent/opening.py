"""Which files did the script open?  For systems where nothing outside the process can see it.

Stands in for `open`, `io.open`, `os.open` and `sqlite3.connect`. Each stand-in is an object, not a function: as an attribute
of a class it must not become a method, which built-in functions do not (pathlib of Python 3.8 to 3.10 keeps them so). Only
what succeeds is reported, once per process, path and way; the interpreter's own files and those of the system are not.
Blind to what native libraries open by themselves: Parquet, HDF5, torch.save and others.
"""

from __future__ import annotations

import builtins
import io
import os
import sys

from . import protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

_READ, _WRITTEN, _BOTH = (True, False), (False, True), (True, True)
_seen: set[int] = set()  # hashes, not texts: a data set may have millions of files
_noise: tuple[str, ...] = ()


class StandIn:
    """A built-in function that also notes what it has opened; looks like the built-in in all that scripts ask of it."""

    def __init__(self, original: Callable[..., Any], note: Callable[[Any, Any], None]) -> None:
        self._original = original
        self._note = note
        self.__wrapped__ = original  # inspect.signature follows it
        self.__name__ = original.__name__
        self.__qualname__ = original.__qualname__
        self.__module__ = original.__module__
        self.__doc__ = original.__doc__
        self.__self__ = getattr(original, "__self__", None)
        self.__text_signature__ = getattr(original, "__text_signature__", None)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the built-in, then note what it has opened."""
        opened = self._original(*args, **kwargs)
        try:
            self._note(args, kwargs)
        except Exception:
            pass  # the file is open: that is what counts
        return opened

    def __repr__(self) -> str:
        return repr(self._original)

    def __reduce__(self) -> str:
        return self.__name__  # pickle then finds it by module and name, as it does the built-in


class _Open(StandIn):
    """`open`, which warns in the name of its caller; that must stay the script's line, not one of ours."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        mode = args[1] if len(args) > 1 else kwargs.get("mode", "r")
        if type(mode) is str:
            if _WARNS_OF_ENCODING and "b" not in mode and _encoding(args, kwargs) is None:
                encoding = io.text_encoding(None)  # type: ignore[attr-defined]  # there where the flag is
                if len(args) > 3:
                    args = (*args[:3], encoding, *args[4:])
                else:
                    kwargs["encoding"] = encoding
            elif "b" in mode and (args[2] if len(args) > 2 else kwargs.get("buffering")) == 1:
                args, kwargs = _without_line_buffering(args, kwargs)
        opened = self._original(*args, **kwargs)
        try:
            file = args[0] if args else kwargs["file"]
            if type(file) is not int:
                _note(file, _ACCESS.get(mode) or _access(mode))
        except Exception:
            pass  # as above
        return opened


_WARNS_OF_ENCODING = bool(getattr(sys.flags, "warn_default_encoding", False))
_ACCESS = {
    "r": _READ,
    "rb": _READ,
    "rt": _READ,
    "w": _WRITTEN,
    "wb": _WRITTEN,
    "a": _WRITTEN,
    "r+": _BOTH,
    "rb+": _BOTH,
}


def _encoding(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return args[3] if len(args) > 3 else kwargs.get("encoding")


def _without_line_buffering(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The arguments without buffering=1, which a binary file does not have, after the warning that says so."""
    import warnings

    warnings.warn(
        "line buffering (buffering=1) isn't supported in binary mode, the default buffer size will be used",
        RuntimeWarning,
        stacklevel=3,
    )
    if len(args) > 2:
        return (*args[:2], -1, *args[3:]), kwargs
    return args, {**kwargs, "buffering": -1}


def _access(mode: str) -> tuple[bool, bool]:
    """(read, written): a file that is made empty first is not read, whatever else the mode allows."""
    both = "+" in mode
    if "w" in mode or "x" in mode:
        return _WRITTEN
    if "a" in mode:
        return _BOTH if both else _WRITTEN
    return _BOTH if both else _READ


def _note(file: Any, access: tuple[bool, bool]) -> None:
    path = file if type(file) is str else os.fsdecode(os.fspath(file))
    relative = not os.path.isabs(path)
    if relative:
        path = os.path.join(os.getcwd(), path)
    mark = hash((path, access))
    if mark in _seen:
        return
    _seen.add(mark)
    if path.startswith(_noise) or path.endswith((".pyc", ".pyo")):
        return
    path = os.path.normpath(path) if ".." not in path else path  # a/../b is another file where a is a symbolic link
    normal = path.replace("\\", "/")
    if "/site-packages/" in normal or "/dist-packages/" in normal or path.startswith(_noise):
        return
    journal = protocol.run_journal()
    if journal is not None:
        journal.write("open", path=path, read=access[0], write=access[1], relative=relative)


_O_ACCESS = os.O_RDONLY | os.O_WRONLY | os.O_RDWR
_O_EMPTY = os.O_TRUNC | os.O_EXCL
_O_NO_FILE = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_PATH", 0)  # O_TMPFILE holds O_DIRECTORY


def _note_os_open(args: Any, kwargs: Any) -> None:
    file = args[0] if args else kwargs["path"]
    flags = args[1] if len(args) > 1 else kwargs["flags"]
    if flags & _O_NO_FILE:
        return
    folder = kwargs.get("dir_fd")
    if folder is not None:
        file = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), os.fsdecode(file))
    way = flags & _O_ACCESS
    if way == os.O_RDONLY:
        access = _READ
    elif way == os.O_WRONLY or flags & _O_EMPTY:
        access = _WRITTEN
    else:
        access = _BOTH
    _note(file, access)


def _note_connect(args: Any, kwargs: Any) -> None:
    name = os.fsdecode(args[0] if args else kwargs["database"])
    access = _BOTH
    if (kwargs.get("uri") or (len(args) > 7 and args[7])) and name.startswith("file:"):
        from urllib.parse import parse_qs, unquote

        name, _, query = name[5:].partition("#")[0].partition("?")
        options = parse_qs(query)
        if name.startswith("//"):
            name = "/" + name[2:].partition("/")[2]
        name = unquote(name)
        if options.get("mode") == ["memory"]:
            return
        if options.get("mode") == ["ro"] or "immutable" in options:
            access = _READ
    if name and name != ":memory:":
        _note(name, access)


def watch_opens() -> None:
    """Put the stand-ins for `open` and `os.open` in place."""
    global _noise
    _noise = _noise_of_this_python()
    stand_in = _Open(io.open, _note)
    for module in {io, builtins, sys.modules[io.open.__module__]}:
        module.open = stand_in  # type: ignore[attr-defined]
    os_open = os.open
    replacement = StandIn(os_open, _note_os_open)
    for module in {os, sys.modules[os_open.__module__]}:
        module.open = replacement  # type: ignore[attr-defined]
    for able in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks, os.supports_effective_ids):
        if os_open in able:
            able.add(replacement)  # shutil.rmtree asks for it here, and is less safe without


def watch_sqlite(module: Any) -> None:
    """Put the stand-in for `sqlite3.connect` in place."""
    original = module.connect
    replacement = StandIn(original, _note_connect)
    for place in {module, sys.modules.get("sqlite3.dbapi2"), sys.modules.get(original.__module__)}:
        if place is not None and getattr(place, "connect", None) is original:
            place.connect = replacement


def _noise_of_this_python() -> tuple[str, ...]:
    """Folders whose files are the interpreter's, the system's or ours; each ends with a separator."""
    folders = {"/proc", "/sys", "/dev", os.path.dirname(os.__file__), os.path.dirname(os.path.abspath(__file__))}
    for prefix in {sys.prefix, sys.base_prefix, sys.exec_prefix}:
        # Not the prefix itself: a virtual environment may be made in the very folder of the project.
        folders.update(
            os.path.join(prefix, name) for name in ("lib", "lib64", "bin", "include", "share", "Lib", "DLLs")
        )
    journal = protocol.run_journal()
    if journal is not None:
        folders.add(journal.live)
    return tuple(os.path.join(folder, "") for folder in folders)
