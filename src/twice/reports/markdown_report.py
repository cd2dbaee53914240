"""How does a review read on GitHub and GitLab?  One screen of Markdown: verdict, table, the rest folded away.

The first line is hidden and holds the key by which a later report of the same comparison finds this one. At most 60,000
characters (both hosts take a little more): where they do not suffice, whole parts go, the last first, and a line says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from twice.display import markdown
from twice.display.characters import harmless, shorten
from twice.display.sparkline import sparkline
from twice.reports.mermaid import COLOUR_NAMES, xychart
from twice.reports.outline import Outline, Part, outline, plain
from twice.reports.review import Review

MOST_CHARACTERS = 60_000
_MOST_CHARTS = 2
_MOST_COURSES = 12


def markdown_report(review: Review, limit: int = MOST_CHARACTERS) -> str:
    """The report, with a line end at its end."""
    told = outline(review)
    head = _head(review, told)
    parts = [(part.name, _part(review, part)) for part in told.parts]
    left_out: list[str] = []
    while parts and len(_join(head, parts, left_out)) > limit:
        left_out.insert(0, parts.pop()[0])
    return _join(head, parts, left_out)


def _join(head: Sequence[str], parts: Sequence[tuple[str, str]], left_out: Sequence[str]) -> str:
    texts = [*head, *(text for _, text in parts)]
    if left_out:
        texts.append(f"<sub>left out, for there is no room: {', '.join(left_out)}; `twice diff` shows all</sub>")
    return "\n\n".join(texts) + "\n"


def _head(review: Review, told: Outline) -> list[str]:
    b, a = (markdown.code(text) for text in told.subject)
    metric = f"{markdown.code(told.metric)} " if told.metric else ""
    heading = f"### twice: {b} vs {a} - {metric}{markdown.entities(plain(told.finding))}: **{told.outcome}**"
    texts = [
        markdown.comment(f"twice:report v1 key={review.key}") + "\n" + heading,
        f"<sub>{_context(told)}</sub>",
    ]
    if told.rows:
        rows = [[markdown.code(row[0] or ""), *(_value(cell) for cell in row[1:])] for row in told.rows]
        texts.append(markdown.table([markdown.entities(title) for title in told.columns], rows, "lrrrr"))
    texts += [f"<sub>{markdown.entities(plain(note))}</sub>" for note in told.notes]
    for gate in review.gates:
        word = "**failed**" if gate.failed else "passed"
        texts.append(f"{word}: fail if {markdown.code(shorten(gate.condition, 400))} {_reason(gate.reason)}".rstrip())
    return texts


def _context(told: Outline) -> str:
    sides = [" ".join(word for word in (name, markdown.code(branch), n) if word) for name, branch, n in told.sides]
    return " · ".join([" → ".join(sides), *([markdown.entities(plain(told.context))] if told.context else [])])


def _reason(reason: str) -> str:
    return f"({markdown.code(shorten(reason, 400))})" if reason else ""


def _value(text: str | None) -> str:
    """A cell in twice's own words."""
    return "-" if text is None else markdown.entities(plain(text))


def _part(review: Review, part: Part) -> str:
    texts = []
    if part.rows:
        rows = [[markdown.cell(cell and plain(cell)) for cell in row] for row in part.rows]
        texts.append(markdown.table(part.columns, rows))
    if part.listing:
        texts.append(markdown.fence(part.listing, part.language))
    if part.curves:
        texts += _curves(review)
    if part.note:
        texts.append(f"<sub>{markdown.code(part.note)}</sub>")
    return markdown.details(_summary(part.title), "\n\n".join(texts))


def _summary(title: str) -> str:
    name, colon, rest = title.partition(": ")
    return f"{markdown.entities(name)}{colon}{markdown.code(rest)}" if rest else markdown.entities(title)


def _curves(review: Review) -> list[str]:
    """Charts of the first metrics, which colour is which, and a line of blocks for hosts that draw none."""
    texts: list[str] = []
    for metric, courses in review.courses.items():
        if len(texts) < _MOST_CHARTS and (chart := xychart(metric, courses)) is not None:
            texts.append(markdown.fence(chart, "mermaid"))
    if texts:
        texts.append(f"A is {COLOUR_NAMES[0]}, B is {COLOUR_NAMES[1]}.")
    rows = [
        [markdown.code(harmless(metric)), *(sparkline([point.value for point in course]) or "-" for course in courses)]
        for metric, courses in list(review.courses.items())[:_MOST_COURSES]
    ]
    texts.append(markdown.table(["metric", "A", "B"], rows))
    return texts
