"""What is in a file or a folder, as one number?

In: paths. Out: sha256 and size, and for a folder also its manifest: one line a file, in the form that `sha256sum -c` reads
(GNU coreutils: names with a backslash, a line feed or a carriage return are escaped, and a backslash starts their line).
A folder's sha256 is that of its manifest, so equal trees of files have equal numbers wherever they lie.

Only regular files are read, never a pipe or a device (opening one can block, or do something); a link is followed.
A file that changes under the reader, or has changed this very moment, is read once more, and marked unstable if it will not
keep still.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from twice.frozen import frozen

if TYPE_CHECKING:
    from twice.capture.hash_cache import HashCache

_BLOCK_BYTES = 1 << 20
_SMALL_BYTES = 64 << 10
_MAX_THREADS = 8
_WRITE_NS = 10_000_000  # write(2) sets the time of change first and then copies: so long it may still be at it
# O_NONBLOCK: a file replaced by a pipe after it was looked at must not hang us. O_BINARY: Windows.
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

Named = TypeVar("Named", str, Path)

Progress = Callable[[int], None]
"""Called with the number of bytes read since the last call, from any thread, one call at a time."""


@frozen
class FileDigest:
    """The content of one file."""

    sha256: str
    size_bytes: int
    stable: bool = True  # False: it changed while it was read, twice


@frozen
class FolderDigest:
    """The content of a folder: of all its regular files, or of those that were asked for."""

    sha256: str  # of the manifest
    size_bytes: int
    files: int
    manifest: bytes
    stable: bool = True
    unreadable: tuple[str, ...] = ()  # relative paths that are not in the manifest and should be


def hash_files(
    paths: Iterable[Named], cache: HashCache | None = None, progress: Progress | None = None
) -> dict[Named, FileDigest]:
    """The digest of each path that names a regular file which can be read; the others are left out.

    Files are read in parallel, and not at all where the cache knows them.
    """
    texts = {os.fspath(path): path for path in paths}
    statuses: dict[str, os.stat_result] = {}
    for text in texts:
        try:
            status = os.stat(text)  # noqa: PTH116 - a Path costs more than the call
        except (OSError, ValueError):  # ValueError: a NUL in the name
            continue
        if stat.S_ISREG(status.st_mode):
            statuses[text] = status
    return {texts[text]: digest for text, digest in _hash_all(statuses, cache, progress).items()}


def _hash_all(
    statuses: Mapping[str, os.stat_result], cache: HashCache | None, progress: Progress | None
) -> dict[str, FileDigest]:
    """The digest of each file that stat describes so, as far as they can be read."""
    found: dict[str, FileDigest] = {}
    if cache:
        for text, known in cache.get_all(statuses).items():
            found[text] = FileDigest(sha256=known, size_bytes=statuses[text].st_size)
    unknown = [text for text in statuses if text not in found]
    unknown.sort(
        key=lambda text: -statuses[text].st_size
    )  # so that no thread is left alone with a large one at the end
    for text, reading in _read_all(unknown, progress):
        found[text] = reading.digest
        if cache and reading.digest.stable:
            cache.put(text, reading.status, reading.digest.sha256, began_ns=reading.began_ns)
    if cache:
        cache.flush()
    return found


def hash_folder(
    folder: Path,
    cache: HashCache | None = None,
    progress: Progress | None = None,
    *,
    leave_out: Callable[[str], bool] | None = None,
) -> FolderDigest:
    """The digest of all regular files below a folder, except what lies in a `.git` and the paths that `leave_out` names."""
    top = os.path.join(folder, "")  # noqa: PTH118
    statuses: dict[str, os.stat_result] = {}
    unreadable = []
    for name, status in _files_below(top):
        if leave_out and leave_out(top + name):
            continue
        if status is not None and stat.S_ISREG(status.st_mode):
            statuses[top + name] = status
        else:
            unreadable.append(name)
    digests = _hash_all(statuses, cache, progress)
    unreadable += [text[len(top) :] for text in statuses if text not in digests]
    files = {text[len(top) :]: digest for text, digest in digests.items()}
    return describe_folder(files, sorted(unreadable))


def describe_folder(files: Mapping[str, FileDigest], unreadable: Sequence[str] = ()) -> FolderDigest:
    """The digest of a folder, from those of its files by their POSIX path relative to it."""
    by_name = sorted((os.fsencode(name), digest) for name, digest in files.items())
    manifest = b"".join(_manifest_line(name, digest.sha256) for name, digest in by_name)
    return FolderDigest(
        sha256=hashlib.sha256(manifest).hexdigest(),
        size_bytes=sum(digest.size_bytes for _, digest in by_name),
        files=len(by_name),
        manifest=manifest,
        stable=all(digest.stable for _, digest in by_name),
        unreadable=tuple(unreadable),
    )


def read_manifest(manifest: bytes) -> dict[str, str]:
    """Relative path → sha256, from the lines that `describe_folder` or sha256sum wrote.  Raises ValueError."""
    found: dict[str, str] = {}
    for number, line in enumerate(manifest.split(b"\n"), 1):
        if not line:
            continue
        escaped = line.startswith(b"\\")
        digest, mark, name = line[escaped : escaped + 64], line[escaped + 64 : escaped + 66], line[escaped + 66 :]
        if len(digest) != 64 or mark not in (b"  ", b" *") or not name:
            raise ValueError(f"line {number} of the manifest is not one of sha256sum: {os.fsdecode(line)!r}")
        if escaped:
            parts = name.split(b"\\\\")
            name = b"\\".join(part.replace(b"\\n", b"\n").replace(b"\\r", b"\r") for part in parts)
        found[os.fsdecode(name)] = digest.decode("ascii", "replace").lower()
    return found


def _manifest_line(name: bytes, sha256: str) -> bytes:
    escaped = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    return (b"\\" if escaped != name else b"") + sha256.encode() + b"  " + escaped + b"\n"


def _files_below(top: str) -> Iterator[tuple[str, os.stat_result | None]]:
    """Relative POSIX path and status of all that is not a folder; links to folders are followed, but not in circles."""
    pending: list[tuple[str, frozenset[tuple[int, int]]]] = [("", frozenset())]
    while pending:
        prefix, above = pending.pop()
        try:
            folder = os.stat(top + prefix)  # noqa: PTH116
            entries = list(os.scandir(top + prefix))
        except OSError:
            continue  # gone, or not ours to read: what is in it cannot be named
        identity = (folder.st_dev, folder.st_ino)
        if identity in above:
            continue
        for entry in entries:
            if not entry.is_dir():
                try:
                    # On Windows what the folder says of a file lacks its device and inode, and may be late.
                    status = os.stat(top + prefix + entry.name) if os.name == "nt" else entry.stat()  # noqa: PTH116
                except OSError:
                    yield prefix + entry.name, None
                else:
                    yield prefix + entry.name, status
            elif entry.name != ".git":
                pending.append((f"{prefix}{entry.name}/", above | {identity}))


# ------------------------------------------------------------------------------------------------------ reading


@frozen(kw_only=False)
class _Reading:
    """One file, read: what it was, how it stood, and when (nanoseconds since the epoch) the first byte was read."""

    digest: FileDigest
    status: os.stat_result
    began_ns: int


def _read_all(paths: Sequence[str], progress: Progress | None) -> Iterator[tuple[str, _Reading]]:
    """Read the files in a few threads (hashlib lets go of the interpreter lock); unreadable ones are left out."""
    lock = threading.Lock()
    waiting = iter(paths)
    done: list[tuple[str, _Reading]] = []
    failures: list[BaseException] = []

    def report(size: int) -> None:
        if progress:
            with lock:
                progress(size)

    def work() -> None:
        buffer = memoryview(bytearray(_BLOCK_BYTES))
        try:
            while not failures:
                with lock:
                    path = next(waiting, None)
                if path is None:
                    return
                reading = _read_until_stable(path, buffer, report)
                if reading is not None:
                    done.append((path, reading))
        except BaseException as error:
            failures.append(error)

    # The caller's thread is one of the workers: a single file costs no thread at all.
    others = [threading.Thread(target=work, daemon=True) for _ in range(min(_threads(), len(paths)) - 1)]
    for thread in others:
        thread.start()
    work()
    for thread in others:
        thread.join()
    if failures:
        raise failures[0]
    yield from done


def _threads() -> int:
    return min(_MAX_THREADS, os.cpu_count() or 1)


def _read_until_stable(path: str, buffer: memoryview, report: Progress) -> _Reading | None:
    first = _read(path, buffer, report)
    if first is None or first.digest.stable:
        return first
    return _read(path, buffer, report) or first


def _read(path: str, buffer: memoryview, report: Progress) -> _Reading | None:
    """Read a file once; None if it is not a regular file, or cannot be read."""
    try:
        descriptor = os.open(path, _OPEN_FLAGS)
    except OSError:
        return None
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            return None
        is_being_written = (age_ns := _age_ns(before)) < _WRITE_NS
        if is_being_written:
            time.sleep((_WRITE_NS - age_ns) / 1e9)
            before = os.fstat(descriptor)
            is_being_written = _age_ns(before) < _WRITE_NS
        began_ns = time.time_ns()
        sha256, size = _read_content(descriptor, before.st_size, buffer, report)
        same = _signature(before) == _signature(os.fstat(descriptor)) == _signature(os.stat(path))  # noqa: PTH116
    except OSError:  # an I/O error, or the path is gone: what was read stands for nothing that is there
        return None
    finally:
        os.close(descriptor)
    stable = same and size == before.st_size and not is_being_written
    return _Reading(FileDigest(sha256=sha256, size_bytes=size, stable=stable), before, began_ns)


def _read_content(descriptor: int, size: int, buffer: memoryview, report: Progress) -> tuple[str, int]:
    """The sha256 of the first `size` bytes, and how many there were; not to the end: a growing file may have none."""
    if size <= _SMALL_BYTES:
        content = os.read(descriptor, size)
        report(len(content))
        return hashlib.sha256(content).hexdigest(), len(content)
    hasher, done = hashlib.sha256(), 0
    while done < size:
        part = buffer[: size - done]
        count = os.readv(descriptor, [part]) if hasattr(os, "readv") else _read_into(descriptor, part)
        if not count:
            break
        hasher.update(part[:count])
        done += count
        report(count)
    return hasher.hexdigest(), done


def _read_into(descriptor: int, buffer: memoryview) -> int:  # pragma: no cover - Windows
    content = os.read(descriptor, len(buffer))
    buffer[: len(content)] = content
    return len(content)


def _age_ns(status: os.stat_result) -> int:
    """Since the last change; what is stamped in the future, by whatever clock, counts as old."""
    age = time.time_ns() - status.st_mtime_ns
    return age if age >= 0 else _WRITE_NS


def _signature(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
