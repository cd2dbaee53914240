"""What was asked for?  One execution of one command, before anything is known about it.

Pure: words in, a frozen `Request` out, with the defaults that follow from the words (entry point, experiment).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from twice.errors import UsageError
from twice.frozen import frozen
from twice.record.values import FilePath, Value, Word

_FORBIDDEN_IN_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")
_WINDOWS_SUFFIXES = (".exe", ".bat", ".cmd")


@frozen
class Request:
    """What the user asked for; `directory`, `inputs` and `outputs` as in the record (POSIX, relative to the root)."""

    id: str
    command: tuple[Word, ...]
    words: tuple[Word, ...] = ()  # what is executed, where that is not the command: paths and interpreter exchanged
    directory: FilePath = "."
    experiment: str
    entry_point: FilePath | None = None
    name: str | None = None
    message: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Value] = field(default_factory=dict)
    inputs: tuple[FilePath, ...] = ()
    outputs: tuple[FilePath, ...] = ()
    seed: int | None = None  # None: seeding is off
    trace: Literal["auto", "syscalls", "python", "off"] = "auto"
    strict: bool = False  # whatever can be made deterministic is
    isolated: bool = False
    keep_data: bool = False  # the content of inputs and outputs, not only their hashes
    kept: bool = True  # False: a second execution, whose results are compared and then let go
    reproduces: str | None = None
    derived_from: str | None = None
    parent: str | None = None  # the run inside which this one was started


def find_entry_point(command: Sequence[str], directory: Path) -> str | None:
    """The script or module that a command runs: `train.py`, `package.train` after `-m`, `sweep.sh`; None if no word is.

    Wrappers (`uv run`, `torchrun`, `time`, `env X=1`) need no list of their own: the first word that is a file here, or
    follows a Python's `-m`, is the entry point.
    """
    for position, word in enumerate(command):
        if word == "-m" and position + 1 < len(command) and is_python(command[position - 1]):
            return command[position + 1]
        if word == "-c" and position and is_python(command[position - 1]):
            return None
        is_program = position == 0 and "/" not in word
        if not is_program and not is_python(word) and not word.startswith("-") and (directory / word).is_file():
            return word
    return None


def default_experiment(command: Sequence[str], entry_point: str | None) -> str:
    """The stem of the entry point (`train` for `python src/train.py` and for `python -m pkg.train`), else the program's."""
    word = entry_point or command[0]
    name = PurePosixPath(word.replace("\\", "/")).name
    if "/" not in word and "." in word and entry_point is not None and not word.endswith(_SCRIPT_SUFFIXES):
        name = word.rpartition(".")[2]
    stem = name.partition(".")[0] or name
    return re.sub(r"[^\w-]+", "-", stem).strip("-._") or "run"


_SCRIPT_SUFFIXES = (".py", ".sh", ".jl", ".R", ".r", ".ipynb", ".js", ".pl", ".rb", ".m", *_WINDOWS_SUFFIXES)


def check_experiment(name: str) -> str:
    """The name, if it can be part of a ref on every file system.  Raises UsageError."""
    parts = name.split("/")
    if (
        not name
        or _FORBIDDEN_IN_REF.search(name)
        or name.startswith("-")
        or any(part.startswith(".") or part.endswith((".", ".lock")) or not part for part in parts)
    ):
        raise UsageError(
            f"not a name for an experiment: {name!r}",
            hint="use letters, digits, `-`, `_`, and `/` between groups, as in a branch name",
        )
    return name


def parse_assignment(text: str, option: str) -> tuple[str, str]:
    """`key=value` split at the first `=`.  Raises UsageError naming the option."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        example = "lr=0.1" if option == "-p" else "owner=ada"
        raise UsageError(f"{option} {text}: expected key=value", hint=f"for example: {option} {example}")
    return key.strip(), value


def parse_value(text: str) -> Any:
    """A param's value as a user types it: number (`1e-3` too), `true`/`false`, `null`, else the text itself."""
    if text in ("true", "True"):
        return True
    if text in ("false", "False"):
        return False
    if text in ("null", "None"):
        return None
    if re.fullmatch(r"[-+]?(0|[1-9]\d*)", text):
        return int(text) if len(text) <= 4000 else text
    if re.fullmatch(r"[-+]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][-+]?\d+)?", text) or re.fullmatch(r"[-+]?(inf|nan)", text):
        return float(text)
    return text


def command_line_params(words: Sequence[str]) -> dict[str, Any]:
    """Params in the arguments of any program: `--key value`, `--key=value`, `key=value`; a lone `--flag` is True."""
    found: dict[str, Any] = {}
    position = 0
    while position < len(words):
        word = words[position]
        following = words[position + 1] if position + 1 < len(words) else None
        position += 1
        if word == "--":
            break
        if match := re.fullmatch(r"--([A-Za-z][\w.-]*)(?:=(.*))?", word, re.DOTALL):
            key, value = match[1], match[2]
            if value is not None:
                found[key] = parse_value(value)
            elif following is not None and (not following.startswith("-") or re.fullmatch(r"-[\d.].*", following)):
                found[key] = parse_value(following)
                position += 1
            else:
                found[key] = True
        elif match := re.fullmatch(r"\+{0,2}([A-Za-z_][\w./@-]*)=(.*)", word, re.DOTALL):
            found[match[1]] = parse_value(match[2])
    return found


def is_python(word: str) -> bool:
    """Whether a word of a command names a Python interpreter: `python3.11`, `.venv/bin/python`, `pypy`."""
    name = PurePosixPath(word.replace("\\", "/")).name
    return re.fullmatch(r"(python|pypy)[\d.]*w?(\.exe)?", name) is not None
