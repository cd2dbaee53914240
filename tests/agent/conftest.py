"""Fixtures: a runner of scripts under the agent, and the interpreters to run them with."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from interpreters import PYTHONS, VERSIONS, Runner


@pytest.fixture
def run(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


@pytest.fixture(params=VERSIONS)
def python(request: pytest.FixtureRequest) -> str:
    """Each Python on this machine that the agent is for; at least the one that runs the tests."""
    version: str = request.param
    if version == f"{sys.version_info[0]}.{sys.version_info[1]}":
        return sys.executable
    found = PYTHONS[version]
    if found is None:
        pytest.skip(f"no Python {version} here")
    return found
