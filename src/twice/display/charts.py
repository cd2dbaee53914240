"""What is in a chart, before it is drawn?  Runs and their logged values in, axes and points out; no colour, no pixel.

Every way of drawing (SVG, matplotlib) takes the same `Chart`. Values that are no numbers stand on an axis in the order in
which they first come; what is neither NaN nor infinite is drawn, the rest is counted in the chart's note.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from twice.comparison.directions import direction
from twice.comparison.values import is_number, same_value
from twice.display.characters import harmless, shorten
from twice.frozen import frozen
from twice.textforms import format_number, format_value

if TYPE_CHECKING:
    from twice.record.model import Point
    from twice.record.summary import RunSummary

Kind = Literal["lines", "points", "bars", "parallel"]

_MOST_POINTS = 2000  # of one line; more would not be seen, and make the file large
_LABEL = 24


@frozen
class Axis:
    """One axis: its range, and for what is not numeric where each value stands."""

    name: str
    low: float
    high: float
    labels: tuple[tuple[float, str], ...] = ()  # empty: numbers

    def place(self, value: float) -> float:
        """Where a value stands, from 0 to 1."""
        span = self.high / 2 - self.low / 2  # halves: the span of the largest floats is not one
        return (value / 2 - self.low / 2) / span if span else 0.5


@frozen
class Series:
    """What belongs together in a chart: a run's curve, a point, a bar, or a line across parallel axes."""

    name: str
    points: tuple[tuple[float, float], ...]  # of parallel axes: (index of the axis, value on it)


@frozen
class Chart:
    """A chart: of parallel axes `axes` are those, otherwise x and y."""

    kind: Kind
    title: str
    axes: tuple[Axis, ...]
    series: tuple[Series, ...]
    note: str = ""


def curves(metric: str, courses: Mapping[str, Sequence[Point]]) -> Chart | None:
    """The course of one metric in several runs, by the name that a run is shown with; None when none logged it twice."""
    series, skipped = [], 0
    for name, points in courses.items():
        found = [(float(point.step), float(point.value)) for point in points if _is_drawable(point.value)]
        skipped += len(points) - len(found)
        if len(found) > 1:
            series.append(Series(name=harmless(name), points=tuple(_thinned(found))))
    if not series:
        return None
    return Chart(
        kind="lines",
        title=harmless(metric),
        axes=(_axis_of("step", [x for one in series for x, _ in one.points]), _y_axis(metric, series)),
        series=tuple(series),
        note=f"{skipped} values are not finite" if skipped else "",
    )


def scatter(x: str, y: str, runs: Sequence[RunSummary], names: Mapping[str, str]) -> Chart | None:
    """A metric or a param against another, one point a run; None when no run has both."""
    both = [(run, _value(run, x), _value(run, y)) for run in runs]
    both = [(run, a, b) for run, a, b in both if a is not None and b is not None]
    if not both:
        return None
    x_axis, places = _scale(x, [a for _, a, _ in both])
    y_axis, heights = _scale(y, [b for _, _, b in both])
    series = [
        Series(name=harmless(names.get(run.id, run.id)), points=((place, height),))
        for (run, _, _), place, height in zip(both, places, heights, strict=True)
        if place is not None and height is not None
    ]
    left = len(runs) - len(series)
    note = f"{left} of {len(runs)} runs lack a value" if left else ""
    title = f"{y_axis.name} by {x_axis.name}"
    return Chart(kind="points", title=title, axes=(x_axis, y_axis), series=tuple(series), note=note) if series else None


def parallel(columns: Sequence[str], runs: Sequence[RunSummary], names: Mapping[str, str]) -> Chart | None:
    """Params and metrics as parallel axes, one line a run; None for fewer than two columns with values."""
    axes: list[Axis] = []
    points: dict[str, list[tuple[float, float]]] = {run.id: [] for run in runs}
    for column in columns:
        values = [(run, value) for run in runs if (value := _value(run, column)) is not None]
        if not values:
            continue
        axis, places = _scale(column, [value for _, value in values])
        for (run, _), place in zip(values, places, strict=True):
            if place is not None:
                points[run.id].append((float(len(axes)), place))
        axes.append(axis)
    series = [
        Series(name=harmless(names.get(run.id, run.id)), points=tuple(points[run.id]))
        for run in runs
        if len(points[run.id]) > 1
    ]
    if len(axes) < 2 or not series:
        return None
    title = f"{', '.join(axis.name for axis in axes[-1:])} and {len(axes) - 1} more"
    return Chart(kind="parallel", title=title, axes=tuple(axes), series=tuple(series))


