"""How does a commit become files in a folder of its own?  As a detached linked worktree, and back to nothing.

In: a commit and a folder that does not exist yet.  Out: the files as a checkout writes them (line ends and filters
applied, sparse rules not: a run needs all of its code), and the paths of submodules, which are left empty. The user's own
work tree, index and branches are not touched; none of the repository's hooks runs. Whatever fails leaves nothing behind.

See gitrepository-layout, "worktrees". With the git executable `git worktree add` does it; otherwise `checkout_by_hand`.
"""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

from twice.errors import RepositoryError
from twice.git.executable import Git
from twice.git.files import cannot_write
from twice.git.objects import GITLINK
from twice.git.repository import Repository


def add_worktree(repository: Repository, commit: str, folder: Path) -> tuple[str, ...]:
    """Make a worktree of a commit in a new or empty folder; the paths of submodules, which are not checked out.

    Raises RepositoryError; then neither the folder's content nor an entry in the git directory is left.
    """
    folder = Path(os.path.realpath(folder))
    repository.objects.read_commit(commit)  # says clearly when there is no such commit
    if os.path.lexists(folder) and not (folder.is_dir() and not any(folder.iterdir())):
        raise RepositoryError(f"a worktree needs a folder that is new or empty: {folder}")
    existed = folder.is_dir()
    try:
        if repository.git is not None:
            return _add_by_git(repository, repository.git, commit, folder)
        from twice.git import checkout_by_hand

        return checkout_by_hand.add_worktree(repository, commit, folder)
    except BaseException:
        _remove(repository, folder)
        if existed:
            folder.mkdir(exist_ok=True)
        raise


def checked_out(repository: Repository, tree: str, path: str) -> bytes | None:
    """What a file of a tree holds in a work tree: line ends and filters applied; None when nobody can tell.

    Without a git executable that is so for every file: the rules of `path` may have changed since the tree was made.
    """
    if repository.git is None:
        return None
    try:
        return repository.git.run("cat-file", "--filters", f"{tree}:{path}", cwd=repository.root)
    except RepositoryError:
        return None


def remove_worktree(repository: Repository, folder: Path) -> None:
    """Remove a linked worktree, with all that is in it, and its entry in the git directory.

    Nothing happens when neither is there. Raises RepositoryError for any other folder.
    """
    folder = Path(os.path.realpath(folder))
    if folder.exists() and _entry(repository, folder) is None:
        raise RepositoryError(
            f"not a linked worktree of this repository: {folder}", details=[str(repository.common_dir)]
        )
    _remove(repository, folder)


def _add_by_git(repository: Repository, git: Git, commit: str, folder: Path) -> tuple[str, ...]:
    settings = ("-c", "core.sparseCheckout=false", "-c", "submodule.recurse=false")
    git.run(
        *settings,
        *("worktree", "add", "--force", "--detach", str(folder), commit),
        cwd=repository.root,
        env_extra={"GIT_INDEX_FILE": None},  # the new worktree has an index of its own
    )
    flag = repository.settings.flag
    if flag("core.sparsecheckout") and flag("extensions.worktreeconfig"):  # git has copied the setting
        file = f"{_entry(repository, folder)}/config.worktree"
        git.run("config", "--file", file, "core.sparseCheckout", "false", cwd=repository.root)
    listing = os.fsdecode(git.run("ls-tree", "-r", "-z", commit, cwd=repository.root))
    links = f"{GITLINK:o} "
    return tuple(entry.partition("\t")[2] for entry in listing.split("\0") if entry.startswith(links))


def _entry(repository: Repository, folder: Path) -> Path | None:
    """What the git directory holds about a worktree: `worktrees/<name>`, found by the folder that it names."""
    wanted = str(folder / ".git")
    try:
        entries = sorted((repository.common_dir / "worktrees").iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return None
    for entry in entries:
        try:
            named = os.fsdecode((entry / "gitdir").read_bytes()).strip()
        except OSError:
            continue
        if os.path.realpath(entry / named) == wanted:
            return entry
    return None


def _remove(repository: Repository, folder: Path) -> None:
    entry = _entry(repository, folder)
    try:
        # The folder first: an entry without a folder is what `git worktree prune` clears away, should we die here.
        for path in (folder, entry):
            if path is not None and os.path.lexists(path):
                _remove_tree(path)
    except FileNotFoundError:
        pass  # somebody else removed the last of it
    except OSError as error:
        raise cannot_write(error.filename or folder, error) from error
    with suppress(OSError):  # there are others, or there never was one
        (repository.common_dir / "worktrees").rmdir()


def _remove_tree(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except PermissionError:  # what ran there has made folders read-only
        for here, _, _ in os.walk(folder):
            os.chmod(here, stat.S_IRWXU)
        shutil.rmtree(folder)
