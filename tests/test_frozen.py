"""A frozen class is a dataclass of the standard library in every way that one can see: held side by side."""

from __future__ import annotations

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any

import pytest

from twice.frozen import frozen


@frozen
class Ours:
    """A class."""

    a: int
    b: list[int] = field(default_factory=list)
    c: float | None = None

    @property
    def doubled(self) -> int:
        """Twice a."""
        return 2 * self.a


@dataclass(frozen=True, kw_only=True, slots=True)
class Theirs:
    """A class."""

    a: int
    b: list[int] = field(default_factory=list)
    c: float | None = None


@frozen
class Checked:
    """A class that checks what it is given."""

    a: int

    def __post_init__(self) -> None:
        """Refuse zero."""
        if self.a == 0:
            raise ValueError("zero")


@frozen(kw_only=False)
class Placed:
    """A class whose fields may be given by position."""

    a: int
    b: str = "b"


def test_it_is_made_and_shown_as_a_dataclass_is() -> None:
    assert repr(Ours(a=1, b=[2])) == repr(Theirs(a=1, b=[2])).replace("Theirs", "Ours")
    assert Ours(a=3).doubled == 6
    ours, theirs = (inspect.signature(cls).parameters.values() for cls in (Ours, Theirs))
    assert [(one.name, one.kind, one.annotation) for one in ours] == [
        (one.name, one.kind, one.annotation) for one in theirs
    ]
    assert (Placed(1), Placed(1, "c"), Placed(a=1)) == (Placed(1, "b"), Placed(1, b="c"), Placed(1))
    assert Ours(a=1).b is not Ours(a=1).b


def test_it_compares_and_hashes_by_its_values() -> None:
    assert Ours(a=1) == Ours(a=1) != Ours(a=2)
    assert Checked(a=1) != Placed(1)
    assert len({Checked(a=1), Checked(a=1), Checked(a=2)}) == 2
    with pytest.raises(TypeError, match="unhashable"):
        hash(Ours(a=1))


def test_the_tools_of_dataclasses_work() -> None:
    assert is_dataclass(Ours)
    assert [one.name for one in fields(Ours)] == ["a", "b", "c"]
    assert asdict(Ours(a=1)) == asdict(Theirs(a=1))
    assert replace(Ours(a=1), c=0.5) == Ours(a=1, c=0.5)
    match Placed(1, "x"):
        case Placed(a, b):
            assert (a, b) == (1, "x")


@pytest.mark.parametrize("wrong", [{}, {"a": 1, "d": 2}], ids=["missing", "unknown"])
def test_wrong_fields_are_a_type_error_each_time(wrong: dict[str, Any]) -> None:
    @frozen
    class Fresh:
        a: int

    for _ in range(2):
        with pytest.raises(TypeError, match=r"__init__\(\)"):
            Fresh(**wrong)
    with pytest.raises(TypeError, match="positional"):
        Fresh(1)  # type: ignore[misc]


def test_it_is_frozen_and_has_no_dict() -> None:
    one = Ours(a=1)
    with pytest.raises(FrozenInstanceError, match="'a'"):
        one.a = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError, match="'a'"):
        del one.a
    assert not hasattr(one, "__dict__")


def test_the_check_after_is_made_each_time() -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="zero"):
            Checked(a=0)


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_is_equal(way: Any) -> None:
    assert way(Ours(a=1, b=[2])) == Ours(a=1, b=[2])
