"""What does `--json` print of comparisons beyond two runs?  The manner of `json_shapes`: versioned, strict, never narrowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twice.comparison.noise import Sample, SeedNoise
from twice.comparison.side_by_side import Row, SideBySide
from twice.display.json_shapes import SCHEMA_VERSION, strict_mapping


def side_by_side_json(side: SideBySide) -> dict[str, Any]:
    """`runs` (ids), and under `facts`, `params` and `metrics` each row's name, whether it differs, and value by run id.

    `groups` are runs that differ in the seed alone: their ids, how many replicates there are in all, and by metric mean,
    standard deviation and n.
    """
    return strict_mapping(
        {
            "schema_version": SCHEMA_VERSION,
            "runs": list(side.runs),
            "differs": side.differs,
            "facts": [_row(row) for row in side.facts],
            "params": [_row(row) for row in side.params],
            "metrics": [{**_row(row), "best": list(row.best)} for row in side.metrics],
            "groups": [
                {
                    "runs": list(group.runs),
                    "n": group.n,
                    "metrics": {name: sample_json(one) for name, one in group.metrics.items()},
                }
                for group in side.groups
            ],
        }
    )


def noise_json(noises: Mapping[str, SeedNoise]) -> dict[str, Any]:
    """By metric: the two samples, the difference of their means, the margin, and its `state`."""
    return strict_mapping(
        {
            name: {
                "a": sample_json(noise.a),
                "b": sample_json(noise.b),
                "delta": noise.delta,
                "margin": noise.margin,
                "state": noise.state,
                "same_group": noise.same,
            }
            for name, noise in noises.items()
        }
    )


def sample_json(one: Sample) -> dict[str, Any]:
    """`mean`, `spread` (standard deviation, null for one value), `n`."""
    return {"mean": one.mean, "spread": one.spread, "n": one.n}


def _row(row: Row) -> dict[str, Any]:
    return {"name": row.name, "differs": row.differs, "values": dict(row.values)}
