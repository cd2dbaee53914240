"""Was a run reproduced?  The two runs, their `Comparison` and a tolerance in, a `Verdict` out.

Reproduced means: the exit code, every metric and every output agree, within the tolerance. A changed environment alone
does not make a run diverge, but it is shown. What was not captured or not compared is `unknown`, with the reason, and
never `identical`. What the command printed is its result only when it left nothing else, no metric and no file; else a
difference is a remark: progress bars and times would make every run diverge.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from twice.comparison.causes import find_causes
from twice.comparison.histories import Histories
from twice.comparison.printed import Printed
from twice.comparison.results import AGREEING, MetricVerdict, OutputVerdict, judge_metrics, judge_outputs
from twice.comparison.sections import Comparison
from twice.comparison.tolerance import EXACT, Tolerance
from twice.comparison.verdict_rows import Part, VerdictRow, add_remark, make_rows, same_exit
from twice.frozen import frozen

if TYPE_CHECKING:
    from twice.record.model import Run

__all__ = ["MetricVerdict", "OutputVerdict", "Verdict", "VerdictRow", "judge"]


@frozen
class Verdict:
    """What a reproduction found."""

    original: str  # run ids
    again: str
    rows: tuple[VerdictRow, ...]
    outcome: Literal["reproduced", "diverged"]
    metrics: tuple[MetricVerdict, ...] = ()
    outputs: tuple[OutputVerdict, ...] = ()
    tolerance: Tolerance = EXACT
    printed: Printed | None = None
    causes: tuple[str, ...] = ()  # of a divergence, as far as they are known

    @property
    def reproduced(self) -> bool:
        """Whether the exit code and all results agree."""
        return self.outcome == "reproduced"


def judge(
    original: Run,
    again: Run,
    comparison: Comparison,
    tolerance: Tolerance = EXACT,
    histories: Histories | None = None,
    *,
    same_content: Mapping[str, str] | None = None,
    remarks: Mapping[Part, str] | None = None,
    printed: Printed | None = None,
    script: str = "",
) -> Verdict:
    """Whether `again` reproduced `original`; `comparison` is `compare(original, again, …)`.

    `same_content` names outputs whose bytes differ but which the caller found to hold the same, and says what is the same
    (see `comparison.contents`). `remarks` is what the caller knows of a row: {"environment": "rebuilt"}. `printed` is how
    the output on the terminal compares; `script`, the text of the entry point, where causes are looked for.
    """
    metrics = judge_metrics(original, again, tolerance, histories)
    outputs = judge_outputs(original, again, same_content)
    rows = make_rows(original, again, comparison, metrics, outputs, tolerance, printed)
    results = [verdict.state for verdict in metrics] + [verdict.state for verdict in outputs]
    if printed is not None and not results:
        results.append("unknown" if not printed.lines or printed.state != "differs" else "diverged")
    agrees = same_exit(original, again) and all(state in AGREEING for state in results)
    return Verdict(
        original=original.id,
        again=again.id,
        rows=tuple(add_remark(row, (remarks or {}).get(row.part)) for row in rows),
        outcome="reproduced" if agrees else "diverged",
        metrics=metrics,
        outputs=outputs,
        tolerance=tolerance,
        printed=printed,
        causes=() if agrees else find_causes(original, again, comparison, script),
    )
