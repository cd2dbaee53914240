"""Which files are the data of a run, and where is each of them now?

In: a run, its manifests, the places where content may be. Out: one item for each input or output (a folder is one, with all
its files), and for each where it can be had: "work tree" or "its place" (outside the repository), "git" (in the run's
commit), the data store, other stores; "changed" when something else is at its place, "missing" when it is nowhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import partial
from pathlib import Path

from twice.capture.hash_cache import HashCache
from twice.capture.hashing import hash_files
from twice.capture.manifests import read_manifest
from twice.execution.keeping import STORED
from twice.frozen import frozen
from twice.git.repository import Repository
from twice.record.model import DataFile, Run
from twice.store.content_sources import ContentSource, StoreSource, content_sources, find_content
from twice.store.data_store import DataStore
from twice.store.run_store import RunStore

IN_GIT = ("git", "artifacts")

ReadManifest = Callable[[str], bytes | None]
"""Gives the manifest of a folder among a run's data."""


@frozen
class DataItem:
    """One input or output; `files`: path in the record → sha256 (of itself, or of all that is in a folder)."""

    entry: DataFile
    roles: tuple[str, ...]  # "input", "output"
    files: Mapping[str, str] = field(default_factory=dict)

    def members(self) -> Iterator[DataFile]:
        """Its files as entries of their own, which sources can look for."""
        for path, sha256 in self.files.items():
            tracked_by = self.entry.tracked_by
            if path != self.entry.path and (tracked_by or "").endswith(".dir"):
                tracked_by = f"{tracked_by} {path[len(self.entry.path) + 1 :]}"
            yield DataFile(path=path, sha256=sha256, stored=self.entry.stored, tracked_by=tracked_by)


def data_items(run: Run, manifest: ReadManifest) -> list[DataItem]:
    """The inputs, the outputs, and what was too large for the snapshot; a file that is both with one content is one item."""
    items: dict[tuple[str, str | None], DataItem] = {}
    left_out = [
        DataFile(path=one.path, sha256=one.sha256, size_bytes=one.size_bytes, stored=one.stored)
        for one in run.code.left_out
        if one.sha256 is not None
    ]
    for role, entries in (("input", run.data.inputs), ("output", run.data.outputs), ("left out of the code", left_out)):
        for entry in entries:
            key = (entry.path, entry.sha256)
            known = items.get(key)
            if known is None:
                items[key] = DataItem(entry=entry, roles=(role,), files=_files(entry, manifest))
            elif role != "left out of the code":
                stored = known.entry if known.entry.stored is not None else entry
                items[key] = DataItem(entry=stored, roles=(*known.roles, role), files=known.files)
    return list(items.values())


def _files(entry: DataFile, manifest: ReadManifest) -> dict[str, str]:
    if entry.sha256 is None:
        return {}
    if entry.kind == "file":
        return {entry.path: entry.sha256}
    return {f"{entry.path}/{name}": sha256 for name, sha256 in read_manifest(manifest(entry.path) or b"").items()}


class DataPlaces:
    """Finds the content of a run's data on this machine."""

    def __init__(self, repository: Repository, run: Run, commit: str, hashes: HashCache | None) -> None:
        self.store = DataStore.of(repository)
        self._repository = repository
        self._run = run
        self._commit = commit
        self._hashes = hashes
        self._runs = RunStore(repository)
        self._sources: Sequence[ContentSource] = content_sources(repository)
        self._known: dict[Path, str | None] = {}

    def items(self) -> list[DataItem]:
        """What the run read and wrote."""
        return data_items(self._run, partial(self._runs.manifest, self._commit))

    def roots(self) -> list[Path]:
        """Where the record's relative paths may lead from, the user's own work tree first."""
        return list(dict.fromkeys([self._repository.root, Path(self._run.execution.repository)]))

    def hash_ahead(self, places: Iterable[Path]) -> None:
        """Hash files together: in parallel, and not at all where the cache knows them."""
        new = [place for place in dict.fromkeys(places) if place not in self._known]
        digests = hash_files(new, self._hashes)
        for place in new:
            digest = digests.get(place)
            self._known[place] = digest.sha256 if digest is not None and digest.stable else None

    def sha256_at(self, place: Path) -> str | None:
        """The sha256 of what is at a place; None if that is no file."""
        self.hash_ahead([place])
        return self._known[place]

    def where(self, item: DataItem) -> list[str]:
        """In words, all the places where the whole of an item is; see the module."""
        root = self._repository.root
        self.hash_ahead(root / path for path in item.files)
        states = [self.sha256_at(root / path) for path in item.files]
        found = []
        if item.files and states == list(item.files.values()):
            found.append("its place" if item.entry.path.startswith(("/", "../")) else "work tree")
        if item.entry.stored in IN_GIT:
            found.append("git")
        for source in self._sources:
            if item.files and all(source.find(member) for member in item.members()):
                found.append("store" if isinstance(source, StoreSource) else source.name)
        if not found:
            at_place = [path for path in item.files if (root / path).exists()]
            found.append("changed" if at_place else "missing")
        return found

    def read(self, member: DataFile) -> tuple[Path, str] | bytes | None:
        """The content of a file: where it is and in whose keeping, its bytes out of git, or None when it is nowhere."""
        for root in self.roots():
            if self.sha256_at(root / member.path) == member.sha256:
                return root / member.path, "its place"
        found = find_content(member, self._sources)
        return found if found is not None else self._read_git(member)

    def _read_git(self, member: DataFile) -> bytes | None:
        content: bytes | None = None
        if member.stored == "artifacts":
            content = self._runs.artifact(self._commit, member.path)
        elif member.stored == "git":
            entry = self._repository.objects.find(self._run.code.tree, member.path)
            content = None if entry is None else self._repository.objects.read_blob(entry.id)
        # A blob differs from the file where git converts line ends, or a filter stands between them.
        return content if content is not None and hashlib.sha256(content).hexdigest() == member.sha256 else None


def kept_objects(items: Iterable[DataItem]) -> set[str]:
    """The objects that were put into the data store for these items."""
    return {sha256 for item in items if item.entry.stored == STORED for sha256 in item.files.values()}


def loose_objects(items: Iterable[DataItem]) -> set[str]:
    """The content of these items that is not in git, whether this run or another had it put into the data store."""
    return {sha256 for item in items if item.entry.stored not in IN_GIT for sha256 in item.files.values()}
