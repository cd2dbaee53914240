"""What exactly would be done to run a run again?  The steps, as lines that a shell would take; nothing is done.

What `twice` does beside them (seeding inside the interpreters, watching files, recording) is said in comments.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from twice.capture.hash_cache import HashCache
from twice.capture.root_seed import seed_variables
from twice.execution.argv import Invocation, point_at
from twice.execution.checking import check_run
from twice.execution.derivation import Change
from twice.execution.placing import Found, levels_above
from twice.execution.preparation import find_data, manifests_of, variables_again
from twice.execution.reproduction import Surroundings, Wishes, wanted_run
from twice.execution.worktrees import cache_folder, code_commit, worktree_folder
from twice.record.model import Run
from twice.textforms import format_size


def reproduction_steps(
    original: Run, commit: str, change: Change | None, wishes: Wishes, around: Surroundings
) -> Iterator[str]:
    """The lines; `commit` is the run's.  Raises ReproductionError when the code or the interpreter is not here."""
    repository = around.repository
    wanted = wanted_run(original, change, repository)
    code = code_commit(original, repository)
    with HashCache.open(repository.state_dir / "hashes.sqlite3") as hashes:
        found = find_data(original, manifests_of(commit, repository), repository, hashes)
    top = cache_folder(around.environ) / "worktrees" / wishes.id
    root = worktree_folder(top, repository, levels_above([one.data for one in found]))
    variables = variables_again(original, root, around.configuration, around.environ)
    invocation = _invocation(wanted, wishes, root, around, variables)
    yield _say("git", "-C", str(repository.root), "worktree", "add", "--detach", str(root), code)
    yield from (line for one in found for line in _data(one, root))
    needs = {need.part: need for need in check_run(original, commit, wishes, around)}
    if "packages" in needs:
        yield f"# packages: {needs['packages'].text}"
        yield from (f"#   {line}" for line in needs["packages"].details)
    yield _say("cd", str(root / original.execution.directory))
    yield from _variables(around.environ, variables | {"PATH": invocation.path})
    if original.seeds.root is not None:
        yield from _variables({}, seed_variables(original.seeds.root, variables))
        yield f"# every Python of it is seeded from {original.seeds.root}"
    yield shlex.join(invocation.words)
    if wanted is original:
        yield f"# then: recorded as {wishes.id}, compared with {original.id}"
    else:
        yield f"# then: recorded as {wishes.id}, derived from {original.id}"
    if not wishes.keep:
        yield _say("git", "-C", str(repository.root), "worktree", "remove", "--force", str(root))


def _invocation(
    wanted: Run, wishes: Wishes, root: Path, around: Surroundings, variables: Mapping[str, str]
) -> Invocation:
    objects = around.repository.objects

    def will_be_there(path: Path) -> bool:
        return path == root or objects.find(wanted.code.tree, path.relative_to(root).as_posix()) is not None

    return point_at(
        wanted.execution.command,
        wanted.execution.python,
        wishes.python,
        Path(wanted.execution.repository),
        root,
        variables,
        will_be_there,
    )


def _data(one: Found, root: Path) -> Iterator[str]:
    path = one.data.path
    size = "" if one.data.size_bytes is None else f"   # {format_size(one.data.size_bytes)}"
    if one.problem is not None:
        yield f"# {path} is missing: {one.problem}"
    elif Path(path).is_absolute():
        yield f"# {path} is read where it is"
    elif one.files:
        yield f"# {len(one.files)} files into {shlex.quote(str(root / path))}, from {one.origin or 'their places'}{size}"
    elif one.place is not None:
        source, target = (os.path.normpath(place) for place in (one.place, root / path))
        yield _say("mkdir", "-p", str(Path(target).parent))
        yield _say("cp", "-rpn" if one.data.kind == "folder" else "-pn", source, target) + size


def _variables(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """The variables that are set or unset, sorted."""
    gone = sorted(before.keys() - after.keys())
    if gone:
        yield _say("unset", *gone)
    for name in sorted(after):
        if before.get(name) != after[name]:
            yield f"export {name}={shlex.quote(after[name])}"


def _say(*words: str) -> str:
    return shlex.join(words)
