"""A run whose environment is gone, or has changed, is reproduced in one rebuilt from its record."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands import Git, Twice

Make = Callable[..., Any]

SCRIPT = """\
import importlib.metadata as metadata
import json
import plain_one
print(f"number: {len(plain_one.VERSION)}")
with open("seen.json", "w") as file:
    json.dump([plain_one.VERSION, metadata.version("plain-one")], file)
"""


def environment_row(out: str) -> str:
    return next(line for line in out.splitlines() if line.startswith("environment")).split(maxsplit=1)[1]


@pytest.fixture
def recorded(twice: Twice, repository: Path, git: Git, make_wheel: Make, make_environment: Make) -> Any:
    """A run in the environment `first`, which holds the wheel plain-one 1.0."""
    make_wheel("plain-one", "1.0")
    first = make_environment("first")
    first.install("plain-one==1.0")
    (repository / "train.py").write_text(SCRIPT)
    git("commit", "-q", "-am", "a script", cwd=repository)
    twice("run", str(first.python), "train.py")
    return first


@pytest.mark.parametrize("tool", ["uv", pytest.param("pip", marks=pytest.mark.slow)])
def test_an_environment_that_is_gone_is_rebuilt_and_proved(
    tool: str, twice: Twice, recorded: Any, make_wheel: Make, has_uv: None
) -> None:
    shutil.rmtree(recorded.folder)
    make_wheel("plain-one", "2.0")  # what is newest must not matter
    settings = {"TWICE_INSTALLER": tool}
    done = twice("reproduce", "@", "--env", "rebuild", env=settings)
    assert environment_row(done.out).startswith("identical (1 distribution") and "rebuilt)" in done.out
    assert f"rebuilding the environment: 1 distributions, with {tool}" in done.err
    assert done.out.splitlines()[-1] == "reproduced"
    again = twice("reproduce", "@~1", env=settings)
    assert "rebuilt)" in again.out
    assert "rebuilding" not in again.err  # the cache had it
    packages = json.loads(twice("show", "@", "--json").out)["environment"]["packages"]
    assert [one["name"] for one in packages["distributions"]] == ["plain-one"]


def test_an_environment_is_rebuilt_when_it_has_changed(twice: Twice, recorded: Any, make_wheel: Make) -> None:
    done = twice("reproduce", "@")
    assert environment_row(done.out).endswith("current)")
    assert "rebuilding" not in done.err
    make_wheel("plain-one", "2.0")
    recorded.install("plain-one==2.0")
    done = twice("reproduce", "@~1")
    assert environment_row(done.out).startswith("identical") and "rebuilt)" in done.out
    changed = twice("reproduce", "@~2", "--env", "current", expect=1)  # seen.json is another one
    assert "plain-one 1.0 → 2.0" in environment_row(changed.out)


@pytest.mark.parametrize("tool", ["uv", pytest.param("pip", marks=pytest.mark.slow)])
def test_a_version_that_is_gone_is_named(tool: str, twice: Twice, recorded: Any, tmp_path: Path, has_uv: None) -> None:
    shutil.rmtree(recorded.folder)
    for path in (tmp_path / "wheelhouse").iterdir():
        path.unlink()
    cache = tmp_path / "cache"
    done = twice("reproduce", "@", expect=2, env={"TWICE_INSTALLER": tool, "TWICE_CACHE": str(cache)})
    assert f"{tool} cannot install plain-one" in done.err
    assert "--env current" in done.err and "Traceback" not in done.err
    assert [path.name for path in cache.glob("environments/*/*") if path.parent.name != "readings"] == ["lock"]


def test_other_content_under_the_same_version_is_no_identity(
    twice: Twice, recorded: Any, make_wheel: Make, tmp_path: Path
) -> None:
    shutil.rmtree(recorded.folder)
    make_wheel("plain-one", "1.0", {"plain_one_extra.py": "x = 1\n"})
    done = twice("reproduce", "@", "--env", "rebuild")
    assert environment_row(done.out).startswith("differs: plain-one 1.0 (RECORD")
    assert "the environment differs: plain-one 1.0: same version and tags, other files" in done.err


@pytest.mark.slow  # near to the one before
def test_another_wheel_is_named_as_the_reason(
    twice: Twice, repository: Path, git: Git, make_wheel: Make, make_environment: Make, tmp_path: Path
) -> None:
    built = make_wheel("plain-one", "1.0", tag="py3-none-linux_x86_64")
    first = make_environment("first")
    first.install("plain-one==1.0")
    (repository / "train.py").write_text(SCRIPT)
    twice("run", str(first.python), "train.py")
    shutil.rmtree(first.folder)
    built.unlink()
    make_wheel("plain-one", "1.0", {"more.py": ""})
    done = twice("reproduce", "@")
    assert "plain-one 1.0: was built from source on its machine; now py3-none-any" in done.err


def test_console_scripts_are_those_of_the_rebuilt_environment(
    twice: Twice, repository: Path, make_wheel: Make, make_environment: Make
) -> None:
    entry = {"{info}/entry_points.txt": "[console_scripts]\nsay-it = sayer:main\n"}
    make_wheel("sayer", "1.0", entry | {"sayer.py": "import sys\ndef main():\n    print('length:', len(sys.argv))\n"})
    first = make_environment("first")
    first.install("sayer")
    twice("run", str(first.python.parent / "say-it"), "more")
    shutil.rmtree(first.folder)
    done = twice("reproduce", "@")
    assert done.out.splitlines()[-1] == "reproduced" and "rebuilt)" in done.out
    assert "/first/" not in json.loads(twice("show", "@", "--json").out)["python"]


def test_children_report_too_that_ignore_the_environment_which_has_no_packages(
    twice: Twice, repository: Path, make_environment: Make
) -> None:
    child = "import random; print(random.random())"
    (repository / "train.py").write_text(
        "import subprocess, sys\n"
        + "".join(f"subprocess.run([sys.executable, '{flag}', '-c', {child!r}], check=True)\n" for flag in ("-I", "-E"))
    )
    first = make_environment("first")
    twice("run", str(first.python), "train.py")
    assert len(json.loads(twice("show", "@", "--json").out)["seeds"]["processes"]) == 1
    shutil.rmtree(first.folder)
    # Their numbers were not seeded when the run was recorded: what they print now is something else, and that is said.
    done = twice("reproduce", "@", expect=1)
    assert "rebuilt)" in done.out and "diverged" in done.out
    processes = json.loads(twice("show", "@", "--json").out)["seeds"]["processes"]
    assert [one["key"] for one in processes] == ["main", "main/popen-1", "main/popen-2"]
    assert all("random" in one["seeded"] for one in processes[1:])


def test_a_command_without_python_runs_in_what_is_here(twice: Twice, repository: Path) -> None:
    twice("run", "sh", "-c", "echo 'number: 1'")
    assert "reproduced" in twice("reproduce", "@").out
    done = twice("reproduce", "@~1", "--env", "rebuild", expect=2)
    assert "no Python process reported in" in done.err


@pytest.mark.slow
def test_real_packages_from_the_registry(
    twice: Twice, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine_settings: dict[str, str]
) -> None:
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_CONFIG_FILE"):
        monkeypatch.delenv(name)
    for name, value in machine_settings.items():
        monkeypatch.setenv(name, value)
    first = tmp_path / "first"
    subprocess.run([sys.executable, "-m", "venv", str(first)], check=True)
    pip = [str(first / "bin" / "python"), "-m", "pip", "install", "-q", "--no-compile", "scikit-learn", "numpy"]
    subprocess.run(pip, check=True)
    (repository / "train.py").write_text(
        "import numpy as np\n"
        "from sklearn.datasets import load_digits\n"
        "from sklearn.ensemble import RandomForestClassifier\n"
        "X, y = load_digits(return_X_y=True)\n"
        "chosen = np.random.permutation(len(X))\n"
        "model = RandomForestClassifier(20).fit(X[chosen[:900]], y[chosen[:900]])\n"
        "print('accuracy:', model.score(X[chosen[900:]], y[chosen[900:]]))\n"
        "np.save('probabilities.npy', model.predict_proba(X[chosen[900:]]))\n"
    )
    twice("run", str(first / "bin" / "python"), "train.py")
    original = json.loads(twice("show", "@", "--json").out)["id"]
    shutil.rmtree(first)
    for tool in ("uv", "pip"):
        done = twice("reproduce", original, env={"TWICE_INSTALLER": tool, "TWICE_CACHE": str(tmp_path / tool)})
        assert environment_row(done.out).startswith("identical") and "rebuilt" in environment_row(done.out)
        assert "1 of 1 metric bit-exact, 1 of 1 output byte-identical" in done.out
    lock = twice("env", "export", "@", "--format", "pylock").out
    (tmp_path / "pylock.toml").write_text(lock)
    subprocess.run([sys.executable, "-m", "venv", str(first)], check=True)
    pip = [str(first / "bin" / "python"), "-m", "pip"]
    subprocess.run([*pip, "install", "-q", "pip>=26.1"], check=True)
    subprocess.run([*pip, "install", "-q", "-r", str(tmp_path / "pylock.toml")], check=True)
    done = twice("reproduce", "@", "--env", "current", "--python", str(first / "bin" / "python"))
    assert environment_row(done.out).startswith("identical")
