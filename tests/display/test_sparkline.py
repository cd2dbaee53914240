"""The course of a metric in one line, whatever its values."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twice.display.sparkline import sparkline

INF, NAN = float("inf"), float("nan")


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([], ""),
        ([1], "▄"),
        ([5, 5, 5], "▄▄▄"),
        ([0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█"),
        ([7, 0], "█▁"),
        ([1, NAN, 2, INF, -INF], "▁?██▁"),
        ([NAN, NAN], "??"),
        ([INF], "█"),
        ([-1.7e308, 0.0, 1.7e308], "▁▅█"),
        ([10**400, 1, 2], "█▁█"),
    ],
)
def test_levels_run_from_the_smallest_to_the_largest_value(values: list[float], line: str) -> None:
    assert sparkline(values) == line


def test_many_values_become_the_means_of_as_many_stretches_as_fit() -> None:
    assert sparkline(range(8000), 8) == "▁▂▃▄▅▆▇█"
    assert len(sparkline(range(1001), 20)) == 20


def test_an_encoding_without_blocks_gets_ascii() -> None:
    assert sparkline(range(8), encoding="cp1252") == "_.,-=+*#"


@settings(max_examples=80, deadline=None)
@given(st.lists(st.floats() | st.integers(), max_size=50), st.integers(1, 25))
def test_any_values_fit(values: list[float], width: int) -> None:
    assert len(sparkline(values, width)) == min(len(values), width)
