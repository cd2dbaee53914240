"""Reviews to render, made from sample runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twice.comparison.differences import compare
from twice.comparison.gates import GateResult
from twice.comparison.noise import seed_noise
from twice.comparison.replicates import pair_replicates
from twice.display.ids import shorten_ids
from twice.record.model import Run
from twice.reports.review import Review

PATCH = """\
diff --git a/train.py b/train.py
index 1..2 100644
--- a/train.py
+++ b/train.py
@@ -1 +1 @@
-lr = 0.1
+lr = 0.2
"""


def make_review(
    a: Run,
    b: Run,
    others: Sequence[Run] = (),
    changes: Sequence[Any] = (),
    gates: Sequence[GateResult] = (),
    **facts: Any,
) -> Review:
    replicates = pair_replicates(a, b, others, lambda one, other: False)
    return Review(
        **{
            "a": a,
            "b": b,
            "comparison": compare(a, b, changes),
            "replicates": replicates,
            "noises": seed_noise(replicates, a, b),
            "ids": shorten_ids([a.id, b.id]),
            "key": "@~1..@",
            "gates": tuple(gates),
            **facts,
        }
    )
