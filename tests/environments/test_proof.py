"""What differs between the recorded and the rebuilt environment, each with its reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from twice.environments.proof import differences
from twice.record.model import Distribution, Interpreter, Origin, Packages

PYTHON = Interpreter(implementation="cpython", version="3.11.7", abi="cpython-311-x86_64-linux-gnu")
ONE = Distribution(name="one", version="1.0", wheel_tags=("py3-none-any",), record_sha256="a" * 64)


def packages(*distributions: Distribution, **interpreter: Any) -> Packages:
    return Packages(interpreter=replace(PYTHON, **interpreter), distributions=distributions)


@pytest.mark.parametrize(
    ("was", "now", "reason"),
    [
        ({}, {"version": "1.1"}, "one 1.0: is 1.1 now"),
        ({}, {"record_sha256": "b" * 64}, "one 1.0: same version and tags, other files"),
        (
            {"wheel_tags": ("cp311-cp311-manylinux_2_17_x86_64",)},
            {"record_sha256": "b" * 64},
            "one 1.0: another wheel: cp311-cp311-manylinux_2_17_x86_64 → py3-none-any",
        ),
        (
            {"wheel_tags": ("cp311-cp311-linux_x86_64",)},
            {"record_sha256": "b" * 64},
            "one 1.0: was built from source on its machine; now py3-none-any",
        ),
        (
            {"origin": Origin(kind="directory", url="libs/one")},
            {"origin": Origin(kind="directory", url="libs/one"), "record_sha256": "b" * 64},
            "one 1.0: built from its folder again",
        ),
        (
            {"origin": Origin(kind="editable", url="file:///l", commit="c" * 40, dirty=False)},
            {"origin": Origin(kind="editable", url="file:///l", commit="c" * 40, dirty=True)},
            "one 1.0: editable from file:///l at cccccccccccc, now from file:///l at cccccccccccc with uncommitted",
        ),
        ({}, {"origin": Origin(kind="editable", url=".")}, "one 1.0: installed from index, now from editable"),
    ],
)
def test_reasons(was: dict[str, Any], now: dict[str, Any], reason: str) -> None:
    (found,) = differences(packages(replace(ONE, **was)), packages(replace(ONE, **now)))
    assert found.startswith(reason)


def test_what_is_missing_or_extra_is_named() -> None:
    other = replace(ONE, name="two")
    assert differences(packages(ONE), packages(other)) == ("one 1.0: is missing", "two 1.0: was not there")


def test_the_interpreter_counts() -> None:
    assert differences(packages(ONE), packages(ONE, version="3.11.9")) == ("Python 3.11.7 → 3.11.9",)
    assert len(differences(packages(ONE), packages(ONE, abi="cpython-311-aarch64-linux-gnu"))) == 1
    assert differences(packages(ONE), packages(ONE, kind="venv")) == ()


def test_twice_itself_is_no_part_of_what_is_watched() -> None:
    was = replace(ONE, name="twice", origin=Origin(kind="editable", url="file:///t", commit="a" * 40))
    now = replace(was, origin=Origin(kind="editable", url="file:///t", commit="b" * 40))
    assert differences(packages(was), packages(now)) == ()
