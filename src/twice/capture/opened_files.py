"""Which files did the run open, and for what?  The one form in which all tracers tell it.

In: the `open` events of the agent (twice.agent.protocol), or what the tracer of system calls saw. Out: `OpenedFile`s in
the order in which each file was first opened in each way.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from twice.frozen import frozen

Stamp = tuple[int, int, int, int]
"""What tells one content of a file from the next: size, mtime_ns, ctime_ns, inode."""


@frozen
class OpenedFile:
    """A file that was opened, renamed to or truncated; opened only means: it may have been read or written."""

    path: str  # absolute
    read: bool
    write: bool
    relative: bool = False  # the run named it by a relative path
    stamp: Stamp | None = None  # as it was just before it was opened; None: not there, or nobody looked


def stamp_of(status: os.stat_result) -> Stamp:
    """The stamp of a file that stat describes so."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def opened_from_events(events: Iterable[Mapping[str, Any]], directory: str = "/") -> tuple[OpenedFile, ...]:
    """The opened files that the events tell of; a relative path without a `cwd` is relative to `directory`."""
    found: dict[tuple[object, ...], OpenedFile] = {}
    for event in events:
        if event.get("kind") != "open" or not isinstance(event.get("path"), str):
            continue
        path, stamp = event["path"], event.get("stamp")
        absolute = os.path.join(directory, event.get("cwd") or "", path)  # noqa: PTH118 - a path may hold anything
        read, write = bool(event.get("read")), bool(event.get("write"))
        relative = bool(event.get("relative", absolute != path))
        stamped: Stamp | None = tuple(stamp) if stamp else None
        # A plain tuple, for there can be a hundred thousand, and a dataclass takes ten times as long to hash.
        key = (absolute, read, write, relative, stamped)
        if key not in found:
            found[key] = OpenedFile(path=absolute, read=read, write=write, relative=relative, stamp=stamped)
    return tuple(found.values())


def event_fields(opened: OpenedFile) -> dict[str, Any]:
    """The fields of the `open` event that tells of this file, for whoever writes it to a run's live folder."""
    fields: dict[str, Any] = {"path": opened.path, "read": opened.read, "write": opened.write}
    if opened.relative:
        fields["relative"] = True
    if opened.stamp is not None:
        fields["stamp"] = list(opened.stamp)
    return fields
