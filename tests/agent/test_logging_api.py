"""The API writes what it is given, refuses what is none, and is quiet outside a run."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import decimal
import enum
import fractions
import math
import os
import pathlib
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import twice
from twice.agent import protocol
from twice.agent.plain_values import plain
from twice.agent.protocol import read_events


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TWICE_LIVE", str(tmp_path))
    monkeypatch.setenv("TWICE_RUN", "20261121-142233-k7q2m9")
    yield tmp_path
    journal = protocol.run_journal()
    assert journal is not None
    journal.close()
    protocol._journal = None


def _only(live: Path) -> dict[str, Any]:
    (event,) = read_events(live)
    return event


class _Scalar:
    """What numpy and torch scalars have in common."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def item(self) -> Any:
        if isinstance(self._value, list):
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        return self._value


@pytest.mark.parametrize(
    ("given", "written"),
    [
        (1, 1),
        (0.1, 0.1),
        (True, 1),
        (-(10**30), -(10**30)),
        (1e308, 1e308),
        (math.inf, math.inf),
        (-math.inf, -math.inf),
        (_Scalar(2), 2),
        (_Scalar(2.5), 2.5),
        (_Scalar(True), 1),
        (decimal.Decimal("0.5"), 0.5),
        (fractions.Fraction(1, 4), 0.25),
    ],
)
def test_a_metric_is_any_one_number(live: Path, given: Any, written: float) -> None:
    twice.log_metric("loss", given, step=3)
    event = _only(live)
    assert (event["kind"], event["name"], event["value"], event["step"]) == ("metric", "loss", written, 3)
    assert type(event["value"]) is type(written)


def test_not_a_number_is_a_number(live: Path) -> None:
    twice.log_metric("loss", math.nan)
    assert math.isnan(_only(live)["value"])
    assert _only(live)["step"] is None


