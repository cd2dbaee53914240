"""How does the log look with the runs beside the commits they came from?  Lines of git's graph and runs in, text out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from twice.comparison.directions import direction
from twice.display.characters import display_width, harmless, in_encoding, shorten
from twice.display.colour import PLAIN, Style
from twice.display.ids import shorten_ids
from twice.display.numbers import show

if TYPE_CHECKING:
    from twice.record.summary import RunSummary

MOST_RUNS = 10  # of one commit
_MOST_METRICS = 3
_LONGEST_NAME, _LONGEST_COMMAND, _SHORTEST_COMMAND = 24, 60, 8
_NARROW = 60
_GAP = 2
_MARK, _ASCII_MARK = "▸", ">"


class Line(Protocol):
    """What is read of a line of git's graph."""

    @property
    def graph(self) -> str:
        """The bars before the text."""

    @property
    def below(self) -> str:
        """The bars of lines that belong to the commit."""

    @property
    def commit(self) -> str | None:
        """The commit's id, if the line is about one."""

    @property
    def short(self) -> str:
        """The short id."""

    @property
    def refs(self) -> str:
        """Names of branches and tags."""

    @property
    def age(self) -> str:
        """How long ago."""

    @property
    def subject(self) -> str:
        """The first line of the message."""


def log_page(
    lines: Sequence[Line],
    runs: Mapping[str, Sequence[tuple[RunSummary, bool]]],
    counts: Mapping[str, int] | None = None,
    *,
    all_ids: Iterable[str] = (),
    width: int | None = None,
    style: Style = PLAIN,
    encoding: str = "utf-8",
) -> str:
    """The page; `runs` are those of each commit, newest first, and whether their code had uncommitted changes.

    `counts` says how many a commit has, where not all are given; `all_ids` are other ids that short ones must differ from.
    """
    ids = shorten_ids([*(run.id for group in runs.values() for run, _ in group), *all_ids])
    mark = _MARK if in_encoding(_MARK, encoding) == _MARK else _ASCII_MARK
    shown: list[str] = []
    for line in lines:
        if line.commit is None:
            shown.append(line.graph.rstrip())
            continue
        refs = f" ({harmless(line.refs)})" if line.refs else ""
        room = (
            None
            if width is None
            else max(width - len(line.graph) - len(line.short) - len(refs) - len(line.age) - 4, 20)
        )
        subject = harmless(line.subject) if room is None else shorten(harmless(line.subject), room)
        head = f"{style.different(line.short)}{style.strong(refs)} {subject}"
        shown.append(f"{line.graph}{head} {style.quiet(f'({line.age})')}")
        group = runs.get(line.commit, ())
        for run, changed in group[:MOST_RUNS]:
            room = None if width is None else width - len(line.below) - len("  ▸ ")
            shown.append(f"{line.below}  {mark} {_run(run, ids[run.id], changed, style, room)}")
        more = max((counts or {}).get(line.commit, 0), len(group)) - MOST_RUNS
        if more > 0:
            shown.append(f"{line.below}  {style.quiet(f'and {more} more')}")
    return in_encoding("\n".join(shown), encoding) + "\n" if shown else ""


def _run(run: RunSummary, short: str, changed: bool, style: Style, room: int | None) -> str:
    """`k7q2  finished  accuracy 0.91  python train.py  + uncommitted changes`; where there is no room, less of it."""
    mark = "" if not changed else "+ changes" if room is not None and room < _NARROW else "+ uncommitted changes"
    left = (
        math.inf if room is None else room - sum(len(part) + _GAP for part in (short, run.status, mark) if part) + _GAP
    )
    names = sorted(run.metrics, key=lambda name: direction(name) is None)[:_MOST_METRICS]
    metrics = [f"{shorten(harmless(name), _LONGEST_NAME)} {show(run.metrics[name])}" for name in names]
    while metrics and _GAP + display_width(", ".join(metrics)) > left:
        metrics.pop()
    left -= _GAP + display_width(", ".join(metrics)) if metrics else 0
    words = harmless(" ".join(run.command))
    words = shorten(words, int(min(left - _GAP, _LONGEST_COMMAND))) if left - _GAP >= _SHORTEST_COMMAND else ""
    parts = [style.by_state(run.status, harmless(run.status)), ", ".join(metrics)]
    parts += [style.quiet(words) if words else "", style.unsure(mark) if mark else ""]
    return "  ".join([style.same(short), *(part for part in parts if part)])
