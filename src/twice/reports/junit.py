"""How does a CI system that knows tests see a review?  JUnit's XML: one test case for the run, one for each gate.

The shape that Jenkins, GitLab and GitHub's actions read: testsuites > testsuite > testcase > failure.
"""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from twice.display.characters import harmless
from twice.reports.outline import outline
from twice.reports.review import Review


def junit(review: Review) -> str:
    """The XML document."""
    told = outline(review)
    run = review.b.execution
    ended_well = run.status == "finished"
    cases = [
        _case("the run finished", run.duration_s, None if ended_well else f"{run.status}, exit code {run.exit_code}")
    ]
    cases += [
        _case(f"not {gate.condition}", 0.0, gate.reason or "the condition holds" if gate.failed else None)
        for gate in review.gates
    ]
    failures = int(not ended_well) + sum(gate.failed for gate in review.gates)
    said = "\n".join(
        [
            *(" ".join(side).strip() for side in told.sides),
            told.context,
            *(" | ".join(cell or "-" for cell in row) for row in told.rows),
            *told.notes,
        ]
    )
    name = _attribute(f"twice: {told.subject[0]} vs {told.subject[1]}")
    counts = f'tests="{len(cases)}" failures="{failures}" errors="0" time="{run.duration_s:.3f}"'
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f"<testsuites {counts}>",
            f"  <testsuite name={name} {counts}>",
            *cases,
            f"    <system-out>{_text(said)}</system-out>",
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
