"""Can what was read of an interpreter's distributions the last time be used again?  A cache by file state.

In: the files it was read from. Out: the same distributions as a new reading would give, or None. The key holds the name
and the stat (size, mtime, ctime, inode) of every metadata file read, so that nothing but a write within one tick of the file
system's clock could go unseen; therefore what changed less than two seconds before the saving is not saved (as git does
for "racily clean" index entries).

One JSON file an interpreter, written whole or not at all. It is disposable: another version, or damage, reads as
absent.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from twice.record.model import Distribution, Origin

_FORMAT = 1
_UNSETTLED_NS = 2_000_000_000  # FAT's clock ticks every two seconds; others are finer


class Stamp:
    """The state of the files that something was read from."""

    def __init__(self, files: Iterable[str], *context: str) -> None:
        digest = hashlib.sha256(f"{_FORMAT}\0{context!r}".encode("utf-8", "surrogateescape"))
        self.newest_ns = 0
        for path in files:
            state: tuple[int, ...] = ()
            try:
                status = os.stat(path)  # noqa: PTH116 (a thousand of them in a few milliseconds)
                state = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
                self.newest_ns = max(self.newest_ns, status.st_mtime_ns, status.st_ctime_ns)
            except OSError:
                pass  # that it is not there is a state as well
            digest.update(f"{path}\0{state}\n".encode("utf-8", "surrogateescape"))
        self.key = digest.hexdigest()


def load_cached(file: Path, stamp: Stamp) -> tuple[tuple[Distribution, ...], tuple[str, ...]] | None:
    """The distributions and warnings saved under an equal stamp; None if there are none."""
    try:
        content = json.loads(file.read_bytes())
        if content["key"] != stamp.key:
            return None
        return tuple(map(_distribution, content["distributions"])), tuple(content["warnings"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def save_cached(file: Path, stamp: Stamp, distributions: Sequence[Distribution], warnings: Sequence[str]) -> None:
    """Save what was read, unless the files are too new to be sure of; a folder that cannot be written to is left."""
    content = {"key": stamp.key, "distributions": [asdict(one) for one in distributions], "warnings": list(warnings)}
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(dir=file.parent, prefix=file.name)
    except OSError:
        return
    try:
        with open(descriptor, "w", encoding="utf-8") as out:  # noqa: PTH123 (a descriptor)
            json.dump(content, out)
            out.flush()
            written_ns = os.fstat(descriptor).st_mtime_ns
        if stamp.newest_ns + _UNSETTLED_NS < written_ns:
            Path(draft).replace(file)
    except OSError:
        pass
    finally:
        Path(draft).unlink(missing_ok=True)


def _distribution(values: dict[str, Any]) -> Distribution:
    origin = values.pop("origin")
    tags = tuple(values.pop("wheel_tags"))
    return Distribution(**values, wheel_tags=tags, origin=Origin(**origin) if origin is not None else None)
