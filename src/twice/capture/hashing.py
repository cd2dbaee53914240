"""What is in a file or a folder, as one number?

In: paths. Out: sha256 and size, and for a folder also its manifest (see `manifests`), whose sha256 is the folder's.

Only regular files are read; a link is followed. Files are looked at by folder: first all of them, with what the cache knows
(`small_files`, in all processors when they are many), then with more care those that are large or do not keep still
(`file_reading`).
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from twice.capture.file_reading import Progress, Reading, read_all
from twice.capture.folder_rows import FolderRow
from twice.capture.manifests import FileDigest, FolderDigest, manifest_lines
from twice.capture.opened_files import stamp_of
from twice.capture.reader_processes import BATCH_FILES, Batch, look_at_all
from twice.capture.small_files import KNOWN, LATER, NO_STAMP, RACY, READ, STAMP_BYTES, Looked, Part, Reply, pack_stamps

if TYPE_CHECKING:
    from twice.capture.hash_cache import HashCache

Named = TypeVar("Named", str, Path)


def hash_files(
    paths: Iterable[Named], cache: HashCache | None = None, progress: Progress | None = None
) -> dict[Named, FileDigest]:
    """The digest of each path that names a regular file which can be read; the others are left out.

    Files are read in parallel, and not at all where the cache knows them.
    """
    asked: dict[str, dict[bytes, list[Named]]] = {}
    for path in paths:
        folder, name = _split(os.fspath(path))
        try:
            asked.setdefault(folder, {}).setdefault(os.fsencode(name), []).append(path)
        except UnicodeEncodeError:  # the name of no file
            continue
    found: dict[Named, FileDigest] = {}

    def finish(one: _Folder) -> None:
        digests, sizes = one.digests.hex(), one.sizes()
        for number in one.found():
            digest = FileDigest(
                sha256=digests[64 * number : 64 * number + 64],
                size_bytes=sizes[number],
                stable=number not in one.unstable,
            )
            for path in asked[one.path][one.names[number]]:
                found[path] = digest

    _hash_all((_Folder(folder, sorted(names)) for folder, names in asked.items()), finish, cache, progress)
    return found


def hash_folder(
    folder: Path,
    cache: HashCache | None = None,
    progress: Progress | None = None,
    *,
    leave_out: Callable[[str], bool] | None = None,
) -> FolderDigest:
    """The digest of all regular files below a folder, except what lies in a `.git` and the paths that `leave_out` names."""
    files = size_bytes = 0
    stable = True
    sections: list[tuple[bytes, bytes]] = []
    unreadable: list[str] = []

    def finish(one: _Folder) -> None:
        nonlocal files, size_bytes, stable
        files += len(one.found())
        size_bytes += sum(one.sizes())
        stable = stable and not one.unstable
        sections.extend(one.manifest_sections())
        unreadable.extend(one.unreadable())

    _hash_all(_folders_below(os.path.join(folder, ""), leave_out), finish, cache, progress)  # noqa: PTH118
    manifest = b"".join([lines for _, lines in sorted(sections)])
    return FolderDigest(
        sha256=hashlib.sha256(manifest).hexdigest(),
        size_bytes=size_bytes,
        files=files,
        manifest=manifest,
        stable=stable,
        unreadable=tuple(sorted(unreadable)),
    )


# ------------------------------------------------------------------------------------------------- which files


@dataclass(slots=True)
class _Folder:
    """The files that are asked for in one folder, and what comes to be known of them, in the order of their names."""

    path: str
    names: list[bytes]  # sorted
    prefix: str = ""  # the folder's path relative to the one that was asked for, with a slash at its end
    is_complete: bool = False  # these are all names that there are
    has_folders: bool = False
    unlisted: bool = False  # the names in it cannot be known
    known: FolderRow | None = None
    stamps: bytes | bytearray = b""
    digests: bytes | bytearray = b""
    untrusted: set[int] = field(default_factory=set)  # numbers of the files that the cache must not keep
    read_sizes: dict[int, int] = field(default_factory=dict)  # of what had to be read with care
    unstable: set[int] = field(default_factory=set)
    waiting: int = 0  # for how many files there is no reply yet
    changed: list[tuple[int, Looked]] = field(default_factory=list)  # replies, by the number of the first file

    def has(self, number: int) -> bool:
        """Whether the file is one, and could be read."""
        at = STAMP_BYTES * number
        return self.stamps[at : at + STAMP_BYTES] != NO_STAMP

    def sizes(self) -> list[int]:
        """Of each file, in bytes; 0 for what has none."""
        sizes = memoryview(self.stamps).cast("q")[::4].tolist()
        for number, size in self.read_sizes.items():
            sizes[number] = size
        return sizes

    def found(self) -> Sequence[int]:
        """The numbers of the files that there are."""
        every = range(len(self.names))
        # Not across the border of two stamps: the last number of one and the first two of the next are never all zero.
        return [number for number in every if self.has(number)] if NO_STAMP in self.stamps else every

    def manifest_sections(self) -> Iterator[tuple[bytes, bytes]]:
        """The lines of its files, and what to sort them by among those of all folders."""
        if not self.names:
            return
        prefix, found = os.fsencode(self.prefix), self.found()
        names, texts = self.names, self.digests.hex("\n", -32).encode().split(b"\n")
        if len(found) < len(names):
            names, texts = [names[number] for number in found], [texts[number] for number in found]
        if not self.has_folders:
            yield prefix, manifest_lines(prefix, names, texts)
            return
        for name, text in zip(names, texts, strict=True):  # a folder can lie between two files
            yield prefix + name, manifest_lines(prefix, [name], [text])

    def unreadable(self) -> Iterator[str]:
        """Relative paths of what is there and cannot be read."""
        if self.unlisted:
            yield self.prefix.rstrip("/") or "."
        if len(found := self.found()) < len(self.names):
            for number in sorted(set(range(len(self.names))).difference(found)):
                yield self.prefix + os.fsdecode(self.names[number])


def _split(path: str) -> tuple[str, str]:
    """Folder and name."""
    if os.sep != "/":
        folder, name = os.path.split(path)
        return folder or ".", name
    folder, slash, name = path.rpartition("/")
    return folder or slash or ".", name


def _folders_below(top: str, leave_out: Callable[[str], bool] | None) -> Iterator[_Folder]:
    """All folders with the names of what is no folder in them; links to folders are followed, but not in circles."""
    pending: list[tuple[str, frozenset[tuple[int, int]]]] = [("", frozenset())]
    while pending:
        prefix, above = pending.pop()
        folder = _Folder(top + prefix, [], prefix, is_complete=leave_out is None)
        try:
            status = os.stat(folder.path)  # noqa: PTH116 - a Path costs more than the call
            entries = list(os.scandir(os.fsencode(folder.path)))
        except (FileNotFoundError, NotADirectoryError):
            continue  # gone
        except OSError:
            folder.unlisted = True
            yield folder
            continue
        identity = (status.st_dev, status.st_ino)
        if identity in above:
            continue
        subfolders: list[bytes] = []
        for entry in entries:
            try:
                (subfolders if entry.is_dir() else folder.names).append(entry.name)
            except OSError:  # a link to itself
                folder.names.append(entry.name)
        for name in subfolders:
            if name != b".git":
                folder.has_folders = True
                pending.append((f"{prefix}{os.fsdecode(name)}/", above | {identity}))
        if leave_out:
            folder.names = [name for name in folder.names if not leave_out(folder.path + os.fsdecode(name))]
        folder.names.sort()
        yield folder


# ------------------------------------------------------------------------------------------------- what is in them


_Token = tuple[_Folder, int]
"""A part of a folder's files: the number of the first one."""


