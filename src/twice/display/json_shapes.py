"""What does `--json` print?  Runs, comparisons and verdicts in, plain data for strict JSON out.

Every shape is an object with `schema_version` (1). Keys are never taken away or given another meaning within a version;
new ones may come. Numbers that JSON lacks are the strings "NaN", "Infinity" and "-Infinity"; times are UTC, ISO 8601; a
path that is not printable UTF-8 is quoted as git quotes it. A fact that was not captured is null, or its key is missing
inside the record's own mappings (`code`, `seeds`, `environment`, …), which are as in the files of the record.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from twice.comparison.needs import Need
from twice.comparison.sections import Comparison
from twice.comparison.verdict import Verdict
from twice.record.model import Run
from twice.record.operations import Operation, verdicts
from twice.record.plain import clean_text, to_plain
from twice.record.summary import RunSummary, summarise_run, summary_to_plain
from twice.textforms import format_time

SCHEMA_VERSION = 1


def run_json(run: Run, *, commit: str | None = None, operations: Sequence[Operation] = ()) -> dict[str, Any]:
    """One run, whole: the facts of run.yaml, then params, metrics, seeds, inputs, outputs, environment, verdicts.

    `params` are nested as the user gave them; each of `metrics` has last, min, max, mean, count and steps; `commit` is
    the run's commit, where the caller knows it.
    """
    execution = to_plain(run.execution, "run.yaml")
    data = to_plain(run.data, "data.yaml")
    params = to_plain(run.params, "params.yaml")
    environment = run.environment
    shape: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "commit": commit}
    keys = [field.name for field in fields(run.execution) if field.name not in ("format", "extra")]
    shape.update({key: execution.get(key, _EMPTY.get(key)) for key in keys})
    shape.update(
        params=params.get("values", {}),
        param_sources=params.get("sources", {}),
        metrics={name: to_plain(metric, "metrics.yaml") for name, metric in run.metrics.items()},
        seeds=to_plain(run.seeds, "seeds.yaml"),
        inputs=data.get("inputs", []),
        outputs=data.get("outputs", []),
        environment={
            "packages": environment.packages and to_plain(environment.packages, "packages.yaml"),
            "machine": environment.machine and to_plain(environment.machine, "machine.yaml"),
            "variables": dict(environment.variables),
        },
        verdicts=[{"at": format_time(one.at), "by": one.by, **one.facts} for one in verdicts(operations)],
        extra={key: value for key, value in execution.items() if key not in keys and key != "format"},
    )
    return strict_mapping(shape)


def runs_json(runs: Sequence[Run | RunSummary]) -> dict[str, Any]:
    """A list of runs under `runs`, each with `params` by dotted name and the last values of its `metrics`."""
    summaries = (summarise_run(run) if isinstance(run, Run) else run for run in runs)
    return strict_mapping({"schema_version": SCHEMA_VERSION, "runs": [summary_to_plain(each) for each in summaries]})


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """`a`, `b`, `identical`, `differs`, and under `sections` the name, state, summary and differences of each."""
    return strict_mapping(
        {
            "schema_version": SCHEMA_VERSION,
            "a": comparison.a,
            "b": comparison.b,
            "identical": comparison.identical,
            "differs": comparison.differs,
            "sections": [
                {**_fields(section), "differences": [_fields(each) for each in section.differences]}
                for section in comparison.sections
            ],
        }
    )


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """`original`, `again`, `outcome`, `tolerance`; the `rows`, `metrics`, `outputs`, `printed` and `causes` of the verdict."""
    return strict_mapping(
        {
            "schema_version": SCHEMA_VERSION,
            "original": verdict.original,
            "again": verdict.again,
            "outcome": verdict.outcome,
            "tolerance": _fields(verdict.tolerance),
            "rows": [_fields(row) for row in verdict.rows],
            "metrics": [_fields(metric) for metric in verdict.metrics],
            "outputs": [_fields(output) for output in verdict.outputs],
            "causes": list(verdict.causes),
            "printed": None if verdict.printed is None else _fields(verdict.printed),
        }
    )


def needs_json(run_id: str, needs: Sequence[Need]) -> dict[str, Any]:
    """`run`, `ready` (nothing is missing), and under `needs` the part, state, text and details of each."""
    return strict_mapping(
        {
            "schema_version": SCHEMA_VERSION,
            "run": run_id,
            "ready": all(need.state != "missing" for need in needs),
            "needs": [_fields(need) for need in needs],
        }
    )


_STRICT = frozenset((int, bool, type(None)))
_EMPTY: Mapping[str, Any] = {"tags": {}, "warnings": [], "resources": {}, "isolated": False, "directory": "."}


def _fields(facts: Any) -> dict[str, Any]:
    return {field.name: getattr(facts, field.name) for field in fields(facts)}


def strict_mapping(values: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping as strict JSON in UTF-8 has it: no NaN, no stray surrogates."""
    # `x - x` is 0 for finite numbers alone. Nearly all values are strict already: 10,000 runs have half a million.
    return {
        clean_text(str(key)): value
        if (kind := value.__class__) in _STRICT
        or (kind is float and value - value == 0)
        or (kind is str and value.isascii())
        else _strict(value)
        for key, value in values.items()
    }


def _strict(value: Any) -> Any:
    """The value as strict JSON in UTF-8 has it."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return strict_mapping(value)
    if isinstance(value, (list, tuple)):
        return [_strict(each) for each in value]
    return value
