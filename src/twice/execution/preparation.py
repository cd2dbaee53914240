"""What does a run need to run again, and where is it?  Its data, its request, its variables; nothing is written here.

Shared by `reproduction`, which puts it all in place, by `checking`, which says what is missing, and by `steps`, which says
what would be done.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from twice.capture.hash_cache import HashCache
from twice.capture.machine import usable_cores
from twice.capture.request import Request
from twice.capture.variables import capture_variables, restore_variables
from twice.configuration import Configuration
from twice.execution.placing import Found, find_inputs
from twice.execution.worktrees import unbound
from twice.git.objects import SYMLINK
from twice.git.repository import Repository
from twice.record.model import DataFile, Run
from twice.store.content_sources import content_sources
from twice.store.run_store import RunStore

_MOST_LINKS = 40  # as Linux follows them
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def data_to_place(original: Run) -> list[DataFile]:
    """The inputs that the code's tree does not bring: files outside git, and those too large for the snapshot."""
    known = {one.path for one in original.data.inputs}
    large = [
        DataFile(path=one.path, sha256=one.sha256, size_bytes=one.size_bytes)
        for one in original.code.left_out
        if one.reason == "large" and one.path not in known and one.sha256 is not None
    ]
    return [one for one in original.data.inputs if one.stored != "git"] + large


def find_data(
    original: Run, manifest: Callable[[str], bytes | None], repository: Repository, hashes: HashCache | None
) -> list[Found]:
    """Where the content of that data is now; `manifest` gives that of a folder among it.

    What is read through a symbolic link of the code is looked for, and put, where the link leads.
    """
    recorded = {follow_links(one.path, original.code.tree, repository): one for one in data_to_place(original)}
    return find_inputs(
        [replace(one, path=path) for path, one in recorded.items()],
        [repository.root, Path(original.execution.repository)],
        hashes,
        content_sources(repository),
        lambda path: manifest(recorded[path].path),
    )


def follow_links(path: str, tree: str, repository: Repository) -> str:
    """A path of a record, with the symbolic links that the tree holds on its way replaced by what they name.

    A link into the git directory, as git-annex makes them, stays: in a linked work tree there is no such folder.
    """
    recorded = path
    for _ in range(_MOST_LINKS):
        parts = PurePosixPath(path).parts
        if PurePosixPath(path).is_absolute() or ".." in parts:
            return path  # out of the tree
        for end in range(1, len(parts) + 1):
            entry = repository.objects.find(tree, "/".join(parts[:end]))
            if entry is None:
                return path
            if entry.mode == SYMLINK:
                target = os.fsdecode(repository.objects.read_blob(entry.id))
                path = posixpath.normpath(posixpath.join(*parts[: end - 1], target, *parts[end:]))
                if path.startswith(".git/"):
                    return recorded
                break
        else:
            return path
    return path


def manifests_of(commit: str, repository: Repository) -> Callable[[str], bytes | None]:
    """The manifests of the folders among the data of a recorded run, by their paths."""
    return lambda folder: RunStore(repository).manifest(commit, folder)


def request_again(original: Run, run_id: str, words: Sequence[str]) -> Request:
    """What is asked for when a run is run again; `words` are what is executed."""
    execution = original.execution
    return Request(
        id=run_id,
        command=execution.command,
        words=tuple(words),
        directory=execution.directory,
        experiment=execution.experiment,
        entry_point=execution.entry_point,
        params={
            name: original.params.values[name] for name, source in original.params.sources.items() if source == "option"
        },
        inputs=tuple(one.path for one in original.data.inputs if "declared" in one.found),
        outputs=tuple(one.path for one in original.data.outputs if "declared" in one.found),
        seed=original.seeds.root,
        strict=bool(execution.strict),
        isolated=True,
        reproduces=original.id,
    )


def variables_again(
    original: Run, root: Path, configuration: Configuration, environ: Mapping[str, str]
) -> dict[str, str]:
    """The present variables, with those that a record holds set (and unset) as they were then; `root` is the worktree's."""
    ours = capture_variables(environ, configuration.environment_variables)
    variables = {name: value for name, value in unbound(environ).items() if name not in ours}
    variables |= restore_variables(original.environment.variables, root)
    machine = original.environment.machine
    if machine is not None and machine.cores is not None and machine.cores != usable_cores():
        # Libraries start as many threads as there are cores, and sums depend on how many there are.
        for name in _THREAD_VARIABLES:
            variables.setdefault(name, str(machine.cores))
    return variables
