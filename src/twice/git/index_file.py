"""What does the index hold?

In: the bytes of an index file.  Out: an `IndexFile`: for each path where its entry lies in those bytes, read on demand
(an object for each of 50,000 entries would cost more than all else), the conflicts, and the tree ids that the cache-tree
still knows.  Specification: gitformat-index(5), versions 2 to 4, SHA-1 and SHA-256. Never written.

Refused: a split index, a sparse index, an extension that this version does not know and may not skip.
"""

from __future__ import annotations

import os
import struct
from functools import cached_property
from pathlib import Path

from twice.errors import RepositoryError

_HEADER = struct.Struct(">4sLL")
_EXTENSION = struct.Struct(">4sL")
_MODES = {0o100000: 0o100644, 0o100100: 0o100755, 0o120000: 0o120000, 0o120100: 0o120000}  # of st_mode & 0o170100
_FIXED = 40  # bytes before the object id
_ASSUME_VALID, _EXTENDED, _STAGE, _NAME_LENGTH = 0x8000, 0x4000, 0x3000, 0x0FFF
_SKIP_WORKTREE, _INTENT_TO_ADD = 0x4000, 0x2000
_WORD = 0xFFFFFFFF


class IndexFile:
    """An index in memory, parsed when something of it is first asked for. Paths are bytes."""

    def __init__(self, data: bytes, *, mtime_s: int = 0, id_length: int = 20) -> None:
        """`mtime_s` is the index file's own time: a file not older than that, in seconds, may have changed unseen.

        Git compares seconds too, so the two agree on which files to read again, for their attributes may have changed.
        """
        self._data = data
        self._mtime_s = mtime_s
        self._id_length = id_length
        # ctime s, ns, mtime s, ns, device, inode, mode, user, group, size; id; flags
        self._entry = struct.Struct(f">10L{id_length}xH")
        self._entries: dict[bytes, int] = {}
        self._conflicts: dict[bytes, dict[int, int]] = {}
        self._tree_ids: dict[bytes, bytes] = {}
        self._is_parsed = not data

    @classmethod
    def read(cls, path: Path, *, id_length: int = 20) -> IndexFile:
        """Read the file; a missing one is an empty index. Raises RepositoryError."""
        try:
            with path.open("rb") as file:
                data, mtime_s = file.read(), int(os.fstat(file.fileno()).st_mtime)
        except FileNotFoundError:
            return cls(b"", id_length=id_length)
        except OSError as error:
            raise RepositoryError(f"the index cannot be read: {error.strerror}", details=[str(path)]) from error
        return cls(data, mtime_s=mtime_s, id_length=id_length)

    @property
    def entries(self) -> dict[bytes, int]:
        """Path → offset of its entry, in the index's order; not those in conflict. Raises RepositoryError."""
        self._parse()
        return self._entries

    @property
    def conflicts(self) -> dict[bytes, dict[int, int]]:
        """Path → stage (1 base, 2 ours, 3 theirs) → offset. Raises RepositoryError."""
        self._parse()
        return self._conflicts

    @property
    def tree_ids(self) -> dict[bytes, bytes]:
        """Folder without a slash at its end → binary id of its tree, where that is still known. Raises RepositoryError."""
        self._parse()
        return self._tree_ids

    def object_id(self, offset: int) -> bytes:
        """The binary id of an entry's blob or commit."""
        return self._data[offset + _FIXED : offset + _FIXED + self._id_length]

    def mode(self, offset: int) -> int:
        """Git's mode of an entry."""
        data = self._data
        return data[offset + 25] << 16 | data[offset + 26] << 8 | data[offset + 27]

    def assumed_valid(self, offset: int) -> bool:
        """Whether the user told git not to look at the file (`git update-index --assume-unchanged`)."""
        return self._flags(offset) & _ASSUME_VALID != 0

    def skips_work_tree(self, offset: int) -> bool:
        """Whether a sparse checkout left the file out."""
        return self._extended_flags(offset) & _SKIP_WORKTREE != 0

    def is_intent_to_add(self, offset: int) -> bool:
        """Whether the entry is only a promise (`git add -N`): the path has no content yet, and no place in a tree."""
        return self._extended_flags(offset) & _INTENT_TO_ADD != 0

    def size(self, offset: int) -> int:
        """The file's size in bytes when the entry was written, modulo 2^32; 0 may also mean "not known"."""
        return int.from_bytes(self._data[offset + _FIXED - 4 : offset + _FIXED], "big")

    def same_stat(
        self, offset: int, now: os.stat_result, trust_ctime: bool, check_all: bool, plain: bool = False
    ) -> bool:
        """Whether the file certainly is what it was when the entry was written, by size, times and inode.

        With `plain` also by its mode, and only for an entry without any flag: all there is to know of most files.
        False may also mean "not known": when the entry is no older than the index ("racy"), or kept no nanoseconds.
        Fields that another implementation of git left at zero are not compared.
        """
        ctime_s, ctime_ns, mtime_s, mtime_ns, _, inode, mode, user, group, size, flags = self._entry.unpack_from(
            self._data, offset
        )
        if plain and (mode != _MODES.get(now.st_mode & 0o170100) or flags & (_ASSUME_VALID | _EXTENDED)):
            return False
        if mtime_s * 1_000_000_000 + mtime_ns != now.st_mtime_ns or size != now.st_size & _WORD:
            return False
        if mtime_s >= self._mtime_s:
            return False
        if not check_all:
            return True
        if (inode and inode != now.st_ino & _WORD) or (user and user != now.st_uid) or (group and group != now.st_gid):
            return False
        if not trust_ctime or ctime_s == 0 or ctime_s * 1_000_000_000 + ctime_ns == now.st_ctime_ns:
            return True
        return bool(ctime_ns == 0 and ctime_s == now.st_ctime_ns // 1_000_000_000)

    @cached_property
    def may_hold_gitattributes(self) -> bool:
        """False when no path is a .gitattributes; cheaper than to look, for the index need not be parsed."""
        return b".gitattributes" in self._data or self._data[4:8] == b"\0\0\0\4"  # version 4 cuts names

    def _flags(self, offset: int) -> int:
        at = offset + _FIXED + self._id_length
        return self._data[at] << 8 | self._data[at + 1]

    def _extended_flags(self, offset: int) -> int:
        if not self._flags(offset) & _EXTENDED:
            return 0
        at = offset + _FIXED + self._id_length + 2
        return self._data[at] << 8 | self._data[at + 1]

    def _parse(self) -> None:
        if self._is_parsed:
            return
        try:
            self._read()
        except (struct.error, IndexError, ValueError) as error:
            raise RepositoryError("the index is damaged", hint="`git fsck` or `git reset` may help") from error
        self._is_parsed = True

    def _read(self) -> None:
        signature, version, count = _HEADER.unpack_from(self._data)
        if signature != b"DIRC":
            raise ValueError("no index")
        if version not in (2, 3, 4):
            raise RepositoryError(f"the index has version {version}, which this version of twice does not know")
        position = self._read_compressed(count) if version == 4 else self._read_entries(count)
        end = len(self._data) - self._id_length
        if position > end:
            raise ValueError("index ends too early")
        while position < end:
            name, length = _EXTENSION.unpack_from(self._data, position)
            position += _EXTENSION.size + length
            self._read_extension(name, self._data[position - length : position])

    def _read_entries(self, count: int) -> int:
        """Versions 2 and 3: whole names, padded with 1 to 8 NULs to a multiple of 8. Returns where they end."""
        data, entries = self._data, self._entries
        position, before_name = _HEADER.size, _FIXED + self._id_length + 2
        for _ in range(count):
            name = position + before_name
            flags = data[name - 2] << 8 | data[name - 1]
            if flags & _EXTENDED:
                name += 2
            length = flags & _NAME_LENGTH
            if length == _NAME_LENGTH:  # too long for its field
                length = data.index(0, name) - name
            path = data[name : name + length]
            if flags & _STAGE:
                self._conflicts.setdefault(path, {})[flags >> 12 & 3] = position
            else:
                entries[path] = position
            position += name + length - position + 8 & ~7
        return position

    def _read_compressed(self, count: int) -> int:
        """Version 4: each name takes its start from the one before, and there is no padding."""
        data, before_name = self._data, _FIXED + self._id_length + 2
        position, path = _HEADER.size, b""
        for _ in range(count):
            name = position + before_name
            flags = data[name - 2] << 8 | data[name - 1]
            if flags & _EXTENDED:
                name += 2
            name, cut = _offset_number(data, name)
            end = data.index(0, name)
            path = path[: len(path) - cut] + data[name:end]
            if flags & _STAGE:
                self._conflicts.setdefault(path, {})[flags >> 12 & 3] = position
            else:
                self._entries[path] = position
            position = end + 1
        return position

    def _read_extension(self, name: bytes, content: bytes) -> None:
        if name == b"TREE":
            self._read_cache_tree(content)
        elif name == b"link":
            raise RepositoryError(
                "the index is split in two files, which twice cannot read without the git executable",
                hint="put git on PATH, or run `git update-index --no-split-index` once",
            )
        elif name == b"sdir":
            raise RepositoryError(
                "the index is sparse, which twice cannot read without the git executable",
                hint="put git on PATH, or run `git sparse-checkout reapply --no-sparse-index` once",
            )
        elif not b"A" <= name[:1] <= b"Z":
            shown = name.decode("ascii", "backslashreplace")
            raise RepositoryError(
                f"the index uses an extension that this version of twice does not know: {shown}",
                hint="put git on PATH, so that twice can let it read the index",
            )

    def _read_cache_tree(self, content: bytes) -> None:
        """Folders in pre-order, each: name NUL entry-count SPACE number-of-subfolders LF, id unless the count is -1."""
        position = 0
        above: list[tuple[bytes, int]] = []  # path with a slash, and how many of its folders are still to come
        while position < len(content):
            name_end = content.index(0, position)
            line_end = content.index(b"\n", name_end)
            entry_count, folder_count = content[name_end + 1 : line_end].split(b" ")
            while above and above[-1][1] == 0:
                above.pop()
            start = b""
            if above:
                start, left = above[-1]
                above[-1] = (start, left - 1)
            path = start + content[position:name_end]
            position = line_end + 1
            if int(entry_count) >= 0:
                self._tree_ids[path] = content[position : position + self._id_length]
                position += self._id_length
            above.append((path + b"/" if path else b"", int(folder_count)))


def _offset_number(data: bytes, position: int) -> tuple[int, int]:
    """A number as in a pack's OFS_DELTA: seven bits a byte, and one more for each that follows. Returns (end, number)."""
    byte = data[position]
    position += 1
    number = byte & 127
    while byte & 128:
        byte = data[position]
        position += 1
        number = number + 1 << 7 | byte & 127
    return position, number
