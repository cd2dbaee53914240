"""What has changed here since a run?  The run and the work tree in, a `Run` with today's code, data and packages out.

It is what the run would be compared with if it were started now, as far as that can be seen without starting it: params,
metrics, seeds and outputs are taken over and mean nothing. Objects are written for the code, and no ref: git forgets them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from twice.capture.code import capture_code, describe_tree
from twice.capture.hash_cache import HashCache
from twice.capture.hashing import hash_files
from twice.capture.manifests import FolderDigest, describe_folder, read_manifest
from twice.capture.packages import capture_packages
from twice.comparison.sections import Comparison
from twice.configuration import Configuration
from twice.environments.interpreters import ask_interpreter
from twice.git.repository import Repository
from twice.record.model import DataFile, Packages, Run

WORK_TREE = "work tree"
"""Stands where the id of the second run would."""

_COMPARED = ("code", "environment", "data")


def present_state(
    run: Run,
    repository: Repository,
    configuration: Configuration,
    environ: Mapping[str, str],
    manifest: Callable[[str], bytes | None] = lambda _: None,
) -> Run:
    """The run as it would be now; `manifest` gives that of a folder among its inputs.  Raises RepositoryError."""
    captured = capture_code(repository, configuration)
    packages = _packages(run, repository, environ)
    return replace(
        run,
        execution=replace(run.execution, id=WORK_TREE, code=captured.code),
        data=replace(run.data, inputs=_inputs(run, repository, manifest)),
        environment=replace(run.environment, packages=packages),
    )


def seen_at_present(comparison: Comparison) -> Comparison:
    """The sections that say something about the work tree."""
    return replace(comparison, sections=tuple(one for one in comparison.sections if one.name in _COMPARED))


def _inputs(run: Run, repository: Repository, manifest: Callable[[str], bytes | None]) -> tuple[DataFile, ...]:
    """The recorded inputs with their content of today; without a hash where they are not there."""
    with HashCache.open(repository.state_dir / "hashes.sqlite3") as hashes:
        return tuple(_input(one, repository.root, hashes, manifest) for one in run.data.inputs)


def _input(one: DataFile, root: Path, hashes: HashCache, manifest: Callable[[str], bytes | None]) -> DataFile:
    place = root / one.path
    if one.kind == "file":
        digest = hash_files([place], hashes).get(place)
        return replace(
            one,
            sha256=None if digest is None else digest.sha256,
            size_bytes=None if digest is None else digest.size_bytes,
        )
    listed = manifest(one.path)
    if listed is None:
        return one
    folder = _folder(place, read_manifest(listed), hashes)
    return replace(
        one, sha256=folder.sha256 if folder.files else None, size_bytes=folder.size_bytes, files=folder.files
    )


def _folder(place: Path, recorded: Mapping[str, str], hashes: HashCache) -> FolderDigest:
    """The folder as far as the run read it: those of its files that are still there."""
    names = {place / name: name for name in recorded}
    digests = hash_files(names, hashes)
    return describe_folder({names[path]: digest for path, digest in digests.items()})


def _packages(run: Run, repository: Repository, environ: Mapping[str, str]) -> Packages | None:
    """What the run's interpreter sees now; None when the run had none, or it does not start any more."""
    python = run.execution.python
    if run.environment.packages is None or python is None:
        return None
    report = ask_interpreter(python, environ)
    if report is None:
        return None
    # The run's script had its own folder where `-c` has the working directory; no package is installed there.
    report = {**report, "path": [entry for entry in report["path"] if entry]}
    packages, _ = capture_packages(
        report, repository.root, repository.state_dir / "cache", lambda folder: describe_tree(folder, environ)
    )
    return packages
