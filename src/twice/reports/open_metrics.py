"""Which numbers does GitLab's metrics widget compare?  The metrics of runs in, the text of `metrics.txt` out.

OpenMetrics 1.0 text format: one gauge a metric, its last value. A name that the format does not allow is written with
underscores, and as it was in a label. Where there are several runs, a label says which one it is: its name, if it has one,
for the widget finds a metric of the target branch by its labels, and an id is never the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from twice.comparison.values import as_float
from twice.display.characters import harmless

if TYPE_CHECKING:
    from twice.record.model import Run

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def open_metrics(run: Run) -> str:
    """The text for one run, ended as the format asks."""
    return open_metrics_of({"": run})


def open_metrics_of(runs: Mapping[str, Run]) -> str:
    """The text for several runs, by the word that stands for each in the labels."""
    lines = []
    for word, run in runs.items():
        for name in sorted(run.metrics):
            allowed = re.sub(r"[^a-zA-Z0-9_]", "_", name)
            allowed = allowed if _NAME.fullmatch(allowed) else f"_{allowed}"
            labels = [] if allowed == name else [f'metric="{_label(name)}"']
            labels += [f'run="{_label(word)}"'] if word else []
            label = f"{{{','.join(labels)}}}" if labels else ""
            lines.append((allowed, f"{allowed}{label} {_number(run.metrics[name].last)}"))
    # Lines of one family stand together, as the format asks.
    return "\n".join([line for _, line in sorted(lines)] + ["# EOF"]) + "\n"


def _label(text: str) -> str:
    return harmless(text).replace("\\", "\\\\").replace('"', '\\"')


def _number(value: float | int) -> str:
    number = as_float(value)
    if math.isfinite(number):
        return repr(value)
    return "NaN" if math.isnan(number) else "+Inf" if number > 0 else "-Inf"
