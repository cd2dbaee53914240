"""Which paths of the work tree are not what the index says?

In: the folder, the index, the rules.  Out: one `Difference` a path, as `git status` and `git add -A` would see it. Reads
only. A tracked file costs one lstat and is read only when its size, times, inode or mode are not those in the index; an
untracked path is matched against the ignore rules, a tracked one never.

Paths are bytes here, relative to the root, with `/`; folders have one at their end, the root is empty.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from twice.errors import RepositoryError
from twice.git.conversion import display
from twice.git.ignore_rules import IgnoreRules
from twice.git.index_file import IndexFile

if TYPE_CHECKING:
    from twice.git.scans import State

FILE, EXECUTABLE, SYMLINK, GITLINK = 0o100644, 0o100755, 0o120000, 0o160000
_TYPE = 0o170000


class TreeSettings(NamedTuple):
    """What the configuration says about the file system and about how much of the index to trust."""

    file_mode: bool = True  # core.fileMode: the executable bit means something
    symlinks: bool = True  # core.symlinks: a symlink is one, not a file with its target
    ignore_case: bool = False  # core.ignoreCase
    precompose: bool = False  # core.precomposeUnicode, where it has a meaning (macOS)
    trust_ctime: bool = True
    check_all: bool = True  # core.checkStat is not `minimal`
    sparse: bool = False  # core.sparseCheckout: a file that is there after all is looked at


class Difference(NamedTuple):
    """One path; `mode` as in `scans.Change`, `status` of the file in the work tree if there is one."""

    path: bytes
    state: State
    mode: int
    status: os.stat_result | None = None


class Links(NamedTuple):
    """What the walk asks about folders that are repositories themselves."""

    is_repository: Callable[[bytes], bool]
    head: Callable[[bytes], str | None]  # the commit, in hexadecimal; None when there is none
    is_changed: Callable[[bytes, str], bool]  # (path, commit in the index): it moved, or holds changes


class _Folder:
    """What the index holds of one folder."""

    __slots__ = ("below", "files")

    def __init__(self) -> None:
        self.files: dict[bytes, int] = {}  # name → offset of its entry
        self.below: set[bytes] = set()  # names of the folders in it


class WorkTree:
    """A work tree beside its index."""

    def __init__(
        self,
        root: bytes,
        index: IndexFile,
        *,
        settings: TreeSettings,
        rules: IgnoreRules,
        links: Links,
        same_content: Callable[[bytes, int, os.stat_result], bool],
        read_indexed: Callable[[int], bytes],
    ) -> None:
        """`same_content` compares what git would make of a file with its entry; `read_indexed` gives an entry's blob."""
        self._root = root if root.endswith(b"/") else root + b"/"
        self._index = index
        self._settings = settings
        self._rules = rules
        self._links = links
        self._same_content = same_content
        self._read_indexed = read_indexed
        self._folders = _by_folder(index)
        self._found: list[Difference] = []

    def differences(self) -> list[Difference]:
        """Every path that is not what the index says, sorted. Raises RepositoryError where a file cannot be read."""
        self._found = []
        try:
            self._walk()
        except OSError as error:
            where = os.fsdecode(error.filename) if error.filename else ""
            raise RepositoryError(f"the work tree cannot be read: {error.strerror}", details=[where]) from error
        for path in self._index.conflicts:
            self._compare_conflict(path)
        return sorted(self._found, key=lambda difference: difference.path)

    # ------------------------------------------------------------------------------------------------ the walk

    def _walk(self) -> None:
        pending: list[tuple[bytes, IgnoreRules | None]] = [(b"", self._rules)]  # no rules: all untracked is ignored
        while pending:
            folder, rules = pending.pop()
            names = set() if rules is None else self._list(folder)
            tracked = self._folders.get(folder) or _Folder()
            if rules is not None:
                rules = self._with_gitignore(rules, folder, names, tracked)
            replaced = self._compare_files(folder, tracked)
            for name in tracked.below:
                path = folder + name + b"/"
                status = _lstat(self._root + folder + name)
                if status is None or not stat.S_ISDIR(status.st_mode):
                    self._folder_is_gone(path)
                    if status is not None:
                        replaced.append(name)
                elif rules is not None and rules.ignore(folder + name, name, True):
                    pending.append((path, None))
                else:
                    pending.append((path, rules))
            if rules is not None:
                left = names.difference(tracked.files, tracked.below, (b".git",))
                left.update(replaced)
                if left and self._settings.ignore_case:
                    left = self._without_aliases(folder, left, tracked)
                pending.extend(
                    (folder + name + b"/", rules) for name in left if self._look_at_untracked(folder, name, rules)
                )

    def _list(self, folder: bytes) -> set[bytes]:
        try:
            names = set(os.listdir(self._root + folder))
        except PermissionError:
            return set()  # git warns, and goes on
        except (FileNotFoundError, NotADirectoryError):
            return set()
        if self._settings.precompose:
            import unicodedata

            names = {os.fsencode(unicodedata.normalize("NFC", os.fsdecode(name))) for name in names}
        return names

    def _with_gitignore(self, rules: IgnoreRules, folder: bytes, names: set[bytes], tracked: _Folder) -> IgnoreRules:
        if b".gitignore" in names:
            text = read_regular(self._root + folder + b".gitignore")
        else:
            offset = tracked.files.get(b".gitignore")
            if offset is None or not self._index.skips_work_tree(offset):
                return rules
            text = self._read_indexed(offset)
        return rules.below(folder, text) if text else rules

    def _compare_files(self, folder: bytes, tracked: _Folder) -> list[bytes]:
        """Compare the tracked files of one folder; the names of those that are folders now."""
        start, lstat = self._root + folder, os.lstat
        unchanged = self._index.same_stat
        trust_ctime, check_all = self._settings.trust_ctime, self._settings.check_all
        replaced = []
        for name, offset in tracked.files.items():
            try:
                status = lstat(start + name)
            except (FileNotFoundError, NotADirectoryError):
                self._is_gone(folder + name, offset)
                continue
            if not unchanged(offset, status, trust_ctime, check_all, True) and self._compare(
                folder + name, offset, status
            ):
                replaced.append(name)
        return replaced

    def _compare(self, path: bytes, offset: int, status: os.stat_result) -> bool:
        """Compare one path that is there with its entry; True when it is a folder now that may hold untracked files."""
        index = self._index
        if index.assumed_valid(offset) or (index.skips_work_tree(offset) and not self._settings.sparse):
            return False
        old = index.mode(offset)
        if old == GITLINK:
            return self._compare_submodule(path, offset, status)
        if stat.S_ISDIR(status.st_mode):
            return self._file_is_folder(path)
        mode = mode_of(self._settings, status, old)
        if mode == 0:
            self._add(path, "not a file", 0, status)
        elif index.is_intent_to_add(offset):
            self._add(path, "untracked", mode, status)
        elif mode & _TYPE != old & _TYPE:
            self._add(path, "type", mode, status)
        elif mode != old or not self._is_same(path, offset, status):
            self._add(path, "modified", mode, status)
        return False

    def _is_same(self, path: bytes, offset: int, status: os.stat_result) -> bool:
        settings = self._settings
        if self._index.same_stat(offset, status, settings.trust_ctime, settings.check_all):
            return True
        return self._same_content(path, offset, status)

    def _compare_submodule(self, path: bytes, offset: int, status: os.stat_result) -> bool:
        if not stat.S_ISDIR(status.st_mode):
            mode = mode_of(self._settings, status, 0)
            self._add(path, "type" if mode else "not a file", mode, status)
        elif self._links.is_changed(path, self._index.object_id(offset).hex()):
            self._add(path, "submodule", GITLINK)
        return False

    def _file_is_folder(self, path: bytes) -> bool:
        if self._links.head(path) is not None:  # a repository: git takes the file for replaced by a link to it
            self._add(path, "type", GITLINK)
            return False
        self._add(path, "deleted", 0)
        return True

    def _compare_conflict(self, path: bytes) -> None:
        status = _lstat(self._root + path) if self._parents_are_folders(path) else None
        if status is None:
            self._add(path, "unmerged", 0)
        elif stat.S_ISDIR(status.st_mode):
            self._add(path, "unmerged", GITLINK if self._links.head(path) else 0)
        else:
            ours = self._index.conflicts[path].get(2)
            mode = mode_of(self._settings, status, 0 if ours is None else self._index.mode(ours))
            self._add(path, "unmerged" if mode else "not a file", mode, status)

    def _parents_are_folders(self, path: bytes) -> bool:
        position = path.find(b"/")
        while position >= 0:
            status = _lstat(self._root + path[:position])
            if status is None or not stat.S_ISDIR(status.st_mode):
                return False
            position = path.find(b"/", position + 1)
        return True

    def _is_gone(self, path: bytes, offset: int) -> None:
        if not self._index.assumed_valid(offset) and not self._index.skips_work_tree(offset):
            self._add(path, "deleted", 0)

    def _folder_is_gone(self, folder: bytes) -> None:
        below = [folder]
        while below:
            folder = below.pop()
            tracked = self._folders[folder]
            for name, offset in tracked.files.items():
                self._is_gone(folder + name, offset)
            below.extend(folder + name + b"/" for name in tracked.below)

    # ------------------------------------------------------------------------------------------------ untracked

    def _look_at_untracked(self, folder: bytes, name: bytes, rules: IgnoreRules) -> bool:
        """Add an untracked path unless it is ignored; True for a folder to walk."""
        path = folder + name
        status = _lstat(self._root + path)
        if status is None or (self._settings.ignore_case and name.lower() == b".git"):
            return False
        is_folder = stat.S_ISDIR(status.st_mode)
        mode = mode_of(self._settings, status, 0)
        if not is_folder and (mode == 0 or path in self._index.conflicts):
            return False
        if rules.ignore(path, name, is_folder):
            return False
        if is_folder and self._links.is_repository(path):
            if path not in self._index.conflicts:
                self._add(path, "nested repository", GITLINK)
            return False
        if not is_folder:
            self._add(path, "untracked", mode, status)
        return is_folder

    def _without_aliases(self, folder: bytes, left: set[bytes], tracked: _Folder) -> set[bytes]:
        """The names that are not just another spelling, in upper and lower case, of a tracked one."""
        spelled = {name.lower(): name for name in (*tracked.files, *tracked.below)}
        kept = set()
        for name in sorted(left):
            known = spelled.setdefault(name.lower(), name)
            if known == name:
                kept.add(name)
                continue
            ours, theirs = _lstat(self._root + folder + name), _lstat(self._root + folder + known)
            if ours is None or theirs is None or (ours.st_dev, ours.st_ino) != (theirs.st_dev, theirs.st_ino):
                raise RepositoryError(
                    f"{display(folder + name)} and {display(folder + known)} differ in upper and lower case only",
                    details=["core.ignoreCase is set, but the file system tells them apart"],
                    hint="rename one, or unset core.ignoreCase",
                )
        return kept

    def _add(self, path: bytes, state: State, mode: int, status: os.stat_result | None = None) -> None:
        self._found.append(Difference(path, state, mode, status))


