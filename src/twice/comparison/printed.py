"""Did the run print the same again?  Two logs in, how they compare and the first line that differs out.

For a program that writes no file and no metric, what it prints is its result. Of the lines, what a terminal would show at
the end counts: of a progress bar that overwrites itself, its last state. Pure.

    identical    the same lines in the same order, each repository's own folder aside
    equivalent   the same but for times, rates, addresses and temporary names; or in another order, for two streams and
                 several processes are written as they come
    differs      anything else
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest
from typing import Literal

from twice.frozen import frozen

_NUMBER = rb"\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?"
_VOLATILE = re.compile(
    rb"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[-+]\d\d:?\d\d)?)?"  # 2026-11-21 14:22:33
    rb"|(?<![\d.])\d{1,3}:\d\d(?::\d\d)?(?:\.\d+)?(?![\d.])"  # 14:22:33, 0:03
    rb"|(?<![\w.])" + _NUMBER + rb" ?(?:[nmu\xb5]?s|\xc2\xb5s|secs?|seconds?|min|mins|minutes?|it/s|s/it)(?![\w])"
    rb"|0x[0-9a-f]{6,}"
    rb"|/tmp/[^\s'\":,)]*"
)
_SHOWN = 60


@frozen
class Printed:
    """How the printed output came out; `text` is the first difference, or what was not compared."""

    state: Literal["identical", "equivalent", "differs"]
    lines: int  # of the original
    text: str = ""


def compare_printed(was: bytes, now: bytes, folders: Sequence[tuple[str, str]] = ()) -> Printed:
    """Compare two logs; each of `folders` is named by its first text in `was` where `now` has its second."""
    old, new = _lines(was, [one for one, _ in folders]), _lines(now, [other for _, other in folders])
    if old == new:
        return Printed(state="identical", lines=len(old))
    old_plain, new_plain = [_without_times(line) for line in old], [_without_times(line) for line in new]
    if old_plain == new_plain:
        return Printed(state="equivalent", lines=len(old), text="times and the like are not compared")
    if Counter(old_plain) == Counter(new_plain):
        return Printed(state="equivalent", lines=len(old), text="the same lines in another order")
    pairs = zip_longest(old, new)
    plain = zip_longest(old_plain, new_plain)
    number, (a, b) = next(
        (number, pair) for number, (pair, (one, other)) in enumerate(zip(pairs, plain, strict=True), 1) if one != other
    )
    return Printed(state="differs", lines=len(old), text=f"line {number}: {_show(a)} → {_show(b)}")


def _lines(log: bytes, folders: Sequence[str]) -> list[bytes]:
    for folder in sorted(filter(None, folders), key=len, reverse=True):
        log = log.replace(folder.encode("utf-8", "surrogateescape"), b"{repository}")
    lines = log.replace(b"\r\n", b"\n").split(b"\n")
    shown = (line.rstrip(b"\r").rpartition(b"\r")[2].rstrip() for line in lines)
    return [line for line in shown if line]


def _without_times(line: bytes) -> bytes:
    return _VOLATILE.sub(b"*", line)


def _show(line: bytes | None) -> str:
    if line is None:
        return "nothing"
    text = "".join(letter if letter.isprintable() else "?" for letter in line.decode("utf-8", "replace").strip())
    return f"`{text if len(text) <= _SHOWN else text[: _SHOWN - 1] + '…'}`"
