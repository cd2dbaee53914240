"""How does a run find its data in a fresh worktree?  Inputs that git does not hold are found, checked and copied in.

Each input is looked for at its recorded place: below the user's work tree, below the one it was recorded in, or at its
absolute path. Its hash must be the recorded one. Inside the worktree it becomes a copy (a reflink where the file system
can), so that the original cannot be written through; what the run reads by absolute path is checked where it is.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from twice.capture.hash_cache import HashCache
from twice.capture.hashing import hash_files, hash_folder
from twice.errors import ReproductionError
from twice.record.model import DataFile

_FICLONE = 0x40049409  # ioctl(2) FICLONE of Linux: share the blocks of another file


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """An input and where its content is now; `problem` says why it is not what it was."""

    data: DataFile
    place: Path | None
    problem: str | None = None


def levels_above(inputs: Sequence[DataFile]) -> int:
    """How many folders above the worktree the relative paths of the inputs reach."""
    return max((sum(part == ".." for part in Path(one.path).parts) for one in inputs), default=0)


def find_inputs(inputs: Sequence[DataFile], roots: Sequence[Path], hashes: HashCache | None) -> list[Found]:
    """Where each input is, below the first of `roots` that has it with the recorded content."""
    return [_find(one, roots, hashes) for one in inputs]


def _find(one: DataFile, roots: Sequence[Path], hashes: HashCache | None) -> Found:
    if one.sha256 is None:
        return Found(data=one, place=None, problem="its content was not known when the run was recorded")
    problem = None
    for place in dict.fromkeys(root / one.path for root in roots):
        if not (place.is_dir() if one.kind == "folder" else place.is_file()):
            continue
        digest = _hash(place, one.kind, hashes)
        if digest == one.sha256:
            return Found(data=one, place=place)
        problem = problem or Found(
            data=one,
            place=place,
            problem=f"changed since: recorded sha256 {one.sha256[:12]}…, now {(digest or 'unreadable')[:12]}…",
        )
    return problem or Found(data=one, place=None, problem=f"not found (sha256 {one.sha256[:12]}…)")


def _hash(place: Path, kind: str, hashes: HashCache | None) -> str | None:
    if kind == "folder":
        return hash_folder(place, hashes).sha256
    digest = hash_files([place], hashes).get(place)
    return digest.sha256 if digest is not None and digest.stable else None


def check_inputs(found: Sequence[Found], allow_changed: bool) -> list[str]:
    """What to tell of inputs that are not what they were.  Raises ReproductionError unless they are allowed to differ."""
    problems = [f"{one.data.path}: {one.problem}" for one in found if one.problem is not None]
    if problems and not allow_changed:
        raise ReproductionError(
            "the data of the run is not here as it was",
            details=problems,
            hint="put it back, or run with what is there: --allow-changed-data",
        )
    return problems


def place_inputs(found: Sequence[Found], root: Path) -> None:
    """Copy the inputs that belong inside the worktree, or beside it, to their places."""
    for one in found:
        target = Path(os.path.normpath(root / one.data.path))
        if one.place is None or Path(one.data.path).is_absolute() or target.exists():
            continue
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if one.data.kind == "folder":
                shutil.copytree(one.place, target, copy_function=_copy, symlinks=True)
            else:
                _copy(str(one.place), str(target))
        except OSError as error:
            raise ReproductionError(
                f"cannot copy {one.data.path} into the worktree: {error.strerror}",
                hint="set TWICE_CACHE to a folder with room",
            ) from error


def _copy(source: str, target: str) -> str:
    """Copy a file with its times and mode; share its blocks where the file system can."""
    if sys.platform == "linux":
        import fcntl

        with open(source, "rb") as reader, open(target, "wb") as writer:  # noqa: PTH123 - copytree hands over texts
            try:
                fcntl.ioctl(writer.fileno(), _FICLONE, reader.fileno())
            except OSError:
                pass
            else:
                shutil.copystat(source, target)
                return target
    return str(shutil.copy2(source, target))
