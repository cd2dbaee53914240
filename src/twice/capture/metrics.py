"""Which metrics did the run log?  Journal events in, summaries and histories out; and metrics in lines of stdout.

Lines are a fallback for programs that use no API: a whole line `name: number`, optionally `(step 3)` after it. They count
only when the run logged no metric through the API, so that a chatty script with proper logging gains no noise.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from twice.record.model import Metric, Point

_NUMBER = rb"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|inf|nan)"
_LINE = re.compile(
    rb"\s*([A-Za-z][\w./@%-]*(?: [\w./@%()-]+){0,3})\s*:\s+(" + _NUMBER + rb")(%?)(?:\s+\(step (\d+)\))?\s*"
)
_MAX_LINE_BYTES = 200


class MetricLines:
    """Finds metric lines in chunks of a byte stream and hands each on as (name, value, step)."""

    def __init__(self, found: Callable[[str, float | int, int | None], None]) -> None:
        self._found = found
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes; only whole lines are looked at."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[-(_MAX_LINE_BYTES + 1) :]
        for line in lines:
            if len(line) <= _MAX_LINE_BYTES and b":" in line and (match := _LINE.fullmatch(line)):
                value = _number(match[2])
                step = int(match[4]) if match[4] else None
                self._found(match[1].decode(errors="replace"), value / 100 if match[3] else value, step)


def _number(text: bytes) -> float | int:
    return int(text) if re.fullmatch(rb"[-+]?\d{1,300}", text) else float(text)


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
