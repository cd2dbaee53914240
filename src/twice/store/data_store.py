"""Where is the content of a run's data kept, so that it can come back?  Objects named by their sha256.

    <lfs>/objects/ab/cd/abcd…      one file an object, read-only, in Git LFS's own layout: git-lfs finds and pushes it
    <lfs>/tmp/abcd…-<random>       on its way there; the name is what git-lfs's own clean-up expects
    <state>/data/ab/cd/abcd…       a second name (hard link) of each object that runs keep

`<lfs>` is `lfs` in the common git directory, or what `lfs.storage` says (git-lfs-config(5)). The second name is there because
`git lfs prune` removes every object that no branch or tag refers to, and runs are neither: it takes no room, and the first
name is made again from it. Where hard links cannot be made there is none.

An object is renamed into its place when its content has been hashed and is on the disk: it is there whole or not at all.
Whoever reads one checks it again. While a run is sealed, and while objects are removed, the store is held by a lock.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from twice.errors import RepositoryError
from twice.frozen import frozen
from twice.git.files import cannot_write, make_folders
from twice.git.repository import Repository
from twice.store.file_copies import copy_hashing
from twice.threads import in_threads, one_at_a_time

if os.name == "posix":
    import fcntl

_OBJECT = re.compile(r"[0-9a-f]{64}")
_READ_ONLY = 0o444
_BATCH = 1024  # files that are put on the disk together …
_ONE_BY_ONE = 8  # … because more than so many take longer one by one than a sync of the whole file system

Progress = Callable[[int], None]
"""Called with the number of bytes copied since the last call, from any thread, one call at a time."""


@frozen
class Unkept:
    """A file that could not be kept, and why."""

    path: Path
    sha256: str
    reason: str


class DataStore:
    """The objects of one repository. Nothing is made before something is put in."""

    def __init__(self, lfs: Path, names: Path) -> None:
        self._objects = lfs / "objects"
        self._temporary = lfs / "tmp"
        self._names = names

    @classmethod
    def of(cls, repository: Repository) -> DataStore:
        """The store of a repository, which all its worktrees share."""
        configured = repository.config("lfs.storage") or "lfs"
        return cls(repository.common_dir / Path(configured).expanduser(), repository.state_dir / "data")

    # ------------------------------------------------------------------------------------------------------- reading

    def path(self, sha256: str) -> Path:
        """Where git-lfs looks for an object, whether it is there or not."""
        return self._objects / sha256[:2] / sha256[2:4] / sha256

    def find(self, sha256: str) -> Path | None:
        """The file that holds an object; None when it is not here."""
        for place in (self.path(sha256), self._name(sha256)):
            if place.is_file():
                return place
        return None

    def has(self, sha256: str) -> bool:
        """Whether an object is here; its content is not looked at."""
        return self.find(sha256) is not None

    def size(self, sha256: str) -> int | None:
        """The bytes of an object; None when it is not here."""
        found = self.find(sha256)
        return None if found is None else found.stat().st_size

    def open(self, sha256: str) -> IO[bytes]:
        """An object, for reading.  Raises RepositoryError when it is not here."""
        found = self.find(sha256)
        if found is None:
            raise _missing(sha256)
        return found.open("rb")

    def verify(self, sha256: str) -> bool:
        """Whether an object is here and has the content that it is named by. Reads all of it."""
        found = self.find(sha256)
        if found is None:
            return False
        digest = hashlib.sha256()
        try:
            with found.open("rb", buffering=0) as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        except OSError:
            return False
        return digest.hexdigest() == sha256

    def objects(self) -> Iterator[str]:
        """The sha256 of every object that is here, git-lfs's own included; sorted."""
        found: set[str] = set()
        for top in (self._objects, self._names):
            for folder, _, names in os.walk(top):
                found.update(name for name in names if _OBJECT.fullmatch(name) and Path(folder).name == name[2:4])
        yield from sorted(found)

    # ------------------------------------------------------------------------------------------------------- writing

    def put(self, path: Path, sha256: str) -> bool:
        """Copy a file in; False when its content is not what `sha256` says (any more).

        Raises RepositoryError when it cannot be read or written; then nothing of it is in the store.
        """
        unkept = self.put_all([(path, sha256)])
        return not unkept

    def put_all(self, files: Sequence[tuple[Path, str]], progress: Progress | None = None) -> list[Unkept]:
        """Copy many files in, several at a time; those that are not, because they changed or cannot be read.

        Raises RepositoryError when the store cannot be written: a full disk, say. What is in by then stays.
        """
        unkept: list[Unkept] = []
        wanted = {sha256: path for path, sha256 in files}
        new = [(path, sha256) for sha256, path in wanted.items() if not self._is_kept(sha256)]
        for start in range(0, len(new), _BATCH):
            unkept += self._put_batch(new[start : start + _BATCH], progress)
        return unkept

    def _is_kept(self, sha256: str) -> bool:
        """Whether an object is here; sees to it that it has both names."""
        below = f"{sha256[:2]}/{sha256[2:4]}/{sha256}"
        path, name = f"{self._objects}/{below}", f"{self._names}/{below}"
        if os.path.exists(path):  # noqa: PTH110 - asked of every file of a folder
            if not os.path.exists(name):  # noqa: PTH110
                _link(Path(path), Path(name))
            return True
        return _link(Path(name), Path(path))

    def _put_batch(self, files: Sequence[tuple[Path, str]], progress: Progress | None) -> list[Unkept]:
        unkept: list[Unkept] = []
        ready: list[tuple[Path, str]] = []
        report = one_at_a_time(progress)

        def copy(file: tuple[Path, str]) -> None:
            path, sha256 = file
            temporary = self._temporary / f"{sha256}-{os.urandom(6).hex()}"
            reason = self._copy_in(path, sha256, temporary, report)
            if reason is None:
                ready.append((temporary, sha256))
            else:
                unkept.append(Unkept(path=path, sha256=sha256, reason=reason))

        try:
            make_folders(str(self._temporary))
            in_threads(files, len(files), lambda: copy)
            _sync([temporary for temporary, _ in ready])
            while ready:
                temporary, sha256 = ready[-1]
                target = self.path(sha256)
                make_folders(str(target.parent))
                temporary.replace(target)
                ready.pop()
                _link(target, self._name(sha256))
        except OSError as error:
            raise cannot_write(error.filename or self._objects, error) from error
        finally:
            for temporary, _ in ready:
                temporary.unlink(missing_ok=True)
        return unkept

    def _copy_in(self, path: Path, sha256: str, temporary: Path, report: Progress) -> str | None:
        """Copy a file to its temporary place; why that was not done, if it was not.  Raises OSError."""
        try:
            if copy_hashing(path, temporary, _READ_ONLY, report) == sha256:
                return None
        except OSError as error:
            if error.filename != str(path):
                raise
            return f"it cannot be read: {error.strerror}"
        temporary.unlink()
        return "it has changed since it was hashed"

    def drop(self, objects: Iterable[str]) -> int:
        """Remove objects, where they are; the bytes that this frees.  Raises RepositoryError."""
        freed = 0
        for sha256 in objects:
            size = self.size(sha256)
            for place in (self.path(sha256), self._name(sha256)):
                try:
                    place.unlink(missing_ok=True)
                except OSError as error:
                    raise cannot_write(place, error) from error
                for folder in (place.parent, place.parent.parent):
                    with contextlib.suppress(OSError):  # there are others in it
                        folder.rmdir()
            freed += size or 0
        return freed

    def release(self, objects: Iterable[str]) -> None:
        """Leave objects to git-lfs alone: somebody else refers to them too."""
        for sha256 in objects:
            with contextlib.suppress(OSError):
                self._name(sha256).unlink()

    @contextlib.contextmanager
    def held(self, *, to_remove: bool = False) -> Iterator[None]:
        """While a run is sealed (together with others) or objects are removed (alone): no object vanishes unseen."""
        if os.name != "posix":  # pragma: no cover - Windows
            yield
            return
        try:
            make_folders(str(self._names.parent))
            descriptor = os.open(self._names.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise cannot_write(self._names, error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if to_remove else fcntl.LOCK_SH)
            yield
        finally:
            os.close(descriptor)

    def _name(self, sha256: str) -> Path:
        return self._names / sha256[:2] / sha256[2:4] / sha256


def _link(source: Path, target: Path) -> bool:
    """Give a file of the store a second name; False when it is not there, or the file system has no hard links."""
    try:
        make_folders(str(target.parent))
        os.link(source, target)
    except FileExistsError:
        return True
    except OSError:
        return False
    return True


def _sync(files: Sequence[Path]) -> None:
    """Have the content of files of one file system on the disk.  Raises OSError."""
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            if len(files) > _ONE_BY_ONE and _sync_file_system(descriptor):
                return
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _sync_file_system(descriptor: int) -> bool:
    """syncfs(2), which Python does not have; False where the system has none, or it fails."""
    if sys.platform != "linux":
        return False
    import ctypes

    try:
        return bool(ctypes.CDLL(None).syncfs(descriptor) == 0)
    except (OSError, AttributeError):
        return False


def _missing(sha256: str) -> RepositoryError:
    return RepositoryError(
        f"object {sha256[:12]}… is not in the data store",
        hint="if a remote has it: git lfs fetch",
    )
