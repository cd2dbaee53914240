"""How does a run find its data in a fresh worktree?  Inputs that git does not hold are found, checked and copied in.

Each input is looked for at its recorded place (below the user's work tree, below the one it was recorded in, or at its
absolute path), and then by its content: in the data store, in what DVC and git-annex have here. Its hash must be the
recorded one. Inside the worktree it becomes a copy (a reflink where the file system can), so that the original cannot be
written through, and a read-only one when it comes from a store; what the run reads by absolute path is checked where it is.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path

from twice.capture.hash_cache import HashCache
from twice.capture.hashing import hash_files, hash_folder
from twice.capture.manifests import read_manifest
from twice.errors import ReproductionError
from twice.frozen import frozen
from twice.git.lfs_pointer import MAX_BYTES, read_pointer
from twice.record.model import DataFile
from twice.store.content_sources import ContentSource, find_content
from twice.store.file_copies import copy_hashing, temporary_beside
from twice.textforms import quote_path

_READ_ONLY, _WRITABLE = 0o444, 0o644
_EXECUTABLE = 0o111


@frozen
class Found:
    """An input and where its content is now; `problem` says why it is not what it was.

    `files`, of a folder that is put together: relative name → the file that holds its content, and its sha256.
    """

    data: DataFile
    place: Path | None = None
    problem: str | None = None
    files: Mapping[str, tuple[Path, str]] = field(default_factory=dict)
    origin: str | None = None  # where it comes from, if not from its recorded place


def levels_above(inputs: Sequence[DataFile]) -> int:
    """How many folders above the worktree the relative paths of the inputs reach."""
    return max((sum(part == ".." for part in Path(one.path).parts) for one in inputs), default=0)


def find_inputs(
    inputs: Sequence[DataFile],
    roots: Sequence[Path],
    hashes: HashCache | None,
    sources: Sequence[ContentSource] = (),
    manifest: Callable[[str], bytes | None] = lambda _: None,
) -> list[Found]:
    """Where the content of each input is: below the first of `roots` that has it as recorded, else in a source.

    `manifest` gives that of a folder among the inputs.
    """
    search = _Search(list(dict.fromkeys(roots)), hashes, sources)
    search.hash_ahead([one.path for one in inputs if one.kind == "file"])
    found = []
    for one in inputs:
        listed = manifest(one.path) if one.kind == "folder" else None
        if one.sha256 is None:
            found.append(Found(data=one, problem="its content was not known when the run was recorded"))
        elif listed is not None:
            found.append(search.folder(one, read_manifest(listed)))
        else:
            found.append(search.whole(one, one.sha256))
    return found


class _Search:
    """Looks for content; files are hashed in parallel, and once."""

    def __init__(self, roots: Sequence[Path], hashes: HashCache | None, sources: Sequence[ContentSource]) -> None:
        self._roots = roots
        self._hashes = hashes
        self._sources = sources
        self._known: dict[Path, str | None] = {}

    def hash_ahead(self, paths: Iterable[str]) -> None:
        places = [root / path for path in paths for root in self._roots]
        digests = hash_files([place for place in places if place not in self._known], self._hashes)
        for place in places:
            digest = digests.get(place)
            self._known.setdefault(place, digest.sha256 if digest is not None and digest.stable else None)

    def whole(self, one: DataFile, sha256: str) -> Found:
        changed: Found | None = None
        for place in dict.fromkeys(root / one.path for root in self._roots):
            if not (place.is_dir() if one.kind == "folder" else place.is_file()):
                continue
            digest = hash_folder(place, self._hashes).sha256 if one.kind == "folder" else self._known.get(place)
            if digest == sha256:
                return Found(data=one, place=place)
            problem = f"changed since: recorded sha256 {sha256[:12]}…, now {(digest or 'unreadable')[:12]}…"
            changed = changed or Found(data=one, place=place, problem=problem + self._looked())
        elsewhere = self._elsewhere(one)
        if elsewhere is not None:
            return Found(data=one, place=elsewhere[0], origin=elsewhere[1])
        return changed or Found(data=one, problem=f"not found (sha256 {sha256[:12]}…){self._looked()}")

    def folder(self, one: DataFile, manifest: Mapping[str, str]) -> Found:
        """A folder, by its manifest: whole at its place, or put together from wherever its files are."""
        self.hash_ahead(f"{one.path}/{name}" for name in manifest)
        for root in self._roots:
            place = root / one.path
            if place.is_dir() and all(self._known.get(place / name) == sha256 for name, sha256 in manifest.items()):
                if "declared" not in one.found:
                    return Found(data=one, place=place)  # with all that lies there: a run may look at what there is
                return Found(data=one, files={name: (place / name, sha256) for name, sha256 in manifest.items()})
        files: dict[str, tuple[Path, str]] = {}
        origins: dict[str, None] = {}
        missing = []
        for name, sha256 in manifest.items():
            at_place = next(
                (root / one.path / name for root in self._roots if self._known.get(root / one.path / name) == sha256),
                None,
            )
            if at_place is not None:
                files[name] = (at_place, sha256)
                continue
            below = f" {name}" if (one.tracked_by or "").endswith(".dir") else ""
            member = DataFile(path=f"{one.path}/{name}", sha256=sha256, tracked_by=(one.tracked_by or "") + below)
            elsewhere = self._elsewhere(member)
            if elsewhere is None:
                missing.append(name)
            else:
                files[name] = (elsewhere[0], sha256)
                origins.setdefault(elsewhere[1])
        if missing:
            here = (root / one.path for root in self._roots)
            return Found(
                data=one,
                place=next((place for place in here if place.is_dir()), None),
                problem=f"{len(missing)} of {len(manifest)} files are not found or have changed"
                f" (such as {quote_path(missing[0])})" + self._looked(),
            )
        return Found(data=one, files=files, origin=" and ".join(origins) or None)

    def _elsewhere(self, one: DataFile) -> tuple[Path, str] | None:
        if Path(one.path).is_absolute():  # the run reads it there and nowhere else: `twice data restore` puts it there
            return None
        return find_content(one, self._sources)

    def _looked(self) -> str:
        names = [source.name for source in self._sources]
        return f"; nor is it in {' or '.join(names)}" if names else ""


def check_inputs(found: Sequence[Found], allow_changed: bool) -> list[str]:
    """What to tell of inputs that are not what or where they were.

    Raises ReproductionError when some are not what they were, unless they are allowed to differ.
    """
    problems = [f"{quote_path(one.data.path)}: {one.problem}" for one in found if one.problem is not None]
    if problems and not allow_changed:
        raise ReproductionError(
            "the data of the run is not here as it was",
            details=problems,
            hint="put it back (`twice data restore`), or run with what is there: --allow-changed-data",
        )
    return problems + [f"{quote_path(one.data.path)} comes from {one.origin}" for one in found if one.origin]


def place_inputs(found: Sequence[Found], root: Path, written: Collection[str] = ()) -> None:
    """Copy the inputs that belong inside the worktree, or beside it, to their places.

    What comes from a store becomes read-only there, unless the run writes to it too (`written`).
    """
    for one in found:
        path = one.data.path
        if Path(path).is_absolute():
            continue
        target = Path(os.path.normpath(root / path))
        try:
            if one.files:
                for name, (source, sha256) in one.files.items():
                    _put(source, target / name, sha256, _mode(one, {path, f"{path}/{name}"}, written))
            elif one.place is None:
                continue
            elif one.data.kind == "folder":
                _copy_folder(one.place, target)
            else:
                wanted = None if one.problem else one.data.sha256  # changed data was allowed: what is there is taken
                _put(one.place, target, wanted, _mode(one, {path}, written))
        except OSError as error:
            raise ReproductionError(
                f"cannot copy {quote_path(one.data.path)} into the worktree: {error.strerror}",
                hint="set TWICE_CACHE to a folder with room",
            ) from error


def _mode(one: Found, names: set[str], written: Collection[str]) -> int | None:
    """The permissions of a copy; None: those of the file at its recorded place."""
    if one.origin is None:
        return None
    return _READ_ONLY if names.isdisjoint(written) else _WRITABLE


def _put(source: Path, target: Path, sha256: str | None, mode: int | None) -> None:
    """Copy one file to its place unless something is there; what only stands for the file is replaced.

    Without a mode the copy gets the source's, and its times.  Raises ReproductionError, OSError.
    """
    if target.exists() and not _stands_for(target, sha256):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(target)
    status = source.stat()
    copied = copy_hashing(source, temporary, mode or (_WRITABLE | status.st_mode & _EXECUTABLE))
    if sha256 is not None and copied != sha256:
        temporary.unlink()
        raise ReproductionError(
            f"{source} does not have the content that it should have",
            details=[f"sha256 {copied[:12]}…, expected {sha256[:12]}…"],
            hint="something writes to it, or the store is damaged: `twice data verify`",
        )
    if mode is None:
        os.utime(temporary, ns=(status.st_atime_ns, status.st_mtime_ns))
    temporary.replace(target)


def _stands_for(path: Path, sha256: str | None) -> bool:
    """Whether a file that was checked out is a Git LFS pointer to the content; a dangling link does not exist at all."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return False
        pointer = read_pointer(path.read_bytes())
    except OSError:
        return False
    return pointer is not None and pointer.sha256 == sha256


def _copy_folder(source: Path, target: Path) -> None:
    """Copy a folder into one that may be there already; what is there stays."""

    def there(folder: str, names: list[str]) -> list[str]:
        place = target / Path(folder).relative_to(source)
        return [name for name in names if os.path.lexists(place / name) and not (place / name).is_dir()]

    def copy(one: str, other: str) -> None:
        _put(Path(one), Path(other), None, None)

    shutil.copytree(source, target, copy_function=copy, symlinks=True, ignore=there, dirs_exist_ok=True)
