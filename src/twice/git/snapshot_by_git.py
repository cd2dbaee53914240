"""The snapshot of the work tree, with the git executable.

`git status` finds what changed, in one process; a private copy of the index takes the changed paths, and `git write-
tree` makes the tree. Filters, line ends, modes, submodules and every kind of index are git's own affair. The user's
index is only read: the copy lies in the state folder for as long as it takes.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from twice.errors import RepositoryError
from twice.git.executable import Git, Process
from twice.git.files import cannot_write, make_folders, remove
from twice.git.objects import EXECUTABLE, FILE, GITLINK, SYMLINK
from twice.git.scans import Change, Head, Scan, State

if TYPE_CHECKING:
    from twice.git.repository import Repository

_STATUS = (
    "status",
    "--porcelain=v2",
    "-z",
    "--branch",
    "--no-ahead-behind",
    "--untracked-files=all",
    "--no-renames",
    "--ignore-submodules=none",
)


def scan_ahead(repository: Repository) -> None:
    """Start `git status`, unless it is running."""
    repository.looking = repository.looking or _start_status(repository)


def _start_status(repository: Repository) -> Process:
    return _git(repository).start(*_STATUS, cwd=repository.root)


def scan(repository: Repository) -> Scan:
    """What `git status` says, and the size and time of each changed file."""
    process, repository.looking = repository.looking or _start_status(repository), None
    with process:
        head = repository.head()
        if head.commit is not None:
            repository.objects.read_commit(head.commit)  # ahead: the snapshot asks for it, and git is busy anyway
        output = process.finish()
    commit, branch = head.commit, head.branch
    changes: dict[str, Change] = {}
    for entry in os.fsdecode(output).split("\0")[:-1]:
        if entry.startswith("# branch.oid "):  # HEAD may have moved since we looked
            commit = None if entry.endswith(" (initial)") else entry[13:]
        elif entry[0] in "1u?":
            change = _parse(entry, repository.root)
            known = changes.get(change.path)
            if known is None or change.state == "untracked":  # removed from the index, but still there: untracked
                changes[change.path] = change
    if commit != head.commit:
        branch = repository.head().branch
    return Scan(head=Head(commit=commit, branch=branch), changes=tuple(changes[path] for path in sorted(changes)))


def _parse(entry: str, root: Path) -> Change:
    """One entry of `git status --porcelain=v2 -z` (git-status, "Porcelain Format Version 2")."""
    if entry[0] == "?":
        path = entry[2:]
        state: State = "nested repository" if path.endswith("/") else "untracked"
        return _look(path.rstrip("/"), state, root)
    if entry[0] == "u":
        return _look(entry.split(" ", 10)[10], "unmerged", root)
    _, codes, submodule, _, index_mode, mode, _, _, path = entry.split(" ", 8)
    if codes[1] == ".":
        state = "staged"
    elif codes[1] == "D":
        state = "deleted"
    elif codes == ".A":  # intended to be added: nothing of it is staged
        state = "untracked"
    elif codes[1] == "T":
        state = "type"
    else:
        state = "modified"
    if submodule[0] == "S" and state not in ("deleted", "staged"):
        state = "submodule"
    if state == "staged" and index_mode == "000000":
        return Change(path=path, state="staged", mode=0)
    return _look(path, state, root, int(mode, 8))


def _look(path: str, state: State, root: Path, mode: int | None = None) -> Change:
    """The change, with what lstat says about the file; its mode too, where git has not said it (core.fileMode)."""
    if state == "deleted":  # even if there is something: a folder, or another file behind a symlink that was a folder
        return Change(path=path, state="deleted", mode=0)
    try:
        found = os.lstat(f"{root}/{path}")
    except OSError:
        return Change(path=path, state="unmerged" if state == "unmerged" else "deleted", mode=0)
    if stat.S_ISDIR(found.st_mode):
        return Change(path=path, state=state, mode=GITLINK, mtime_ns=found.st_mtime_ns)
    if stat.S_ISLNK(found.st_mode):
        mode = mode or SYMLINK
    elif stat.S_ISREG(found.st_mode):
        mode = mode or (EXECUTABLE if found.st_mode & stat.S_IXUSR else FILE)
    else:
        return Change(path=path, state="not a file", mode=0)
    return Change(path=path, state=state, mode=mode, size_bytes=found.st_size, mtime_ns=found.st_mtime_ns)


def write_tree(repository: Repository, scan: Scan, leave_out: Collection[str]) -> str:
    """The tree of the work tree; see `snapshot.write_tree`."""
    git = _git(repository)
    if not scan.changes and scan.head.commit is not None:
        return repository.objects.read_commit(scan.head.commit).tree
    gone = [change.path for change in scan.changes if change.mode == 0 and change.state != "staged"]
    there = [change.path for change in scan.changes if _goes_in(change, repository, leave_out)]
    with _private_index(repository) as index:
        environment = {"GIT_INDEX_FILE": index}
        # Literal paths, not pathspecs: nothing is matched, and ignore rules play no part any more.
        for option, paths in (("--force-remove", gone), ("--add", there)):  # in this order: a file may become a folder
            if paths:
                words = ("update-index", option, "--remove", "--replace", "-z", "--stdin")
                names = b"".join(os.fsencode(path) + b"\0" for path in paths)
                git.run(*words, cwd=repository.root, input=names, env_extra=environment)
        return git.run("write-tree", cwd=repository.root, env_extra=environment).decode("ascii").strip()


def _goes_in(change: Change, repository: Repository, leave_out: Collection[str]) -> bool:
    """Whether the index copy needs to take the path from the work tree."""
    if change.mode == 0 or change.state == "staged":
        return False
    if change.state == "nested repository":
        return change.path not in leave_out and repository.nested_head(change.path) is not None
    return change.state != "untracked" or change.path not in leave_out


@contextmanager
def _private_index(repository: Repository) -> Iterator[str]:
    """A copy of the user's index that may be written to; with its time, by which git knows what it can trust."""
    folder = f"{repository.state_dir}/tmp"
    copy = f"{folder}/index-{os.getpid()}-{os.urandom(6).hex()}"
    try:
        make_folders(folder)
        shutil.copy2(repository.index_file, copy)
    except FileNotFoundError:
        pass  # nothing was ever added: git starts from nothing
    except OSError as error:
        remove(copy)
        raise cannot_write(copy, error) from error
    try:
        yield copy
    finally:
        remove(copy)
        remove(copy + ".lock")


def _git(repository: Repository) -> Git:
    if repository.git is None:
        raise RepositoryError("there is no git executable")
    return repository.git
