"""Which metrics did the run log?  Journal events in, summaries and histories out.

Metrics found in lines of stdout (see `metric_lines`) count only when the run logged none through the API, so that a
chatty script with proper logging gains no noise.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from twice.record.model import Metric, Point


def gather_metrics(
    events: Iterable[Mapping[str, Any]], started_at_s: float
) -> tuple[dict[str, Metric], dict[str, tuple[Point, ...]]]:
    """Summary and history per metric, sorted by name, from "metric" events in the order they came.

    A value logged without a step gets the one after the metric's last. `started_at_s` is epoch seconds.
    """
    by_source: dict[str, dict[str, list[Point]]] = {"api": {}, "stdout": {}}
    for event in events:
        if event.get("kind") != "metric":
            continue
        points = by_source["stdout" if event.get("source") == "stdout" else "api"].setdefault(event["name"], [])
        step = event.get("step")
        if step is None:
            step = points[-1].step + 1 if points else 0
        points.append(Point(step=step, time_s=round(event["t"] - started_at_s, 6), value=event["value"]))
    source = "api" if by_source["api"] else "stdout"
    histories = {name: tuple(points) for name, points in sorted(by_source[source].items())}
    return {name: summarise(points, source) for name, points in histories.items()}, histories


def summarise(points: tuple[Point, ...], source: str) -> Metric:
    """The summary of a history of at least one point; `last` is that of the highest step, the latest logged if tied."""
    last = max(enumerate(points), key=lambda item: (item[1].step, item[0]))[1]
    numbers = [point for point in points if not math.isnan(point.value)] or list(points)
    least = min(numbers, key=lambda point: point.value)
    most = max(numbers, key=lambda point: point.value)
    return Metric(
        last=last.value,
        min=least.value,
        max=most.value,
        mean=_mean([point.value for point in numbers]),
        count=len(points),
        last_step=last.step,
        min_step=least.step,
        max_step=most.step,
        source=source,
    )


def _mean(values: list[float | int]) -> float | int:
    if len(values) == 1:
        return values[0]
    try:
        return math.fsum(values) / len(values)
    except (OverflowError, ValueError):  # infinities of both signs, or integers beyond any float
        return math.nan
