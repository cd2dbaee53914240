"""How is a metric's history written?  As tab-separated values: `step`, `time_s`, `value`, oldest first, after a header.

In: the logged points. Out: the bytes of `metrics/<name>.tsv`. Floats by `repr`, so they read back as they were, `nan`
and `inf` included.
"""

from __future__ import annotations

from collections.abc import Iterable

from twice.errors import RecordError
from twice.record.model import Point

_HEADER = "step\ttime_s\tvalue"


def write_history(points: Iterable[Point]) -> bytes:
    """The text of a history, one row a point, in the order given."""
    rows = [_HEADER]
    rows += [f"{point.step:d}\t{_number_text(float(point.time_s))}\t{_number_text(point.value)}" for point in points]
    return ("\n".join(rows) + "\n").encode()


def parse_history(content: bytes, name: str = "history") -> tuple[Point, ...]:
    """The points of a history; `name` is the file that error messages name.  Raises RecordError, with the line."""
    try:
        lines = content.decode().splitlines()
    except UnicodeDecodeError as error:
        raise RecordError(f"{name}: not UTF-8 at byte {error.start}") from error
    if not lines or lines[0].split("\t")[:3] != _HEADER.split("\t"):
        raise RecordError(f"{name}: line 1: expected the columns step, time_s and value")
    points: list[Point] = []
    try:
        for line in lines[1:]:
            step, time_s, value = line.split("\t")[:3]  # columns that a newer twice may add are passed over
            points.append(Point(step=int(step), time_s=float(time_s), value=_parse_number(value)))
    except ValueError as error:
        number = len(points) + 2
        raise RecordError(f"{name}: line {number}: expected three numbers: step, time_s and value") from error
    return tuple(points)


def _number_text(value: float | int) -> str:
    # The built-in types' own repr: numpy.float64 is a float whose repr is `np.float64(0.1)`.
    return float.__repr__(value) if isinstance(value, float) else int.__repr__(value)


def _parse_number(text: str) -> float | int:
    return int(text) if text.lstrip("+-").isdigit() else float(text)
