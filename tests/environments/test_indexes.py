"""Where pip looks, read as pip reads it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from twice.environments.indexes import Indexes, configured_indexes, uv_options, with_default_index

FILE = """\
[global]
index-url = https://user.example.org/simple
extra-index-url =
    https://one.example.org/simple
    https://two.example.org/simple
[install]
find-links = /a /b
"""


def pip_says(environ: dict[str, str]) -> dict[str, str]:
    """Name → value as `pip config list` merges files and variables; variables win, then [install], then [global]."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], env=environ, capture_output=True, text=True, check=True
    )
    values: dict[str, str] = {}
    for section in ("global.", "install.", ":env:."):
        for line in done.stdout.splitlines():
            if line.startswith(section):
                name, _, value = line.removeprefix(section).partition("=")
                values[name] = value.strip("'").replace("\\n", " ")
    return values


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"PIP_INDEX_URL": "https://variable.example.org/simple"},
        {"PIP_EXTRA_INDEX_URL": "https://x.example.org/s https://y.example.org/s", "PIP_FIND_LINKS": "/c"},
        {"PIP_NO_INDEX": "true"},
    ],
)
def test_files_and_variables_as_pip_has_them(tmp_path: Path, variables: dict[str, str]) -> None:
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
        pytest.skip("no pip to ask")
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "pip.conf").write_text(FILE)
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), **variables}
    found, said = configured_indexes(environ), pip_says(environ)
    assert found.index == said["index-url"]
    assert list(found.extra) == said["extra-index-url"].split()
    assert list(found.find_links) == said["find-links"].split()
    assert found.no_index == (said.get("no-index") == "true")


def test_uv_is_told_the_same_and_its_own_variables_win() -> None:
    environ = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "https://pip.example.org/simple",
        "UV_DEFAULT_INDEX": "ours=https://uv.example.org/simple",
        "PIP_NO_INDEX": "0",
    }
    found = configured_indexes(environ)
    assert found == Indexes(index="https://uv.example.org/simple")
    assert "--no-index" not in uv_options(found)
    words = uv_options(Indexes(extra=("https://a.example.org",), find_links=("/b",), no_index=True))
    assert words[-5:] == ["--extra-index-url", "https://a.example.org", "--find-links", "/b", "--no-index"]


def test_a_broken_file_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("no section\n")
    assert configured_indexes({"PIP_CONFIG_FILE": str(tmp_path / "pip.conf"), "HOME": str(tmp_path)}).no_index is False


def test_the_default_index_is_the_one_that_pip_names(tmp_path: Path) -> None:
    environ = {**os.environ, "PIP_CONFIG_FILE": os.devnull}
    named = with_default_index(Indexes(), environ)
    assert named.index.startswith("https://") and named.index in pip_help(environ)
    chosen = Indexes(index="https://mine.example.org/simple")
    assert with_default_index(chosen, environ) is chosen


def pip_help(environ: dict[str, str]) -> str:
    words = [sys.executable, "-m", "pip", "help", "install"]
    return subprocess.run(words, env=environ, capture_output=True, text=True, check=True).stdout
