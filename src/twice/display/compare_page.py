"""How do many runs look side by side?  One column a run, only the rows that differ; as a page, or as Markdown.

Where the screen is too narrow for all runs, they stand in blocks below each other, each with the names again: nothing is
hidden. Below the metrics stand the groups of replicates, each with mean, spread and n, and what the first is to the others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from twice.comparison.noise import Sample, margin_of
from twice.comparison.side_by_side import Group, Row, SideBySide
from twice.display import markdown
from twice.display.characters import harmless, in_encoding
from twice.display.colour import PLAIN, Style
from twice.display.ids import shorten_ids
from twice.display.numbers import show_column, show_delta, show_sample, show_trend
from twice.display.sparkline import sparkline
from twice.display.tables import Column, draw_table

if TYPE_CHECKING:
    from twice.record.model import Point

    Courses = Mapping[str, Mapping[str, Sequence[Point]]]

_INDENT = "  "
_GAP = 2
_LONGEST = 32
_COURSE = 12  # characters of a sparkline
_MOST_ROWS = 60  # of one block, unless all are asked for


def compare_page(
    side: SideBySide,
    *,
    courses: Courses | None = None,
    all_ids: Sequence[str] = (),
    style: Style = PLAIN,
    width: int | None = None,
    encoding: str = "utf-8",
    all_rows: bool = False,
) -> str:
    """The page, with a line end at its end; `courses` are the logged values by run id and metric."""
    ids = shorten_ids([*side.runs, *all_ids])
    lines = [_count_line(side, style)]
    for title, rows in (("facts", side.facts), ("params", side.params), ("metrics", side.metrics)):
        shown = [row for row in rows if row.differs or all_rows]
        cut = shown if all_rows else shown[:_MOST_ROWS]
        if cut:
            lines += ["", style.strong(title), *_block(side, cut, ids, courses or {}, style, width, encoding)]
        if len(cut) < len(shown):
            lines.append(style.quiet(f"{_INDENT}and {len(shown) - len(cut)} more (--all)"))
    lines += _group_lines(side, ids, style, encoding)
    same = _same_line(side, all_rows)
    lines += ["", style.quiet(same)] if same else []
    return in_encoding("\n".join(lines), encoding) + "\n"


def compare_markdown(side: SideBySide, *, courses: Courses | None = None, all_rows: bool = False) -> str:
    """The same as tables of Markdown."""
    ids = shorten_ids(side.runs)
    parts = [f"### twice: {len(side.runs)} runs side by side"]
    for title, rows in (("fact", side.facts), ("param", side.params), ("metric", side.metrics)):
        shown = [row for row in rows if row.differs or all_rows]
        if not shown:
            continue
        cells = []
        for row in shown:
            texts = _texts(side, row)
            marked = [
                f"**{markdown.cell(text)}**" if run in row.best else markdown.cell(text)
                for run, text in zip(side.runs, texts, strict=True)
            ]
            cells.append([markdown.code(row.name), *marked])
            course = [_course(courses or {}, run, row.name, "utf-8") or "" for run in side.runs]
            if title == "metric" and any(course):
                cells.append(["", *course])
        aligns = "l" + ("r" if title == "metric" else "l") * len(side.runs)
        parts.append(markdown.table([title, *(ids[run] for run in side.runs)], cells, aligns))
    groups = _group_rows(side, ids)
    if groups:
        titles, rows_of_groups = groups
        cells = [[markdown.code(row[0]), *row[1:]] for row in rows_of_groups]
        parts.append(markdown.table(["replicates", *titles], cells))
    same = _same_line(side, all_rows)
    parts += [f"<sub>{same}</sub>"] if same else []
    return "\n\n".join(parts) + "\n"


def _count_line(side: SideBySide, style: Style) -> str:
    differing = [
        f"{sum(row.differs for row in rows)} of {len(rows)} {name}"
        for name, rows in (("params", side.params), ("metrics", side.metrics))
    ]
    return f"{style.strong(f'{len(side.runs)} runs')}  differing: {', '.join(differing)}"


def _same_line(side: SideBySide, all_rows: bool) -> str:
    """What is not shown because it is the same in all runs."""
    if all_rows:
        return ""
    facts = [row.name for row in side.facts if not row.differs]
    for name, rows in (("param", side.params), ("metric", side.metrics)):
        same = sum(not row.differs for row in rows)
        facts += [f"{same} {name}{'' if same == 1 else 's'}"] if same else []
    return f"the same in all: {', '.join(facts)} (--all shows them)" if facts else ""


def _block(
    side: SideBySide,
    rows: Sequence[Row],
    ids: Mapping[str, str],
    courses: Courses,
    style: Style,
    width: int | None,
    encoding: str,
) -> list[str]:
    names: list[str] = []
    cells: dict[str, list[str | None]] = {run: [] for run in side.runs}
    for row in rows:
        names.append(harmless(row.name))
        for run, text in zip(side.runs, _texts(side, row), strict=True):
            cells[run].append(style.same(f"{text} *") if text and run in row.best else text)
        course = {run: _course(courses, run, row.name, encoding) for run in side.runs}
        if any(course.values()):
            names.append(" ")
            for run in side.runs:
                cells[run].append(course[run] or " ")
    columns = [Column(ids[run], cells[run], "fixed") for run in side.runs]
    lines: list[str] = []
    for block in _in_blocks(Column(" ", names, "fixed"), columns, width):
        lines += ([""] if lines else []) + draw_table(block, encoding=encoding).text.split("\n")
    if any(row.best for row in rows):
        lines.append(style.quiet("* best"))
    return [_INDENT + line if line else line for line in lines]


def _in_blocks(names: Column, columns: Sequence[Column], width: int | None) -> list[list[Column]]:
    """As many runs beside each other as there is room for, the names before each block."""
    if width is None:
        return [[names, *columns]]
    blocks: list[list[Column]] = []
    room = 0
    for column in columns:
        if not blocks or column.width + _GAP > room:
            blocks.append([names])
            room = width - len(_INDENT) - names.width
        blocks[-1].append(column)
        room -= column.width + _GAP
    return blocks


def _texts(side: SideBySide, row: Row) -> list[str | None]:
    """The row's values, in the order of the runs, with the digits that it takes to tell them apart."""
    present = [run for run in side.runs if run in row.values]
    texts = dict(zip(present, show_column([row.values[run] for run in present], _LONGEST), strict=True))
    return [texts.get(run) for run in side.runs]


