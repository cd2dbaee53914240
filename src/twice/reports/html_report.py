"""How does a review look in a browser?  One HTML file: verdict, table, the rest folded away, curves as SVG."""

from __future__ import annotations

from twice.display import html_page
from twice.display.charts import curves
from twice.display.html_page import text
from twice.reports.outline import Outline, Part, outline, plain
from twice.reports.review import Review

_MOST_CHARTS = 12


def html_report(review: Review) -> str:
    """The document."""
    told = outline(review)
    title = f"{told.subject[0]} vs {told.subject[1]}"
    return html_page.html_page(f"twice: {title}", [*_head(review, told), *(_part(review, part) for part in told.parts)])


def _head(review: Review, told: Outline) -> list[str]:
    b, a = told.subject
    metric = f"<code>{text(told.metric)}</code> " if told.metric else ""
    finding = f"{metric}{text(plain(told.finding))}: <strong>{text(told.outcome)}</strong>"
    sides = " → ".join(text(" ".join(word for word in side if word)) for side in told.sides)
    context = f" · {text(plain(told.context))}" if told.context else ""
    parts = [f"<h1>{text(b)} vs {text(a)}</h1>", f"<p>{finding}</p>", f'<p class="quiet">{sides}{context}</p>']
    if told.rows:
        parts.append(html_page.table(told.columns, told.rows, numbers=(1, 2, 3, 4)))
    parts += [f'<p class="quiet">{text(note)}</p>' for note in told.notes]
    for gate in review.gates:
        word = "<strong>failed</strong>" if gate.failed else "passed"
        parts.append(f"<p>{word}: fail if <code>{text(gate.condition)}</code> ({text(gate.reason)})</p>")
    return parts


def _part(review: Review, part: Part) -> str:
    inside = []
    if part.rows:
        inside.append(html_page.table(part.columns, part.rows))
    if part.listing:
        inside.append(html_page.listing(part.listing, part.language))
    if part.curves:
        for metric, (a, b) in list(review.courses.items())[:_MOST_CHARTS]:
            chart = curves(metric, {f"A {review.ids[review.a.id]}": a, f"B {review.ids[review.b.id]}": b})
            inside += [html_page.figure(chart)] if chart is not None else []
    if part.note:
        inside.append(f'<p class="quiet">{text(part.note)}</p>')
    opened = " open" if part.name in ("params", "curves") else ""
    return "\n".join([f"<details{opened}><summary>{text(part.title)}</summary>", *inside, "</details>"])
