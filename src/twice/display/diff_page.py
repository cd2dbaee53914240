"""How does the difference between two runs look?  The verdict first, then only what differs, section by section."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from twice.comparison.files import short_sha
from twice.comparison.noise import SeedNoise, any_known
from twice.comparison.sections import Comparison, Difference, Section
from twice.display.characters import harmless, in_encoding, shorten_distinct
from twice.display.colour import PLAIN, Style
from twice.display.ids import shorten_ids
from twice.display.numbers import show_column, show_delta, show_sample, show_trend
from twice.display.tables import Column, draw_table
from twice.textforms import format_number

if TYPE_CHECKING:
    from twice.record.model import Run

_MOST_ROWS = 40  # of one section, unless all are asked for
_INDENT = "  "
_INSIDE = "inside seed noise"


def diff_page(
    comparison: Comparison,
    a: Run,
    b: Run,
    *,
    style: Style = PLAIN,
    width: int | None = None,
    encoding: str = "utf-8",
    all_rows: bool = False,
    names: tuple[str, str] | None = None,
    noises: Mapping[str, SeedNoise] | None = None,
) -> str:
    """The page, with a line end at its end; long sections are cut, and say so, unless `all_rows`.

    `names` are what to call the two runs, instead of their short ids; `noises` what seeds alone do to each metric.
    """
    lines = [_verdict_line(comparison, names or _short_names(a, b), style)]
    for section in comparison.sections:
        if section.state == "differs":
            noted = _with_noise(section, noises or {})
            lines += ["", style.strong(section.name)]
            lines += [_INDENT + line for line in _section_lines(noted, width, style, encoding, all_rows)]
            if section.name == "metrics" and noises:
                lines += [_INDENT + style.quiet(line) for line in _noise_lines(noises)]
    unknown = [section for section in comparison.sections if section.state == "unknown"]
    if unknown:
        lines += ["", style.strong("unknown")]
        lines += [f"{_INDENT}{section.name}: {harmless(_reason(section))}" for section in unknown]
    return in_encoding("\n".join(lines), encoding) + "\n"


def _short_names(a: Run, b: Run) -> tuple[str, str]:
    ids = shorten_ids([a.id, b.id])
    return ids[a.id], ids[b.id]


def _with_noise(section: Section, noises: Mapping[str, SeedNoise]) -> Section:
    """The metrics, each with what is known of the noise of seeds."""
    if section.name != "metrics" or not any_known(noises):
        return section
    differences = []
    for each in section.differences:
        noise = noises.get(each.name)
        known = [describe_noise(noise)] if noise is not None else []
        differences.append(replace(each, note=", ".join(note for note in (*known, each.note) if note)))
    return replace(section, differences=tuple(differences))


def describe_noise(noise: SeedNoise) -> str:
    """`inside seed noise ±0.006`, `beyond seed noise ±0.006 (0.847 ± 0.001, n=3 → 0.904 ± 0.002, n=3)`."""
    if noise.margin is None:
        return "seed noise unknown"
    margin = f"{noise.state} seed noise ±{format_number(noise.margin, 2)}"
    if noise.same:
        return f"{margin} ({show_sample(noise.a)}, n={noise.a.n})"
    return f"{margin} ({show_sample(noise.a)}, n={noise.a.n} → {show_sample(noise.b)}, n={noise.b.n})"


def _noise_lines(noises: Mapping[str, SeedNoise]) -> list[str]:
    if any(noise.same for noise in noises.values()):
        return ["the two differ in the seed alone"]
    if not any_known(noises):
        return ["seed noise unknown: no replicates of either run (the same with other seeds)"]
    return []


def _verdict_line(comparison: Comparison, names: tuple[str, str], style: Style) -> str:
    """`k7q2 → m4x9  differs: code, metrics · same: environment, data · unknown: seeds`."""
    parts = []
    mark: Callable[[str], str]
    for state, word, mark in (
        ("differs", "differs", style.different),
        ("identical", "same", style.same),
        ("unknown", "unknown", style.unsure),
    ):
        found = [section.name for section in comparison.sections if section.state == state]
        if found:
            parts.append(f"{mark(f'{word}:')} {', '.join(found)}")
    return f"{style.strong(' → '.join(names))}  {' · '.join(parts)}"


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
        columns.append(Column("", [_trend(each) or " " for each in differences]))
    if any(cell and cell.strip() for cell in notes.cells):
        columns.append(notes)
    return columns


def _trend(difference: Difference) -> str:
    """Better or worse; what may be chance is neither."""
    return "" if difference.note.startswith(_INSIDE) else show_trend(difference.name, difference.delta)


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