def importance(metric: str, scores: Sequence[tuple[str, float]], note: str = "") -> Chart | None:
    """How much each param tells of a metric, as bars, the longest first; scores are from 0 to 1."""
    if not scores:
        return None
    ranked = sorted(scores, key=lambda one: -one[1])
    bars = [Series(name=_label(name), points=((float(row), score),)) for row, (name, score) in enumerate(ranked)]
    axes = (Axis(name="param", low=0, high=float(len(bars))), Axis(name="importance", low=0, high=1))
    return Chart(kind="bars", title=f"importance for {harmless(metric)}", axes=axes, series=tuple(bars), note=note)


def differing_columns(runs: Sequence[RunSummary]) -> tuple[list[str], list[str]]:
    """The params and the metrics that are not the same in all runs; metrics that have a direction come first."""
    params = dict.fromkeys(name for run in runs for name in run.params)
    metrics = dict.fromkeys(name for run in runs for name in run.metrics)
    differing = [name for name in params if _differs([run.params.get(name, _value) for run in runs])]
    return differing, sorted(
        (name for name in metrics if _differs([run.metrics.get(name, _value) for run in runs])),
        key=lambda name: direction(name) is None,
    )


def ticks(axis: Axis, number: int = 5) -> list[tuple[float, str]]:
    """Where an axis is marked, and with what: round numbers, or its labels."""
    if axis.labels:
        return list(axis.labels)
    span = axis.high - axis.low
    if not math.isfinite(span) or span <= 0:
        return [(axis.low, format_number(axis.low, 4))]
    power = 10.0 ** math.floor(math.log10(span / number)) if span > 1e-300 else span / number
    step = next((power * each for each in (1, 2, 2.5, 5, 10) if span / (power * each) <= number), power * 10)
    first = math.ceil(axis.low / step - 1e-9)
    found = []
    for index in range(first, first + number + 2):
        value = index * step
        if value > axis.high + step * 1e-9:
            break
        found.append((value, format_number(value, 6)))
    return found


def _value(run: RunSummary, name: str) -> Any:
    """A param or a metric of a run, a metric first; None when it has neither."""
    if name in run.metrics:
        return run.metrics[name]
    if name in run.params:
        return run.params[name]
    return run.duration_s if name == "duration" else None


def _scale(name: str, values: Sequence[Any]) -> tuple[Axis, list[float | None]]:
    """An axis for these values, and where each stands on it; None for what cannot be drawn."""
    if all(is_number(value) for value in values):
        places = [float(value) if _is_drawable(value) else None for value in values]
        return _axis_of(name, [place for place in places if place is not None]), places
    labels: dict[str, float] = {}
    for value in values:
        labels.setdefault(_label(format_value(value)), float(len(labels)))
    axis = Axis(
        name=_label(name),
        low=-0.5,
        high=len(labels) - 0.5,
        labels=tuple((place, label) for label, place in labels.items()),
    )
    return axis, [labels[_label(format_value(value))] for value in values]


def _axis_of(name: str, numbers: Sequence[float]) -> Axis:
    low, high = (min(numbers), max(numbers)) if numbers else (0.0, 1.0)
    if low == high:
        room = abs(low) / 10 or 1.0
        low, high = low - room, high + room
    return Axis(name=_label(name), low=low, high=high)


def _y_axis(name: str, series: Sequence[Series]) -> Axis:
    return _axis_of(name, [y for one in series for _, y in one.points])


def _label(text: str) -> str:
    return shorten(harmless(text), _LABEL)


def _is_drawable(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most so many points; of each stretch the lowest and the highest, so that peaks stay."""
    points = sorted(points)
    if len(points) <= _MOST_POINTS:
        return points
    stretches = _MOST_POINTS // 2
    kept = []
    for index in range(stretches):
        stretch = points[index * len(points) // stretches : (index + 1) * len(points) // stretches]
        kept += sorted({min(stretch, key=lambda each: each[1]), max(stretch, key=lambda each: each[1])})
    return kept


def _differs(values: Sequence[Any]) -> bool:
    return not all(same_value(values[0], value) for value in values[1:])
