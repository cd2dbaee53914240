"""Numbers and params: short, but two unequal ones that are seen side by side never look the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twice.comparison.directions import direction
from twice.comparison.values import same_value
from twice.display.numbers import show, show_column, show_delta, show_trend


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (0.30000000000000004, "0.3"),
        (1e-5, "1e-05"),
        (12345678, "12345678"),
        (-0.0, "-0"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (True, "True"),
        (None, "None"),
        ("sgd", "sgd"),
        ("1e-3", '"1e-3"'),
        ("1", '"1"'),
        ("none", '"none"'),
        ("yes", "yes"),
        ("-", '"-"'),
        ("", '""'),
        (" a", '" a"'),
        ('"quoted"', '"\\"quoted\\""'),
        ("[1]", '"[1]"'),
        ([1, 2.5, "a", None], '[1, 2.5, "a", None]'),
        ({"a": "b"}, '{"a": "b"}'),
        ("a\nb", "a\\nb"),
    ],
)
def test_a_value_is_shown_so_that_its_kind_is_seen(value: Any, text: str) -> None:
    assert show(value) == text


def test_a_number_beyond_what_python_writes_in_decimals_is_shown_in_hexadecimal() -> None:
    assert show(10**5000).startswith("0x")


def test_a_column_has_the_digits_it_needs_and_no_more() -> None:
    assert show_column([0.1234567, 0.5]) == ["0.123457", "0.5"]
    assert show_column([0.1234567, 0.1234568]) == ["0.1234567", "0.1234568"]
    assert show_column([0.30000000000000004, 0.3]) == ["0.30000000000000004", "0.3"]
    assert show_column([1, 1.0, 0.25]) == ["1", "1", "0.25"]
    assert show_column([]) == []


VALUES = st.one_of(st.floats(), st.integers(), st.booleans(), st.none(), st.text(), st.lists(st.floats(), max_size=2))


@settings(max_examples=200, deadline=None)
@given(VALUES, VALUES)
def test_unequal_values_look_unequal(a: Any, b: Any) -> None:
    was, now = show_column([a, b])
    if not same_value(a, b):
        assert was != now


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("loss", "lower"),
        ("val_loss", "lower"),
        ("valLoss", "lower"),
        ("train/RMSE", "lower"),
        ("error_rate", "lower"),
        ("brier_score", "lower"),
        ("accuracy", "higher"),
        ("test.F1", "higher"),
        ("f1_macro", "higher"),
        ("roc_auc", "higher"),
        ("mAP50", "higher"),
        ("map50", "higher"),
        ("neg_mean_squared_error", "higher"),
        ("neg_log_likelihood", "lower"),
        ("accuracy_loss", None),
        ("closs", None),
        ("learning_rate", None),
        ("", None),
    ],
)
def test_the_better_way_is_told_from_the_name(name: str, expected: str | None) -> None:
    assert direction(name) == expected


def test_a_trend_is_an_arrow_where_it_went_and_a_word_what_it_means() -> None:
    assert show_trend("loss", -0.1) == "▼ better"
    assert show_trend("loss", 0.1) == "▲ worse"
    assert show_trend("accuracy", 0.1) == "▲ better"
    assert show_trend("temperature", 0.1) == ""
    assert show_trend("loss", None) == show_trend("loss", 0.0) == ""
    assert (show_delta(0.012345), show_delta(-3.0), show_delta(None)) == ("+0.0123", "-3", "")
