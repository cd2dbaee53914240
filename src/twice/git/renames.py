"""Which added file is a deleted one under another name?  Pure, but for the contents that are asked for.

The rules are git's for `-M` (gitdiffcore, "detecting renames"): the same content first, then a unique file name that is at
least 75 % alike, then the most alike pairs of at least 50 %. Alike is how many bytes of the larger file lie in lines (or
pieces of 64 bytes) that the other one has, too. Where there are too many pairs, only the first rule is applied.
"""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

_ALIKE, _ALIKE_BY_NAME = 0.5, 0.75
_MOST_PAIRS = 40_000  # git stops at a thousand files by a thousand; here a pair costs more
_PIECE = 64


class Side(NamedTuple):
    """A file of one tree."""

    path: str
    mode: int
    id: str


def find_renames(
    deleted: Sequence[Side], added: Sequence[Side], read: Callable[[str], bytes]
) -> list[tuple[Side, Side]]:
    """Pairs of a deleted and an added file; each file is in one pair at most."""
    olds, news = list(deleted), list(added)
    pairs: list[tuple[Side, Side]] = []

    def take(old: Side, new: Side) -> None:
        pairs.append((old, new))
        olds.remove(old)
        news.remove(new)

    for new in added:
        same = [old for old in olds if old.id == new.id and _may_match(old, new)]
        if same:
            take(next((old for old in same if _name(old) == _name(new)), same[0]), new)
    olds_left = [old for old in olds if stat.S_ISREG(old.mode)]
    news_left = [new for new in news if stat.S_ISREG(new.mode)]
    if not olds_left or not news_left or len(olds_left) * len(news_left) > _MOST_PAIRS:
        return pairs
    weights = {side.id: _weights(read(side.id)) for side in (*olds_left, *news_left)}
    for old, new in _same_names(olds_left, news_left):
        if _likeness(weights[old.id], weights[new.id]) >= _ALIKE_BY_NAME:
            take(old, new)
    scored = [
        (_likeness(weights[old.id], weights[new.id]), _name(old) == _name(new), old, new)
        for new in news_left
        for old in olds_left
        if new in news and old in olds
    ]
    for score, _, old, new in sorted(scored, key=lambda pair: pair[:2], reverse=True):
        if score >= _ALIKE and old in olds and new in news:
            take(old, new)
    return pairs


def _may_match(old: Side, new: Side) -> bool:
    return old.mode == new.mode or (stat.S_ISREG(old.mode) and stat.S_ISREG(new.mode))


def _name(side: Side) -> str:
    return side.path.rpartition("/")[2]


def _same_names(olds: Sequence[Side], news: Sequence[Side]) -> Iterator[tuple[Side, Side]]:
    """Pairs whose file name occurs once on each side."""
    by_name = {_name(old): old for old in olds}
    old_counts, new_counts = Counter(map(_name, olds)), Counter(map(_name, news))
    for new in news:
        if old_counts[_name(new)] == new_counts[_name(new)] == 1:
            yield by_name[_name(new)], new


def _weights(content: bytes) -> Counter[bytes]:
    """How many bytes lie in each kind of line; a long line counts as pieces."""
    weights: Counter[bytes] = Counter()
    for line in content.replace(b"\r\n", b"\n").split(b"\n"):
        line += b"\n"
        for start in range(0, len(line), _PIECE):
            piece = line[start : start + _PIECE]
            weights[piece] += len(piece)
    return weights


def _likeness(old: Counter[bytes], new: Counter[bytes]) -> float:
    """From 0 to 1: the bytes that both have, of the larger one."""
    smaller, larger = sorted((old.total(), new.total()))
    if not larger or smaller < larger * _ALIKE:
        return 0.0
    return (old & new).total() / larger
