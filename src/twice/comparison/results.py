"""Did each metric and each output come out again?  Two runs in, a `MetricVerdict` and an `OutputVerdict` each out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from twice.comparison.files import may_be_unseen
from twice.comparison.histories import Histories, first_diverging_step, history
from twice.comparison.metrics import SUMMARY, same_summary, what_else_differs
from twice.comparison.tolerance import Tolerance
from twice.comparison.values import change
from twice.frozen import frozen

if TYPE_CHECKING:
    from twice.record.model import Metric, Run

MetricState = Literal["bit-exact", "within tolerance", "within noise", "diverged", "missing", "extra"]
OutputState = Literal["byte-identical", "same content", "within noise", "differs", "missing", "extra", "unknown"]

NOISE_SPREADS = 3
"""A noisy metric passes within so many times the distance of the original's two executions. Two values say little of how far
a third may be: one such distance would refuse about half of all that are drawn as they were, three refuse one in five."""

AGREEING = frozenset(("bit-exact", "within tolerance", "within noise", "byte-identical", "same content", "unknown"))
"""States that do not make a run diverge; `unknown` proves nothing either way, and is shown."""


@frozen
class MetricVerdict:
    """How one metric came out: its last values, their distance, and the first step that was not the same."""

    name: str
    state: MetricState
    was: float | int | None = None
    now: float | int | None = None
    distance: float | None = None  # |now - was|, when finite
    first_diverging_step: int | None = None
    note: str = ""  # what else differs when the last values are the same


@frozen
class OutputVerdict:
    """How one output came out, by its sha256."""

    path: str
    state: OutputState
    was: str | None = None
    now: str | None = None
    note: str = ""


def judge_metrics(
    original: Run, again: Run, tolerance: Tolerance, histories: Histories | None
) -> tuple[MetricVerdict, ...]:
    """A verdict for each metric of either run, in the original's order, then what is extra."""
    found = []
    for name, was in original.metrics.items():
        now = again.metrics.get(name)
        if now is None:
            gone_before = was.noise is not None and was.noise.state == "missing"
            found.append(
                MetricVerdict(
                    name=name,
                    state="within noise" if gone_before else "missing",
                    was=was.last,
                    note="missing, as in the original's second execution" if gone_before else "",
                )
            )
        else:
            points = history(histories, original.id, name), history(histories, again.id, name)
            found.append(_judge_metric(name, was, now, tolerance, first_diverging_step(*points)))
    extra = (name for name in again.metrics if name not in original.metrics)
    found.extend(MetricVerdict(name=name, state="extra", now=again.metrics[name].last) for name in extra)
    return tuple(found)


def _judge_metric(name: str, was: Metric, now: Metric, tolerance: Tolerance, step: int | None) -> MetricVerdict:
    state: MetricState = "diverged"
    if same_summary(was, now) and step is None:
        state = "bit-exact"
    elif was.count == now.count and all(
        tolerance.allows(name, getattr(was, part), getattr(now, part)) for part in SUMMARY
    ):
        # Without a tolerance the same numbers at other steps are another course of training; with one, they may move.
        exact = not any(tolerance.bounds(name))
        moved = (was.last_step, was.min_step, was.max_step) != (now.last_step, now.min_step, now.max_step)
        state = "diverged" if exact and (moved or step is not None) else "within tolerance"
    notes = [what_else_differs(was, now)]
    if state == "diverged" and was.noise is not None:
        if _is_within_noise(was, now):
            state = "within noise"
            notes.append(f"noise of the original: {NOISE_SPREADS} × {was.noise.spread:.3g} between its two executions")
        elif was.noise.state == "noisy":
            spread = was.noise.spread
            notes.append("more than its noise" + ("" if spread is None else f" ({NOISE_SPREADS} × {spread:.3g})"))
        else:
            notes.append("the original's two executions were the same")
    distance = change(was.last, now.last)
    return MetricVerdict(
        name=name,
        state=state,
        was=was.last,
        now=now.last,
        distance=None if distance is None else abs(distance),
        first_diverging_step=step,
        note=", ".join(note for note in notes if note),
    )


def _is_within_noise(was: Metric, now: Metric) -> bool:
    """Whether the original was found noisy, and this is as near to it as its own noise may bring about."""
    if was.noise is None or was.noise.state != "noisy" or was.noise.spread is None or was.count != now.count:
        return False
    room = Tolerance(atol=NOISE_SPREADS * float(was.noise.spread))
    return all(room.allows("", getattr(was, part), getattr(now, part)) for part in SUMMARY)


def judge_outputs(
    original: Run, again: Run, same_content: Mapping[str, str] | None = None
) -> tuple[OutputVerdict, ...]:
    """A verdict for each output of either run, by path; one declared and made by neither is left out."""
    same_content = same_content or {}
    of_was, of_now = ({each.path: each for each in run.data.outputs} for run in (original, again))
    found = []
    for path in sorted(of_was.keys() | of_now.keys()):
        was, now = of_was.get(path), of_now.get(path)
        old, new = was.sha256 if was else None, now.sha256 if now else None
        state: OutputState
        note = ""
        if old is None and new is None:
            continue
        if old is None or new is None:
            state = "extra" if old is None else "missing"
            if may_be_unseen(was or now, original, again):
                state = "unknown"
                tracers = f"{original.execution.tracer.name} → {again.execution.tracer.name}"
                note = f"seen in one run only, but the tracers were not the same ({tracers})"
        elif old == new and was is not None and now is not None and was.kind == now.kind:
            state = "byte-identical"
        else:
            state = "same content" if path in same_content else "differs"
            note = same_content.get(path, "")
        noise = was.noise if was is not None else None
        if (state, noise) in (("differs", "noisy"), ("missing", "missing")):
            state, note = "within noise", f"{state}, as in the original's second execution"
        found.append(OutputVerdict(path=path, state=state, was=old, now=new, note=note))
    return tuple(found)
