"""What differs between two runs?  Two runs in, and the files that differ between their code; a `Comparison` out.

Times, host, user and id always differ and are never a difference. Comparing is two-sided (missing and extra), looks at
facts only and changes none of them; comparing b with a is the mirror of comparing a with b.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from twice.comparison.code import FileChange, compare_code
from twice.comparison.environments import compare_environment, compare_machine
from twice.comparison.files import compare_inputs, compare_outputs
from twice.comparison.histories import Histories
from twice.comparison.metrics import compare_metrics
from twice.comparison.sections import (
    Comparison,
    Difference,
    Section,
    changed,
    compare_mappings,
    count,
    describe_text,
    describe_value,
    make_section,
)

if TYPE_CHECKING:
    from twice.record.model import Execution, Run

__all__ = ["Comparison", "Difference", "FileChange", "Section", "compare"]


def compare(a: Run, b: Run, code_changes: Sequence[FileChange] = (), histories: Histories | None = None) -> Comparison:
    """What differs between run `a` and run `b`.

    `code_changes` are all files that differ between the trees of their code (those that are outputs are left out here);
    `histories` gives the logged values of a metric, to name the first step that differs.
    """
    return Comparison(
        a=a.id,
        b=b.id,
        sections=(
            _compare_command(a.execution, b.execution),
            compare_code(a, b, code_changes),
            compare_environment(a, b),
            compare_machine(a, b),
            compare_inputs(a, b),
            _compare_params(a, b),
            _compare_seeds(a, b),
            compare_metrics(a, b, histories),
            compare_outputs(a, b),
            _compare_execution(a.execution, b.execution),
        ),
    )


def _compare_command(a: Execution, b: Execution) -> Section:
    differences = []
    if a.command != b.command:
        differences.append(Difference(name="command", kind="changed", a=shlex.join(a.command), b=shlex.join(b.command)))
    if a.directory != b.directory:
        differences.append(changed("directory", a.directory, b.directory))
    return make_section("command", differences, describe=lambda each: _describe_command(each, a.command, b.command))


def _describe_command(difference: Difference, a: Sequence[str], b: Sequence[str]) -> str:
    """Only the words that differ, when the two commands are equally long; else how the commands read."""
    if difference.name != "command":
        return describe_text(difference)
    if len(a) == len(b):
        pairs = [(was, now) for was, now in zip(a, b, strict=True) if was != now]
        return ", ".join(f"{shlex.quote(was)} → {shlex.quote(now)}" for was, now in pairs)
    return f"{difference.a} → {difference.b}"


def _compare_params(a: Run, b: Run) -> Section:
    was, now = a.params.flat(), b.params.flat()
    return make_section("params", compare_mappings(was, now), same=count(len(was), "param") if was else "none")


def _compare_seeds(a: Run, b: Run) -> Section:
    was, now = a.seeds, b.seeds
    if was.root is None and now.root is None:
        return make_section("seeds", (), unknown=["seeding was switched off in both runs"])
    if was.root is None or now.root is None:
        off = "first" if was.root is None else "second"
        difference = changed("root seed", was.root, now.root, f"seeding was switched off in the {off} run")
        return make_section("seeds", [difference], describe=lambda each: each.note)
    processes = compare_mappings(_seeded(a), _seeded(b))
    if was.root != now.root:
        difference = changed("root seed", was.root, now.root, "each run draws a fresh one unless told otherwise")
        return make_section("seeds", [difference, *processes], describe=_describe_seed)
    unknown = [f"not applied: {reason}" for reason in dict.fromkeys(was.not_applied + now.not_applied)]
    if not (was.processes and now.processes):
        unknown.append(f"same root seed ({was.root}), but no process reported that it was applied")
    return make_section("seeds", processes, same=f"root {was.root}", unknown=unknown)


def _seeded(run: Run) -> dict[str, list[str]]:
    """Process key → what was seeded there; a key that reported twice is counted."""
    found: dict[str, list[str]] = {}
    for process in run.seeds.processes:
        name = f"process {process.key}"
        while name in found:
            name += " again"
        found[name] = sorted(process.seeded)
    return found


def _describe_seed(difference: Difference) -> str:
    return "each run drew its own root seed" if difference.name == "root seed" else describe_value(difference)


def _compare_execution(a: Execution, b: Execution) -> Section:
    differences = compare_mappings(_ending(a), _ending(b))
    unknown = ["the exit code was never learned"] if a.exit_code is None and b.exit_code is None else []
    return make_section(
        "execution", differences, same=f"{a.status}, exit {a.exit_code}", unknown=unknown, describe=describe_text
    )


def _ending(execution: Execution) -> dict[str, str | int]:
    code = "unknown" if execution.exit_code is None else execution.exit_code
    facts = {"status": execution.status, "exit code": code, "signal": execution.signal}
    return {name: value for name, value in facts.items() if value is not None}
