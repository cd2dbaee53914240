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
from twice.frozen import frozen

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
    same = same_line(side, all_rows)
    lines += ["", style.quiet(same)] if same else []
    return in_encoding("\n".join(lines), encoding) + "\n"


@frozen
class SideTable:
    """The rows of one kind: a column a run, the names in the first; a row without a name has the courses of the one above."""

    title: str  # "fact", "param", "metric", "replicates"
    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    best: frozenset[tuple[int, int]] = frozenset()  # row and column of the best values


def side_tables(side: SideBySide, *, courses: Courses | None = None, all_rows: bool = False) -> list[SideTable]:
    """What the page shows, as tables of text from outside: whoever renders them escapes it."""
    ids = shorten_ids(side.runs)
    tables = []
    for title, rows in (("fact", side.facts), ("param", side.params), ("metric", side.metrics)):
        cells: list[tuple[str | None, ...]] = []
        best = set()
        for row in rows:
            if row.differs or all_rows:
                best |= {(len(cells), column) for column, run in enumerate(side.runs, 1) if run in row.best}
                cells.append((row.name, *_texts(side, row)))
                course = [_course(courses or {}, run, row.name, "utf-8") or "" for run in side.runs]
                if title == "metric" and any(course):
                    cells.append(("", *course))
        if cells:
            columns = (title, *(ids[run] for run in side.runs))
            tables.append(SideTable(title=title, columns=columns, rows=tuple(cells), best=frozenset(best)))
    groups = _group_rows(side, ids)
    if groups:
        titles, lines = groups
        tables.append(
            SideTable(title="replicates", columns=("replicates", *titles), rows=tuple(tuple(row) for row in lines))
        )
    return tables


def compare_markdown(side: SideBySide, *, courses: Courses | None = None, all_rows: bool = False) -> str:
    """The same as tables of Markdown."""
    parts = [f"### twice: {title_of(side)}"]
    parts += map(markdown_of_table, side_tables(side, courses=courses, all_rows=all_rows))
    same = same_line(side, all_rows)
    parts += [f"<sub>{same}</sub>"] if same else []
    return "\n\n".join(parts) + "\n"


def markdown_of_table(table: SideTable) -> str:
    """One of the tables as Markdown, the best values bold."""
    if table.title == "replicates":
        return markdown.table(table.columns, [[markdown.code(row[0] or ""), *map(str, row[1:])] for row in table.rows])
    lines = []
    for number, row in enumerate(table.rows):
        if row[0]:
            cells = [markdown.cell(cell) for cell in row[1:]]
            bold = (f"**{cell}**" if (number, at) in table.best else cell for at, cell in enumerate(cells, 1))
            lines.append([markdown.code(row[0]), *bold])
        else:
            lines.append([cell or "" for cell in row])
    aligns = "l" + ("r" if table.title == "metric" else "l") * (len(table.columns) - 1)
    return markdown.table(table.columns, lines, aligns)


def title_of(side: SideBySide) -> str:
    """`3 runs side by side`."""
    return f"{len(side.runs)} runs side by side" if len(side.runs) != 1 else "1 run"


def _count_line(side: SideBySide, style: Style) -> str:
    differing = [
        f"{sum(row.differs for row in rows)} of {len(rows)} {name}"
        for name, rows in (("params", side.params), ("metrics", side.metrics))
    ]
    return f"{style.strong(f'{len(side.runs)} runs')}  differing: {', '.join(differing)}"


def same_line(side: SideBySide, all_rows: bool) -> str:
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
