"""A lock of a real environment, given to pip and to uv, makes the same environment again."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from twice.capture.lock import lock_text
from twice.capture.packages import capture_packages
from twice.record.model import Distribution, Packages

Make = Callable[..., Any]


def modules_of(environment: Any, *names: str) -> list[str]:
    code = f"import {', '.join(names)}; print({', '.join(f'{name}.VERSION' for name in names)})"
    done = subprocess.run([environment.python, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def comparable(packages: Packages, tool: str) -> Packages:
    """The packages without what depends on the tool: its name, and the archive's hash, which uv does not note."""

    def plain(one: Distribution) -> Distribution:
        origin = replace(one.origin, sha256=None) if one.origin is not None and tool == "uv" else one.origin
        return replace(one, installer=None, origin=origin)

    return replace(packages, distributions=tuple(map(plain, packages.distributions)))


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_a_second_environment_equals_the_first(
    tool: str, make_wheel: Make, make_project: Make, make_environment: Make, git: Make, repository: Path, tmp_path: Path
) -> None:
    make_wheel("plain-one", "1.0")
    make_wheel("plain-one", "2.0")
    make_wheel("labelled", "1.0+local.7")
    (repository / "vendor").mkdir()
    vendored = make_wheel("vendored", "0.3").rename(repository / "vendor" / "vendored-0.3-py3-none-any.whl")
    far = make_wheel("far", "0.4").rename(tmp_path / "far-0.4-py3-none-any.whl")
    libs = "my libs" if tool == "pip" else "libs"  # pip wants such a path quoted, uv takes the quotes for a part of it
    make_project(repository / libs / "features", "features", "1.1")
    make_project(repository / "libs" / "folder", "folder", "1.2")
    make_project(tmp_path / "outside lib", "outside", "1.3")
    zoo = tmp_path / "zoo"
    make_project(zoo / "python", "zoo", "2.0")
    git("init", "-q", cwd=zoo)
    git("add", "-A", cwd=zoo)
    git("commit", "-q", "-m", "zoo", cwd=zoo)

    first = make_environment("first")
    words = ["plain-one==1.0", "labelled", "./vendor/vendored-0.3-py3-none-any.whl", str(far), "./libs/folder"]
    words += ["-e", f"./{libs}/features", "-e", str(tmp_path / "outside lib")]
    first.install(*words, f"git+{zoo.as_uri()}#subdirectory=python", cwd=repository)
    packages, _ = capture_packages(first.report(), repository, None)
    assert len(packages.distributions) == 8

    # What the branch or the index offers today must not matter.
    (zoo / "python" / "zoo.py").write_text("VERSION = 'newer'\n")
    git("commit", "-q", "-am", "newer", cwd=zoo)
    lock = tmp_path / "requirements.lock"
    lock.write_text(lock_text(packages))
    second = make_environment("second")
    second.install("-r", str(lock), tool=tool, cwd=repository)

    again, warnings = capture_packages(second.report(), repository, None)
    assert warnings == ()
    assert comparable(again, tool) == comparable(packages, tool)
    if tool == "pip":
        assert lock_text(again) == lock.read_text()
    assert vendored.is_file()
    assert modules_of(second, "plain_one", "vendored", "features", "outside", "zoo") == [
        "1.0",
        "0.3",
        "1.1",
        "1.3",
        "2.0",
    ]
