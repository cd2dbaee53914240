"""Which metrics differ?  All of a metric's summary is compared (values, count, steps), and its history when at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twice.comparison.histories import Histories, first_diverging_step, history
from twice.comparison.sections import Difference, Section, changed, count, make_section
from twice.comparison.values import same_value
from twice.textforms import format_distinct

if TYPE_CHECKING:
    from twice.record.model import Metric, Run

SUMMARY = ("last", "min", "max", "mean")


def compare_metrics(a: Run, b: Run, histories: Histories | None) -> Section:
    """The metrics section; a metric's difference is that of its last values, its note tells what else differs."""
    found = []
    for name, was in a.metrics.items():
        now = b.metrics.get(name)
        if now is None:
            found.append(Difference(name=name, kind="removed", a=was.last))
            continue
        step = first_diverging_step(history(histories, a.id, name), history(histories, b.id, name))
        if step is not None or not same_summary(was, now):
            found.append(changed(name, was.last, now.last, _note(was, now, step)))
    found.extend(
        Difference(name=name, kind="added", b=now.last) for name, now in b.metrics.items() if name not in a.metrics
    )
    if not found and not a.metrics:
        return make_section("metrics", (), same="none")
    return make_section("metrics", found, same=count(len(a.metrics), "metric"))


def same_summary(a: Metric, b: Metric) -> bool:
    """Whether all numbers of two summaries are the same."""
    return (
        all(same_value(getattr(a, part), getattr(b, part)) for part in SUMMARY)
        and a.count == b.count
        and (a.last_step, a.min_step, a.max_step) == (b.last_step, b.min_step, b.max_step)
    )


def what_else_differs(a: Metric, b: Metric) -> str:
    """How two summaries with the same last value differ; empty if only the last value does, or nothing."""
    if not same_value(a.last, b.last):
        return ""
    words = []
    for part in SUMMARY[1:]:
        if not same_value(getattr(a, part), getattr(b, part)):
            was, now = format_distinct([getattr(a, part), getattr(b, part)])
            words.append(f"{part} {was} → {now}")
    if a.count != b.count:
        words.append(f"logged {a.count} → {b.count} times")
    if not words and not same_summary(a, b):
        words.append("at other steps")
    return ", ".join(words)


def _note(a: Metric, b: Metric, step: int | None) -> str:
    words = []
    if a.last == b.last and not same_value(a.last, b.last):
        words.append("equal but for the sign of zero")
    else_ = what_else_differs(a, b)
    if else_:
        words.append(f"same last value; {else_}")
    if step is not None:
        words.append(f"first differs at step {step}")
    return ", ".join(words)
