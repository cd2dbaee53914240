"""What may a user let `twice` add to git's configuration, and how is it taken out again?  Only here, and only when asked.

    remote.<name>.fetch      refs/experiments/*:refs/experiments/*   `git fetch` brings runs; no `+`: none is overwritten
    log.excludeDecoration    refs/experiments/*                      `git log` is not flooded with the names of runs
    diff.twice.textconv      twice textconv || cat                   `git diff` of two runs says `lr = 0.1`
    .git/info/attributes     .twice/**/*.yaml diff=twice             … for these files; the user's own file is left alone

Where git finds no `twice`, the file is shown as it is: a failing textconv would end every `git diff` of runs.
`diff.twice.cachetextconv` stays off: git would keep the cache as notes, which `git log --all` shows.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

from twice.errors import RepositoryError
from twice.frozen import frozen

if TYPE_CHECKING:
    from pathlib import Path

    from twice.git.executable import Git
    from twice.git.repository import Repository

Topic = Literal["fetch", "decoration", "textconv"]

_REFSPEC = "refs/experiments/*:refs/experiments/*"
_TEXTCONV = 'f() { twice textconv "$1" 2>/dev/null || cat "$1"; }; f'
_ATTRIBUTES = ("/.twice/*.yaml diff=twice", "/.twice/environment/*.yaml diff=twice")


@frozen
class Addition:
    """One line of one file: a setting, or a line of the attributes."""

    topic: Topic
    value: str
    key: str | None = None  # of git's configuration; None: a line of info/attributes
    present: bool = False

    @property
    def text(self) -> str:
        """How it reads: `git config log.excludeDecoration "refs/experiments/*"`."""
        if self.key is None:
            return f".git/info/attributes: {self.value}"
        return f"git config --add {self.key} '{self.value}'"


def additions(repository: Repository, topics: tuple[Topic, ...]) -> list[Addition]:
    """What there is to add for these topics, and whether it is there already."""
    wanted: list[tuple[Topic, str | None, str]] = []
    for remote in _remotes(repository):
        wanted.append(("fetch", f"remote.{remote}.fetch", _REFSPEC))
    wanted.append(("decoration", "log.excludeDecoration", "refs/experiments/*"))
    wanted.append(("textconv", "diff.twice.textconv", _TEXTCONV))
    wanted += [("textconv", None, line) for line in _ATTRIBUTES]
    lines = _attribute_lines(_attributes(repository))
    local = _local_settings(repository)
    return [
        Addition(
            topic=topic,
            key=key,
            value=value,
            present=value in lines if key is None else (key.lower(), value) in local,
        )
        for topic, key, value in wanted
        if topic in topics
    ]


def add(repository: Repository, addition: Addition) -> None:
    """Add it; whatever else has the same key stays.  Raises RepositoryError."""
    if addition.key is not None:
        _git(repository).run("config", "--local", "--add", addition.key, addition.value, cwd=repository.root)
        return
    path = _attributes(repository)
    lines = _attribute_lines(path)
    _write(path, [*lines, addition.value])


def take_out(repository: Repository, addition: Addition) -> None:
    """Take it out again; a section that held nothing else goes with it.  Raises RepositoryError."""
    if addition.key is not None:
        pattern = "^" + "".join(f"[{c}]" if c in "*.+?(){}$|" else c for c in addition.value) + "$"
        git = _git(repository)
        git.run("config", "--local", "--unset-all", addition.key, pattern, cwd=repository.root)
        return
    path = _attributes(repository)
    _write(path, [line for line in _attribute_lines(path) if line != addition.value])


def _git(repository: Repository) -> Git:
    if repository.git is None:
        raise RepositoryError("changing git's configuration takes the git executable")
    return repository.git


def _remotes(repository: Repository) -> list[str]:
    output = os.fsdecode(_git(repository).run("remote", cwd=repository.root))
    return output.split()


def _local_settings(repository: Repository) -> set[tuple[str, str]]:
    """(key in lower case, value) of the repository's own configuration; the name of a remote keeps its case in git."""
    output = os.fsdecode(_git(repository).run("config", "--local", "--list", "-z", cwd=repository.root))
    found = set()
    for entry in output.split("\0"):
        key, _, value = entry.partition("\n")
        found.add((key.lower(), value))
    return found


def _attributes(repository: Repository) -> Path:
    return repository.common_dir / "info" / "attributes"


def _attribute_lines(path: Path) -> list[str]:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RepositoryError(f"{path} cannot be read: {error.strerror}") from error


def _write(path: Path, lines: list[str]) -> None:
    """Write the lines, or remove the file when there is none left."""
    try:
        if not lines:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(("\n".join(lines) + "\n").encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise RepositoryError(f"{path} cannot be written: {error.strerror}") from error
