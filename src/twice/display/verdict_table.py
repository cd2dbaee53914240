"""How does the verdict of a reproduction look?  Five lines, one a part; what a line has no room for stands below it.

A sixth names the cause when the run diverged.
"""

from __future__ import annotations

from twice.comparison.verdict import Verdict, VerdictRow
from twice.display.characters import harmless, in_encoding, pad
from twice.display.colour import PLAIN, Style

_LABEL_WIDTH = 13
_MOST_DETAILS = 12


def verdict_table(
    verdict: Verdict,
    *,
    style: Style = PLAIN,
    encoding: str = "utf-8",
    all_details: bool = False,
) -> str:
    """The table, one line a part and the details of what is not identical, with a line end at its end."""
    lines = []
    for row in verdict.rows:
        lines.append(pad(row.part, _LABEL_WIDTH) + _text(row, style))
        shown = row.details if all_details else row.details[:_MOST_DETAILS]
        lines.extend(" " * _LABEL_WIDTH + style.quiet(f"  {harmless(detail)}") for detail in shown)
        if len(shown) < len(row.details):
            more = f"  and {len(row.details) - len(shown)} more (--json has all)"
            lines.append(" " * _LABEL_WIDTH + style.quiet(more))
    for number, cause in enumerate(verdict.causes):
        lines.append(pad("" if number else "cause", _LABEL_WIDTH) + harmless(cause))
    return in_encoding("\n".join(lines), encoding) + "\n"


def outcome_line(verdict: Verdict, *, style: Style = PLAIN, encoding: str = "utf-8") -> str:
    """`reproduced`, or `diverged: …` with the reason, without a line end."""
    word = style.by_state(verdict.outcome, verdict.outcome)
    if verdict.reproduced:
        return word
    rows = {row.part: row for row in verdict.rows}
    reason = rows["results"] if rows["results"].state == "differs" else rows["execution"]
    return in_encoding(f"{word}: {harmless(reason.text.removeprefix('differs: '))}", encoding)


def _text(row: VerdictRow, style: Style) -> str:
    """The text with its first word marked, if that names the state; else all of it is."""
    text = harmless(row.text)
    word = row.state if text.startswith(row.state) else text
    return style.by_state(row.state, word) + text[len(word) :]
