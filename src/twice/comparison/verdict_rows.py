"""What does the table of a reproduction say?  Comparison and results in, one `VerdictRow` a part out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from twice.comparison.code import describe_code
from twice.comparison.files import describe_file, short_sha
from twice.comparison.printed import Printed
from twice.comparison.results import AGREEING, MetricVerdict, OutputVerdict
from twice.comparison.sections import (
    NAMED,
    Comparison,
    Difference,
    Section,
    SectionName,
    count,
    describe_text,
    enumerate_some,
)
from twice.comparison.tolerance import Tolerance
from twice.comparison.values import is_number
from twice.frozen import frozen
from twice.textforms import format_distinct, format_duration

if TYPE_CHECKING:
    from twice.record.model import Run

Part = Literal["code", "environment", "data", "execution", "results"]
RowState = Literal["identical", "equivalent", "differs", "unknown"]

_CONDITIONS: tuple[SectionName, ...] = ("command", "params", "seeds")


@frozen
class VerdictRow:
    """One line of the table: what was looked at, how it is, in words; the details are what the line had no room for."""

    part: Part
    state: RowState
    text: str
    details: tuple[str, ...] = ()


def make_rows(
    original: Run,
    again: Run,
    comparison: Comparison,
    metrics: Sequence[MetricVerdict],
    outputs: Sequence[OutputVerdict],
    tolerance: Tolerance,
    printed: Printed | None = None,
) -> tuple[VerdictRow, ...]:
    """The five rows, in the order of the flow."""
    return (
        _section_row("code", comparison.section("code")),
        _environment_row(comparison),
        _section_row("data", comparison.section("data")),
        _execution_row(original, again, comparison),
        _results_row(metrics, outputs, tolerance, comparison, printed),
    )


def add_remark(row: VerdictRow, remark: str | None) -> VerdictRow:
    """The row with the caller's remark, inside the parentheses of its text if that ends in some."""
    if not remark:
        return row
    return replace(row, text=f"{row.text[:-1]}, {remark})" if row.text.endswith(")") else f"{row.text} ({remark})")


def same_exit(original: Run, again: Run) -> bool:
    """Whether both ended the same way; an exit code that was never learned agrees with none."""
    was, now = original.execution, again.execution
    return was.exit_code is not None and (was.exit_code, was.signal) == (now.exit_code, now.signal)


def _section_row(part: Part, section: Section) -> VerdictRow:
    details = [_describe(section, each) for each in section.differences]
    summary = section.summary
    if len(details) <= NAMED:
        details = []  # the summary names them
    if part == "data" and all(each.kind == "removed" for each in section.differences):
        summary = summary.removeprefix("differs: ")  # "missing data/train.csv (sha256 …)" says it
    return VerdictRow(part=part, state=section.state, text=summary, details=tuple(details))


def _environment_row(comparison: Comparison) -> VerdictRow:
    """Environment and machine in one line: what differs leads."""
    environment, machine = comparison.section("environment"), comparison.section("machine")
    if machine.state == "identical":
        return _section_row("environment", environment)
    details = [
        _describe(section, each)
        for section in (environment, machine)
        for each in section.differences
        if len(section.differences) > NAMED
    ]
    if environment.state == machine.state:
        words = machine.summary.removeprefix(f"{machine.state}: ")
        text = f"{environment.summary}; {words}"
    elif environment.state == "differs":
        text = f"{environment.summary}; machine {machine.summary}"
    else:
        text = f"{machine.summary}; packages {environment.summary}"
    state: RowState = "differs" if "differs" in (environment.state, machine.state) else "unknown"
    return VerdictRow(part="environment", state=state, text=text, details=tuple(details))


def _execution_row(original: Run, again: Run, comparison: Comparison) -> VerdictRow:
    was, now = original.execution, again.execution
    took = f"{format_duration(now.duration_s)} (was {format_duration(was.duration_s)})"
    state: RowState = "identical"
    if same_exit(original, again):
        ending = f"{_ending(again)}, as before"
    else:
        state = "unknown" if was.exit_code is None and now.exit_code is None else "differs"
        ending = f"{_ending(again)} (was {_ending(original)})"
    others = [comparison.section(name) for name in _CONDITIONS]
    for section in others:
        if section.state == "differs":
            state = "equivalent" if section.name == "command" and state == "identical" else "differs"
    text = "; ".join([ending, took] + [f"other {each.name}" for each in others if each.state == "differs"])
    details = [f"{each.name} {each.summary}" for each in others if each.state != "identical"]
    return VerdictRow(part="execution", state=state, text=text, details=tuple(details))


def _ending(run: Run) -> str:
    execution = run.execution
    if execution.signal:
        return f"killed by {execution.signal}"
    if execution.exit_code is None:
        return f"{execution.status}, exit code unknown"
    return f"exit {execution.exit_code}"


def _results_row(
    metrics: Sequence[MetricVerdict],
    outputs: Sequence[OutputVerdict],
    tolerance: Tolerance,
    comparison: Comparison,
    printed: Printed | None,
) -> VerdictRow:
    section = comparison.section("outputs")
    doubts = (f"outputs {section.summary}",) if section.state == "unknown" else ()
    if not metrics and not outputs and printed is not None and printed.lines:
        return _printed_row(printed, doubts)
    if not metrics and not outputs:
        text = "unknown: nothing to compare but the exit code"
        return VerdictRow(part="results", state="unknown", text=text, details=doubts)
    states = [*(each.state for each in metrics), *(each.state for each in outputs)]
    state = _results_state([*states, *("unknown" for _ in doubts)])
    parts = _metric_words(metrics, tolerance) + _output_words(outputs)
    details = [_describe_metric(each, tolerance) for each in metrics if each.state != "bit-exact"]
    details += [_describe_output(each) for each in outputs if each.state != "byte-identical"]
    if printed is not None and printed.state == "differs":
        details.append(f"printed differently: {printed.text}")
    return VerdictRow(part="results", state=state, text=f"{state}: {_join(parts)}", details=(*details, *doubts))


