"""How does a run's code come back into the user's work tree, and nothing get lost?

What is there now is kept first, as a snapshot pinned by `refs/twice/saved/<moment>`. Then every file of the run's code
becomes what it was, and tracked files that it did not have go. HEAD, index, branches, ignored files and untracked files
that the run did not have stay; what git does not see and would be overwritten stops it before anything is written.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from twice.capture.code import capture_code
from twice.configuration import Configuration
from twice.errors import RepositoryError, ReproductionError
from twice.execution.worktrees import code_commit, fresh_worktree
from twice.frozen import frozen
from twice.git.difference import changed_files
from twice.git.file_changes import FileChange
from twice.git.repository import Repository
from twice.record.model import Run

SAVED = "refs/twice/saved/"
_LINK = 0o160000


@frozen
class Applied:
    """What applying changed; `saved` is the ref that keeps what was there before, None when nothing changed.

    `left` are untracked files that the run did not have: they stay.
    """

    changes: tuple[FileChange, ...]
    saved: str | None
    left: tuple[str, ...] = ()


def apply_run(
    run: Run, repository: Repository, configuration: Configuration, now: datetime, environ: Mapping[str, str]
) -> Applied:
    """Make the work tree's files those of the run's code.  Raises ReproductionError before anything is written."""
    commit = code_commit(run, repository)
    present = capture_code(repository, configuration)
    untracked = {change.path for change in present.scan.changes if change.state == "untracked"}
    every_change = changed_files(repository, present.code.tree, run.code.tree)
    changes = tuple(one for one in every_change if not (one.kind == "deleted" and one.path in untracked))
    left = [one.path for one in every_change if one not in changes]
    left += [one.old_path for one in changes if one.old_path is not None and one.old_path in untracked]
    if not changes:
        return Applied(changes=(), saved=None, left=tuple(left))
    _refuse_to_lose(changes, repository)
    saved = f"{SAVED}{now:%Y%m%d-%H%M%S}-{present.code.tree[:6]}"
    if present.code.commit is not None and repository.refs.read(saved) is None:
        repository.refs.create(saved, present.code.commit)
    # A worktree gets the files as git writes them here (line endings, filters); those that differ are taken from it.
    with fresh_worktree(repository, commit, f"apply-{saved.rpartition('/')[2]}", environ) as worktree:
        try:
            for change in changes:
                for path in (change.old_path, change.path):
                    if path is not None and path not in left:
                        _remove(repository.root, path)
            for change in changes:
                if change.kind != "deleted":
                    _copy(worktree.root / change.path, repository.root / change.path)
        except OSError as error:
            raise RepositoryError(
                f"cannot write {error.filename}: {error.strerror}",
                hint=f"what was here before is kept: git restore --source={saved} -- .",
            ) from error
    return Applied(changes=changes, saved=saved, left=tuple(sorted(left)))


def _refuse_to_lose(changes: tuple[FileChange, ...], repository: Repository) -> None:
    """A file that the snapshot of the present does not hold (ignored, large, secret) must not be overwritten."""
    in_the_way = []
    for change in changes:
        if change.kind in ("added", "renamed"):
            place = repository.root / change.path
            if os.path.lexists(place) and not (change.new_mode == _LINK and place.is_dir()):
                in_the_way.append(change.path)
    if in_the_way:
        raise ReproductionError(
            "files that git does not keep would be overwritten",
            details=in_the_way[:20],
            hint="move them away, then apply again",
        )


def _copy(source: Path, target: Path) -> None:
    if source.is_dir() and not source.is_symlink():
        return  # a submodule: its files are its own repository's
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)


def _remove(root: Path, path: str) -> None:
    """Remove a file, and the folders that are empty without it."""
    place = root / path
    try:
        if stat.S_ISDIR(place.lstat().st_mode):
            return  # a submodule's folder is not ours to remove
        place.unlink()
    except FileNotFoundError:
        return
    for folder in place.parents:
        if folder == root:
            break
        try:
            folder.rmdir()
        except OSError:
            break


def branch_run(run: Run, name: str, repository: Repository) -> str:
    """Make a branch at the run's code; the commit.  Raises RepositoryError when the branch is there already."""
    commit = code_commit(run, repository)
    repository.refs.create(f"refs/heads/{name}", commit)
    return commit
