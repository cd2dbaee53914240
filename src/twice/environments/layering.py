"""How does one reproduction get packages of its own over an environment it must not change?  A thin venv above it.

    <layer>/lib/python3.11/site-packages/~below.pth     adds the folders of the environment below, last
                                        features…       what is installed here is found first
    <layer>/bin/pytest                                  scripts of the environment below, under this interpreter

The `~` sorts after every name that an installer gives a path file, so that what the layer installs comes first on sys.path.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import twice
from twice.environments.installing import Installer, installation_failed, venv_python
from twice.environments.interpreters import ask_interpreter
from twice.environments.sources import OwnSource
from twice.errors import ReproductionError

_INSTALLED = ("site-packages", "dist-packages")
_OWN_NAMES = ("python", "pip", "activate", "deactivate", "pydoc")


def lay_over(
    below: Mapping[str, Any], folder: Path, own: Sequence[OwnSource], needs_twice: bool, installer: Installer
) -> tuple[str, tuple[str, ...]]:
    """A virtual environment in `folder` with `own` installed over the environment that reported `below`.

    Gives the path of its interpreter, and notes. Raises ReproductionError.
    """
    python = installer.make_venv(str(below["base_executable"]), folder)
    site = site_packages(python, installer.environ)
    notes = []
    for source in own:
        words = ["-e", str(source.path)] if source.editable else [str(source.path)]
        ended = installer.install(python, words)
        if ended.code == 0:
            continue
        if not source.editable:
            raise installation_failed(ended, [source.name], installer.name)
        _put_on_path(source, site)
        notes.append(
            f"{source.name}: {installer.name} could not build it (is its build backend to be had?); its sources are on "
            "the path as they are, without scripts, entry points and compiled parts"
        )
    if needs_twice:
        lend_twice(site)
    entries = [entry for entry in below["path"] if Path(entry).name in _INSTALLED and Path(entry).is_dir()]
    (site / "~below.pth").write_text(
        "".join(f"import site; site.addsitedir({entry!r})\n" for entry in entries), encoding="utf-8"
    )
    put_agent_path(site)
    _bring_scripts(Path(str(below["prefix"])), Path(str(below["executable"])).parent, folder)
    return python, tuple(notes)


def site_packages(python: str, environ: Mapping[str, str]) -> Path:
    """The folder where a virtual environment's packages lie.  Raises ReproductionError."""
    report = ask_interpreter(python, environ, alone=True)
    for entry in (report or {}).get("path", ()):
        if Path(entry).name in _INSTALLED and Path(entry).is_relative_to(str((report or {}).get("prefix"))):
            return Path(entry)
    raise ReproductionError(f"the virtual environment does not work: {python}")


def put_agent_path(site: Path) -> None:
    """Let the agent reach processes that PYTHONPATH does not: children with -I or -E, or with a PYTHONPATH of their own.

    The path file only adds the agent's folder where it is missing; Python then imports its sitecustomize, once.
    """
    (site / "~twice.pth").write_text(
        "import os, sys; one = os.environ.get('TWICE_SITE'); one and one not in sys.path "
        "and '_twice_agent' not in sys.modules and sys.path.insert(0, one)\n",
        encoding="ascii",
    )


def lend_twice(site: Path) -> None:
    """Make `import twice` work with the `twice` that runs now; its dependencies are distributions like all others."""
    source, place = Path(twice.__file__).parent, site / "twice"
    try:
        place.symlink_to(source, target_is_directory=True)
    except OSError:
        shutil.copytree(source, place)
    _write_metadata(OwnSource(name="twice", version=twice.__version__, path=source.parents[1], editable=True), site)


def _put_on_path(source: OwnSource, site: Path) -> None:
    """An editable install without its build backend: the source folder on the path, and metadata that says so."""
    inner = source.path / "src"
    root = inner if inner.is_dir() else source.path
    (site / f"__editable__.{source.name}.pth").write_text(f"{root}\n", encoding="utf-8")
    _write_metadata(source, site)


def _write_metadata(source: OwnSource, site: Path) -> None:
    info = site / f"{source.name.replace('-', '_')}-{source.version}.dist-info"
    info.mkdir()
    url = {"url": source.path.as_uri(), "dir_info": {"editable": True}}
    for name, text in {
        "METADATA": f"Metadata-Version: 2.1\nName: {source.name}\nVersion: {source.version}\n",
        "INSTALLER": "twice\n",
        "direct_url.json": json.dumps(url),
    }.items():
        (info / name).write_text(text, encoding="utf-8")


def _bring_scripts(prefix: Path, below: Path, folder: Path) -> None:
    """Console scripts of the environment below, with the layer's interpreter in their first lines; programs by link."""
    target = venv_python(folder).parent
    in_venv = (prefix / "pyvenv.cfg").is_file()
    for name in sorted(os.listdir(below)):
        source, place = below / name, target / name
        if name.startswith(_OWN_NAMES) or place.exists() or not source.is_file():
            continue
        with source.open("rb") as file:
            head = file.read(1024)
        if head.startswith(b"#!") and os.fsencode(below / "python") in head:
            content = source.read_bytes().replace(os.fsencode(below / "python"), os.fsencode(target / "python"), 3)
            place.write_bytes(content)
            place.chmod(0o755)
        elif in_venv:
            with suppress(OSError):
                place.symlink_to(source)
    for name in ("share", "etc") if in_venv else ():
        if (prefix / name).is_dir() and not (folder / name).exists():
            with suppress(OSError):
                (folder / name).symlink_to(prefix / name, target_is_directory=True)
