"""What does DVC track here?  The files ending in `.dvc`, and `dvc.lock`, as paths with their MD5.

Specification: DVC documentation, ".dvc files" and "dvc.lock file" (`outs` and `deps`: path, md5, size, nfiles; `wdir`; of a
folder the md5 ends in `.dir`). What cannot be read, or says something else, tracks nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from twice.errors import RecordError
from twice.frozen import frozen
from twice.record.yaml_text import load

_MD5 = re.compile(r"[0-9a-f]{32}(?:\.dir)?")
_MAX_BYTES = 32 * 2**20


@frozen(kw_only=False)
class DvcOut:
    """A file or folder that DVC tracks.

    Before DVC 3 the MD5 of a text was that of the text with converted line ends: then it need not be that of the bytes.
    """

    md5: str  # with `.dir` at its end for a folder
    size_bytes: int | None
    files: int | None


class DvcFiles:
    """The tracked paths of one repository, read folder by folder as they are asked for."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._is_in_project: dict[Path, bool] = {}
        self._read: set[Path] = set()
        self._outs: dict[Path, DvcOut] = {}

    def find(self, path: Path) -> tuple[DvcOut, str] | None:
        """What tracks an absolute, normal path: itself, or a folder above it, and then the path below that one."""
        if not self._has_project(path.parent):
            return None
        depth = len(path.parts) - len(self._root.parts)
        for folder in path.parents[:depth]:  # a file further up may name what lies below it
            self._read_folder(folder)
        for tracked in (path, *path.parents[: depth - 1]):
            out = self._outs.get(tracked)
            if out is not None and (tracked == path or out.md5.endswith(".dir")):
                return out, "" if tracked == path else path.relative_to(tracked).as_posix()
        return None

    def _has_project(self, folder: Path) -> bool:
        """Whether a folder belongs to a DVC project inside the repository."""
        if folder not in self._is_in_project:
            self._is_in_project[folder] = folder.is_relative_to(self._root) and (
                (folder / ".dvc").is_dir() or (folder != self._root and self._has_project(folder.parent))
            )
        return self._is_in_project[folder]

    def _read_folder(self, folder: Path) -> None:
        if folder in self._read:
            return
        self._read.add(folder)
        try:
            names = sorted(name for name in os.listdir(folder) if name.endswith(".dvc") or name == "dvc.lock")
        except OSError:
            return
        for name in names:
            document = _load(folder / name)
            if name == "dvc.lock":
                self._add(_of_lock(document, _load(folder / "dvc.yaml")), folder)
            else:
                self._add(((document.get("wdir"), one) for one in _entries(document, "outs")), folder)

    def _add(self, found: Iterable[tuple[Any, Mapping[str, Any]]], folder: Path) -> None:
        for wdir, entry in found:
            path, md5 = entry.get("path"), entry.get("md5")
            if not isinstance(path, str) or not isinstance(md5, str) or not _MD5.fullmatch(md5):
                continue
            place = Path(os.path.normpath(folder / (wdir if isinstance(wdir, str) else "") / path))
            size, files = entry.get("size"), entry.get("nfiles")
            self._outs[place] = DvcOut(
                md5, size if isinstance(size, int) else None, files if isinstance(files, int) else None
            )


def _load(path: Path) -> Mapping[str, Any]:
    try:
        if not path.is_file() or path.stat().st_size > _MAX_BYTES:
            return {}
        document = load(path.read_bytes(), path.name)
    except (OSError, RecordError):
        return {}
    return document if isinstance(document, dict) else {}


def _of_lock(lock: Mapping[str, Any], project: Mapping[str, Any]) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """The working folder and the entry of everything that a stage's outcome depends on or is."""
    stages = lock.get("stages", lock)  # before DVC 2 the stages were the document
    described = project.get("stages")
    for name, stage in stages.items() if isinstance(stages, dict) else ():
        if isinstance(stage, dict):
            description = described.get(name) if isinstance(described, dict) else None
            wdir = description.get("wdir") if isinstance(description, dict) else None
            for part in ("deps", "outs"):
                yield from ((wdir, one) for one in _entries(stage, part))


def _entries(document: Mapping[str, Any], part: str) -> list[Mapping[str, Any]]:
    entries = document.get(part)
    return [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []
