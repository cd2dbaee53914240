"""How is a file's path written in a record?  Absolute paths in, the record's form out, and back.

Inside the repository: relative to its root. Outside: relative with `..` when the run itself named it by a relative path (it
moves with the repository), else absolute. POSIX form.
"""

from __future__ import annotations

import contextlib
import os


class RecordPaths:
    """The two forms of a path, for one repository; `absolute` and `canonical` give texts that can be compared."""

    def __init__(self, root: str) -> None:
        self.root = os.path.normpath(root)
        self._real_root = os.path.realpath(root)
        self._real_folders: dict[str, str] = {}

    def absolute(self, path: str) -> str:
        """The absolute form of a path of the record."""
        return self.canonical(os.path.join(self.root, path))  # noqa: PTH118

    def canonical(self, path: str) -> str:
        """One text for one place: without `.` and `..`, and below the root when it leads there by whatever links.

        Links inside the repository stay: `data/x.csv` is that, even when `data` is a link to another disk.
        """
        normal = os.path.normpath(path)
        if ".." in path and not _is_same_file(normal, path):  # a link before the `..` leads elsewhere
            normal = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(normal))  # noqa: PTH118,PTH119,PTH120
        if self.is_inside(normal):
            return normal
        if _is_below(normal, self._real_root):
            return self.root + normal[len(self._real_root) :]
        folder, name = os.path.split(normal)
        real = self._real_folders.get(folder)
        if real is None:
            real = self._real_folders[folder] = os.path.realpath(folder)
        if _is_below(real, self._real_root):
            return os.path.join(self.root + real[len(self._real_root) :], name)  # noqa: PTH118
        return normal

    def is_inside(self, path: str) -> bool:
        """Whether an absolute path lies in the repository, or is its root."""
        return _is_below(path, self.root)

    def recorded(self, path: str, *, named_relative: bool = False) -> str:
        """The record's form of an absolute path."""
        if self.is_inside(path) or named_relative:
            with contextlib.suppress(ValueError):  # another drive
                path = os.path.relpath(path, self.root)
        return path.replace(os.sep, "/")


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _is_same_file(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)  # noqa: PTH121
    except (OSError, ValueError):
        return not os.path.lexists(other)  # neither is there: the plain text is as good as any