def _course(courses: Courses, run: str, metric: str, encoding: str) -> str | None:
    points: Any = courses.get(run, {}).get(metric, ())
    return sparkline([point.value for point in points], _COURSE, encoding) if len(points) > 1 else None


# --------------------------------------------------------------------------------------------------------- groups


def _group_lines(side: SideBySide, ids: Mapping[str, str], style: Style, encoding: str) -> list[str]:
    found = _group_rows(side, ids)
    if found is None:
        return []
    titles, rows = found
    columns = [Column(" ", [row[0] for row in rows], "fixed")]
    columns += [Column(title, [row[index + 1] for row in rows], "fixed") for index, title in enumerate(titles)]
    text = draw_table(columns, encoding=encoding).text
    heading = style.strong("replicates") + style.quiet("  mean ± standard deviation over seeds")
    return ["", heading, *(_INDENT + line for line in text.split("\n"))]


def _group_rows(side: SideBySide, ids: Mapping[str, str]) -> tuple[list[str], list[list[str]]] | None:
    """Titles and rows of the table of groups; None when no group has a replicate."""
    if not any(group.n > 1 for group in side.groups):
        return None
    titles = []
    for group in side.groups:
        names = [ids[run] for run in group.runs]
        listed = ", ".join(names[:3]) + (f" +{len(names) - 3}" if len(names) > 3 else "")
        titles.append(f"{listed} (n={group.n})")
    names = list(dict.fromkeys(name for group in side.groups for name in group.metrics))
    return titles, [[harmless(name), *_group_cells(side.groups, name)] for name in names]


def _group_cells(groups: Sequence[Group], name: str) -> list[str]:
    first = groups[0].metrics.get(name)
    cells = []
    for position, group in enumerate(groups):
        one = group.metrics.get(name)
        if one is None:
            cells.append("-")
        else:
            words = [show_sample(one)]
            if position and first is not None:
                words.append(_beside(name, first, one))
            cells.append("  ".join(word for word in words if word))
    return cells


def _beside(name: str, first: Sample, other: Sample) -> str:
    """What a group is to the first one: `+0.02 ▲ better`, `-0.01 inside seed noise`, `+0.1 noise unknown`."""
    delta = other.mean - first.mean
    if not math.isfinite(delta):
        return ""
    margin = margin_of(first, other)
    if margin is None:
        return f"{show_delta(delta)} noise unknown"
    if abs(delta) <= margin:
        return f"{show_delta(delta)} inside seed noise"
    return f"{show_delta(delta)} {show_trend(name, delta) or 'beyond seed noise'}"
