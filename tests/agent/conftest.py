"""Fixtures: a runner of scripts under the agent, and the interpreters to run them with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from interpreters import PYTHONS, VERSIONS, Runner

_HERE = sys.version_info[:2]
_PRESENT = {tuple(map(int, version.split("."))): path for version, path in PYTHONS.items() if path is not None}
_PRESENT[_HERE] = sys.executable


@pytest.fixture
def run(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


@pytest.fixture(params=VERSIONS)
def python(request: pytest.FixtureRequest) -> str:
    """Each Python on this machine that the agent is for; at least the one that runs the tests."""
    version: str = request.param
    found = _PRESENT.get(tuple(map(int, version.split("."))))
    if found is None:
        pytest.skip(f"no Python {version} here")
    return found


@pytest.fixture(params=[min(_PRESENT), max(_PRESENT)] if len(_PRESENT) > 1 else list(_PRESENT), ids=str)
def outermost_python(request: pytest.FixtureRequest) -> str:
    """The oldest and the newest Python here that the agent is for."""
    python: str = _PRESENT[request.param]
    return python


@pytest.fixture
def bare(python: str, tmp_path: Path) -> str:
    """The Python with no installed package, not even `twice`."""
    subprocess.run([python, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    return str(tmp_path / "bare" / "bin" / "python")
