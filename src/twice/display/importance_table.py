"""How does the importance of params look?  A ranking in; a table, and what has to be said about it, out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from twice.comparison.importance import Importance, Ranking
from twice.display.characters import harmless, in_encoding
from twice.display.colour import PLAIN, Style
from twice.display.numbers import show
from twice.display.tables import Column, draw_table

_SMALL_SAMPLE = 20
_LIKELY = 0.05


def importance_table(
    ranking: Ranking, *, style: Style = PLAIN, encoding: str = "utf-8", most: int | None = None
) -> str:
    """One row a param, the most important first; those that may well be chance are dimmed."""
    params = ranking.params[:most]

    def column(title: str, cells: Sequence[str | None], align: Any = "right") -> Column:
        shown = [
            cell if cell is None or one.chance <= _LIKELY else style.quiet(cell)
            for one, cell in zip(params, cells, strict=True)
        ]
        return Column(title, shown, "fixed", align)

    columns = [
        column("param", [harmless(one.param) for one in params], "left"),
        column("share", [f"{one.share:.0%}" for one in params]),
        column("chance", [_chance(one, ranking) for one in params]),
        column("correlation", [None if one.correlation is None else f"{one.correlation:+.2f}" for one in params]),
        column("best", [None if one.best is None else show(one.best) for one in params]),
        column("runs", [str(one.runs) for one in params]),
        column("values", [str(one.values) for one in params]),
    ]
    return in_encoding(draw_table(columns, encoding=encoding).text, encoding) + "\n"


def importance_notes(ranking: Ranking) -> Iterator[str]:
    """What a reader of the table has to know, a sentence each."""
    if ranking.runs < _SMALL_SAMPLE:
        yield f"only {ranking.runs} runs: take this as a hint, not as a result"
    if ranking.params and all(one.chance > _LIKELY for one in ranking.params):
        yield "none of these is stronger than chance may be: `chance` is above 5% for all of them"
    for names in ranking.together[:5]:
        yield f"{', '.join(map(harmless, names))} always changed together: their effects cannot be told apart"
    if ranking.constant:
        amount = len(ranking.constant)
        yield f"{amount} {'param is' if amount == 1 else 'params are'} the same in all these runs"
    if ranking.distinct:
        yield f"another text in every run, so nothing can be said: {', '.join(map(harmless, ranking.distinct[:5]))}"


def _chance(one: Importance, ranking: Ranking) -> str:
    least = 1 / (ranking.permutations + 1)
    return f"<{least:.1%}" if one.chance <= least else f"{one.chance:.1%}" if one.chance < 0.1 else f"{one.chance:.0%}"