def _hash_all(
    folders: Iterable[_Folder],
    finish: Callable[[_Folder], None],
    cache: HashCache | None,
    progress: Progress | None,
) -> None:
    """Fill in all folders, and give each to `finish` once that is done: from any thread, one at a time."""
    later: dict[str, _Token] = {}
    unfinished: list[_Folder] = []

    def end(folder: _Folder) -> None:
        if cache:
            _remember(folder, cache)
        finish(folder)

    def take(token: _Token, part: Part, reply: Reply) -> None:
        folder, start = token
        folder.waiting -= len(part[1])
        if reply is not None:
            folder.changed.append((start, reply))
            if progress and reply[-1]:
                progress(reply[-1])
        if not folder.waiting:
            with_care = _combine(folder, cache)
            if with_care:
                unfinished.append(folder)
            else:
                end(folder)
            for number in with_care:
                later[os.path.join(folder.path, os.fsdecode(folder.names[number]))] = folder, number  # noqa: PTH118

    empty: list[_Folder] = []
    look_at_all(_batches(folders, cache, empty), take)
    _read_with_care(later, cache, progress)
    for folder in (*empty, *unfinished):
        end(folder)
    if cache:
        cache.flush()


def _batches(folders: Iterable[_Folder], cache: HashCache | None, empty: list[_Folder]) -> Iterator[Batch[_Token]]:
    """All files that there are to be looked at; folders without any are put into `empty`."""
    batch: Batch[_Token] = []
    left = BATCH_FILES
    for folder in folders:
        if not folder.names:
            empty.append(folder)
            continue
        folder.known = cache.get_folder(folder.path, folder.names) if cache else None
        folder.waiting = len(folder.names)
        stamps = folder.known.stamps if folder.known else bytes(STAMP_BYTES * len(folder.names))
        path, start = os.fsencode(folder.path), 0
        while start < len(folder.names):
            names = folder.names[start : start + left]
            end = start + len(names)
            batch.append(((folder, start), (path, names, stamps[STAMP_BYTES * start : STAMP_BYTES * end])))
            start, left = end, left - len(names)
            if not left:
                yield batch
                batch, left = [], BATCH_FILES
    if batch:
        yield batch


