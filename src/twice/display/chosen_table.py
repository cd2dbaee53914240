"""How do chosen facts of runs look: as a table, as comma-separated values, as Markdown?

In: columns of plain values, one a run.  Out: text. Comma-separated values (RFC 4180, but LF) hold what was recorded,
unrounded: times in ISO 8601, periods in seconds; the other two what a person reads.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Literal

from twice.display.characters import harmless, in_encoding
from twice.display.markdown import cell, entities, table
from twice.display.numbers import show_column
from twice.display.tables import Column, draw_table
from twice.frozen import frozen
from twice.record.summary import RunSummary
from twice.textforms import format_duration, format_time, format_value

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@frozen
class ChosenColumn:
    """A title and a value for each run; None where a run has none."""

    title: str
    values: Sequence[Any]
    kind: str = "value"  # or "text", "moment" (µs since 1970), "period" (seconds)


def chosen_table(columns: Sequence[ChosenColumn], encoding: str = "utf-8") -> str:
    """The columns as a table, all of them."""
    drawn = draw_table([readable_column(one) for one in columns], encoding=encoding)
    return in_encoding(drawn.text, encoding) + "\n"


def markdown_table(columns: Sequence[Column]) -> str:
    """Columns of plain cells as a Markdown table."""
    titles = [entities(column.title) for column in columns]
    rows = zip(*(column.cells for column in columns), strict=True)
    aligns = "".join("r" if column.align == "right" else "l" for column in columns)
    return table(titles, [[cell(one) for one in row] for row in rows], aligns) + "\n"


def separated_values(columns: Sequence[ChosenColumn]) -> str:
    """The columns as comma-separated values, titles first."""
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow([column.title for column in columns])
    writer.writerows(zip(*([_exact(column, value) for value in column.values] for column in columns), strict=True))
    return output.getvalue()


def columns_of(runs: Sequence[RunSummary]) -> list[ChosenColumn]:
    """Everything that summaries of runs hold, as columns: facts, then `tags.…`, `params.…` and `metrics.…`."""
    columns = [
        ChosenColumn(title="id", values=[run.id for run in runs], kind="text"),
        ChosenColumn(title="experiment", values=[run.experiment for run in runs], kind="text"),
        ChosenColumn(title="name", values=[run.name for run in runs], kind="text"),
        ChosenColumn(title="status", values=[run.status for run in runs], kind="text"),
        ChosenColumn(title="started_at", values=[format_time(run.started_at) for run in runs], kind="text"),
        ChosenColumn(title="duration_s", values=[run.duration_s for run in runs]),
        ChosenColumn(title="command", values=[" ".join(run.command) for run in runs], kind="text"),
        ChosenColumn(title="reproduces", values=[run.reproduces for run in runs], kind="text"),
    ]
    for prefix, values in (
        ("tags", [run.tags for run in runs]),
        ("params", [run.params for run in runs]),
        ("metrics", [run.metrics for run in runs]),
    ):
        columns += _by_name(prefix, values)
    return columns


def readable_column(column: ChosenColumn) -> Column:
    """The column as people read it."""
    if column.kind == "value":
        present = [value for value in column.values if value is not None]
        texts = iter(show_column(present))
        numeric = all(isinstance(value, (int, float)) for value in present)
        cells = [None if value is None else next(texts) for value in column.values]
        return Column(column.title, cells, "metric", "right" if numeric else "left")
    show: Callable[[Any], str] = _plain_text
    if column.kind in ("moment", "period"):
        show = _moment_text if column.kind == "moment" else format_duration
    align: Literal["left", "right"] = "right" if column.kind == "period" else "left"
    return Column(column.title, [None if value is None else show(value) for value in column.values], "metric", align)


def _by_name(prefix: str, values: Sequence[Mapping[str, Any]]) -> Iterable[ChosenColumn]:
    for name in dict.fromkeys(name for each in values for name in each):
        yield ChosenColumn(title=f"{prefix}.{name}", values=[each.get(name) for each in values])


def _plain_text(value: Any) -> str:
    return harmless(str(value))


def _moment_text(us: int) -> str:
    return (_EPOCH + timedelta(microseconds=us)).strftime("%Y-%m-%d %H:%M:%S")


def _exact(column: ChosenColumn, value: Any) -> str:
    if value is None:
        return ""
    if column.kind == "moment":
        return format_time(_EPOCH + timedelta(microseconds=value))
    text = value if isinstance(value, str) else format_value(value, None)
    return text.encode("utf-8", "backslashreplace").decode()
