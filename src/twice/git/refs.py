"""Which refs exist, and how is one created, moved or deleted?  Straight in the files.

In and out: full names (`refs/experiments/train/20261121-142233-k7q2m9`) and ids. The format is git's "files" backend:
one file a ref, and the file `packed-refs`. Read and written directly: a process a ref would cost more than the run's
record, and no hook or reflog is wanted. Works beside git's own pack-refs, gc and pushes, under the same locks:
`<ref>.lock` while one ref changes, `packed-refs.lock` while the packed ones do.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from twice.errors import RepositoryError
from twice.git.files import cannot_write, remove, waits, write_new

_PATIENCE_S = 10.0  # how long to wait for another process's lock; a run must not be lost to a busy repository
_PER_WORKTREE = ("refs/bisect/", "refs/worktree/", "refs/rewritten/")
_FORBIDDEN = frozenset(" ~^:?*[\\\x7f") | frozenset(map(chr, range(32)))


class RefExists(RepositoryError):
    """The ref that was to be created is there already."""


class RefMoved(RepositoryError):
    """The ref is not what the caller last saw; nothing was changed."""


class Refs:
    """The refs of one repository."""

    def __init__(self, git_dir: Path, common_dir: Path, id_length: int) -> None:
        self._git_dir = str(git_dir)
        self._common_dir = str(common_dir)
        self._id_length = id_length

    # ------------------------------------------------------------------------------------------------ reading

    def list(
        self, prefix: str, known: Mapping[str, str] | None = None, stamps: Mapping[str, int] | None = None
    ) -> dict[str, str]:
        """The refs whose names start with `prefix`, and their ids, sorted. Broken ones are left out, as by git.

        `known` are refs as they were when their folders had these `stamps`: a file that was not written since is not
        read again. Then they come in no order: of many refs, sorting is what takes longest.
        """
        folder = prefix[: prefix.rfind("/") + 1]
        if not folder.startswith("refs/"):
            folder = "refs/"
        # Loose first: what pack-refs moves while we look is then found packed.
        loose: dict[str, str] = {}
        self._walk_loose(folder, prefix, known or {}, stamps or {}, loose)
        found = self._read_packed(prefix)
        if not loose:
            return found
        found.update(loose)
        return found if known is not None else dict(sorted(found.items()))

    def stamps(self, folder: str, before: Mapping[str, int] | None = None) -> dict[str, int]:
        """When packed-refs and each folder of refs below `folder` were last changed, in ns; 0 for what is not there.

        Creating, moving, packing and deleting a ref all change one of these. A folder that is as it was `before` has the
        folders below it that it had then.
        """
        found = {"packed-refs": _changed_ns(f"{self._common_dir}/packed-refs")}
        waiting = [folder]
        while waiting:
            name = waiting.pop()
            path = f"{self._folder(name)}/{name}"
            found[name] = _changed_ns(path)
            if before and 0 < found[name] == before.get(name):
                waiting += [one for one in before if one.startswith(name) and one.count("/") == name.count("/") + 1]
                continue
            with suppress(OSError), os.scandir(path) as entries:
                waiting += [f"{name}{entry.name}/" for entry in entries if entry.is_dir()]
        return found

    def have_stamps(self, stamps: Mapping[str, int]) -> bool:
        """Whether nothing has changed since these stamps were taken."""
        return all(
            _changed_ns(f"{self._common_dir}/{name}" if name == "packed-refs" else f"{self._folder(name)}/{name}") == ns
            for name, ns in stamps.items()
        )

    def read(self, name: str) -> str | None:
        """The id that a ref, or HEAD, points to; None if there is none. Raises RepositoryError if damaged."""
        for _ in range(6):  # as many links as git follows
            text = self._read_loose(name)
            if text is None:
                found = self._read_packed(name, whole_name=True).get(name)
                # It may have been loose again, or packed, in between.
                text = found if found is not None else self._read_loose(name)
                if text is None:
                    return None
            link = text[4:].strip() if text.startswith("ref:") else None
            if link is None and self._is_id(text):
                return text
            if link is None or not is_ref_name(link):
                raise RepositoryError(
                    f"ref {name} is damaged",
                    details=[f"{self._path(name)}: {text[:60]!r}"],
                    hint="`git fsck` says what else is; `git update-ref` or `git symbolic-ref` can set it again",
                )
            name = link
        raise RepositoryError(f"ref {name} points to itself, or through too many others")

    def target(self, name: str) -> str | None:
        """The name that a symbolic ref such as HEAD points to; None when it holds an id."""
        text = self._read_loose(name) or ""
        return text[4:].strip() if text.startswith("ref:") else None

    # ------------------------------------------------------------------------------------------------ writing

    def create(self, name: str, new: str) -> None:
        """Make a ref that does not exist. Raises RefExists, RepositoryError."""
        self._change(name, new, None, RefExists(f"ref {name} exists already"))

    def update(self, name: str, new: str, old: str | None) -> None:
        """Move a ref from `old` (None: it must not exist) to `new`, or raise RefMoved and change nothing."""
        self._change(name, new, old, RefMoved(f"ref {name} has moved"))

    def delete(self, name: str, old: str | None = None) -> None:
        """Delete a ref if it still is `old` (None: whatever it is); nothing happens when it is gone already."""
        self._check(name)
        with self._locked(name):
            current = self._current(name)
            if current is None:
                return
            if old is not None and current != old:
                raise RefMoved(f"ref {name} has moved", details=[f"it is {current}, not {old}"])
            try:
                self._delete_locked(name)
            except OSError as error:
                raise cannot_write(self._path(name), error) from error
        self._remove_empty_folders(name)

    # ------------------------------------------------------------------------------------------------ loose refs

    def _folder(self, name: str) -> str:
        shared = name.startswith("refs/") and not name.startswith(_PER_WORKTREE)
        return self._common_dir if shared else self._git_dir

    def _path(self, name: str) -> str:
        return f"{self._folder(name)}/{name}"

    def _is_id(self, text: str) -> bool:
        return len(text) == self._id_length and all(character in "0123456789abcdef" for character in text)

    def _read_loose(self, name: str) -> str | None:
        try:
            with open(self._path(name), "rb") as file:
                return os.fsdecode(file.read()).rstrip()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            if os.path.isdir(self._path(name)):  # Windows says so with "permission denied"
                return None
            raise RepositoryError(f"ref {name} cannot be read: {error.strerror}") from error

    def _walk_loose(
        self, folder: str, prefix: str, known: Mapping[str, str], stamps: Mapping[str, int], found: dict[str, str]
    ) -> None:
        """Add the refs that are files below a folder."""
        path = f"{self._folder(folder)}/{folder}"
        stamp = stamps.get(folder, 0)
        is_unchanged = 0 < stamp == _changed_ns(path)
        folders, names = [], []
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    name = folder + entry.name
                    if name in known and (is_unchanged or (stamp > 0 and _is_older_file(entry, stamp))):
                        found[name] = known[name]
                    elif entry.is_dir():
                        folders.append(name)
                    else:
                        names.append(name)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise RepositoryError(f"refs below {folder} cannot be read: {error.strerror}") from error
        for name in folders:
            if name.startswith(prefix) or prefix.startswith(name + "/"):
                self._walk_loose(name + "/", prefix, known, stamps, found)
        for name in names:
            if name.startswith(prefix) and not name.endswith(".lock"):
                text = self._read_loose(name)
                if text is not None and text.startswith("ref:"):
                    text = self._read_or_none(text[4:].strip())
                if text is not None and self._is_id(text):
                    found[name] = text

    def _read_or_none(self, name: str) -> str | None:
        try:
            return self.read(name)
        except RepositoryError:
            return None

    def _change(self, name: str, new: str, old: str | None, refusal: RepositoryError) -> None:
        self._check(name)
        if not self._is_id(new):
            raise RepositoryError(f"not an object id: {new!r}")
        with self._locked(name, new) as lock:
            current = self._current(name)
            if current != old:
                refusal.details = (f"it is {current or 'gone'}" + (f", not {old}" if old else ""),)
                raise refusal
            if current is None:
                self._check_neighbours(name)
            try:
                self._rename(lock, self._path(name))
            except OSError as error:
                raise cannot_write(self._path(name), error) from error

    def _rename(self, lock: str, path: str) -> None:
        for _ in range(20):
            try:
                os.replace(lock, path)
                return
            except (IsADirectoryError, PermissionError):
                _remove_empty_tree(path)  # what is left of refs that were below this name
        os.replace(lock, path)

    def _current(self, name: str) -> str | None:
        """The id of a ref whose lock we hold."""
        if self.target(name) is not None:
            raise RepositoryError(f"ref {name} is symbolic: it points to another one")
        return self.read(name)

    def _check(self, name: str) -> None:
        if not is_ref_name(name):
            raise RepositoryError(
                f"not a name that git allows for a ref: {name!r}", hint="see `git help check-ref-format` for the rules"
            )

    def _check_neighbours(self, name: str) -> None:
        """Git keeps refs as files, so `a` and `a/b` cannot both be refs."""
        parts = name.split("/")
        above = ["/".join(parts[:count]) for count in range(2, len(parts))]
        blocking = [other for other in above if self.read(other) is not None] or list(self.list(name + "/"))[:1]
        if blocking:
            raise RepositoryError(f"ref {name} cannot be made beside {blocking[0]}: one name is a folder of the other")

    @contextmanager
    def _locked(self, name: str, content: str = "") -> Iterator[str]:
        """Hold the lock of a ref. With content, the lock becomes the ref: once renamed it is no longer ours to remove."""
        lock = self._path(name) + ".lock"
        self._take(lock, os.fsencode(content + "\n") if content else b"", name)
        try:
            yield lock
        except BaseException:
            remove(lock)
            raise
        if not content:
            remove(lock)

    def _take(self, lock: str, content: bytes, what: str) -> None:
        for wait in waits(_PATIENCE_S):
            try:
                write_new(lock, content)
                return
            except FileExistsError:
                time.sleep(wait)
            except NotADirectoryError as error:
                parts = what.split("/")
                above = ("/".join(parts[:count]) for count in range(2, len(parts)))
                file = next((other for other in above if os.path.isfile(self._path(other))), None)
                if file is None:
                    time.sleep(wait)  # it was deleted meanwhile
                    continue
                raise RepositoryError(
                    f"ref {what} cannot be made beside {file}: one name is a folder of the other"
                ) from error
            except OSError as error:
                raise cannot_write(lock, error) from error
        raise RepositoryError(
            f"{what} is locked by another git process, or by one that died",
            details=[lock],
            hint="if no git process runs in this repository, remove that file",
        )

    def _remove_empty_folders(self, name: str) -> None:
        """Remove the folders that a deleted ref leaves empty, up to but without refs/<namespace>."""
        parts = name.split("/")
        for count in range(len(parts) - 1, 2, -1):
            try:
                os.rmdir(f"{self._folder(name)}/{'/'.join(parts[:count])}")
            except OSError:
                return

    # ------------------------------------------------------------------------------------------------ packed refs

    def _packed_bytes(self) -> bytes:
        try:
            with open(f"{self._common_dir}/packed-refs", "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise RepositoryError(f"packed-refs cannot be read: {error.strerror}") from error

    def _read_packed(self, prefix: str, *, whole_name: bool = False) -> dict[str, str]:
        data = self._packed_bytes()
        wanted = os.fsencode(prefix)
        start, end = 0, len(data)
        if _is_sorted(data):
            start = _first_at_least(data, wanted, self._id_length)
            if whole_name:
                end = min(end, start + self._id_length + len(wanted) + 2)
            else:
                end = _first_at_least(data, wanted + b"\xff\xff", self._id_length)
        lines = re.findall(rb"^([0-9a-f]+) (.+)$", data[start:end], re.MULTILINE) if start < end else ()
        return {
            os.fsdecode(name): found.decode("ascii")
            for found, name in lines
            if (name == wanted if whole_name else name.startswith(wanted))
        }

    def _delete_locked(self, name: str) -> None:
        """Delete a ref whose lock we hold, packed and loose.

        Packed first, or an older packed value would show through for a moment. Until the loose file is gone too the packed
        refs stay locked, even if the ref is not among them: a pack-refs that has read the file would bring it back.
        """
        path = f"{self._common_dir}/packed-refs"
        lock = path + ".lock"
        self._take(lock, b"", "packed-refs")
        try:
            if name in self._read_packed(name, whole_name=True):
                fresh = path + ".new"  # where git, too, writes it while it holds the lock
                remove(fresh)
                write_new(fresh, b"".join(_without(self._packed_bytes(), os.fsencode(name), self._id_length)))
                os.replace(fresh, path)
            remove(f"{self._folder(name)}/logs/{name}")
            with suppress(FileNotFoundError, IsADirectoryError):
                os.unlink(self._path(name))
        finally:
            remove(lock)


def _changed_ns(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def _is_older_file(entry: os.DirEntry[str], stamp: int) -> bool:
    try:
        return entry.stat().st_mtime_ns < stamp and not entry.is_dir()
    except OSError:
        return False


def is_ref_name(name: str) -> bool:
    """Whether git allows the name for a ref (git-check-ref-format), below `refs/`."""
    parts = name.split("/")
    return (
        len(parts) >= 2
        and parts[0] == "refs"
        and all(part and not part.startswith(".") and not part.endswith(".lock") for part in parts)
        and not name.endswith(".")
        and ".." not in name
        and "@{" not in name
        and not any(character in _FORBIDDEN for character in name)
    )


def _without(packed: bytes, name: bytes, id_length: int) -> Iterator[bytes]:
    """The lines of packed-refs but those of one ref."""
    dropping = False
    for line in packed.splitlines(keepends=True):
        if not line.startswith(b"^"):  # such a line belongs to the ref above it
            dropping = line[id_length + 1 :].rstrip(b"\n") == name
        if not dropping:
            yield line


def _is_sorted(data: bytes) -> bool:
    header = data[: data.find(b"\n")] if data.startswith(b"# pack-refs with:") else b""
    return b"sorted" in header.split()


def _first_at_least(data: bytes, name: bytes, id_length: int) -> int:
    """Where the first line starts whose ref is not before `name`, in sorted packed refs."""
    low, high = data.find(b"\n") + 1, len(data)  # both are starts of lines; the first is the header
    while low < high:
        middle = data.rfind(b"\n", low, (low + high) // 2) + 1 or low
        start = middle
        while data[start : start + 1] == b"^":  # what the tag above points to: not a ref of its own
            start = data.find(b"\n", start) + 1
        if start >= high:
            high = middle
            continue
        end = data.find(b"\n", start)
        if end < 0:
            end = len(data)
        if data[start + id_length + 1 : end] < name:
            low = end + 1
        else:
            high = middle
    while data[low : low + 1] == b"^":
        low = data.find(b"\n", low) + 1
    return low


def _remove_empty_tree(path: str) -> None:
    """Remove a folder that holds nothing but folders; nothing happens to any other."""
    try:
        with os.scandir(path) as entries:
            below = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
        for folder in below:
            _remove_empty_tree(folder)
        os.rmdir(path)
    except OSError:
        return
