"""How do columns become a table that fits?  Columns in, lines of text out, and what was hidden; tabulate's door.

When the width is not enough, columns that say the same in every row go first, then params from the right, then other
facts that may go; metrics never do. Where even they do not fit, the table goes on below, with the first column again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

import tabulate as tabulate_library

from twice.display.characters import display_width, harmless, in_encoding, shorten
from twice.frozen import frozen

_GAP = 2  # spaces between columns in tabulate's plain format
_NARROWEST_TITLE = 8
_MISSING = "-"
# tabulate measures with len(). So it lays out stand-ins, one private character a terminal cell, and the real cells,
# whatever their width or colour, take their places afterwards.
_FIRST, _REST = "\U0010fffd", "\U0010fffc"
_STAND_IN = re.compile(f"{_FIRST}{_REST}*")


@frozen(kw_only=False)
class Column:
    """A column: its cells from the top, None where there is nothing; `kind` decides what is hidden first."""

    title: str
    cells: Sequence[str | None]
    kind: Literal["fixed", "fact", "param", "metric"] = "fact"
    align: Literal["left", "right"] = "left"

    @property
    def width(self) -> int:
        """How many terminal cells the column takes."""
        return max(display_width(self.title), max((display_width(_cell(cell)) for cell in self.cells), default=0))


@frozen(kw_only=False)
class Table:
    """The text, without a line end at its end, and the titles of the columns that had no room."""

    text: str
    hidden: tuple[str, ...] = ()


def draw_table(
    columns: Sequence[Column],
    *,
    width: int | None = None,
    headers: bool = True,
    encoding: str = "utf-8",
) -> Table:
    """The table, in at most `width` terminal cells as far as hiding columns can do it; None: all columns.

    Cells must be harmless already (they may carry colour); titles are made so here.
    """
    columns = [_encoded(column, encoding) for column in columns]
    shown = columns if width is None else _that_fit(columns, width)
    hidden = tuple(column.title for column in columns if not any(column is each for each in shown))
    if not shown:
        return Table("", hidden)
    blocks = [shown] if width is None else list(_blocks(shown, width))
    return Table("\n\n".join(_draw(block, headers) for block in blocks), hidden)


def _draw(columns: Sequence[Column], headers: bool) -> str:
    titles = [[column.title for column in columns]] if headers else []
    rows = [*titles, *zip(*(map(_cell, column.cells) for column in columns), strict=True)]
    return _lay_out(rows, [column.align for column in columns])


def _blocks(columns: Sequence[Column], width: int) -> Iterator[list[Column]]:
    """The columns in as many tables as it takes; one that is too wide for any has its title shortened."""
    first, *others = columns
    block, room = [first], width - first.width
    for column in others:
        if column.width + _GAP > width - first.width:
            title = shorten(column.title, max(width - first.width - _GAP, _NARROWEST_TITLE))
            column = Column(title, column.cells, column.kind, column.align)
        if column.kind == "metric" and column.width + _GAP > room and len(block) > 1:
            yield block
            block, room = [first], width - first.width
        block.append(column)
        room -= column.width + _GAP
    yield block


def _encoded(column: Column, encoding: str) -> Column:
    """The column as the encoding can show it, which may be wider."""
    cells = [None if cell is None else in_encoding(cell, encoding) for cell in column.cells]
    return Column(in_encoding(harmless(column.title), encoding), cells, column.kind, column.align)


def _lay_out(rows: Sequence[Sequence[str]], aligns: Sequence[str]) -> str:
    """The rows as lines; titles are a row like any other, since tabulate gives its headers more room than they need."""
    stand_ins = [tuple(map(_stand_in, row)) for row in rows]
    distinct = list(dict.fromkeys(stand_ins))  # rows with cells of the same widths make the same line
    text = tabulate_library.tabulate(
        distinct, tablefmt="plain", disable_numparse=True, missingval=_MISSING, colalign=aligns if rows else None
    )
    lines = dict(zip(distinct, text.split("\n"), strict=False))
    cells: Iterator[str] = (cell for row in rows for cell in row)
    return "\n".join(_STAND_IN.sub(lambda _: next(cells), lines[row]).rstrip() for row in stand_ins)


def _stand_in(cell: str) -> str:
    return _FIRST + _REST * (display_width(cell) - 1)


def _cell(cell: str | None) -> str:
    return _MISSING if cell is None else cell or " "


def _that_fit(columns: Sequence[Column], width: int) -> list[Column]:
    """The columns that are shown in so many terminal cells, in their order."""
    widths = [column.width for column in columns]
    keep = set(range(len(columns)))
    total = sum(widths) + _GAP * (len(columns) - 1)
    for index in _order_of_hiding(columns):
        if total <= width:
            break
        keep.remove(index)
        total -= widths[index] + _GAP
    return [columns[index] for index in sorted(keep)]


def _order_of_hiding(columns: Sequence[Column]) -> list[int]:
    """Which columns may go, the first to go first."""
    from_the_right = range(len(columns) - 1, -1, -1)
    may_go = [index for index in from_the_right if columns[index].kind in ("fact", "param")]
    constant = [index for index in may_go if _is_constant(columns[index])]
    params = [index for index in may_go if columns[index].kind == "param"]
    return list(dict.fromkeys(constant + params + may_go))


def _is_constant(column: Column) -> bool:
    return len(column.cells) > 1 and len(set(column.cells)) == 1
