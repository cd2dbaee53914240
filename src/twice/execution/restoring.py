"""How do a run's inputs and outputs come back to their places, and nothing get lost?

First every file is looked for, and every place looked at; only then is something written, each file whole. What is there
with another content stops it all, or is set aside under a name of its own (`x.csv.~1~`, as GNU cp does it). Whoever
recorded the run chose its paths: those outside the repository are written to only when they are named, and git's own
folders never.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from twice.errors import RepositoryError, ReproductionError, UsageError
from twice.execution.run_data import DataItem, DataPlaces
from twice.frozen import frozen
from twice.record.model import DataFile
from twice.store.file_copies import copy_hashing, temporary_beside
from twice.textforms import quote_path

_MODE = 0o644
_SHOWN = 20


@frozen
class Restored:
    """What restoring did: record paths, and the names under which other files were set aside."""

    written: tuple[str, ...] = ()
    written_bytes: int = 0
    there: tuple[str, ...] = ()  # had the content already
    missing: tuple[str, ...] = ()  # nowhere to be had
    set_aside: tuple[str, ...] = ()


@frozen
class _Step:
    member: DataFile
    target: Path
    content: tuple[Path, str] | bytes


def restore_data(
    places: DataPlaces, root: Path, paths: Sequence[Path] = (), *, to: Path | None = None, force: bool = False
) -> Restored:
    """Put the data of a run back below `root`, or below `to`; only what is at or below `paths`, if any are given.

    Where a path was read and then overwritten it is the last content that comes back. Raises ReproductionError before
    anything is written when other files are in the way; UsageError for a path that is none of the run's data.
    """
    chosen = _choose(places.items(), root, paths, everything=to is not None)
    places.hash_ahead(_target(path, root, to) for path in chosen)
    steps, there, missing, in_the_way = [], [], [], []
    for path, member in chosen.items():
        target = _target(path, root, to)
        if os.path.lexists(target):
            if places.sha256_at(target) == member.sha256:
                there.append(path)
                continue
            if not force or (target.is_dir() and not target.is_symlink()):
                in_the_way.append(path)
        content = places.read(member)
        if content is None:
            missing.append(path)
        else:
            steps.append(_Step(member=member, target=target, content=content))
    if in_the_way:
        raise ReproductionError(
            "other files are where the data of the run was",
            details=_some([quote_path(path) for path in in_the_way]),
            hint="--to DIR puts the data elsewhere, --force sets what is there aside (as x.csv.~1~)",
        )
    set_aside, written_bytes = [], 0
    for step in steps:
        aside = _set_aside(step.target)
        if aside is not None:
            set_aside.append(str(aside))
        written_bytes += _write(step)
    return Restored(
        written=tuple(step.member.path for step in steps),
        written_bytes=written_bytes,
        there=tuple(there),
        missing=tuple(missing),
        set_aside=tuple(set_aside),
    )


def _choose(items: Sequence[DataItem], root: Path, paths: Sequence[Path], *, everything: bool) -> dict[str, DataFile]:
    """Path in the record → file, of what is to be restored; an output after the input that it overwrote."""
    named = [os.path.normpath(path) for path in paths]
    hit = set()
    chosen: dict[str, DataFile] = {}
    for item in sorted(items, key=lambda one: "output" in one.roles):
        for member in item.members():
            place = os.path.normpath(root / member.path)
            matching = [name for name in named if place == name or place.startswith(name.rstrip(os.sep) + os.sep)]
            hit.update(matching)
            by_default = everything or (item.entry.stored != "git" and not _is_outside(member.path))
            if (matching if named else by_default) and not _is_of_git(member.path):
                chosen[member.path] = member
    for path, name in zip(paths, named, strict=True):
        if name not in hit:
            raise UsageError(f"the run has no data at {quote_path(str(path))}", hint="`twice data ls RUN` lists it")
    return chosen


def _is_outside(path: str) -> bool:
    return path.startswith("/") or ".." in PurePosixPath(path).parts or (os.name == "nt" and ":" in path)


def _is_of_git(path: str) -> bool:
    return any(part.lower() == ".git" for part in PurePosixPath(path).parts)


def _target(path: str, root: Path, to: Path | None) -> Path:
    if to is None:
        return Path(os.path.normpath(root / path))
    # `..` becomes `_`, as in the worktrees that runs are reproduced in: nothing is written outside of `to`.
    return to.joinpath(*("_" if part == ".." else part for part in path.lstrip("/").split("/")))


def _set_aside(target: Path) -> Path | None:
    """Give what is at a place another name; None when nothing is there."""
    if not os.path.lexists(target):
        return None
    number = 1
    while os.path.lexists(aside := target.with_name(f"{target.name}.~{number}~")):
        number += 1
    try:
        target.rename(aside)
    except OSError as error:
        raise _cannot_write(target, error) from error
    return aside


def _write(step: _Step) -> int:
    """Write one file, whole or not at all; its size."""
    temporary = temporary_beside(step.target)
    try:
        step.target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(step.content, bytes):
            temporary.write_bytes(step.content)
        elif copy_hashing(step.content[0], temporary, _MODE) != step.member.sha256:
            raise RepositoryError(
                f"{quote_path(step.member.path)} cannot be restored: what {step.content[1]} has of it is damaged",
                details=[str(step.content[0])],
                hint="`twice data verify` finds all that is damaged",
            )
        size = temporary.stat().st_size
        temporary.replace(step.target)
    except OSError as error:
        raise _cannot_write(step.target, error) from error
    finally:
        temporary.unlink(missing_ok=True)
    return size


def _cannot_write(target: Path, error: OSError) -> RepositoryError:
    return RepositoryError(
        f"cannot write {quote_path(str(target))}: {error.strerror}", hint="--to DIR puts it elsewhere"
    )


def _some(lines: list[str]) -> list[str]:
    return lines if len(lines) <= _SHOWN else [*lines[:_SHOWN], f"… and {len(lines) - _SHOWN} more"]
