"""Real environments, made without a network: wheels and source trees written here, installed by pip or uv."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

MakeWheel = Callable[..., Path]
MakeProject = Callable[..., Path]
MakeEnvironment = Callable[[str], "PythonEnvironment"]

_REPORT = """
import json, sys, sysconfig
print(json.dumps({
    "executable": sys.executable, "prefix": sys.prefix, "base_prefix": sys.base_prefix,
    "version": sys.version.split()[0], "implementation": "CPython",
    "cache_tag": sys.implementation.cache_tag, "soabi": sysconfig.get_config_var("SOABI"), "path": sys.path,
}))
"""

# A build backend (PEP 517, 660) in forty lines: what setuptools would do, without having to be downloaded.
_BACKEND = """
import base64, hashlib, os, zipfile

NAME, VERSION = {name!r}, {version!r}

def _write(folder, files, label):
    stem = f"{{NAME.replace('-', '_')}}-{{VERSION}}"
    info = f"{{stem}}.dist-info"
    files = dict(files)
    files[f"{{info}}/METADATA"] = f"Metadata-Version: 2.1\\nName: {{NAME}}\\nVersion: {{VERSION}}\\n"
    files[f"{{info}}/WHEEL"] = "Wheel-Version: 1.0\\nGenerator: backend\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    rows = []
    name = f"{{stem}}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        for path, text in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            rows.append(f"{{path}},sha256={{digest}},{{len(text.encode())}}\\n")
            wheel.writestr(path, text)
        wheel.writestr(f"{{info}}/RECORD", "".join(rows) + f"{{info}}/RECORD,,\\n")
    return name

def build_wheel(folder, config_settings=None, metadata_directory=None):
    module = NAME.replace("-", "_") + ".py"
    with open(module) as file:
        return _write(folder, {{module: file.read()}}, "whl")

def build_editable(folder, config_settings=None, metadata_directory=None):
    return _write(folder, {{f"__editable__.{{NAME}}.pth": os.getcwd() + "\\n"}}, "editable")
"""


@pytest.fixture
def make_wheel(tmp_path: Path) -> MakeWheel:
    """Write a wheel into `tmp_path/wheelhouse`: a module, and any other files by their path in the wheel."""

    def make(
        name: str,
        version: str,
        files: Mapping[str, str] | None = None,
        *,
        tag: str = "py3-none-any",
        metadata: str = "",
    ) -> Path:
        stem = f"{name.replace('-', '_')}-{version}"
        info = f"{stem}.dist-info"
        content = {
            f"{name.replace('-', '_')}.py": f"VERSION = {version!r}\n",
            **{path.format(data=f"{stem}.data", info=info): text for path, text in (files or {}).items()},
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nA description.\n",
            f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
        }
        path = tmp_path / "wheelhouse" / f"{stem}-{tag}.whl"
        path.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(path, "w") as wheel:
            for inner, text in content.items():
                wheel.writestr(inner, text)
            wheel.writestr(f"{info}/RECORD", "".join(map(_row, content.items())) + f"{info}/RECORD,,\n")
        return path

    return make


def _row(item: tuple[str, str]) -> str:
    path, text = item
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
    quoted = f'"{path}"' if "," in path else path
    return f"{quoted},sha256={digest},{len(text.encode())}\n"


@pytest.fixture
def make_project() -> MakeProject:
    """Write a source tree that pip can build and install, with its own build backend and one module."""

    def make(folder: Path, name: str, version: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "pyproject.toml").write_text(
            '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
            f'[project]\nname = "{name}"\nversion = "{version}"\n'
        )
        (folder / "backend.py").write_text(_BACKEND.format(name=name, version=version))
        (folder / f"{name.replace('-', '_')}.py").write_text(f"VERSION = {version!r}\n")
        return folder

    return make


class PythonEnvironment:
    """A virtual environment without pip in it, that pip or uv installs into from outside."""

    def __init__(self, folder: Path, wheelhouse: Path) -> None:
        self.folder = folder
        self.wheelhouse = wheelhouse
        scripts = "Scripts" if os.name == "nt" else "bin"
        self.python = folder / scripts / ("python.exe" if os.name == "nt" else "python")
        _run([sys.executable, "-m", "venv", "--without-pip", str(folder)])

    def install(self, *words: str, tool: str = "pip", cwd: Path | None = None) -> None:
        """`pip install` from the wheelhouse alone."""
        offline = ["--no-deps", "--no-index", "--find-links", str(self.wheelhouse)]
        if tool == "uv":
            _run([uv(), "pip", "install", "--python", str(self.python), *offline, *words], cwd)
        else:
            _run([sys.executable, "-m", "pip", "--python", str(self.python), "install", "-q", *offline, *words], cwd)

    def report(self) -> dict[str, Any]:
        """What the agent reports of the interpreter when a process of it starts."""
        found: dict[str, Any] = json.loads(_run([str(self.python), "-c", _REPORT]))
        return found


def uv() -> str:
    """The uv executable; the test is skipped where there is none."""
    found = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if found is None:
        pytest.skip("uv is not installed")
    return found


def needs_hashes_of_archives() -> None:
    """Skip the test where the pip that installs is older than 23.1, which writes down no hash of a local archive."""
    version = importlib.metadata.version("pip")
    if tuple(int(part) for part in version.split(".")[:2]) < (23, 1):
        pytest.skip(f"pip {version} writes down no hash of a local archive")


def _run(words: list[str], cwd: Path | None = None) -> str:
    environ = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_CONFIG_FILE": os.devnull, "UV_OFFLINE": "1"}
    environ |= {"PIP_ROOT_USER_ACTION": "ignore", "UV_NO_CONFIG": "1"}
    done = subprocess.run(words, cwd=cwd, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture
def make_environment(tmp_path: Path) -> MakeEnvironment:
    """Make an empty virtual environment of this name."""
    (tmp_path / "wheelhouse").mkdir(exist_ok=True)
    return lambda name: PythonEnvironment(tmp_path / name, tmp_path / "wheelhouse")
