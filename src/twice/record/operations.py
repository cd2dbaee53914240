"""What is said of a run after it was recorded?  Operations, one line of JSON each, and back.

A run never changes; what is added to it later (a verdict of a reproduction, a tag, a name, an archive mark) is appended:

    {"at": "2026-11-21T14:22:33.000000Z", "by": "Ada <ada@example.org>", "op": "verdict", "outcome": "reproduced", …}

`at` comes first, so that lines sort by time. Lines that are no operation are passed over, and whoever reads operations
passes over those that it does not know.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Any

from twice.frozen import frozen
from twice.textforms import format_time, parse_time

VERDICT = "verdict"
"""A reproduction: `outcome` (reproduced, diverged), `run` (id of the repeating run), `machine` (its host), `results` in words,
`parts` (code, environment, data, execution, results → identical, equivalent, differs, unknown)."""


@frozen
class Operation:
    """One thing that somebody said of a run; `facts` are what an operation of its kind says."""

    at: datetime
    by: str  # `Name <email>`, as git would sign it
    op: str
    facts: Mapping[str, Any] = field(default_factory=dict)


def operation_line(operation: Operation) -> bytes:
    """The line, without its end."""
    plain = {"at": format_time(operation.at), "by": operation.by, "op": operation.op, **operation.facts}
    # Bytes that are not UTF-8 (in a name, a path) stay escaped: a note is text.
    return json.dumps(plain, ensure_ascii=False).encode("utf-8", "backslashreplace")


def parse_operations(note: bytes) -> tuple[Operation, ...]:
    """The operations in the text of a note, oldest first."""
    found = []
    for line in note.split(b"\n"):
        try:
            facts = json.loads(line)
            at, by, op = parse_time(facts.pop("at")), facts.pop("by"), facts.pop("op")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
        if isinstance(by, str) and isinstance(op, str):
            found.append(Operation(at=at, by=by, op=op, facts=facts))
    return tuple(sorted(found, key=lambda one: one.at))


def verdicts(operations: Iterable[Operation]) -> list[Operation]:
    """The verdicts, oldest first, one for each repeating run."""
    found = {one.facts["run"]: one for one in operations if one.op == VERDICT and isinstance(one.facts.get("run"), str)}
    return sorted(found.values(), key=lambda one: one.at)


def count_verdicts(operations: Sequence[Operation]) -> tuple[int, int]:
    """How many reproductions came out the same, and how many did not."""
    outcomes = [one.facts.get("outcome") for one in verdicts(operations)]
    return outcomes.count("reproduced"), outcomes.count("diverged")