@pytest.mark.parametrize(
    ("name", "value", "step", "error", "said"),
    [
        ("loss", "0.1", None, TypeError, "metric 'loss' is text ('0.1'): pass a number"),
        ("loss", b"1", None, TypeError, "is text"),
        ("loss", None, None, TypeError, "metric 'loss' is None: pass a number"),
        ("loss", 1j, None, TypeError, "is a complex"),
        ("loss", [1], None, TypeError, "is a list"),
        ("loss", int, None, TypeError, "pass a number"),
        ("loss", _Scalar("x"), None, TypeError, "pass a number"),
        (
            "loss",
            _Scalar([1, 2]),
            None,
            ValueError,
            "holds several values (a _Scalar): pass one number, such as its mean",
        ),
        ("loss", 1, 1.5, TypeError, "step is a float (1.5): pass a whole number"),
        ("loss", 1, "3", TypeError, "step is a str"),
        (3, 1, None, TypeError, "the name of a metric is text, not an int"),
        ("", 1, None, ValueError, "'' is no name for a metric"),
        ("two\nlines", 1, None, ValueError, "no name for a metric"),
    ],
)
def test_what_is_no_metric_is_refused_inside_a_run_and_outside(
    live: Path, name: Any, value: Any, step: Any, error: type[Exception], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        with pytest.raises(error) as raised:
            twice.log_metric(name, value, step=step)
        assert said in str(raised.value)
    assert list(read_events(live)) == []


def test_several_metrics_are_all_checked_before_one_is_written(live: Path) -> None:
    with pytest.raises(TypeError):
        twice.log_metrics({"loss": 1, "accuracy": "high"})
    with pytest.raises(TypeError, match="takes a dict"):
        twice.log_metrics([("loss", 1)])  # type: ignore[arg-type]
    assert list(read_events(live)) == []
    twice.log_metrics({"loss": 1, "accuracy": 0.5}, step=2)
    assert [(event["name"], event["value"], event["step"]) for event in read_events(live)] == [
        ("loss", 1, 2),
        ("accuracy", 0.5, 2),
    ]


class _Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass
class _Model:
    depth: int
    colour: _Colour


_VALUES: list[tuple[Any, Any]] = [
    (None, None),
    ("text", "text"),
    (pathlib.PurePosixPath("a/b"), "a/b"),
    (_Colour.RED, "RED"),
    (enum.IntEnum("Level", "LOW HIGH").HIGH, "HIGH"),
    ((1, (2, [3])), [1, [2, [3]]]),
    ({"b", "a", "c"}, ["a", "b", "c"]),
    (frozenset({3, 1}), [1, 3]),
    (OrderedDict(b=1, a={1: _Colour.RED}), {"b": 1, "a": {"1": "RED"}}),
    (argparse.Namespace(lr=0.1, inner=argparse.Namespace(x=1)), {"lr": 0.1, "inner": {"x": 1}}),
    (_Model(3, _Colour.RED), {"depth": 3, "colour": "RED"}),
    (datetime.date(2026, 11, 21), "2026-11-21"),
    (decimal.Decimal("1.50"), "1.50"),
    (complex(1, 2), "(1+2j)"),
    (range(3), "range(0, 3)"),
    (int, "int"),
    (OrderedDict, "collections.OrderedDict"),
    (b"bytes", "bytes"),
]


@pytest.mark.parametrize(("given", "written"), _VALUES, ids=[str(one) for _, one in _VALUES])
def test_a_param_is_any_plain_value(live: Path, given: Any, written: Any) -> None:
    twice.log_param("p", given)
    assert (_only(live)["name"], _only(live)["value"]) == ("p", written)


def test_params_may_be_nested_and_come_from_a_namespace_or_a_dataclass(live: Path) -> None:
    twice.log_params({"optimizer": {"lr": 0.1}, "layers": [1, 2]})
    twice.log_params(argparse.Namespace(lr=1))  # type: ignore[arg-type]
    twice.log_params(_Model(3, _Colour.RED))  # type: ignore[arg-type]
    assert [(event["name"], event["value"]) for event in read_events(live)] == [
        ("optimizer", {"lr": 0.1}),
        ("layers", [1, 2]),
        ("lr", 1),
        ("depth", 3),
        ("colour", "RED"),
    ]


def test_what_has_no_plain_form_is_refused(live: Path) -> None:
    circle: list[Any] = []
    circle.append(circle)
    for value in (object(), lambda: 0, print, circle, threading.Lock()):
        with pytest.raises(TypeError, match="param 'p' cannot be logged"):
            twice.log_param("p", value)
    with pytest.raises(TypeError, match="log_params takes a dict"):
        twice.log_params(3)  # type: ignore[arg-type]
    assert list(read_events(live)) == []


def test_arrays_are_lists_while_they_are_small() -> None:
    numpy = pytest.importorskip("numpy")
    assert plain({"x": numpy.array([[1, 2]]), "y": numpy.float32(0.5), "z": numpy.int64(3)}) == {
        "x": [[1, 2]],
        "y": 0.5,
        "z": 3,
    }
    assert type(plain(numpy.int64(3))) is int
    assert plain(numpy.bool_(True)) is True
    with pytest.raises(TypeError, match="20000 values"):
        plain(numpy.zeros(20000))


def test_scalars_of_numpy_are_metrics(live: Path) -> None:
    numpy = pytest.importorskip("numpy")
    twice.log_metrics(
        {"a": numpy.float32(0.5), "b": numpy.int64(3), "c": numpy.array([2.0]), "d": numpy.bool_(True)},
        step=numpy.int32(4),
    )
    assert [(event["value"], event["step"]) for event in read_events(live)] == [(0.5, 4), (3, 4), (2.0, 4), (1, 4)]
    with pytest.raises(ValueError, match="several values"):
        twice.log_metric("e", numpy.zeros(3))


def test_scalars_of_torch_are_metrics_and_its_types_params(live: Path) -> None:
    torch = pytest.importorskip("torch")
    twice.log_metric("a", torch.tensor(0.5, requires_grad=True))
    twice.log_metric("b", torch.tensor([3]))
    twice.log_param(
        "c", [torch.float32, torch.device("cpu"), torch.Size([1, 2]), torch.tensor([1, 2]), torch.optim.Adam]
    )
    values = [event["value"] for event in read_events(live)]
    assert values == [0.5, 3, ["torch.float32", "cpu", [1, 2], [1, 2], "torch.optim.adam.Adam"]]
    with pytest.raises(ValueError, match="several values"):
        twice.log_metric("e", torch.zeros(3))


def test_tags_and_artifacts(live: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(live)
    (live / "model.pt").write_text("")
    twice.set_tag("best")
    twice.set_tag("fold", 3)
    twice.log_artifact("model.pt")
    twice.log_artifact(Path("model.pt"))
    twice.log_artifact(live)
    events = list(read_events(live))
    assert [(event["name"], event["value"]) for event in events[:2]] == [("best", ""), ("fold", "3")]
    assert [event["path"] for event in events[2:]] == [str(live / "model.pt")] * 2 + [str(live)]
    with pytest.raises(FileNotFoundError, match="log it after it has been written"):
        twice.log_artifact("missing.pt")
    with pytest.raises(TypeError, match="tag 'x' is a list: pass text or a number"):
        twice.set_tag("x", [])


def test_outside_a_run_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    twice.log_metric("loss", 0.1, step=1)
    twice.log_metrics({"loss": 0.1})
    twice.log_param("lr", 0.1)
    twice.log_params({"lr": 0.1})
    twice.set_tag("best")
    assert twice.run_id() is None
    assert os.listdir() == []


def test_inside_a_run_the_id_is_known(live: Path) -> None:
    assert twice.run_id() == "20261121-142233-k7q2m9"


def test_every_thread_may_log(live: Path) -> None:
    threads = [threading.Thread(target=twice.log_metric, args=(f"of {n}", n)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(event["value"] for event in read_events(live)) == list(range(16))


def test_the_version_is_that_of_the_project() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()  # tomllib is not in Python 3.10
    assert re.findall(r'^version = "(.+)"$', text, re.MULTILINE) == [twice.__version__]


def test_the_table_of_contents_is_complete() -> None:
    assert dir(twice) == sorted(twice.__all__)
    for name in twice.__all__:
        assert getattr(twice, name) is not None
    assert not hasattr(twice, "log_metrik")
