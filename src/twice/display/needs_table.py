"""How does it look what a run needs to run again?  A line a part, and below it what the line has no room for."""

from __future__ import annotations

from collections.abc import Sequence

from twice.comparison.needs import Need
from twice.display.characters import harmless, in_encoding, pad
from twice.display.colour import PLAIN, Style

_LABEL_WIDTH = 13
_MOST_DETAILS = 12


def needs_table(needs: Sequence[Need], *, style: Style = PLAIN, encoding: str = "utf-8") -> str:
    """The table, with a line end at its end: `data         missing: data/train.csv (1.2 MiB)`."""
    lines = []
    for need in needs:
        lines.append(f"{pad(need.part, _LABEL_WIDTH)}{style.by_state(need.state, need.state)}: {harmless(need.text)}")
        shown = need.details[:_MOST_DETAILS]
        lines += [" " * _LABEL_WIDTH + style.quiet(f"  {harmless(detail)}") for detail in shown]
        if len(shown) < len(need.details):
            more = f"  and {len(need.details) - len(shown)} more (--json has all)"
            lines.append(" " * _LABEL_WIDTH + style.quiet(more))
    return in_encoding("\n".join(lines), encoding) + "\n"
