"""How is a review of many runs told, in Markdown and in a browser?  Runs put side by side in, one screen out.

As with a review of two: the first line is hidden and holds the key by which a later report finds this one, and where there
are more than 60,000 characters whole tables go, the last first, and a line says so. Metrics come first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from twice.comparison.side_by_side import SideBySide
from twice.display import html_page, markdown
from twice.display.charts import Chart
from twice.display.compare_page import SideTable, markdown_of_table, same_line, side_tables, title_of
from twice.reports.markdown_report import MOST_CHARACTERS

if TYPE_CHECKING:
    from twice.record.model import Point

    Courses = Mapping[str, Mapping[str, Sequence[Point]]]

_ORDER = ("metric", "replicates", "param", "fact")


def side_markdown(side: SideBySide, courses: Courses, key: str, limit: int = MOST_CHARACTERS) -> str:
    """The report, with a line end at its end."""
    head = [f"{markdown.comment(f'twice:report v1 key={key}')}\n### twice: {title_of(side)}"]
    same = same_line(side, all_rows=False)
    head += [f"<sub>{same.replace('--all', '`twice compare --all`')}</sub>"] if same else []
    parts = [(table.title, markdown_of_table(table)) for table in _tables(side, courses)]
    left_out: list[str] = []
    while parts and len(_join(head, parts, left_out)) > limit:
        left_out.insert(0, parts.pop()[0])
    return _join(head, parts, left_out)


def side_html(side: SideBySide, courses: Courses, charts: Sequence[Chart]) -> str:
    """The document."""
    title = title_of(side)
    body = [f"<h1>{html_page.text(title)}</h1>"]
    for table in _tables(side, courses):
        rows = [
            [_starred(table, number, at, cell) for at, cell in enumerate(row)] for number, row in enumerate(table.rows)
        ]
        numbers = range(1, len(table.columns)) if table.title == "metric" else ()
        body.append(html_page.table(table.columns, rows, numbers=numbers))
    same = same_line(side, all_rows=False).replace("--all", "twice compare --all")
    body += [f'<p class="quiet">{html_page.text(same)}</p>'] if same else []
    return html_page.html_page(f"twice: {title}", [*body, *map(html_page.figure, charts)])


def _tables(side: SideBySide, courses: Courses) -> list[SideTable]:
    return sorted(side_tables(side, courses=courses), key=lambda table: _ORDER.index(table.title))


def _join(head: Sequence[str], parts: Sequence[tuple[str, str]], left_out: Sequence[str]) -> str:
    texts = [*head[:1], *(text for _, text in parts), *head[1:]]
    if left_out:
        texts.append(f"<sub>left out, for there is no room: {', '.join(left_out)}; `twice compare` shows all</sub>")
    return "\n\n".join(texts) + "\n"


def _starred(table: SideTable, row: int, column: int, cell: str | None) -> str | None:
    if cell == "":
        return " "
    return f"{cell} *" if (row, column) in table.best else cell
