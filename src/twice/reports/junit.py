"""How does a CI system that knows tests see a review?  JUnit's XML: one test case for the run, one for each gate.

The shape that Jenkins, GitLab and GitHub's actions read: testsuites > testsuite > testcase > failure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from twice.display.characters import harmless
from twice.reports.outline import outline
from twice.reports.review import Review

if TYPE_CHECKING:
    from twice.record.model import Run


def junit(review: Review) -> str:
    """The XML document."""
    told = outline(review)
    run = review.b.execution
    cases = [_case("the run finished", run.duration_s, _why_not_finished(review.b))]
    cases += [
        _case(f"not {gate.condition}", 0.0, gate.reason or "the condition holds" if gate.failed else None)
        for gate in review.gates
    ]
    failures = int(run.status != "finished") + sum(gate.failed for gate in review.gates)
    said = "\n".join(
        [
            *(" ".join(side).strip() for side in told.sides),
            told.context,
            *(" | ".join(cell or "-" for cell in row) for row in told.rows),
            *told.notes,
        ]
    )
    return _document(f"twice: {told.subject[0]} vs {told.subject[1]}", cases, failures, run.duration_s, said)


def junit_of(runs: Mapping[str, Run]) -> str:
    """The XML document for several runs, by the word that stands for each: whether it finished."""
    cases = [_case(f"{word} finished", run.execution.duration_s, _why_not_finished(run)) for word, run in runs.items()]
    failures = sum(run.execution.status != "finished" for run in runs.values())
    return _document(f"twice: {len(runs)} runs", cases, failures, sum(r.execution.duration_s for r in runs.values()))


def _why_not_finished(run: Run) -> str | None:
    status = run.execution.status
    return None if status == "finished" else f"{status}, exit code {run.execution.exit_code}"


def _document(name: str, cases: list[str], failures: int, time_s: float, said: str = "") -> str:
    counts = f'tests="{len(cases)}" failures="{failures}" errors="0" time="{time_s:.3f}"'
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f"<testsuites {counts}>",
            f"  <testsuite name={_attribute(name)} {counts}>",
            *cases,
            *([f"    <system-out>{_text(said)}</system-out>"] if said else []),
            "  </testsuite>",
            "</testsuites>",
            "",
        ]
    )


def _case(name: str, time_s: float, failure: str | None) -> str:
    opening = f'    <testcase classname="twice" name={_attribute(name)} time="{time_s:.3f}"'
    if failure is None:
        return f"{opening}/>"
    return f"{opening}>\n      <failure message={_attribute(failure)}>{_text(failure)}</failure>\n    </testcase>"


def _text(text: str) -> str:
    """Text as XML 1.0 has it: no control character but line ends."""
    return escape("\n".join(harmless(line) for line in text.split("\n")))


def _attribute(text: str) -> str:
    return quoteattr(harmless(text))
