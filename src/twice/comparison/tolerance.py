"""How far may a repeated metric be from the original?  Exact, unless someone said otherwise, and who did is kept."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field
from fnmatch import fnmatchcase

from twice.comparison.values import is_finite, is_number, same_value
from twice.errors import UsageError
from twice.frozen import frozen


@frozen
class Tolerance:
    """A metric passes if |now - was| <= atol + rtol * |was|; `was` is the original's value.

    `per_metric` gives other bounds, as (rtol, atol), to a metric's name or a pattern such as `val/*`; the name itself
    wins over patterns, and the first pattern over later ones.
    """

    rtol: float = 0.0
    atol: float = 0.0
    per_metric: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    origin: str = "default"  # who said so: "default", "--rtol", "pyproject.toml"

    def __post_init__(self) -> None:
        for rtol, atol in ((self.rtol, self.atol), *self.per_metric.values()):
            if not (0 <= rtol < math.inf and 0 <= atol < math.inf):
                raise UsageError(f"a tolerance must be zero or more, and finite: rtol {rtol}, atol {atol}")

    def bounds(self, metric: str) -> tuple[float, float]:
        """The (rtol, atol) of a metric."""
        if metric in self.per_metric:
            return self.per_metric[metric]
        for pattern, bounds in self.per_metric.items():
            if fnmatchcase(metric, pattern):
                return bounds
        return self.rtol, self.atol

    def allows(self, metric: str, was: object, now: object) -> bool:
        """Whether the two values pass as the same. What is not finite passes only if it is the same."""
        if same_value(was, now):
            return True
        if not (is_number(was) and is_number(now)) or not (is_finite(was) and is_finite(now)):
            return False
        rtol, atol = self.bounds(metric)
        if not (rtol or atol):
            return bool(was == now)  # 0.0 and -0.0
        try:
            return abs(now - was) <= atol + rtol * abs(was)
        except OverflowError:  # ints beyond the range of floats
            return False

    def describe(self, metric: str | None = None) -> str:
        """`exact`, or `rtol 0.001, atol 1e-08, from --rtol`."""
        rtol, atol = (self.rtol, self.atol) if metric is None else self.bounds(metric)
        words = [f"{name} {bound:g}" for name, bound in (("rtol", rtol), ("atol", atol)) if bound]
        if metric is None and self.per_metric:
            words.append(f"{len(self.per_metric)} set per metric")
        return f"{', '.join(words)}, from {self.origin}" if words else "exact"


EXACT = Tolerance()
