"""Variables that change results are recorded; everything else, and every secret, is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twice.capture.variables import capture_variables, restore_variables


def test_what_changes_results_is_recorded_in_order() -> None:
    environ = {
        "TZ": "UTC",
        "OMP_NUM_THREADS": "2",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        "PYTHONHASHSEED": "0",
        "LC_NUMERIC": "de_DE",
        "TF_CUDNN_DETERMINISTIC": "1",
        "XLA_FLAGS": "--xla_gpu_deterministic_ops=true",
    }
    noise = {
        "HOME": "/home/me",
        "PATH": "/bin",
        "AWS_ACCESS_KEY_ID": "x",
        "DATABASE_URL": "postgres://",
        "MY_FLAG": "1",
    }
    assert list(capture_variables(environ | noise).items()) == sorted(environ.items())


def test_the_users_patterns_add_to_the_list_but_never_a_secret() -> None:
    environ = {"MY_FLAG": "1", "MY_API_KEY": "abcdef", "MY_URL": "https://me:hunter2@host/", "OTHER": "1"}
    assert capture_variables(environ, ["MY_*"]) == {"MY_FLAG": "1", "MY_URL": "https://me:***@host/"}
    assert capture_variables({"HF_TOKEN": "x", "AWS_SECRET_ACCESS_KEY": "y", "TWICE_RUN": "z"}, ["*"]) == {}


def test_an_allowed_variable_is_masked_too() -> None:
    token = "hf" + "_" + "aBcDeFgHiJ" * 4
    assert capture_variables({"HF_ENDPOINT": f"https://{token}@host"}) == {"HF_ENDPOINT": "https://***@host"}


def test_the_agent_is_never_in_the_path(tmp_path: Path) -> None:
    agent = str(tmp_path / "site-packages" / "twice" / "agent" / "site")
    assert capture_variables({"PYTHONPATH": agent}) == {}
    assert capture_variables({"PYTHONPATH": agent.removesuffix("site")}) == {}
    path = os.pathsep.join([agent, "/opt/lib", "/own/hook"])
    assert capture_variables({"PYTHONPATH": path}, own_paths=["/own/hook/"]) == {"PYTHONPATH": "/opt/lib"}


def test_a_path_into_the_repository_follows_the_repository(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    path = os.pathsep.join([str(here / "src"), "/opt/lib", str(here), "relative"])
    recorded = capture_variables({"PYTHONPATH": path, "TZ": "UTC"}, root=here)
    assert recorded["PYTHONPATH"] == os.pathsep.join(["{repository}/src", "/opt/lib", "{repository}", "relative"])
    assert restore_variables(recorded, here) == {"PYTHONPATH": path, "TZ": "UTC"}
    moved = os.pathsep.join([str(there / "src"), "/opt/lib", str(there), "relative"])
    assert restore_variables(recorded, there)["PYTHONPATH"] == moved


def test_a_masked_value_is_not_given_back(tmp_path: Path) -> None:
    assert restore_variables({"A": "https://***@host", "B": "1"}, tmp_path) == {"B": "1"}


@pytest.mark.parametrize(
    "name", ["PYTHONSTARTUP", "PYTHONINSPECT", "LD_PRELOAD", "USER", "TWICE_RUN_ID", "SSH_AUTH_SOCK"]
)
def test_what_says_nothing_of_results_is_not_recorded(name: str) -> None:
    assert capture_variables({name: "x"}) == {}


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_nothing_unknown_is_ever_recorded(environ: dict[str, str]) -> None:
    found = capture_variables({f"x{name}": value for name, value in environ.items()})
    assert found == {}
