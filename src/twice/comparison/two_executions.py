"""Which results of a run are deterministic?  Two executions of it in; the first, each result marked, out.  Pure.

Both had the same code, data, environment and seeds, on one machine: what differs between them is noise that a later
reproduction may show as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from twice.comparison.histories import Histories
from twice.comparison.metrics import SUMMARY
from twice.comparison.results import MetricVerdict, OutputVerdict, judge_metrics, judge_outputs
from twice.comparison.sections import count, enumerate_some
from twice.comparison.tolerance import EXACT
from twice.comparison.values import change
from twice.record.model import DataFile, Metric, Noise

if TYPE_CHECKING:
    from twice.record.model import Run


def mark_noise(
    first: Run, second: Run, histories: Histories | None = None, same_content: Mapping[str, str] | None = None
) -> Run:
    """The first run with the noise of each metric and output; what only the second has becomes a warning.

    `same_content` is as for `comparison.verdict.judge`.
    """
    first = replace(first, metrics={name: replace(metric, noise=None) for name, metric in first.metrics.items()})
    of_metrics = {one.name: one for one in judge_metrics(first, second, EXACT, histories)}
    of_outputs = {one.path: one for one in judge_outputs(first, second, same_content)}
    metrics = {
        name: replace(metric, noise=_noise_of_metric(metric, second.metrics.get(name), of_metrics[name]))
        for name, metric in first.metrics.items()
    }
    outputs = tuple(_marked(output, of_outputs.get(output.path)) for output in first.data.outputs)
    extra = [one.name for one in of_metrics.values() if one.state == "extra"]
    extra += [one.path for one in of_outputs.values() if one.state == "extra"]
    warnings = first.execution.warnings
    if extra:
        warnings = (*warnings, f"only the second execution had {enumerate_some(extra)}")
    return replace(
        first,
        metrics=metrics,
        data=replace(first.data, outputs=outputs),
        execution=replace(first.execution, executions=2, warnings=warnings),
    )


def describe_noise(run: Run) -> str:
    """`6 of 7 metrics and 2 of 3 outputs deterministic; noisy: loss (±0.003, from step 4), model.pkl`."""
    noises = {name: metric.noise for name, metric in run.metrics.items() if metric.noise is not None}
    outputs = {one.path: one.noise for one in run.data.outputs if one.noise is not None}
    parts = []
    if noises:
        same = sum(noise.state == "deterministic" for noise in noises.values())
        parts.append(f"{same} of {count(len(noises), 'metric')}")
    if outputs:
        same = sum(noise in ("deterministic", "same content") for noise in outputs.values())
        parts.append(f"{same} of {count(len(outputs), 'output')}")
    if not parts:
        return "the two executions left nothing to compare"
    noisy = [f"{name} ({describe_metric_noise(noise)})" for name, noise in noises.items() if noise.state == "noisy"]
    noisy += [f"{name} (missing the second time)" for name, noise in noises.items() if noise.state == "missing"]
    noisy += [path for path, noise in outputs.items() if noise == "noisy"]
    noisy += [f"{path} (missing the second time)" for path, noise in outputs.items() if noise == "missing"]
    text = f"{' and '.join(parts)} deterministic"
    return f"{text}; noisy: {enumerate_some(noisy, 6)}" if noisy else text


def describe_metric_noise(noise: Noise) -> str:
    """`±0.003 from step 4`: the distance of the two executions, and the first step at which they parted."""
    spread = "not finite" if noise.spread is None else f"±{noise.spread:.3g}"
    return spread if noise.first_diverging_step is None else f"{spread} from step {noise.first_diverging_step}"


def _noise_of_metric(first: Metric, second: Metric | None, verdict: MetricVerdict) -> Noise:
    if second is None:
        return Noise(state="missing")
    if verdict.state == "bit-exact":
        return Noise(state="deterministic")
    distances = [change(getattr(first, part), getattr(second, part)) for part in SUMMARY]
    known = [abs(distance) for distance in distances if distance is not None]
    return Noise(
        state="noisy",
        last=second.last,
        spread=max(known) if len(known) == len(distances) else None,
        first_diverging_step=verdict.first_diverging_step,
    )


def _marked(output: DataFile, verdict: OutputVerdict | None) -> DataFile:
    if verdict is None or verdict.state in ("unknown", "extra"):
        return output
    if verdict.state == "byte-identical":
        return replace(output, noise="deterministic")
    if verdict.state == "same content":
        return replace(output, noise="same content")
    return replace(output, noise="missing" if verdict.state == "missing" else "noisy")
