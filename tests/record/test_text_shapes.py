"""Reading by shape: the same data as without it, also for texts that are like others in all but their numbers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twice.record import yaml_text
from twice.record.quick_yaml import load_quickly
from twice.record.text_shapes import TextShapes

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
NAMES = st.sampled_from(["loss", "val/loss", "a b", "1", "null", "a: 1", "a: 1 #", '"', "é", "-x", '"\\u0000"', "\0"])
OTHERS = st.sampled_from(
    ["adam", "x: 1", "1", "", '"\0"', '"\\u0000"', "it's", ".inf", float("nan"), True, None, [], {}]
)
ENTRIES = st.recursive(
    st.just(0) | OTHERS,
    lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=5) | st.lists(inner, min_size=1, max_size=3),
    max_leaves=30,
)
PADDING = {f"metric_{number}": {"last": 0, "count": 0} for number in range(5)}  # so that there are numbers enough


def plainly(text: str) -> Any:
    return load_quickly(text, yaml_text._bare_value)


def filled(data: Any, numbers: st.DataObject) -> Any:
    """The data with other numbers in the place of each 0."""
    if isinstance(data, dict):
        return {name: filled(value, numbers) for name, value in data.items()}
    if isinstance(data, list):
        return [filled(value, numbers) for value in data]
    return numbers.draw(NUMBERS) if type(data) is int else data


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(NAMES, ENTRIES, max_size=4), st.data())
def test_texts_of_one_shape_are_read_as_without_it(data: dict[str, Any], numbers: st.DataObject) -> None:
    shapes = TextShapes(plainly)
    for _ in range(4):
        text = yaml_text.dump(filled({**PADDING, **data}, numbers)).decode()
        assert repr(shapes.load(text)) == repr(plainly(text))


def test_a_known_shape_is_read_without_the_reader() -> None:
    asked = []

    def reading(text: str) -> Any:
        asked.append(text)
        return plainly(text)

    shapes = TextShapes(reading)
    for number in range(20):
        text = "".join(f"metric_{one}:\n  last: {number * one}.5\n" for one in range(10))
        assert shapes.load(text) == {f"metric_{one}": {"last": number * one + 0.5} for one in range(10)}
    assert len(asked) == 3  # the first, the second, and the shape of both


@pytest.mark.parametrize(
    ("line", "again"),
    [
        ("x: 1", "x: 01"),  # eight to some readers, and no JSON
        ("x: 1", "x: +1"),
        ("x: 1", "x: 1.0e5"),
        ("x: 1", "x: 1e5"),
        ("x: 1", "x: 1_000"),
        ("x: 'y: 1", "x: 'y: 2"),
        ("x: y: 1", "x: y: 2"),
        ("x: [1", "x: [2"),
        ("x: -0", "x: -0.0"),
        ("metric_1: 1", "metric_1: 2"),  # a key given twice
    ],
)
def test_what_only_looks_alike_is_not_taken_for_it(line: str, again: str) -> None:
    shapes = TextShapes(plainly)
    for last in (line, line, line, again, again, again):
        text = "".join(f"metric_{one}: {one}\n" for one in range(10)) + last + "\n"
        assert repr(shapes.load(text)) == repr(plainly(text))


def test_many_shapes_do_not_fill_the_memory() -> None:
    shapes = TextShapes(plainly)
    for number in range(1000):
        shapes.load("".join(f"metric_{number}_{one}: 1\n" for one in range(10)))
    assert len(shapes._known) < 200
