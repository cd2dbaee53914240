"""How does a folder become a repository with one commit?  For the demonstration; users start theirs themselves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from twice.git.executable import Git

_AUTHOR = "twice demo <demo@localhost>"


def start_repository(folder: Path, environ: Mapping[str, str], message: str) -> None:
    """Make the folder a repository on branch `main`, with all its files in one commit."""
    git = Git.find(environ)
    if git is None:
        _start_by_hand(folder, message)
        return
    name, _, address = _AUTHOR.rstrip(">").partition(" <")
    who = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": address}
    who |= {"GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": address}
    git.run("init", "-q", cwd=folder)
    git.run("symbolic-ref", "HEAD", "refs/heads/main", cwd=folder)
    git.run("add", "-A", cwd=folder)
    git.run("commit", "-q", "--no-gpg-sign", "--no-verify", "-m", message, cwd=folder, env_extra=who)


def _start_by_hand(folder: Path, message: str) -> None:
    from dulwich.repo import Repo

    repository = Repo.init(str(folder), default_branch=b"main")
    try:
        tree = repository.get_worktree()
        files = [path.relative_to(folder) for path in folder.rglob("*") if ".git" not in path.parts and path.is_file()]
        tree.stage([str(path) for path in files])
        tree.commit(message=message.encode(), author=_AUTHOR.encode(), committer=_AUTHOR.encode())
    finally:
        repository.close()
