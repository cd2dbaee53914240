"""How is an environment built once and used by many?  A key and a way to build in, a finished folder out.

    <cache>/environments/<key>/lock             held (flock) while one process builds
    <cache>/environments/<key>/finished         the name of the finished build: written last, by a rename
    <cache>/environments/<key>/<8 hex digits>/  a build

A virtual environment holds its own path in its scripts, so it is built where it will stay and is never renamed: the pointer
is. Whoever is killed while building leaves a folder that nothing points at, and the next builder removes it. What a
killed builder's installer goes on writing cannot reach the next build, which has another name. The pointer's time is that
of the last use, by which `remove_unused` goes.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from twice.errors import ReproductionError
from twice.frozen import frozen
from twice.locking import try_lock


@frozen
class Removed:
    """What was removed from a cache, and what stays."""

    environments: int = 0
    freed_bytes: int = 0
    kept: int = 0


def build_once(
    folder: Path, usable: Callable[[Path], bool], build: Callable[[Path], None], tell: Callable[[str], None]
) -> tuple[Path, bool]:
    """The finished build in this folder, and whether it was there already; built now if there is none, or none usable.

    Two processes at once build once: the second waits for the first. Raises what `build` raises; then nothing is left.
    """
    found = _finished(folder)
    if found is not None and usable(found):
        with suppress(OSError):
            os.utime(folder / "finished")
        return found, True
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReproductionError(
            f"cannot write to {folder}: {error.strerror}", hint="set TWICE_CACHE to a folder with room"
        ) from error
    with _held(folder / "lock", tell):
        found = _finished(folder)
        if found is not None and usable(found):
            return found, True
        _remove_builds(folder)
        place = folder / secrets.token_hex(4)
        try:
            build(place)
            _publish(folder, place.name)
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
    return place, False


def remove_unused(cache: Path, unused_s: float, now_s: float) -> Removed:
    """Remove the environments that nobody has used for so many seconds; those that are being built stay.

    `now_s` is in seconds since 1970. Raises ReproductionError where the cache cannot be written.
    """
    removed = freed_bytes = kept = 0
    for lock in sorted(cache.glob("*/lock")):
        folder, descriptor = lock.parent, os.open(lock, os.O_RDWR)
        try:
            if not try_lock(descriptor) or _last_used_s(folder) > now_s - unused_s:
                kept += 1
                continue
            size_bytes = sum(one.lstat().st_size for one in folder.rglob("*") if not one.is_dir())
            _remove_builds(folder)  # the lock's file stays: whoever waits for it would hold another one than the next
        except OSError as error:
            raise ReproductionError(f"cannot write to {folder}: {error.strerror}") from error
        finally:
            os.close(descriptor)
        removed += size_bytes > 0  # but for the lock, which is empty
        freed_bytes += size_bytes
    return Removed(environments=removed, freed_bytes=freed_bytes, kept=kept)


def _last_used_s(folder: Path) -> float:
    try:
        return (folder / "finished").stat().st_mtime
    except OSError:
        return 0.0  # cut off while it was built


def _finished(folder: Path) -> Path | None:
    try:
        name = (folder / "finished").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    place = folder / name
    return place if name and place.is_dir() else None


def _publish(folder: Path, name: str) -> None:
    draft = folder / "finished.new"
    draft.write_text(f"{name}\n", encoding="ascii")
    draft.replace(folder / "finished")


def _remove_builds(folder: Path) -> None:
    """Remove what cut-off builders left, and a build that can no longer be used (its interpreter is gone)."""
    (folder / "finished").unlink(missing_ok=True)
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)


@contextmanager
def _held(path: Path, tell: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock; the kernel lets go of it when the process dies."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        told = False
        while not try_lock(descriptor):
            if not told:
                tell("another process is rebuilding this environment: waiting for it")
                told = True
            time.sleep(0.1)
        yield
    finally:
        os.close(descriptor)
