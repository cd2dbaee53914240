"""What is a review of one run against another made of?  The facts, gathered by the caller, and the verdict on them.

The metric that speaks for the run is the first one whose name says which way is better, of those that changed by more
than seeds make them; the verdict is about all such metrics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Literal

from twice.comparison.directions import direction
from twice.comparison.gates import GateResult
from twice.comparison.noise import SeedNoise, any_known
from twice.comparison.replicates import Replicates
from twice.comparison.sections import Comparison, Difference
from twice.frozen import frozen

if TYPE_CHECKING:
    from twice.record.model import Point, Run

Outcome = Literal["better", "worse", "mixed", "same", "inside seed noise", "changed", "failed"]

WHY_UNKNOWN = "unknown: neither side has replicates (other seeds of the same run)"


@frozen
class Review:
    """Run `b` held against run `a`, and all that a report may say of it.

    With `of_work_tree`, `b` is what is here now: its code, data and packages are known, nothing of what it would do.
    """

    a: Run
    b: Run
    comparison: Comparison
    replicates: Replicates
    noises: Mapping[str, SeedNoise]
    ids: Mapping[str, str]  # run id → the short form to show
    key: str = ""  # what makes a later report the successor of this one
    courses: Mapping[str, tuple[Sequence[Point], Sequence[Point]]] = field(default_factory=dict)  # metric → a's, b's
    patch: str = ""
    gates: tuple[GateResult, ...] = ()
    of_work_tree: bool = False

    @property
    def passed(self) -> bool:
        """Whether no gate failed."""
        return not any(gate.failed for gate in self.gates)


@frozen
class Judged:
    """A metric that differs: which way it went, and whether that is more than noise."""

    difference: Difference
    noise: SeedNoise | None
    outcome: Literal["better", "worse", "inside seed noise", "changed"]

    @property
    def delta(self) -> float | None:
        """How far from a to b: of the means where there are replicates."""
        noise = self.noise
        return noise.delta if noise is not None and noise.margin is not None else self.difference.delta


def judge_metrics(review: Review) -> list[Judged]:
    """The metrics that differ, those first whose names say which way is better; otherwise in the record's order."""
    sections = [each for each in review.comparison.sections if each.name == "metrics"]
    found = [_judge(each, review.noises.get(each.name)) for section in sections for each in section.differences]
    return sorted(found, key=lambda one: direction(one.difference.name) is None)


def outcome(review: Review, judged: Sequence[Judged]) -> Outcome:
    """The verdict on all metrics; of the work tree, whether anything is not as it was."""
    if review.of_work_tree:
        return "changed" if review.comparison.differs else "same"
    if review.b.execution.status != "finished" or not review.passed:
        return "failed"
    words = {one.outcome for one in judged}
    if not words:
        return "same"
    directed = words & {"better", "worse"}
    if len(directed) == 2:
        return "mixed"
    if directed:
        return "better" if "better" in directed else "worse"
    return "changed" if "changed" in words else "inside seed noise"


def headline_metric(judged: Sequence[Judged]) -> Judged | None:
    """The metric that the first line names."""
    beyond = [one for one in judged if one.outcome in ("better", "worse")]
    return next(iter(beyond or judged), None)


def noise_known(review: Review) -> bool:
    """Whether replicates tell anything about the noise of seeds."""
    return any_known(review.noises)


def _judge(difference: Difference, noise: SeedNoise | None) -> Judged:
    delta = difference.delta
    if noise is not None and noise.state == "inside":
        return Judged(difference=difference, noise=noise, outcome="inside seed noise")
    if noise is not None and noise.margin is not None:
        delta = noise.delta
    better = direction(difference.name)
    if better is None or not delta:
        return Judged(difference=difference, noise=noise, outcome="changed")
    went_up = delta > 0
    return Judged(difference=difference, noise=noise, outcome="better" if went_up == (better == "higher") else "worse")
