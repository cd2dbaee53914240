"""Is a difference more than what another seed would make?  Values of replicates in, mean, spread and a margin out.

The margin is half the width of the 95 % confidence interval of the difference of two means: Student's t times the
standard error, after Welch (1947) where both sides have replicates. Where only one side has, the other is taken to
spread as it does. Where none has, the noise is unknown, and that is what is said. Standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from twice.comparison.values import change, is_number
from twice.frozen import frozen

if TYPE_CHECKING:
    from twice.comparison.replicates import Replicates
    from twice.record.model import Run

# Student's t, 0.975 quantile, for 1 … 30 degrees of freedom.
_STUDENT = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


@frozen
class Sample:
    """One metric over replicates: mean, standard deviation (n - 1; None for fewer than two values), how many."""

    mean: float
    spread: float | None
    n: int


@frozen
class SeedNoise:
    """A metric of two groups of replicates, and how far apart seeds alone would put them."""

    metric: str
    a: Sample
    b: Sample
    delta: float | None  # of the means; of the two runs where they are replicates of each other
    margin: float | None  # None: unknown, there are no replicates
    same: bool = False  # the two are replicates of each other

    @property
    def state(self) -> Literal["inside", "beyond", "unknown"]:
        """Whether the difference is inside the noise of seeds."""
        if self.same:
            return "inside"
        if self.margin is None or self.delta is None:
            return "unknown"
        return "inside" if abs(self.delta) <= self.margin else "beyond"


def sample(values: Iterable[float | int]) -> Sample:
    """Mean and spread; the mean of what is not finite is NaN."""
    numbers = [_as_float(value) for value in values]
    n = len(numbers)
    if not n or not all(map(math.isfinite, numbers)):
        return Sample(mean=math.nan, spread=None, n=n)
    mean = math.fsum(number / n for number in numbers)
    if n < 2:
        return Sample(mean=mean, spread=None, n=n)
    # Scaled, so that the squares of large deviations do not overflow.
    deviations = [number - mean for number in numbers]
    largest = max(map(abs, deviations))
    if not largest:
        return Sample(mean=mean, spread=0.0, n=n)
    spread = largest * math.sqrt(math.fsum((each / largest) ** 2 for each in deviations) / (n - 1))
    return Sample(mean=mean, spread=spread if math.isfinite(spread) else None, n=n)


def margin_of(a: Sample, b: Sample) -> float | None:
    """How far apart the means of two such samples are by chance, 19 times of 20; None when nothing tells."""
    if not a.n or not b.n or not (math.isfinite(a.mean) and math.isfinite(b.mean)):
        return None
    if a.spread is not None and b.spread is not None:
        parts = [a.spread / math.sqrt(a.n), b.spread / math.sqrt(b.n)]
        error = math.hypot(*parts)
        freedom = _welch(parts, (a.n, b.n), error) if error else a.n + b.n - 2
    else:
        known = a if a.spread is not None else b
        if known.spread is None:
            return None
        error = known.spread * math.sqrt(1 / a.n + 1 / b.n)
        freedom = known.n - 1
    margin = _student(freedom) * error
    return margin if math.isfinite(margin) else None


def seed_noise(replicates: Replicates, a: Run, b: Run) -> dict[str, SeedNoise]:
    """Metric → its noise, for the metrics that both runs have."""
    found = {}
    for name in a.metrics:
        if name not in b.metrics:
            continue
        of_a, of_b = sample(values_of(replicates.a, name)), sample(values_of(replicates.b, name))
        if replicates.same:
            # Two single draws from one group.
            margin = None if of_a.spread is None else _student(of_a.n - 1) * of_a.spread * math.sqrt(2)
            delta = change(a.metrics[name].last, b.metrics[name].last)
        else:
            margin, delta = margin_of(of_a, of_b), change(of_a.mean, of_b.mean)
        found[name] = SeedNoise(metric=name, a=of_a, b=of_b, delta=delta, margin=margin, same=replicates.same)
    return found


def group_samples(groups: Sequence[Sequence[Run]], names: Iterable[str]) -> dict[str, list[Sample | None]]:
    """Metric → its sample in each group, None where no run of the group has it."""
    return {
        name: [sample(values) if (values := values_of(group, name)) else None for group in groups] for name in names
    }


def values_of(runs: Iterable[Run], metric: str) -> list[float | int]:
    """The last values of a metric, of those runs that have it."""
    return [run.metrics[metric].last for run in runs if metric in run.metrics and is_number(run.metrics[metric].last)]


def any_known(noises: Mapping[str, SeedNoise]) -> bool:
    """Whether there are replicates at all."""
    return any(noise.margin is not None for noise in noises.values())


def _welch(parts: Sequence[float], numbers: Sequence[int], error: float) -> float:
    """Welch's degrees of freedom, from the standard errors of the two means."""
    shares = [(part / error) ** 2 for part in parts]
    return 1 / sum(share**2 / (n - 1) for share, n in zip(shares, numbers, strict=True))


def _student(freedom: float) -> float:
    whole = max(1, math.floor(freedom + 1e-9))
    return _STUDENT[whole - 1] if whole <= len(_STUDENT) else 1.96 + 2.4 / whole


def _as_float(value: float | int) -> float:
    try:
        return float(value)
    except OverflowError:  # an int beyond the range of floats
        return math.nan