def _printed_row(printed: Printed, doubts: tuple[str, ...]) -> VerdictRow:
    """Of a run that left nothing but what it printed; doubts about files that nobody saw keep it from being identical."""
    lines = count(printed.lines, "line")
    if printed.state == "differs":
        text = f"differs: printed output, {printed.text}"
        return VerdictRow(part="results", state="differs", text=text, details=doubts)
    same = (
        f"printed output the same ({lines})"
        if printed.state == "identical"
        else f"printed output, {lines}: {printed.text}"
    )
    state: RowState = "unknown" if doubts else printed.state
    return VerdictRow(part="results", state=state, text=f"{state}: {same}", details=doubts)


def _join(parts: Sequence[str]) -> str:
    """The parts with commas, or with semicolons when there are commas in them."""
    return ("; " if any("," in part for part in parts) else ", ").join(parts)


def _results_state(states: Sequence[str]) -> RowState:
    if any(state not in AGREEING for state in states):
        return "differs"
    if "unknown" in states:
        return "unknown"
    return "identical" if all(state in ("bit-exact", "byte-identical") for state in states) else "equivalent"


def _metric_words(metrics: Sequence[MetricVerdict], tolerance: Tolerance) -> list[str]:
    """`5 of 6 metrics bit-exact`, `1 within tolerance (rtol 0.001, from --rtol)`, `loss diverged`."""
    if not metrics:
        return []
    names = _by_state(metrics)
    words = [f"{len(names.get('bit-exact', ()))} of {count(len(metrics), 'metric')} bit-exact"]
    if "within tolerance" in names:
        words.append(f"{len(names['within tolerance'])} within tolerance ({tolerance.describe()})")
    if "within noise" in names:
        words.append(f"{len(names['within noise'])} within noise (of the original's two executions)")
    words += [f"{enumerate_some(names[state])} {state}" for state in ("diverged", "missing", "extra") if state in names]
    return words


def _output_words(outputs: Sequence[OutputVerdict]) -> list[str]:
    """`1 of 2 outputs byte-identical`, `model.pkl differs`."""
    if not outputs:
        return []
    paths: dict[str, list[str]] = {}
    for output in outputs:
        paths.setdefault(output.state, []).append(output.path)
    words = [f"{len(paths.get('byte-identical', ()))} of {count(len(outputs), 'output')} byte-identical"]
    if "same content" in paths:
        words.append(f"{len(paths['same content'])} with the same content")
    if "within noise" in paths:
        words.append(f"{len(paths['within noise'])} within noise (of the original's two executions)")
    words += [f"{enumerate_some(paths[s])} {s}" for s in ("differs", "missing", "extra", "unknown") if s in paths]
    return words


def _by_state(metrics: Sequence[MetricVerdict]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for metric in metrics:
        names.setdefault(metric.state, []).append(metric.name)
    return names


def _describe_metric(verdict: MetricVerdict, tolerance: Tolerance) -> str:
    """`loss 0.1 → 0.2, off by 0.1 (relative 1), first differs at step 3`."""
    if verdict.now is None or verdict.was is None:
        if verdict.note:
            return f"{verdict.name} {verdict.state}: {verdict.note}"
        value = verdict.was if verdict.state == "missing" else verdict.now
        return f"{verdict.name} {verdict.state} ({format_distinct([value])[0]})"
    was, now = format_distinct([verdict.was, verdict.now])
    values = f"{was} → {now}" if was != now else f"last value {now}, as before"
    words = [f"{verdict.name} {verdict.state}: {values}"]
    if verdict.distance:
        words.append(f"off by {verdict.distance:.3g}{_relative(verdict)}")
    if verdict.note:
        words.append(verdict.note)
    if verdict.first_diverging_step is not None:
        words.append(f"first differs at step {verdict.first_diverging_step}")
    bounds = tolerance.describe(verdict.name)
    if verdict.state == "diverged" and bounds != "exact":
        words.append(f"beyond {bounds}")
    elif tolerance.per_metric:
        words.append(bounds)
    return ", ".join(words)


def _relative(verdict: MetricVerdict) -> str:
    if not is_number(verdict.was) or not verdict.was or verdict.distance is None:
        return ""
    try:
        relative = verdict.distance / abs(verdict.was)
    except OverflowError:
        return ""
    return f" (relative {relative:.1e})" if math.isfinite(relative) else ""


def _describe_output(verdict: OutputVerdict) -> str:
    if verdict.note:
        return f"{verdict.path} {verdict.state}: {verdict.note}"
    if verdict.was is None or verdict.now is None:
        return f"{verdict.path} {verdict.state} (sha256 {short_sha(verdict.was or verdict.now or '')})"
    return f"{verdict.path} {verdict.state}: {short_sha(verdict.was)} → {short_sha(verdict.now)}"


def _describe(section: Section, difference: Difference) -> str:
    if section.name == "data":
        return describe_file(difference)
    if section.name == "code":
        return describe_code(difference)
    return describe_text(difference)
