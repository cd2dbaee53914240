"""Which distributions does the run's interpreter see, and where did each come from?  Read from disk.

In: what the agent in that interpreter reported at its start (`sys.path`, prefixes, version). Out: `Packages`, and
warnings for metadata that is broken. The interpreter is not started and nothing of it is imported: the metadata along
its path is read, the first of a name wins, as for `importlib.metadata`.

What is left out, so that equal environments are equal facts:

- pip, setuptools, wheel and distribute, which a fresh environment holds or not depending on which tool made it, unless
  a distribution that stays requires them here;
- paths of this machine, except that of a distribution installed from a place outside the repository;
- development metadata (`*.egg-info`) inside the repository: that is the run's code, not an installed distribution.

A walk of 200 distributions takes some tenths of a second, a look at the cache some milliseconds.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from twice.capture.distributions import Metadata, Reading, find_metadata, read_distribution
from twice.capture.origins import local_path, place
from twice.capture.package_cache import Stamp, load_cached, save_cached
from twice.record.model import Distribution, Interpreter, Origin, Packages
from twice.textforms import normalise_name

DescribeTree = Callable[[Path], tuple[str | None, bool | None]]
"""The commit and the dirty state of the git work tree that holds a folder; (None, None) when there is none."""

_BOOTSTRAP = frozenset({"pip", "setuptools", "wheel", "distribute", "pkg-resources"})


def capture_packages(
    report: Mapping[str, Any],
    root: Path,
    cache: Path | None,
    describe_tree: DescribeTree | None = None,
    checkout_of: Path | None = None,
) -> tuple[Packages, tuple[str, ...]]:
    """The interpreter and the distributions it sees, and warnings.

    `report` is the agent's "process" event. `root` is the repository's root; `cache` the folder to keep readings in
    (None: read anew). `describe_tree` is asked for each editable or directory install that is not part of the
    repository itself: its code is in no snapshot, so its commit is all there is. `checkout_of` is the repository that a
    root of another place is a checkout of: what was copied from there (an archive, a folder) counts as from the root.
    """
    metadata = find_metadata(report.get("path") or (), report.get("prefix"), root)
    interpreter = read_interpreter(report)
    stamp = Stamp((file for one in metadata for file in one.files()), str(root), interpreter.version)
    file = cache / f"packages-{_short_digest(str(report.get('prefix')))}.json" if cache is not None else None
    cached = load_cached(file, stamp) if file is not None else None
    if cached is None:
        cached = read_distributions(metadata, root, interpreter.version)
        if file is not None:
            save_cached(file, stamp, *cached)
    distributions, warnings = cached
    if checkout_of is not None and checkout_of != root:
        distributions = tuple(_as_from_root(one, checkout_of) for one in distributions)
    if describe_tree is not None:
        distributions = tuple(_with_tree(one, root, describe_tree) for one in distributions)
    return Packages(interpreter=interpreter, distributions=distributions), warnings


def read_interpreter(report: Mapping[str, Any]) -> Interpreter:
    """The interpreter that reported itself."""
    return Interpreter(
        implementation=str(report.get("implementation", "unknown")),
        version=str(report.get("version", "unknown")).split()[0],
        abi=report.get("soabi") or report.get("cache_tag"),
        kind=_kind(report),
    )


def _kind(report: Mapping[str, Any]) -> Literal["venv", "system", "conda"] | None:
    prefix, base = report.get("prefix"), report.get("base_prefix")
    if prefix is None:
        return None
    if base is not None and prefix != base:
        return "venv"
    return "conda" if Path(prefix, "conda-meta").is_dir() else "system"


def read_distributions(
    metadata: Iterable[Metadata], root: Path, python: str
) -> tuple[tuple[Distribution, ...], tuple[str, ...]]:
    """The distributions that the metadata describes, sorted by name, first of a name only; and warnings."""
    readings: dict[str, Reading] = {}
    conda: dict[str, Distribution] = {}
    warnings: list[str] = []
    # Development metadata last: what is installed under the same name says more (PEP 610), wherever it stands.
    for one in sorted(metadata, key=lambda one: one.kind == "develop"):
        reading = read_distribution(one, root)
        warnings += reading.warnings
        if reading.distribution is None:
            continue
        if one.kind == "conda":
            conda.setdefault(reading.distribution.name, reading.distribution)
        else:
            readings.setdefault(reading.distribution.name, reading)
    kept = _without_bootstrap(readings, python)
    return tuple(sorted(_with_conda(kept, conda), key=lambda one: one.name)), tuple(warnings)


def _with_conda(kept: Mapping[str, Distribution], conda: Mapping[str, Distribution]) -> Iterable[Distribution]:
    """Conda's packages and pip's in one list: what conda installed is named once, with conda's origin."""
    for name, one in kept.items():
        if one.installer == "conda" and name in conda:
            yield replace(one, origin=conda[name].origin)
        elif one.installer == "conda":  # packaged under another name there (`pytorch` for `torch`)
            yield replace(one, origin=Origin(kind="conda"))
        else:
            yield one
    installed = {name for name, one in kept.items() if one.installer == "conda"}
    for name, one in conda.items():
        if name not in installed and name not in _BOOTSTRAP and name not in kept:
            yield one


