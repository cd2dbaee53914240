"""Which run does the user mean?  A selector and the known runs in, one run out.

@  @~2               the latest run, the second before it
train/@  train/@~1   the same within an experiment
@{yesterday}         the latest run that had started by then: @{2026-11-20} (the end of that day), @{3 days ago}, @{2h}
k7q2  20261121-14    any part of an id that only one run has
baseline             a name (the latest run that bears it)
best:accuracy        highest last value of a metric, of equal ones the latest; best:loss lowest where the name says so;
                     best:-loss lowest
3f2a11c              (the start of) the id of a run's commit
refs/experiments/…   a ref
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import datetime

from twice.errors import SelectorError
from twice.query.moments import parse_moment
from twice.record.summary import RunSummary
from twice.store.run_index import Row

_LATEST = re.compile(r"(?:(?P<experiment>.+)/)?@(?:\{(?P<moment>[^{}]*)\})?(?:~(?P<back>\d*))?")
_SHOWN = 8


def select_run(
    selector: str,
    rows: Sequence[Row],
    summaries: Callable[[], Sequence[RunSummary]],
    lower_is_better: Callable[[str], bool | None],
    now: datetime | None = None,
) -> Row:
    """The one run that a selector names; `rows` oldest first.  Raises SelectorError, listing candidates.

    `summaries` is called only when the words of a run are needed: for `best:`, and to list candidates. Without `now`
    there is no `@{…}`.
    """
    if match := _LATEST.fullmatch(selector):
        return _latest(selector, _until(match["moment"], rows, now), match["experiment"], match["back"])
    if selector.startswith("best:"):
        return _best(selector, rows, summaries(), lower_is_better)
    for found in (
        [row for row in rows if selector in (row.ref, row.id, row.ref.removeprefix("refs/"))],
        [row for row in rows if row.name == selector][-1:],
        [row for row in rows if len(selector) >= 2 and selector in row.id],
        [row for row in rows if re.fullmatch(r"[0-9a-f]{4,64}", selector) and row.commit.startswith(selector)],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            raise _ambiguous(selector, found, summaries())
    raise _unknown(selector, rows)


def _until(text: str | None, rows: Sequence[Row], now: datetime | None) -> Sequence[Row]:
    """The runs that had started by the end of a span of time."""
    if text is None:
        return rows
    span = None if now is None else parse_moment(text, now)
    if span is None:
        raise SelectorError(
            f"`@{{{text}}}`: that is no time", hint="such as @{yesterday}, @{2026-11-20}, @{3 days ago} or @{2h}"
        )
    return [row for row in rows if row.started_us < span.end]


def _latest(selector: str, rows: Sequence[Row], experiment: str | None, back: str | None) -> Row:
    steps = 0 if back is None else int(back or 1)
    among = [row for row in rows if experiment is None or row.experiment == experiment]
    where = f" in experiment `{experiment}`" if experiment else ""
    if not among and "{" in selector:
        raise SelectorError(
            f"there was no run{where} at that time: `{selector}`", hint="`twice ls --sort started` shows the first"
        )
    if not among:
        raise SelectorError(f"there is no run{where} yet", hint="record one: twice run python train.py")
    if steps >= len(among):
        first = selector.partition("~")[0]
        raise SelectorError(
            f"there are only {len(among)} runs: `{first}~{steps}` would be one before the first",
            hint=f"the first one is `{first}~{len(among) - 1}`",
        )
    return among[-1 - steps]


def _best(
    selector: str,
    rows: Sequence[Row],
    summaries: Sequence[RunSummary],
    lower_is_better: Callable[[str], bool | None],
) -> Row:
    name = selector.removeprefix("best:")
    lowest = name.startswith("-")
    name = name.removeprefix("-")
    lowest = lowest or bool(lower_is_better(name))
    having = [one for one in summaries if name in one.metrics and not math.isnan(one.metrics[name])]
    if not having:
        names = sorted({metric for one in summaries for metric in one.metrics})
        raise SelectorError(
            f"no run has a metric `{name}`",
            hint=f"metrics that runs have: {', '.join(names[:_SHOWN])}" if names else "no run has any metric",
        )
    best = (min if lowest else max)(reversed(having), key=lambda one: one.metrics[name])
    return next(row for row in rows if row.id == best.id)


def _ambiguous(selector: str, found: Sequence[Row], summaries: Sequence[RunSummary]) -> SelectorError:
    commands = {one.id: " ".join(one.command) for one in summaries}
    newest = list(reversed(found))
    details = [f"{row.id}  {commands.get(row.id, '')}".rstrip() for row in newest[:_SHOWN]]
    if len(newest) > _SHOWN:
        details.append(f"… and {len(newest) - _SHOWN} more")
    amount = "either of two runs" if len(found) == 2 else f"any of {len(found)} runs"
    return SelectorError(
        f"run `{selector}` could be {amount}",
        details=details,
        hint="type one more character, or `@` for the latest run",
    )


def _unknown(selector: str, rows: Sequence[Row]) -> SelectorError:
    if not rows:
        return SelectorError(f"no run `{selector}`: there is no run yet", hint="record one: twice run python train.py")
    return SelectorError(f"no run `{selector}`", hint="`twice ls` lists the runs; `@` is the latest")
