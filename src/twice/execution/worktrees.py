"""Where does a run go that must not touch the user's work tree?  A fresh linked worktree, outside of it, for a while.

    <cache>/twice/worktrees/<run id>/[_/…]<repository's name>/

The last folder bears the repository's own name, for programs that look at it. The folders `_` above it leave room for
data that the run reads by a path such as `../data/train.csv`: it is put there, and goes when the worktree goes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from twice.errors import RepositoryError, ReproductionError
from twice.git.checkout import add_worktree, remove_worktree
from twice.git.repository import Repository
from twice.record.model import Run

_BINDING = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX")


def cache_folder(environ: Mapping[str, str]) -> Path:
    """The user's cache folder for `twice`; below the temporary folder when there is no HOME."""
    for variable, below in (("TWICE_CACHE", ""), ("XDG_CACHE_HOME", "twice"), ("LOCALAPPDATA", "twice")):
        if value := environ.get(variable):
            return Path(value) / below
    if home := environ.get("HOME"):
        return Path(home) / ".cache" / "twice"
    import tempfile  # loads `random`, which few need

    return Path(tempfile.gettempdir()) / f"twice-{os.getuid() if hasattr(os, 'getuid') else 'user'}"


def environments_folder(environ: Mapping[str, str]) -> Path:
    """Where rebuilt environments are kept, for all repositories of the user."""
    return cache_folder(environ) / "environments"


def code_commit(run: Run, repository: Repository) -> str:
    """The commit whose tree is the code of a run.  Raises ReproductionError when it is not in this repository."""
    commit = run.code.commit
    if commit is None or not repository.objects.has(commit):
        raise ReproductionError(
            f"the code of run {run.id} is not in this repository",
            hint="fetch the run with its code: twice pull",
        )
    return commit


def unbound(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables without those that bind git to one repository: inside a hook they name the user's."""
    return {name: value for name, value in environ.items() if name not in _BINDING}


def worktree_folder(top: Path, repository: Repository, levels_above: int) -> Path:
    """Where below `top` a worktree goes."""
    return top.joinpath(*["_"] * levels_above, repository.root.name or "repository")


class Worktree:
    """A fresh worktree; `kept` it outlives the command that made it."""

    def __init__(self, top: Path, repository: Repository) -> None:
        self.top = top  # holds the worktree and what lies beside it
        self.repository = repository
        self.kept = False

    @property
    def root(self) -> Path:
        """The top of the work tree."""
        return self.repository.root


@contextmanager
def fresh_worktree(
    repository: Repository, commit: str, run_id: str, environ: Mapping[str, str], levels_above: int = 0
) -> Iterator[Worktree]:
    """A detached worktree of a commit with `levels_above` folders of room above it; removed at the end unless kept."""
    top = cache_folder(environ) / "worktrees" / run_id
    folder = worktree_folder(top, repository, levels_above)
    try:
        folder.parent.mkdir(parents=True)
    except OSError as error:
        raise RepositoryError(
            f"cannot make a worktree at {top}: {error.strerror}", hint="set TWICE_CACHE to a folder with room"
        ) from error
    worktree: Worktree | None = None
    try:
        add_worktree(repository, commit, folder)
        with Repository.open(folder, unbound(environ)) as opened:
            worktree = Worktree(top, opened)
            yield worktree
    finally:
        if worktree is None or not worktree.kept:
            with suppress(RepositoryError):
                remove_worktree(repository, folder)
            shutil.rmtree(top, ignore_errors=True)
