"""How is the environment of a run rebuilt?  Its `Packages` in; a virtual environment, and the proof of what it is, out.

    find sources → find interpreter → build once (shared, cached) → layer (own sources) → capture again → differences

The cache's key is what decides the result: the lock's text and the interpreter. Nothing is said to be identical because it
came from the cache: it is captured anew each time.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from twice.capture.code import describe_tree
from twice.capture.lock import lock_text
from twice.capture.packages import capture_packages
from twice.environments.installing import Installer, find_uv, installation_failed, installer_variables, venv_python
from twice.environments.interpreters import ask_interpreter, find_interpreter
from twice.environments.layering import lay_over, put_agent_path, site_packages
from twice.environments.proof import differences
from twice.environments.shared_cache import build_once
from twice.environments.sources import Sources, Trees, find_sources
from twice.errors import ReproductionError
from twice.frozen import frozen
from twice.record.model import Packages
from twice.textforms import format_duration

_FORMAT = "1"  # of what is built: another one is another key


@frozen
class Workshop:
    """Where environments are made, and with what."""

    trees: Trees
    cache: Path  # the folder that holds all environments
    layer: Path  # where this reproduction's own environment goes, should it need one
    environ: Mapping[str, str]
    tell: Callable[[str], None]

    def installer(self) -> Installer:
        """What installs, uv or pip, running in the snapshot: a project's own index settings count."""
        variables = installer_variables(self.environ)
        return Installer(uv=find_uv(self.environ), environ=variables, folder=self.trees.snapshot, tell=self.tell)

    def describe(self, folder: Path) -> tuple[str | None, bool | None]:
        """The commit and dirty state of the repository that holds a folder."""
        return describe_tree(folder, self.environ)


@frozen
class Rebuilt:
    """A rebuilt environment: its interpreter, and each difference from the recorded one with its reason."""

    python: str
    packages: Packages
    differences: tuple[str, ...]
    cached: bool
    notes: tuple[str, ...] = ()


def rebuild(packages: Packages, recorded_python: str | None, wanted_python: str | None, shop: Workshop) -> Rebuilt:
    """Make the environment of a run again, or take it from the cache.

    The interpreter is the recorded version's, wherever it is found, or the wanted one. Raises ReproductionError when an
    interpreter, a distribution or its source cannot be had.
    """
    sources = find_sources(packages, shop.trees, shop.describe)
    installer = shop.installer()
    if wanted_python is not None:
        report = ask_interpreter(wanted_python, shop.environ, alone=True)
        if report is None:
            raise ReproductionError(f"not a Python that starts: {wanted_python}")
        base = str(report["base_executable"])
    else:
        base = find_interpreter(packages.interpreter, recorded_python, shop.environ, installer.uv)
    place, cached = build_shared(sources, base, shop, installer)
    python, notes = str(venv_python(place)), sources.notes
    if sources.own or sources.needs_twice:
        below = ask_interpreter(python, shop.environ, alone=True)
        if below is None:
            raise ReproductionError(f"the rebuilt environment does not start: {python}")
        python, more = lay_over(below, shop.layer, sources.own, sources.needs_twice, installer)
        notes = (*notes, *more)
    found = look_at(python, shop, shop.trees.snapshot)
    return Rebuilt(
        python=python,
        packages=found,
        differences=differences(packages, found),
        cached=cached,
        notes=notes,
    )


def look_at(python: str, shop: Workshop, root: Path) -> Packages:
    """The packages that an interpreter would see in the run.  Raises ReproductionError when it does not start."""
    report = ask_interpreter(python, shop.environ)
    if report is None:
        raise ReproductionError(f"the interpreter does not start: {python}")
    return capture_packages(report, root, shop.cache / "readings", shop.describe)[0]


def build_shared(sources: Sources, base: str, shop: Workshop, installer: Installer) -> tuple[Path, bool]:
    """The environment of the sources that any reproduction can share; and whether it was there already."""
    lock = lock_text(sources.shared)
    key = hashlib.sha256("\0".join((_FORMAT, lock, base)).encode("utf-8", "surrogateescape")).hexdigest()[:20]
    names = [one.name for one in sources.shared.distributions]

    def build(place: Path) -> None:
        started_s = time.monotonic()
        shop.tell(f"rebuilding the environment: {len(names)} distributions, with {installer.name}")
        python = installer.make_venv(base, place)
        if names:
            _install_lock(lock, python, names, installer)
        put_agent_path(site_packages(python, installer.environ))
        shop.tell(f"rebuilt in {format_duration(time.monotonic() - started_s)}, and kept for the next time")

    def usable(place: Path) -> bool:
        return shutil.which(str(venv_python(place))) is not None

    return build_once(shop.cache / key, usable, build, shop.tell)


def _install_lock(lock: str, python: str, names: list[str], installer: Installer) -> None:
    with tempfile.TemporaryDirectory(prefix="twice-") as folder:
        file = Path(folder, "requirements.lock")
        file.write_text(lock, encoding="utf-8")
        ended = installer.install(python, ["-r", str(file)])
    if ended.code != 0:
        raise installation_failed(ended, names, installer.name)