def mode_of(settings: TreeSettings, status: os.stat_result, old: int) -> int:
    """Git's mode of what is there, where the index has `old` (0: nothing); 0 for a folder, a fifo, a device."""
    if stat.S_ISLNK(status.st_mode):
        return SYMLINK
    if not stat.S_ISREG(status.st_mode):
        return 0
    if not settings.symlinks and old == SYMLINK:
        return SYMLINK
    if not settings.file_mode:
        return old if old in (FILE, EXECUTABLE) else FILE
    return EXECUTABLE if status.st_mode & 0o100 else FILE


def read_regular(path: bytes) -> bytes:
    """The content of a .gitignore or .gitattributes in the work tree: nothing when it is no regular file.

    Git does not follow a symlink there either.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return b""
    with os.fdopen(descriptor, "rb") as file:
        return file.read() if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""


def _lstat(path: bytes) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _by_folder(index: IndexFile) -> dict[bytes, _Folder]:
    """The entries folder by folder. Folders that hold only files in conflict count, as tracked ones."""
    folders: dict[bytes, _Folder] = {b"": _Folder()}
    last, files = b"", folders[b""].files
    for path, offset in index.entries.items():
        cut = path.rfind(b"/") + 1
        if path[:cut] != last:
            last = path[:cut]
            files = _folder(folders, last).files
        files[path[cut:]] = offset
    _add_conflicts(folders, index.conflicts)
    return folders


def _add_conflicts(folders: dict[bytes, _Folder], conflicts: Iterable[bytes]) -> None:
    for path in conflicts:
        _folder(folders, path[: path.rfind(b"/") + 1])


def _folder(folders: dict[bytes, _Folder], path: bytes) -> _Folder:
    """The folder, made known to those above it."""
    known = folders.get(path)
    if known is None:
        known = folders[path] = _Folder()
        below = path
        while below:
            cut = below.rfind(b"/", 0, -1) + 1
            above, name = below[:cut], below[cut:-1]
            is_known = above in folders
            folders.setdefault(above, _Folder()).below.add(name)
            if is_known:
                break
            below = above
    return known
