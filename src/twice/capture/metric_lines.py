"""Which metrics does a command print?  Chunks of its stdout in; name, value and step out, as they come.

The fallback for programs that use no API: a whole line `name: number`, optionally `(step 3)` after it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

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
