"""The interpreter of a run is looked for on this machine, and one that is not it is never taken for it."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from real_environments import MakeEnvironment
from twice.capture.packages import read_interpreter
from twice.environments.interpreters import ask_interpreter, find_interpreter
from twice.environments.sources import Trees, find_sources
from twice.errors import ReproductionError
from twice.record.model import Distribution, Origin, Packages


@pytest.fixture
def own() -> Any:
    report = ask_interpreter(sys.executable, os.environ)
    assert report is not None
    return report


def test_what_it_says_is_what_the_agent_says(own: Any) -> None:
    assert (own["version"], own["prefix"], own["implementation"]) == (
        sys.version.split()[0],
        sys.prefix,
        sys.implementation.name,
    )
    assert str(Path(sys.prefix)) in " ".join(own["path"])


def test_it_is_found_behind_a_venv_which_is_not_taken_itself(own: Any, make_environment: MakeEnvironment) -> None:
    venv = make_environment("venv")
    found = find_interpreter(read_interpreter(own), str(venv.python), {"PATH": "", "HOME": "/nowhere"}, None)
    answer = ask_interpreter(found, os.environ, alone=True)
    assert answer is not None and answer["prefix"] == answer["base_prefix"]


def test_it_is_found_among_pyenvs(own: Any, tmp_path: Path) -> None:
    wanted = read_interpreter(own)
    folder = tmp_path / "versions" / wanted.version / "bin"
    folder.mkdir(parents=True)
    (folder / "python").symlink_to(os.path.realpath(own["base_executable"]))
    environ = {"PATH": "", "PYENV_ROOT": str(tmp_path), "HOME": "/nowhere"}
    assert os.access(find_interpreter(wanted, "/gone/bin/python", environ, None), os.X_OK)


@pytest.mark.parametrize("change", [{"version": "3.11.99"}, {"abi": "cpython-311-other"}, {"implementation": "pypy"}])
def test_another_one_is_refused_with_the_ways_out(own: Any, change: dict[str, str]) -> None:
    wanted = replace(read_interpreter(own), **change)
    with pytest.raises(ReproductionError) as raised:
        find_interpreter(wanted, sys.executable, os.environ, None)
    assert wanted.version in raised.value.message and (wanted.abi or "") in raised.value.message
    assert "--env rebuild --python PATH" in (raised.value.hint or "")
    if sys.version.startswith("3.11."):
        assert any(own["version"] in line for line in raised.value.details)


def test_conda_is_refused_with_a_hint(own: Any, tmp_path: Path) -> None:
    mkl = Distribution(name="mkl", version="2024.0", origin=Origin(kind="conda", url="https://c.example.org/mkl.conda"))
    trees = Trees(snapshot=tmp_path, repository=tmp_path, recorded=tmp_path)
    with pytest.raises(ReproductionError) as raised:
        find_sources(
            Packages(interpreter=read_interpreter(own), distributions=(mkl,)), trees, lambda path: (None, None)
        )
    assert "twice env export RUN --format conda" in (raised.value.hint or "")


def test_what_does_not_start_is_no_interpreter(tmp_path: Path) -> None:
    assert ask_interpreter(str(tmp_path / "python"), os.environ) is None
    assert ask_interpreter("/bin/true", os.environ) is None
