"""Which of the code files that a run executed are no longer as the snapshot has them?

In: the files that the run reported, or was seen to open, and a reader of the snapshot. Out: their paths, sorted. A file is
compared by content when its time stamps say that it may have been touched since shortly before the start: `git switch` in
another terminal is found, and `touch` or an edit that was taken back is nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path

_MARGIN_NS = 3_000_000_000  # between looking at the work tree and the start; and the coarsest clock of a file system


def changed_code(
    loaded: Collection[str],
    written: Collection[str],
    root: Path,
    started_at: datetime,
    snapshot_blob: Callable[[str], str | None],
    read_snapshot: Callable[[str], bytes | None],
) -> tuple[str, ...]:
    """The paths of `loaded` whose content has changed; `written`, those that git saw change, decides where nothing else can.

    `snapshot_blob` gives a file's blob id, `read_snapshot` (slow) what that is in a work tree.
    """
    since_ns = int(started_at.timestamp() * 1e9) - _MARGIN_NS

    def has_changed(path: str) -> bool:
        blob = snapshot_blob(path)
        if blob is None:
            return path in written
        try:
            status = (root / path).stat()
            if max(status.st_mtime_ns, status.st_ctime_ns) < since_ns:
                return False
            content = (root / path).read_bytes()
        except OSError:
            return True  # it is gone
        if _blob_id(content, blob) == blob:
            return False
        known = read_snapshot(path)  # it may differ from its blob by line ends or by what a filter does
        return path in written if known is None else content != known

    return tuple(sorted(path for path in loaded if has_changed(path)))


def _blob_id(content: bytes, like: str) -> str:
    """The id that git gives a content, in the object format of another id."""
    name = "sha1" if len(like) == 40 else "sha256"
    return hashlib.new(name, b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
