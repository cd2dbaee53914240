"""Real environments, made without a network; and runs that were made in one which is gone."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from real_environments import make_environment, make_project, make_wheel

__all__ = ["make_environment", "make_project", "make_wheel"]


_SETTINGS = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_"))}


@pytest.fixture
def machine_settings() -> dict[str, str]:
    """How this machine's user has configured pip and uv by variables: for tests that ask the real index."""
    return _SETTINGS


@pytest.fixture(autouse=True)
def _only_our_own_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installers know the test's own wheels only, and nothing of this machine's configuration or network."""
    for name in list(os.environ):
        if name.startswith(("PIP_", "UV_", "PYENV_")):
            monkeypatch.delenv(name)
    (tmp_path / "wheelhouse").mkdir(exist_ok=True)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheelhouse"))
    monkeypatch.setenv("PIP_DISABLE_PIP_VERSION_CHECK", "1")


@pytest.fixture
def has_uv() -> None:
    """Skip the test where there is no uv."""
    if shutil.which("uv") is None and shutil.which("uv", path=str(Path(sys.executable).parent)) is None:
        pytest.skip("uv is not installed")
