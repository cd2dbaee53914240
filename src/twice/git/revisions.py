"""Which commit does a revision name, which commits came before it, which paths did a commit change?

In: a revision as a user writes it (`main`, `HEAD~3`, an id), ids of commits.  Out: ids and paths. With the git executable
these are `git rev-parse`, `rev-list` and `diff-tree`; without it refs and whole ids are understood, and the graph is walked.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from twice.errors import RepositoryError
from twice.git.executable import GitFailed

if TYPE_CHECKING:
    from twice.git.repository import Repository

_PLACES = ("", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/")  # in the order of gitrevisions


def resolve_commit(repository: Repository, revision: str) -> str | None:
    """The id of the commit that a revision names; None when it names none."""
    if not revision or "\0" in revision:
        return None
    if repository.git is None:
        return _resolve_by_hand(repository, revision)
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    try:
        return repository.git.run(*words, cwd=repository.root).decode("ascii").strip()
    except GitFailed:
        return None


def ancestors_among(repository: Repository, commit: str, wanted: Collection[str]) -> set[str]:
    """Those of the wanted commits that are the commit, or an ancestor of it."""
    missing = set(wanted)
    if not missing:
        return set()
    if repository.git is None:
        for one in _walk(repository, commit):
            missing.discard(one)
            if not missing:
                break
    else:
        with repository.git.open("rev-list", commit, cwd=repository.root, takes_input=False) as process:
            assert process.stdout is not None
            for line in process.stdout:
                missing.discard(line.rstrip().decode("ascii"))
                if not missing:
                    break
            process.terminate()
            process.stdout.close()
    return set(wanted) - missing


def changed_paths(repository: Repository, commits: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Commit and the paths that differ from its first parent, for each commit; the old path of a renamed file, too."""
    commits = list(commits)
    if repository.git is None:
        for commit in commits:
            yield commit, _changed_by_hand(repository, commit)
        return
    found: dict[str, list[str]] = {commit: [] for commit in commits}
    words = ("diff-tree", "--stdin", "-r", "-m", "--first-parent", "--root", "--no-renames", "--raw", "-z")
    questions = "".join(f"{commit}\n" for commit in commits).encode("ascii")
    output = repository.git.run(*words, cwd=repository.root, input=questions)
    fields = iter(os.fsdecode(output).split("\0")[:-1])
    paths: list[str] = []
    for field in fields:
        if field.startswith(":"):
            paths.append(next(fields))
        else:
            paths = found.setdefault(field.strip(), [])
    yield from found.items()


def _resolve_by_hand(repository: Repository, revision: str) -> str | None:
    found = None if "/../" in f"/{revision}/" else _find_ref(repository, revision)
    if found is None:
        found = revision.lower()
    try:
        repository.objects.read_commit(found)
    except RepositoryError:
        return None
    return found


def _find_ref(repository: Repository, name: str) -> str | None:
    for place in _PLACES:
        if place or name == "HEAD" or name.startswith("refs/"):
            try:
                found = repository.refs.read(place + name)
            except RepositoryError:
                continue
            if found is not None:
                return found
    return None


def _walk(repository: Repository, commit: str) -> Iterator[str]:
    seen, waiting = {commit}, [commit]
    while waiting:
        one = waiting.pop()
        yield one
        try:
            parents = repository.objects.read_commit(one).parents
        except RepositoryError:  # where a shallow clone ends
            continue
        for parent in parents:
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)


def _changed_by_hand(repository: Repository, commit: str) -> list[str]:
    from twice.git.difference import changed_files

    facts = repository.objects.read_commit(commit)
    before = repository.objects.read_commit(facts.parents[0]).tree if facts.parents else repository.objects.empty_tree
    changes = changed_files(repository, before, facts.tree)
    return [path for change in changes for path in {change.path, change.old_path or change.path}]
