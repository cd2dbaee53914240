"""Where on this machine may the content of a run's data be, other than at its recorded place?

The data store (which is also where git-lfs keeps what it has fetched), DVC's cache, git-annex's objects. In: an entry of a
record, with what else tracked it. Out: a file that should hold that content; whoever copies it checks its hash.

Specifications: DVC "Structure of the cache directory" (files/md5/<2>/<30>, before DVC 3 without files/md5; a folder is a JSON
list <md5>.dir), git-annex "hashing" (objects below two hash directories, mixed case or lower case) and "key format".
"""

from __future__ import annotations

import configparser
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from twice.git.repository import Repository
from twice.record.model import DataFile
from twice.store.data_store import DataStore

_DVC = re.compile(r"dvc md5 ([0-9a-f]{32})(\.dir)?(?: (.*))?", re.DOTALL)
_ANNEX = "git-annex "
_ANNEX_DIGITS = "0123456789zqjxkmvwgpfZQJXKMVWGPF"


class ContentSource(Protocol):
    """A place where content is found by what it is, not by where it was."""

    @property
    def name(self) -> str:
        """What to call it."""

    def find(self, entry: DataFile) -> Path | None:
        """A file that should hold the content of an entry; None if there is none here."""


def content_sources(repository: Repository) -> list[ContentSource]:
    """All that are there, the surest first."""
    sources: list[ContentSource] = [StoreSource(DataStore.of(repository))]
    if (repository.root / ".dvc").is_dir():
        sources.append(DvcCache(repository.root / ".dvc"))
    if (repository.common_dir / "annex" / "objects").is_dir():
        sources.append(AnnexObjects(repository.common_dir / "annex" / "objects"))
    return sources


def find_content(entry: DataFile, sources: Sequence[ContentSource]) -> tuple[Path, str] | None:
    """A file that should hold the content of an entry, and the name of where it is."""
    for source in sources:
        found = source.find(entry)
        if found is not None:
            return found, source.name
    return None


class StoreSource:
    """The data store."""

    name = "the data store"

    def __init__(self, store: DataStore) -> None:
        self._store = store

    def find(self, entry: DataFile) -> Path | None:
        """The object named by the entry's sha256."""
        return None if entry.sha256 is None else self._store.find(entry.sha256)


class DvcCache:
    """DVC's cache of one repository; it knows files by their MD5."""

    def __init__(self, dvc_folder: Path) -> None:
        self._folders = _dvc_cache_folders(dvc_folder)
        self._listings: dict[str, dict[str, str]] = {}

    @property
    def name(self) -> str:
        """Where it is."""
        return f"DVC's cache ({self._folders[0]})"

    def find(self, entry: DataFile) -> Path | None:
        """The file that DVC keeps under the MD5 that the record says."""
        match = _DVC.fullmatch(entry.tracked_by or "")
        if match is None:
            return None
        md5, is_folder, below = match.groups()
        if is_folder:
            md5 = self._listing(md5).get(below or "")
        return None if md5 is None else self._file(md5)

    def _listing(self, md5: str) -> dict[str, str]:
        """Relative path → MD5 of the files in a tracked folder."""
        if md5 not in self._listings:
            found: dict[str, str] = {}
            path = self._file(md5, ".dir")
            try:
                entries: Any = json.loads(path.read_bytes()) if path else []
                found = {entry["relpath"]: entry["md5"] for entry in entries}
            except (OSError, ValueError, KeyError, TypeError):  # damaged, or not what we know: it cannot help
                found = {}
            self._listings[md5] = found
        return self._listings[md5]

    def _file(self, md5: str, suffix: str = "") -> Path | None:
        for folder in self._folders:
            path = folder / md5[:2] / (md5[2:] + suffix)
            if path.is_file():
                return path
        return None


def _dvc_cache_folders(dvc_folder: Path) -> list[Path]:
    cache = dvc_folder / "cache"
    for name in ("config", "config.local"):
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            parser.read_string((dvc_folder / name).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, configparser.Error):
            continue
        if configured := parser.get("cache", "dir", fallback=None):
            cache = dvc_folder / Path(configured).expanduser()
    return [cache / "files" / "md5", cache]


class AnnexObjects:
    """The objects that git-annex has in this clone."""

    name = "git-annex's objects"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, entry: DataFile) -> Path | None:
        """The object of the key that the record says."""
        tracked_by = entry.tracked_by or ""
        if not tracked_by.startswith(_ANNEX) or "/" in tracked_by:
            return None
        key = tracked_by[len(_ANNEX) :]
        for folder in annex_hash_folders(key):
            path = self._folder / folder / key / key
            if path.is_file():
                return path
        return None


def annex_hash_folders(key: str) -> Iterator[str]:
    """The two places below `annex/objects` where a key's folder may be: mixed case (work trees), lower case (bare)."""
    digest = hashlib.md5(key.encode("utf-8", "surrogateescape"), usedforsecurity=False)
    word = int.from_bytes(digest.digest()[:4], "little")
    a, b, c, d = (_ANNEX_DIGITS[word >> shift & 31] for shift in (0, 6, 12, 18))
    yield f"{b}{a}/{d}{c}"
    text = digest.hexdigest()
    yield f"{text[:3]}/{text[3:6]}"
