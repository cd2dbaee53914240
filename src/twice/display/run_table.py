"""How do runs look as a table?  One row a run: id, age, experiment, status, duration, params, metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from twice.comparison.values import same_value
from twice.display.characters import display_width, harmless, in_encoding, shorten_distinct
from twice.display.colour import PLAIN, Style
from twice.display.ids import shorten_ids
from twice.display.numbers import show_column
from twice.display.tables import Column, draw_table
from twice.record.summary import RunSummary, summarise_run
from twice.textforms import format_age, format_duration

if TYPE_CHECKING:
    from twice.record.model import Run

_ABSENT = object()
_NARROWEST = 40  # cells of the line that names hidden columns
_LONGEST_WORDS = 32  # cells of a name, of the tags


def run_table(
    rows: Sequence[Run | RunSummary],
    *,
    now: datetime,
    width: int | None = None,
    style: Style = PLAIN,
    encoding: str = "utf-8",
    all_columns: bool = False,
    all_ids: Iterable[str] = (),
    depths: Sequence[int] = (),
) -> str:
    """The runs as a table, in the order given; empty for no runs.

    Params that are the same in all runs are left out, and what `width` has no room for is hidden and named in a last
    line, unless `all_columns`. `all_ids` are other ids that the short ones must differ from; `depths` indent the runs.
    """
    if not rows:
        return ""
    columns = run_columns(rows, now=now, style=style, all_columns=all_columns, all_ids=all_ids, depths=depths)
    table = draw_table(columns, width=None if all_columns else width, encoding=encoding)
    lines = [table.text]
    if table.hidden:
        lines.append(style.quiet(_hidden(table.hidden, max(width or 0, _NARROWEST))))
    return in_encoding("\n".join(lines), encoding) + "\n"


def _hidden(titles: Sequence[str], width: int) -> str:
    """How many columns are hidden, and as many of their names as there is room for."""
    noun = "column" if len(titles) == 1 else "columns"
    said = f"+{len(titles)} {noun} hidden (--all): "
    for position, title in enumerate(map(harmless, titles)):
        more = f"{', ' if position else ''}{title}"
        is_last = position == len(titles) - 1
        if display_width(said + more) + (0 if is_last else 3) > width:
            return f"{said}{', ' if position else ''}…"
        said += more
    return said


def run_columns(
    rows: Sequence[Run | RunSummary],
    *,
    now: datetime,
    style: Style = PLAIN,
    all_columns: bool = False,
    all_ids: Iterable[str] = (),
    depths: Sequence[int] = (),
) -> list[Column]:
    """The columns of `run_table`, whatever room there is for them."""
    summaries = [row if isinstance(row, RunSummary) else summarise_run(row) for row in rows]
    columns = [
        *_fixed_columns(summaries, now, style, all_ids),
        *_param_columns(summaries, all_columns),
        *_metric_columns(summaries),
    ]
    if any(depths):
        marks = ["  " * (depth - 1) + "└ " if depth else "" for depth in depths]
        cells = [f"{mark}{cell}" for mark, cell in zip(marks, columns[0].cells, strict=True)]
        columns[0] = Column("id", cells, "fixed")
    return columns


def _fixed_columns(rows: Sequence[RunSummary], now: datetime, style: Style, all_ids: Iterable[str]) -> list[Column]:
    repeated = [row.reproduces for row in rows if row.reproduces]
    ids = shorten_ids([*(row.id for row in rows), *repeated, *all_ids])
    durations = [None if row.duration_s is None else format_duration(row.duration_s) for row in rows]
    columns = [
        Column("id", [style.strong(ids[row.id]) for row in rows], "fixed"),
        Column("age", [format_age((now - row.started_at).total_seconds()) for row in rows], "fact", "right"),
        Column("experiment", [harmless(row.experiment) for row in rows]),
        Column("status", [style.by_state(row.status, harmless(row.status)) for row in rows], "fixed"),
        Column("duration", durations, "fact", "right"),
    ]
    if any(row.name for row in rows):
        columns.append(Column("name", _words([row.name for row in rows])))
    if any(row.tags for row in rows):
        columns.append(Column("tags", _words([_tags(row.tags) for row in rows])))
    if any(row.reproduced or row.diverged for row in rows):
        columns.append(Column("verified", [_verified(row, style) for row in rows]))
    if repeated:
        columns.append(Column("repeats", [ids[row.reproduces] if row.reproduces else None for row in rows]))
    return columns


def _verified(row: RunSummary, style: Style) -> str | None:
    """`✓2 ✗1`: how many reproductions came out the same, and how many did not."""
    marks = [style.by_state("reproduced", f"✓{row.reproduced}")] if row.reproduced else []
    marks += [style.by_state("diverged", f"✗{row.diverged}")] if row.diverged else []
    return " ".join(marks) or None


def _param_columns(rows: Sequence[RunSummary], all_params: bool) -> list[Column]:
    names = dict.fromkeys(name for row in rows for name in row.params)
    columns = []
    for name in names:
        values = [row.params.get(name, _ABSENT) for row in rows]
        if all_params or len(rows) == 1 or not all(same_value(values[0], value) for value in values[1:]):
            columns.append(_value_column(name, values, "param"))
    return columns


def _metric_columns(rows: Sequence[RunSummary]) -> list[Column]:
    names = dict.fromkeys(name for row in rows for name in row.metrics)
    return [_value_column(name, [row.metrics.get(name, _ABSENT) for row in rows], "metric") for name in names]


def _value_column(name: str, values: Sequence[Any], kind: Any) -> Column:
    """A column of values of which some rows may have none."""
    present = [value for value in values if value is not _ABSENT]
    texts = iter(show_column(present))
    cells = [None if value is _ABSENT else next(texts) for value in values]
    numeric = all(isinstance(value, (int, float)) for value in present)
    return Column(name, cells, kind, "right" if numeric else "left")


def _words(texts: Sequence[str | None]) -> list[str | None]:
    shown = iter(shorten_distinct([harmless(text) for text in texts if text], _LONGEST_WORDS))
    return [next(shown) if text else None for text in texts]


def _tags(tags: Mapping[str, str]) -> str:
    """`baseline, dataset=v2`: a tag without a value is its name alone."""
    return ", ".join(f"{name}={value}" if value else name for name, value in tags.items())
