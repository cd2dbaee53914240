"""Where does each recorded distribution come from when it is installed again?  `Packages` in, `Sources` out.

Two kinds. What an index, a repository by its commit, or an archive by its hash gives is the same for every reproduction:
*shared*. What is built from a folder (the repository's own snapshot, a library beside it) is installed for one reproduction:
*own*. What cannot be had as it was is an error before anything is installed, and all such problems are told at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from twice.capture.origins import local_path
from twice.errors import ReproductionError
from twice.frozen import frozen
from twice.record.model import Distribution, Origin, Packages

DescribeTree = Callable[[Path], tuple[str | None, bool | None]]


@frozen
class OwnSource:
    """A distribution that is installed from a file or folder of this machine, for one reproduction."""

    name: str
    version: str
    path: Path
    editable: bool


@frozen
class Trees:
    """Where the run's code is now: its snapshot, and the places that a path in its record may mean."""

    snapshot: Path
    repository: Path  # of the user, on this machine
    recorded: Path  # the repository's root where the run was made


@frozen
class Sources:
    """What to install from where."""

    shared: Packages
    own: tuple[OwnSource, ...] = ()
    needs_twice: bool = False  # `twice` itself, which was installed from a folder: the one that runs now is taken
    notes: tuple[str, ...] = ()


def find_sources(packages: Packages, trees: Trees, describe_tree: DescribeTree) -> Sources:
    """The source of every distribution.  Raises ReproductionError, naming each that cannot be had as it was."""
    conda = [one.name for one in packages.distributions if one.origin is not None and one.origin.kind == "conda"]
    if conda:
        raise ReproductionError(
            f"the environment was made by conda ({len(conda)} packages): pip and uv cannot rebuild it",
            hint="`twice env export RUN --format conda` writes the list that `conda create --file` installs; "
            "then `--python PATH` names its interpreter",
        )
    shared: list[Distribution] = []
    own: list[OwnSource] = []
    notes: list[str] = []
    problems: list[str] = []
    needs_twice = False
    for one in packages.distributions:
        if _is_twice_itself(one):
            needs_twice = True
        elif one.origin is None or one.origin.kind == "vcs":
            shared.append(one)
            problems += _unpinned(one)
        else:
            source = _Local(one, one.origin, trees, describe_tree)
            problems += source.problems
            notes += source.notes
            if source.path is not None:
                own.append(
                    OwnSource(
                        name=one.name, version=one.version, path=source.path, editable=one.origin.kind == "editable"
                    )
                )
            elif not source.problems:
                shared.append(one)
    if problems:
        raise ReproductionError(
            "what the run's environment was installed from is not as it was",
            details=problems,
            hint="put it back as named, or run in the environment that is here: --env current",
        )
    return Sources(
        shared=replace(packages, distributions=tuple(shared)),
        own=tuple(own),
        needs_twice=needs_twice,
        notes=tuple(notes),
    )


def _is_twice_itself(one: Distribution) -> bool:
    return one.name == "twice" and one.origin is not None and one.origin.kind in ("editable", "directory")


def _unpinned(one: Distribution) -> list[str]:
    if one.origin is None or one.origin.commit is not None:
        return []
    return [f"{one.name} {one.version}: from {one.origin.url}, at a commit that was not recorded"]


class _Local:
    """One distribution with a local or archive origin: its path (None: the lock line says it all), and what is wrong."""

    def __init__(self, one: Distribution, origin: Origin, trees: Trees, describe_tree: DescribeTree) -> None:
        self.path: Path | None = None
        self.notes: list[str] = []
        self.problems: list[str] = []
        self._called = f"{one.name} {one.version}"
        if origin.url is None:
            self.problems.append(f"{self._called}: was installed from a folder that was not recorded")
        elif origin.kind == "archive":
            self._find_archive(origin, origin.url, trees)
        else:
            self._find_folder(origin, origin.url, trees, describe_tree)

    def _find_archive(self, origin: Origin, url: str, trees: Trees) -> None:
        if ":" in url and local_path(url) is None:
            return
        inside = _inside(url, trees)
        places = [trees.snapshot / inside, trees.repository / inside] if inside is not None else [local_path(url)]
        found = next((place for place in places if place is not None and place.is_file()), None)
        if found is None:
            self.problems.append(f"{self._called}: its archive is not there: {url}")
        elif origin.sha256 is not None and _sha256(found) != origin.sha256:
            self.problems.append(f"{self._called}: {found} has changed: sha256 was {origin.sha256}")
        else:
            self.path = found

    def _find_folder(self, origin: Origin, url: str, trees: Trees, describe_tree: DescribeTree) -> None:
        inside = _inside(url, trees)
        below = origin.subdirectory or "."
        if inside is not None and _is_project(trees.snapshot / inside / below):
            self.path = trees.snapshot / inside / below
            return
        # A submodule, a repository inside the repository, or an ignored folder: in no snapshot of ours.
        folder = trees.repository / inside if inside is not None else local_path(url)
        if folder is None or not _is_project(folder / below):
            self.problems.append(f"{self._called}: its source folder is not there: {url}")
            return
        if origin.dirty:
            self.problems.append(
                f"{self._called}: ran with uncommitted changes in {folder} on top of commit {origin.commit}"
            )
            return
        commit, dirty = describe_tree(folder)
        if origin.commit is None:
            self.notes.append(f"{self._called}: {folder} was under no version control; what it holds now is used")
        elif commit != origin.commit or dirty:
            now = f"commit {commit}" if commit else "no git repository"
            changes = " with uncommitted changes" if dirty else ""
            self.problems.append(f"{self._called}: {folder} was at commit {origin.commit}, and is {now}{changes}")
            return
        self.path = folder / below


def _inside(url: str, trees: Trees) -> str | None:
    """The path below the repository's root that an origin names; None when it lies outside."""
    path = local_path(url)
    if path is None:
        return url
    return path.relative_to(trees.recorded).as_posix() if path.is_relative_to(trees.recorded) else None


def _is_project(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("pyproject.toml", "setup.py", "setup.cfg"))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
