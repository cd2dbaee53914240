"""At which step do two histories of a metric part?  Points in, the first step that is not the same out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from twice.comparison.values import same_value

if TYPE_CHECKING:
    from twice.record.model import Point

Histories = Callable[[str, str], "Sequence[Point]"] | Mapping[str, Mapping[str, "Sequence[Point]"]]
"""A run's id and a metric's name → its logged values, oldest first; empty when none were kept."""


def history(histories: Histories | None, run_id: str, metric: str) -> Sequence[Point]:
    """The logged values of one metric of one run; empty when they are not at hand."""
    if histories is None:
        return ()
    if isinstance(histories, Mapping):
        return histories.get(run_id, {}).get(metric, ())
    return histories(run_id, metric)


def first_diverging_step(a: Sequence[Point], b: Sequence[Point]) -> int | None:
    """The step of the first point that differs in step or value, or that only one side has; None if there is none.

    Where the steps themselves differ it is the smaller one. Without points on one side nothing can be said: None.
    """
    if not a or not b:
        return None
    for was, now in zip_longest(a, b):
        if was is None or now is None:
            return int((was or now).step)
        if was.step != now.step or not same_value(was.value, now.value):
            return min(was.step, now.step)
    return None
