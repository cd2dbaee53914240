"""Which words are executed when a recorded command runs somewhere else?  The recorded ones, pointed at that place.

The interpreter that the command names (`python`, a venv's path, `uv run python`, a console script such as `pytest`)
becomes that of the chosen environment, and absolute paths into the original work tree become paths into the new one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from twice.capture.request import is_python
from twice.errors import ReproductionError
from twice.frozen import frozen


@frozen
class Invocation:
    """The words to execute, and the PATH to find programs in."""

    words: tuple[str, ...]
    path: str
    python: str | None  # the interpreter they lead to, as far as it is known
    notes: tuple[str, ...] = ()


def point_at(
    command: Sequence[str],
    recorded_python: str | None,
    wanted_python: str | None,
    old_root: Path,
    new_root: Path,
    environ: Mapping[str, str],
    is_there: Callable[[Path], bool] = Path.exists,
) -> Invocation:
    """The words that run `command` below `new_root`; `is_there` tells of a path below it, made or yet to be made.

    The interpreter is `wanted_python` if given, else the recorded one if it is still there, else what PATH says.
    Raises ReproductionError when the words hold a masked secret, or the wanted interpreter is not there.
    """
    if any("***" in word for word in command):
        raise ReproductionError(
            "the command held a secret, which was masked when the run was recorded",
            details=[" ".join(command)],
            hint="pass secrets through the environment, where a command can read them and a record does not keep them",
        )
    words = list(command)
    if words[:2] == ["uv", "run"] and len(words) > 2 and not words[2].startswith("-"):
        words = words[2:]
        if words[0].endswith(".py"):
            words.insert(0, "python")
    path = environ.get("PATH", os.defpath)
    python, notes = _choose_python(words, recorded_python, wanted_python, path)
    if python is not None:
        folder = str(Path(python).parent)
        path = os.pathsep.join([folder, *(entry for entry in path.split(os.pathsep) if entry != folder)])
        if is_python(words[0]):
            words[0] = python
        elif os.sep not in words[0]:
            words[0] = shutil.which(words[0], path=folder) or words[0]
        elif Path(words[0]).name in _names(folder):
            words[0] = str(Path(folder) / Path(words[0]).name)
    words[1:] = [_move(word, old_root, new_root, is_there) for word in words[1:]]
    return Invocation(words=tuple(words), path=path, python=python, notes=notes)


def _choose_python(
    words: Sequence[str], recorded: str | None, wanted: str | None, path: str
) -> tuple[str | None, tuple[str, ...]]:
    if wanted is not None:
        found = shutil.which(wanted, path=path)
        if found is None:
            raise ReproductionError(f"no such interpreter: {wanted}", hint="--python takes a path or a name on PATH")
        return str(Path(found).absolute()), ()
    if recorded is None:
        return None, ()
    if os.access(recorded, os.X_OK):
        return recorded, ()
    name = Path(words[0]).name if is_python(words[0]) else "python3"
    found = shutil.which(name, path=path) or shutil.which("python3", path=path)
    if found is None:
        raise ReproductionError(
            f"the interpreter of the run is not here: {recorded}",
            hint="name one that has its packages: --python PATH",
        )
    return found, (f"the interpreter of the run ({recorded}) is not here: using {found}",)


def _names(folder: str) -> set[str]:
    try:
        return set(os.listdir(folder))
    except OSError:
        return set()


def _move(word: str, old_root: Path, new_root: Path, is_there: Callable[[Path], bool]) -> str:
    """A word with a path into the old work tree, pointed at the new one when it has that path, or nobody has."""
    option, equals, value = word.partition("=")
    if not (option.startswith("-") and equals):
        option, equals, value = "", "", word
    path = Path(value)
    if not path.is_absolute() or not path.is_relative_to(old_root):
        return word
    moved = new_root / path.relative_to(old_root)
    return f"{option}{equals}{moved}" if is_there(moved) or not path.exists() else word