def _without_bootstrap(readings: Mapping[str, Reading], python: str) -> dict[str, Distribution]:
    needed = {
        requirement
        for name, reading in readings.items()
        if name not in _BOOTSTRAP
        for requirement in _required(reading.requires, python)
    }
    return {
        name: reading.distribution
        for name, reading in readings.items()
        if reading.distribution is not None and (name not in _BOOTSTRAP or name in needed)
    }


def _required(requires: Iterable[str], python: str) -> Iterable[str]:
    """Which of the bootstrap tools these Requires-Dist fields ask for here; those of an extra ask for nothing."""
    for requirement in requires:
        match = re.match(r"[A-Za-z0-9._-]+", requirement)
        name = normalise_name(match[0]) if match else ""
        if name in _BOOTSTRAP and _applies(requirement.partition(";")[2].strip(), python):
            yield name


def _applies(marker: str, python: str) -> bool:
    if not marker:
        return True
    # Most environments have no such marker; those that do pay the 20 ms of this import.
    from packaging.markers import InvalidMarker, Marker, UndefinedEnvironmentName

    environment = {"python_full_version": python, "python_version": ".".join(python.split(".")[:2]), "extra": ""}
    try:
        return Marker(marker).evaluate(environment)
    except (InvalidMarker, UndefinedEnvironmentName, ValueError):
        return True


def _as_from_root(one: Distribution, other_root: Path) -> Distribution:
    """A copy of something in the other root, as one from the root. An editable install is no copy: it runs from there."""
    if one.origin is None or one.origin.url is None or one.origin.kind not in ("archive", "directory"):
        return one
    path = local_path(one.origin.url)
    if path is None or not path.is_relative_to(other_root):
        return one
    return replace(one, origin=replace(one.origin, url=place(path, other_root)))


def _with_tree(one: Distribution, root: Path, describe_tree: DescribeTree) -> Distribution:
    if one.origin is None or one.origin.kind not in ("editable", "directory") or one.origin.url is None:
        return one
    folder = local_path(one.origin.url) or root / one.origin.url
    if ":" not in one.origin.url and not _is_other_repository(folder, root):
        return one
    commit, dirty = describe_tree(folder)
    return replace(one, origin=replace(one.origin, commit=commit, dirty=dirty))


def _is_other_repository(folder: Path, root: Path) -> bool:
    """Whether a folder below the root belongs to a repository of its own."""
    while folder != root and folder != folder.parent:
        if (folder / ".git").exists():
            return True
        folder = folder.parent
    return False


def _short_digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:12]