def _combine(folder: _Folder, cache: HashCache | None) -> list[int]:
    """Enter the replies; returns the numbers of the files that must be read with care."""
    unknown = bytes(STAMP_BYTES * len(folder.names))
    folder.stamps, folder.digests = folder.known[1:] if folder.known else (unknown, unknown)
    later: list[int] = []
    if not folder.changed:
        return later
    folder.stamps, folder.digests = stamps, digests = bytearray(folder.stamps), bytearray(folder.digests)
    for start, (new_stamps, states, new_digests, devices, _) in folder.changed:
        at, end = STAMP_BYTES * start, STAMP_BYTES * (start + len(states))
        stamps[at:end] = new_stamps
        is_trusted = cache is not None and cache.trusts_devices(devices)
        if is_trusted and states.count(READ) == len(states):
            digests[at:end] = new_digests
            continue
        for number, state in enumerate(states):
            if state != KNOWN:
                one = STAMP_BYTES * number
                digests[at + one : at + one + STAMP_BYTES] = new_digests[one : one + STAMP_BYTES]
            if state == LATER:
                later.append(start + number)
            elif state == RACY or (state == READ and not is_trusted):
                folder.untrusted.add(start + number)
    return later


def _read_with_care(files: Mapping[str, _Token], cache: HashCache | None, progress: Progress | None) -> None:
    def size(path: str) -> int:
        folder, number = files[path]
        return int.from_bytes(folder.stamps[STAMP_BYTES * number :][:8], sys.byteorder)

    # The largest first, so that no thread is left alone with it at the end.
    readings = read_all(sorted(files, key=size, reverse=True), progress) if files else {}
    for path, (folder, number) in files.items():
        _enter(folder, number, readings.get(path), cache)


def _enter(folder: _Folder, number: int, reading: Reading | None, cache: HashCache | None) -> None:
    at = slice(STAMP_BYTES * number, STAMP_BYTES * (number + 1))
    assert isinstance(folder.stamps, bytearray)
    assert isinstance(folder.digests, bytearray)
    folder.stamps[at] = pack_stamps(stamp_of(reading.status)) if reading else NO_STAMP
    folder.digests[at] = bytes.fromhex(reading.sha256) if reading else NO_STAMP
    if reading:
        folder.read_sizes[number] = reading.size_bytes
        if not reading.stable:
            folder.unstable.add(number)
        if not (reading.stable and cache and cache.trusts(reading.status, reading.began_ns)):
            folder.untrusted.add(number)


def _remember(folder: _Folder, cache: HashCache) -> None:
    if not folder.changed:
        return
    names, stamps, digests = folder.names, bytearray(folder.stamps), bytearray(folder.digests)
    for number in folder.untrusted:
        at = slice(STAMP_BYTES * number, STAMP_BYTES * (number + 1))
        stamps[at] = digests[at] = NO_STAMP
    row = FolderRow(names, bytes(stamps), bytes(digests))
    if not folder.is_complete:  # to know nothing is no reason to forget something
        row = row.known()
    if row.names:
        cache.put_folder(folder.path, row, is_complete=folder.is_complete)
