"""How does a chart become a PNG, an SVG or a PDF?  Charts in, bytes out; the door to matplotlib.

Equal charts are equal bytes: no date, no random ids. Nothing of the user's matplotlib settings counts.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from twice.display.charts import Chart, ticks
from twice.display.svg_chart import colour_of
from twice.errors import UsageError

_DASHES = ("-", "--", ":", "-.")
_MOST_IN_LEGEND = 20


def draw_image(charts: Sequence[Chart], form: str) -> bytes:
    """The charts below each other as one image.  Raises UsageError when matplotlib is not installed."""
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError(
            f"drawing {form} takes matplotlib, which is not installed",
            hint="pip install 'twice[plot]'; an .html file takes nothing",
        ) from error
    settings = {**matplotlib.rcParamsDefault, "svg.hashsalt": "twice", "text.parse_math": False}
    with matplotlib.rc_context():
        matplotlib.rcParams.update({key: value for key, value in settings.items() if not key.startswith("backend")})
        heights = [max(1.2, 0.32 * len(chart.series) + 1) if chart.kind == "bars" else 4.0 for chart in charts]
        figure = Figure(figsize=(7.2, sum(heights)), layout="constrained")
        axes = figure.subplots(len(charts), 1, squeeze=False, gridspec_kw={"height_ratios": heights})
        for (place,), chart in zip(axes, charts, strict=True):
            {"bars": _bars, "parallel": _parallel}.get(chart.kind, _plane)(place, chart)
            place.set_title(chart.title)
        buffer = io.BytesIO()
        dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}
        figure.savefig(buffer, format=form, dpi=144, metadata=dates[form])
    return buffer.getvalue()


def _plane(place: Any, chart: Chart) -> None:
    x_axis, y_axis = chart.axes
    for index, series in enumerate(chart.series):
        xs, ys = zip(*series.points, strict=True)
        if chart.kind == "lines":
            place.plot(
                xs, ys, _DASHES[index // 8 % 4], color=colour_of(index), linewidth=1.5, label=_plain(series.name)
            )
        else:
            place.plot(xs, ys, "o", color=colour_of(0), alpha=0.7)
    for axis, setter in ((x_axis, place.set_xticks), (y_axis, place.set_yticks)):
        if axis.labels:
            setter([where for where, _ in axis.labels], [label for _, label in axis.labels])
    place.set_xlabel(x_axis.name)
    place.set_ylabel(y_axis.name)
    place.grid(alpha=0.3)
    if chart.kind == "lines" and 1 < len(chart.series) <= _MOST_IN_LEGEND:
        place.legend()


def _bars(place: Any, chart: Chart) -> None:
    names = [series.name for series in chart.series]
    place.barh(range(len(names)), [series.points[0][1] for series in chart.series], color=colour_of(0))
    place.set_yticks(range(len(names)), names)
    place.invert_yaxis()
    place.set_xlim(0, 1)
    place.set_xlabel(chart.axes[1].name)


def _parallel(place: Any, chart: Chart) -> None:
    for index, series in enumerate(chart.series):
        xs = [at for at, _ in series.points]
        ys = [chart.axes[int(at)].place(value) for at, value in series.points]
        place.plot(xs, ys, _DASHES[index // 8 % 4], color=colour_of(index), linewidth=1.2, label=_plain(series.name))
    for index, axis in enumerate(chart.axes):
        place.axvline(index, color="#444444", linewidth=1)
        for value, label in ticks(axis, 4):
            place.annotate(
                label, (index, axis.place(value)), textcoords="offset points", xytext=(-4, -3), ha="right", size=8
            )
    place.set_xticks(range(len(chart.axes)), [axis.name for axis in chart.axes])
    place.set_yticks([])
    if 1 < len(chart.series) <= _MOST_IN_LEGEND:
        place.legend(loc="upper left", bbox_to_anchor=(1.01, 1))


def _plain(name: str) -> str:
    """A name for the legend, which leaves out those that begin with an underscore."""
    return f" {name}" if name.startswith("_") else name
