"""Which code is about to run?  The work tree as a snapshot in git, less what must not or need not be kept there.

Left out of the snapshot, and said so: new untracked files over the size limit (they are data: hashed, not kept), files
whose name says that they hold a secret, and what is no file at all.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from pathlib import Path

from twice.capture.before import FileState
from twice.capture.secrets import cut_credentials, is_secret_file
from twice.configuration import Configuration
from twice.errors import RepositoryError
from twice.frozen import frozen
from twice.git.repository import Repository
from twice.git.scans import Change, Scan
from twice.git.snapshot import scan, write_snapshot
from twice.record.code import Code, LeftOut
from twice.textforms import format_size


@frozen
class CapturedCode:
    """The code's facts, the scan they come from, and what to tell the user."""

    code: Code
    scan: Scan
    warnings: tuple[str, ...] = ()


def capture_code(repository: Repository, configuration: Configuration) -> CapturedCode:
    """Write the snapshot of the work tree.  Touches nothing of the user's; the caller pins `code.commit`."""
    found = scan(repository)
    left_out = tuple(_left_out(found, configuration))
    snapshot = write_snapshot(repository, found, {entry.path for entry in left_out if entry.reason in _UNWANTED})
    code = Code(
        tree=snapshot.tree,
        base=snapshot.base,
        snapshot=snapshot.commit,
        branch=found.head.branch,
        remote=remote_url(repository, found.head.branch),
        left_out=left_out,
    )
    return CapturedCode(code=code, scan=found, warnings=tuple(_warning(entry) for entry in left_out))


_UNWANTED = ("large", "secret")  # what the snapshot would hold if we did not ask it not to


def _left_out(found: Scan, configuration: Configuration) -> list[LeftOut]:
    entries = []
    for change in found.changes:
        reason = _reason(change, configuration)
        if reason is not None:
            entries.append(LeftOut(path=change.path, reason=reason, size_bytes=change.size_bytes))
    return entries


def _reason(change: Change, configuration: Configuration) -> str | None:
    if change.state in ("nested repository", "not a file"):
        return change.state
    if change.state != "untracked" or any(
        fnmatch.fnmatchcase(change.path, pattern) for pattern in configuration.code_include
    ):
        return None
    if is_secret_file(change.path):
        return "secret"
    return "large" if (change.size_bytes or 0) > configuration.code_max_file_size_bytes else None


def _warning(entry: LeftOut) -> str:
    meaning = {
        "large": f"is untracked and large ({format_size(entry.size_bytes or 0)}): its hash is kept, not its content",
        "secret": "looks like a secret: not kept",
        "nested repository": "is a repository of its own: its files are not kept",
        "not a file": "is not a regular file: not kept",
    }[entry.reason]
    return f"{entry.path} {meaning}"


def remote_url(repository: Repository, branch: str | None) -> str | None:
    """The URL that the branch, or else `origin`, fetches from; credentials cut."""
    name = (repository.config(f"branch.{branch}.remote") if branch else None) or "origin"
    url = repository.config(f"remote.{name}.url")
    return cut_credentials(url) if url else None


def describe_tree(folder: Path, environ: Mapping[str, str]) -> tuple[str | None, bool | None]:
    """The commit and dirty state of the repository that holds a folder; (None, None) when there is none."""
    try:
        with Repository.open(folder, environ) as repository:
            found = scan(repository)
            return found.head.commit, bool(found.changes)
    except RepositoryError:
        return None, None


def file_states(changes: Iterable[Change]) -> tuple[FileState, ...]:
    """A scan's changes, as they are kept for looking again after the run."""
    return tuple(
        FileState(path=one.path, state=one.state, size_bytes=one.size_bytes, mtime_ns=one.mtime_ns) for one in changes
    )
