"""Charts and the plot in the terminal: what is drawn where, and that nothing breaks them."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sample_runs import make_run, metric, points
from twice.display.characters import display_width
from twice.display.charts import Axis, curves, differing_columns, importance, parallel, scatter, ticks
from twice.display.html_page import figure, html_page
from twice.display.line_plot import line_plot
from twice.display.svg_chart import svg_chart
from twice.record.model import Params
from twice.record.summary import RunSummary, summarise_run

NUMBERS = st.one_of(st.floats(), st.integers(-(10**400), 10**400))


def summaries() -> list[RunSummary]:
    return [
        summarise_run(make_run(tail, params=Params(values=params), metrics={"loss": metric(loss), "n": metric(1)}))
        for tail, params, loss in (
            ("aaaaaa", {"lr": 0.1, "opt": "sgd", "same": 1}, 3),
            ("bbbbbb", {"lr": 0.2, "opt": "adam", "same": 1}, 2),
            ("cccccc", {"lr": 0.3, "same": 1}, math.nan),
        )
    ]


def test_the_plot_in_the_terminal() -> None:
    plot = line_plot("loss", points(4, 3, 2, 1, 1), width=13, height=4)
    assert plot.split("\n")[0] == "loss  5 values" and plot.split("\n")[-2] == "min 1 at step 3, max 4 at step 0"
    rows = plot.split("\n")[1:5]
    assert rows[0].startswith("4 ┤") and rows[3].startswith("1 ┤")
    dots = sorted(_dots(rows))
    assert dots[0] == (0, 0) and dots[-1] == (19, 15)
    assert {x for x, _ in dots} == set(range(20))
    assert [y for _, y in dots] == sorted(y for _, y in dots)


def _dots(rows: list[str]) -> set[tuple[int, int]]:
    """The dots of braille characters, by the table of the Unicode standard."""
    numbers = {1: (0, 0), 2: (0, 1), 3: (0, 2), 4: (1, 0), 5: (1, 1), 6: (1, 2), 7: (0, 3), 8: (1, 3)}
    found = set()
    for row, line in enumerate(rows):
        for column, character in enumerate(line[3:]):
            code = ord(character) - 0x2800 if character != " " else 0
            for number, (x, y) in numbers.items():
                if code & (1 << (number - 1)):
                    found.add((2 * column + x, 4 * row + y))
    return found


def test_the_plot_where_there_is_no_braille() -> None:
    assert line_plot("loss", points(4, 3, 2, 1), width=14, height=4, encoding="cp1252") == (
        "loss  4 values\n"
        "4 |**\n"
        "  |  ***\n"
        "  |     ***\n"
        "1 |        **\n"
        "   0        3  step\n"
        "min 1 at step 3, max 4 at step 0\n"
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(NUMBERS, max_size=50), st.integers(1, 200), st.sampled_from(["utf-8", "ascii"]))
def test_any_values_can_be_plotted(values: list[float], width: int, encoding: str) -> None:
    plot = line_plot("m\n", points(*values), width=width, encoding=encoding)
    assert plot.endswith("\n") and "m\\n" in plot
    plot.encode(encoding)


def test_gaps_are_said() -> None:
    assert "1 values are not finite" in line_plot("l", points(1, math.nan, 2))
    assert "none of them finite" in line_plot("l", points(math.nan))


# ---------------------------------------------------------------------------------------------------------- charts


def test_curves_keep_what_is_finite_and_count_the_rest() -> None:
    chart = curves("loss", {"a": points(1, math.nan, 3), "b": points(1), "c": points(5, 4)})
    assert chart is not None
    assert [one.name for one in chart.series] == ["a", "c"] and chart.note == "1 values are not finite"
    assert (chart.axes[1].low, chart.axes[1].high) == (1, 5)
    assert curves("loss", {"a": points(1)}) is None


def test_long_curves_keep_their_peaks() -> None:
    values = [0.0] * 100_000
    values[54_321] = 9.0
    chart = curves("loss", {"a": points(*values)})
    assert chart is not None
    assert len(chart.series[0].points) <= 2000 and (54_321.0, 9.0) in chart.series[0].points


def test_a_scatter_leaves_out_runs_without_a_value_and_says_so() -> None:
    chart = scatter("lr", "loss", summaries(), {})
    assert chart is not None
    assert [one.points[0] for one in chart.series] == [(0.1, 3.0), (0.2, 2.0)]
    assert chart.note == "1 of 3 runs lack a value"
    words = scatter("opt", "loss", summaries(), {})
    assert words is not None and words.axes[0].labels == ((0.0, "sgd"), (1.0, "adam"))
    assert scatter("nothing", "loss", summaries(), {}) is None


def test_parallel_axes() -> None:
    chart = parallel(["lr", "opt", "loss"], summaries(), {})
    assert chart is not None
    assert [axis.name for axis in chart.axes] == ["lr", "opt", "loss"]
    assert chart.series[1].points == ((0.0, 0.2), (1.0, 1.0), (2.0, 2.0))
    assert [len(one.points) for one in chart.series] == [3, 3]  # the third has one value that can be drawn
    assert parallel(["lr"], summaries(), {}) is None


def test_columns_that_differ() -> None:
    assert differing_columns(summaries()) == (["lr", "opt"], ["loss"])


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (0, 1, ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (0.03, 0.92, ["0.2", "0.4", "0.6", "0.8"]),
        (-50, 1000, ["0", "250", "500", "750", "1000"]),
        (1e-9, 3e-9, ["1e-09", "1.5e-09", "2e-09", "2.5e-09", "3e-09"]),
    ],
)
def test_ticks_are_round(low: float, high: float, texts: list[str]) -> None:
    assert [text for _, text in ticks(Axis(name="x", low=low, high=high))] == texts


@settings(max_examples=80, deadline=None)
@given(st.lists(NUMBERS, min_size=2, max_size=20), st.text(max_size=20))
def test_any_chart_is_well_formed_svg(values: list[float], name: str) -> None:
    runs = [
        summarise_run(make_run("aaaaaa", params=Params(values={name or "x": value}), metrics={"m": metric(value)}))
        for value in values
    ]
    for chart in (
        curves(name, {name: points(*values)}),
        scatter(name or "x", "m", runs, {}),
        parallel([name or "x", "m"], runs, {}),
        importance(name, [(name, 0.5)]),
    ):
        if chart is not None:
            svg = svg_chart(chart)
            root = ET.fromstring(svg)
            drawn = [value for node in root.iter() for key, value in node.items() if key != "aria-label"]
            assert not [value for value in drawn if re.search(r"\b(?:nan|inf)\b", value)]
            for line in root.iter("{http://www.w3.org/2000/svg}polyline"):
                for pair in (line.get("points") or "").split():
                    assert all(-1 <= float(number) <= 700 for number in pair.split(","))


def test_a_figure_names_its_lines_and_a_page_loads_nothing() -> None:
    chart = curves("<loss>", {"<a>": points(1, 2), "b": points(2, 1)})
    assert chart is not None
    page = html_page("<title>", [figure(chart)])
    assert "<loss>" not in page and "&lt;a&gt;" in page and page.count("<button") == 2
    assert not re.search(r"(?:\bsrc|href)=|url\(|@import", page)


def test_bars_are_ranked() -> None:
    chart = importance("acc", [("a", 0.1), ("b", 0.9)])
    assert chart is not None and [one.name for one in chart.series] == ["b", "a"]
    assert importance("acc", []) is None


def test_labels_have_a_measure() -> None:
    values: Any = ["x" * 500, "y"]
    runs = [
        summarise_run(make_run("aaaaaa", params=Params(values={"p": value}), metrics={"m": metric(1)}))
        for value in values
    ]
    chart = scatter("p", "m", runs, {})
    assert chart is not None and all(display_width(label) <= 24 for _, label in chart.axes[0].labels)
