"""How does the difference between two runs look?  The verdict first, then only what differs, section by section."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from twice.comparison.files import short_sha
from twice.comparison.sections import Comparison, Difference, Section
from twice.display.characters import harmless, in_encoding, shorten_distinct
from twice.display.colour import PLAIN, Style
from twice.display.ids import shorten_ids
from twice.display.numbers import show_column, show_delta, show_trend
from twice.display.tables import Column, draw_table

if TYPE_CHECKING:
    from twice.record.model import Run

_MOST_ROWS = 40  # of one section, unless all are asked for
_INDENT = "  "


def diff_page(
    comparison: Comparison,
    a: Run,
    b: Run,
    *,
    style: Style = PLAIN,
    width: int | None = None,
    encoding: str = "utf-8",
    all_rows: bool = False,
) -> str:
    """The page, with a line end at its end; long sections are cut, and say so, unless `all_rows`."""
    lines = [_verdict_line(comparison, a, b, style)]
    for section in comparison.sections:
        if section.state == "differs":
            lines += ["", style.strong(section.name)]
            lines += [_INDENT + line for line in _section_lines(section, width, style, encoding, all_rows)]
    unknown = [section for section in comparison.sections if section.state == "unknown"]
    if unknown:
        lines += ["", style.strong("unknown")]
        lines += [f"{_INDENT}{section.name}: {harmless(_reason(section))}" for section in unknown]
    return in_encoding("\n".join(lines), encoding) + "\n"


def _verdict_line(comparison: Comparison, a: Run, b: Run, style: Style) -> str:
    """`k7q2 → m4x9  differs: code, metrics · same: environment, data · unknown: seeds`."""
    ids = shorten_ids([a.id, b.id])
    parts = []
    mark: Callable[[str], str]
    for state, word, mark in (
        ("differs", "differs", style.different),
        ("identical", "same", style.same),
        ("unknown", "unknown", style.unsure),
    ):
        names = [section.name for section in comparison.sections if section.state == state]
        if names:
            parts.append(f"{mark(f'{word}:')} {', '.join(names)}")
    return f"{style.strong(f'{ids[a.id]} → {ids[b.id]}')}  {' · '.join(parts)}"


def _reason(section: Section) -> str:
    return section.summary.removeprefix("unknown: ")


def _section_lines(section: Section, width: int | None, style: Style, encoding: str, all_rows: bool) -> list[str]:
    differences = section.differences if all_rows else section.differences[:_MOST_ROWS]
    lines = []
    if section.name == "command":
        lines = [line for each in differences for line in _command_lines(each, style)]
    else:
        columns = _columns(section, differences, None if all_rows else width)
        lines = draw_table(columns, headers=False, encoding=encoding).text.split("\n")
    if len(differences) < len(section.differences):
        lines.append(style.quiet(f"and {len(section.differences) - len(differences)} more (--json has all)"))
    return lines


def _command_lines(difference: Difference, style: Style) -> list[str]:
    """Commands below each other, as they may be long; what is beside them in one line."""
    if difference.name == "command":
        return [f"- {harmless(str(difference.a))}", style.different(f"+ {harmless(str(difference.b))}")]
    return [f"{difference.name} {' → '.join(show_column([difference.a, difference.b]))}"]


def _columns(section: Section, differences: Sequence[Difference], width: int | None) -> list[Column]:
    """What differs, as columns: name, values, distance, and what else is to be said; empty columns are left out."""
    names = Column("", [harmless(each.name) for each in differences], "fixed")
    notes = Column("", [harmless(_note(section, each)) or " " for each in differences])
    if section.name == "code":
        kinds = Column("", [each.kind for each in differences])
        return [kinds, names, notes]
    longest = 10_000 if width is None else max(16, (width - 40) // 2)
    pairs = [_pair(section, each, longest) for each in differences]
    columns = [
        names,
        Column("", [was for was, _ in pairs]),
        Column("", ["→"] * len(pairs)),
        Column("", [now for _, now in pairs]),
    ]
    if section.name == "metrics":
        columns.append(
            Column("", [(show_delta(each.delta) if each.delta else "") or " " for each in differences], align="right")
        )
        columns.append(Column("", [show_trend(each.name, each.delta) or " " for each in differences]))
    if any(cell and cell.strip() for cell in notes.cells):
        columns.append(notes)
    return columns


def _pair(section: Section, difference: Difference, longest: int) -> list[str | None]:
    """The two values as they are shown, None where a run has none."""
    values = [difference.a, difference.b]
    if section.name in ("data", "outputs"):
        return [short_sha(sha256) if sha256 else None for sha256 in values]
    if section.name not in ("params", "metrics", "seeds"):  # texts anyway, such as versions, are never quoted
        return _where_present(difference, shorten_distinct([_text(value) for value in values], longest))
    if difference.kind != "changed":
        values = [difference.a if difference.kind == "removed" else difference.b] * 2
    return _where_present(difference, show_column(values, longest))


def _text(value: Any) -> str:
    return "" if value is None else harmless(str(value))


def _where_present(difference: Difference, texts: Sequence[str]) -> list[str | None]:
    return [
        None if difference.kind == "added" else texts[0],
        None if difference.kind == "removed" else texts[1],
    ]


def _note(section: Section, difference: Difference) -> str:
    if difference.kind == "changed" or section.name == "code":
        return difference.note
    where = "only in the second run" if difference.kind == "added" else "only in the first run"
    return f"{where}, {difference.note}" if difference.note else where
