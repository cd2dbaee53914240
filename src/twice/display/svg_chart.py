"""How is a chart drawn without any library?  A `Chart` in, an SVG element for a page out (SVG 1.1, no script, no font).

Colours are Okabe and Ito's, which almost everyone tells apart; beyond them lines differ by their dashes, and each line and
point has its name as a tooltip. All text is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from twice.display.charts import Axis, Chart, Series, ticks
from twice.textforms import format_number

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#000000")
_DASHES = ("", "6 3", "2 3", "8 3 2 3")
_WIDTH, _HEIGHT = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 28, 44
_BAR, _BAR_LEFT = 22, 190


def svg_chart(chart: Chart) -> str:
    """The `<svg>` element."""
    height = _TOP + _BOTTOM + _BAR * len(chart.series) if chart.kind == "bars" else _HEIGHT
    body = {"bars": _bars, "parallel": _parallel}.get(chart.kind, _plane)(chart)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
            f'role="img" aria-label="{escape(chart.title)}" font-family="sans-serif" font-size="11">',
            _text(_WIDTH / 2, 16, chart.title, "middle", bold=True),
            *body,
            "</svg>",
        ]
    )


def colour_of(index: int) -> str:
    """The colour of the n-th series; they come again, with other dashes."""
    return COLOURS[index % len(COLOURS)]


def dashes_of(index: int) -> str:
    """The dashes of the n-th series, as SVG has them; empty for a whole line."""
    return _DASHES[index // len(COLOURS) % len(_DASHES)]


def _plane(chart: Chart) -> Iterator[str]:
    """Lines or points over an x and a y axis."""
    x_axis, y_axis = chart.axes
    bottom = _HEIGHT - _BOTTOM
    for value, label in ticks(y_axis):
        y = _y(y_axis, value)
        yield _line(_LEFT, y, _WIDTH - _RIGHT, y, "#ddd")
        yield _text(_LEFT - 6, y + 4, label, "end")
    for value, label in ticks(x_axis, 8):
        x = _x(x_axis, value)
        yield _line(x, bottom, x, bottom + 4, "#888")
        yield _text(x, bottom + 16, label, "middle")
    yield _line(_LEFT, bottom, _WIDTH - _RIGHT, bottom, "#888")
    yield _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 8, x_axis.name, "middle")
    for index, series in enumerate(chart.series):
        yield _curve(series, index, x_axis, y_axis) if chart.kind == "lines" else _point(series, index, x_axis, y_axis)


def _curve(series: Series, index: int, x_axis: Axis, y_axis: Axis) -> str:
    path = " ".join(f"{_x(x_axis, x):.1f},{_y(y_axis, y):.1f}" for x, y in series.points)
    return _group(series, index, _polyline(path, index))


def _point(series: Series, index: int, x_axis: Axis, y_axis: Axis) -> str:
    (x, y) = series.points[0]
    circle = f'<circle cx="{_x(x_axis, x):.1f}" cy="{_y(y_axis, y):.1f}" r="4" fill="{COLOURS[0]}" fill-opacity="0.7"/>'
    said = f"{series.name}: {x_axis.name} {_said(x_axis, x)}, {y_axis.name} {_said(y_axis, y)}"
    return _group(series, index, circle, said)


def _bars(chart: Chart) -> Iterator[str]:
    room = _WIDTH - _BAR_LEFT - 60
    for row, series in enumerate(chart.series):
        score = series.points[0][1]
        y = _TOP + row * _BAR
        yield _text(_BAR_LEFT - 6, y + 14, series.name, "end")
        yield f'<rect x="{_BAR_LEFT}" y="{y + 3}" width="{max(score, 0) * room:.1f}" height="{_BAR - 6}" fill="{COLOURS[0]}"/>'
        yield _text(_BAR_LEFT + max(score, 0) * room + 6, y + 14, format_number(score, 2), "start")
    yield _text(_BAR_LEFT + room / 2, _TOP + len(chart.series) * _BAR + 24, chart.axes[1].name, "middle")


def _parallel(chart: Chart) -> Iterator[str]:
    bottom = _HEIGHT - _BOTTOM
    left, right = _LEFT + 20, _WIDTH - _RIGHT - 40
    gap = (right - left) / (len(chart.axes) - 1)
    for index, series in enumerate(chart.series):
        path = " ".join(
            f"{left + at * gap:.1f},{bottom - chart.axes[int(at)].place(value) * (bottom - _TOP - 16):.1f}"
            for at, value in series.points
        )
        yield _group(series, index, _polyline(path, index))
    for index, axis in enumerate(chart.axes):
        x = left + index * gap
        yield _line(x, _TOP + 16, x, bottom, "#444")
        yield _text(x, bottom + (18 if index % 2 == 0 else 32), axis.name, "middle")
        for value, label in ticks(axis, 4):
            y = bottom - axis.place(value) * (bottom - _TOP - 16)
            yield _line(x - 3, y, x + 3, y, "#444")
            yield _text(x - 5, y + 4, label, "end")


def _x(axis: Axis, value: float) -> float:
    return _LEFT + axis.place(value) * (_WIDTH - _LEFT - _RIGHT)


def _y(axis: Axis, value: float) -> float:
    return _HEIGHT - _BOTTOM - axis.place(value) * (_HEIGHT - _BOTTOM - _TOP - 8)


def _said(axis: Axis, value: float) -> str:
    return next((label for place, label in axis.labels if place == value), format_number(value))


def _group(series: Series, index: int, shape: str, said: str = "") -> str:
    """A shape with its name: shown when the pointer rests on it, and found by the page's script."""
    return f'<g class="series" data-series="{index}"><title>{escape(said or series.name)}</title>{shape}</g>'


def _polyline(path: str, index: int) -> str:
    dashes = f' stroke-dasharray="{dashes_of(index)}"' if dashes_of(index) else ""
    return f'<polyline points="{path}" fill="none" stroke="{colour_of(index)}" stroke-width="1.6"{dashes}/>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _text(x: float, y: float, text: str, anchor: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{weight}>{escape(text)}</text>'
