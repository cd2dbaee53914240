"""How do charts and tables become one HTML file?  Parts of a page in, a whole document out that needs no network.

Style and script are in the file; a content security policy forbids it to load or send anything. The script only lets a
click on a name in a legend hide and show its line. Everything that comes from outside is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from twice.display.characters import harmless
from twice.display.charts import Chart
from twice.display.svg_chart import colour_of, svg_chart

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; }
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.05rem; }
table { border-collapse: collapse; margin: .6rem 0; }
th, td { border: 1px solid #ddd; padding: .2rem .6rem; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
pre { background: #f6f6f6; padding: .6rem; overflow-x: auto; font-size: 12.5px; }
code { background: #f2f2f2; padding: 0 .2em; }
summary { cursor: pointer; font-weight: 600; }
details { margin: .5rem 0; }
.quiet { color: #555; font-size: 13px; }
.added { color: #0b5; } .removed { color: #b40; } .hunk { color: #06a; }
svg { max-width: 100%; height: auto; }
.legend button { border: 0; background: none; font: inherit; font-size: 13px; cursor: pointer; padding: 0 .5em 0 0; }
.legend button[aria-pressed=false] { opacity: .35; }
.swatch { display: inline-block; width: .8em; height: .8em; margin-right: .3em; }
.hidden { display: none; }
"""
_SCRIPT = """
for (const button of document.querySelectorAll('.legend button')) button.addEventListener('click', () => {
  const shown = button.getAttribute('aria-pressed') === 'false';
  button.setAttribute('aria-pressed', shown);
  const line = button.closest('figure').querySelector('[data-series="' + button.dataset.series + '"]');
  line.classList.toggle('hidden', !shown);
});
"""
_MOST_IN_LEGEND = 50


def html_page(title: str, body: Sequence[str]) -> str:
    """The document; the parts of `body` are HTML already."""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
            "script-src 'unsafe-inline'\">",
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{text(title)}</title>",
            f"<style>{_STYLE}</style>",
            "</head>",
            "<body>",
            *body,
            f"<script>{_SCRIPT}</script>",
            "</body>",
            "</html>",
            "",
        ]
    )


def text(value: str) -> str:
    """Text from outside, as HTML shows it."""
    return escape(harmless(value))


def figure(chart: Chart) -> str:
    """A chart with its legend."""
    parts = ["<figure>", svg_chart(chart)]
    if chart.kind in ("lines", "parallel") and len(chart.series) > 1:
        buttons = "".join(
            f'<button type="button" aria-pressed="true" data-series="{index}"><span class="swatch" '
            f'style="background:{colour_of(index)}"></span>{text(series.name)}</button>'
            for index, series in enumerate(chart.series[:_MOST_IN_LEGEND])
        )
        parts.append(f'<figcaption class="legend">{buttons}</figcaption>')
    if chart.note:
        parts.append(f'<p class="quiet">{text(chart.note)}</p>')
    return "\n".join([*parts, "</figure>"])


def table(titles: Sequence[str], rows: Sequence[Sequence[str | None]], numbers: Sequence[int] = ()) -> str:
    """A table of text; `numbers` are the columns to align to the right."""
    head = "".join(f"<th>{text(title)}</th>" for title in titles)
    lines = ["<table>", f"<thead><tr>{head}</tr></thead>", "<tbody>"]
    for row in rows:
        cells = (
            f'<td class="number">{text(cell or "-")}</td>' if index in numbers else f"<td>{text(cell or '-')}</td>"
            for index, cell in enumerate(row)
        )
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return "\n".join([*lines, "</tbody>", "</table>"])


def listing(content: str, language: str = "") -> str:
    """Lines of text; those of a patch are marked by what they are."""
    lines = []
    for line in content.removesuffix("\n").split("\n"):
        shown = "\t".join(text(part) for part in line.removesuffix("\r").split("\t"))
        mark = {"+": "added", "-": "removed", "@": "hunk"}.get(line[:1]) if language == "diff" else None
        lines.append(f'<span class="{mark}">{shown}</span>' if mark else shown)
    return "<pre>" + "\n".join(lines) + "</pre>"
