"""What two executions tell of noise, and how a later reproduction is judged by it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sample_runs import file, make_run, metric, points
from twice.comparison.differences import compare
from twice.comparison.tolerance import EXACT, Tolerance
from twice.comparison.two_executions import describe_noise, mark_noise
from twice.comparison.verdict import Verdict, judge
from twice.record.model import Data, Noise, Run


def of(metrics: dict[str, Any], outputs: list[Any] = [], tail: str = "aaaaaa") -> Run:  # noqa: B006
    return make_run(tail, metrics=metrics, data=Data(outputs=tuple(outputs)))


def judged(original: Run, again: Run, tolerance: Tolerance = EXACT) -> Verdict:
    again = replace(again, execution=replace(again.execution, id="20261121-142233-cccccc"))
    return judge(original, again, compare(original, again), tolerance)


NOISY = replace(metric(1.0), noise=Noise(state="noisy", last=1.1, spread=0.1))


def test_each_result_is_marked() -> None:
    first = of({"a": metric(1.0), "b": metric(2.0, max=5.0), "gone": metric(1.0)}, [file("m", "a"), file("n", "b")])
    second = of({"a": metric(1.0), "b": metric(2.5, max=4.0), "new": metric(1.0)}, [file("m", "a"), file("n", "c")])
    marked = mark_noise(first, second)
    assert {name: one.noise for name, one in marked.metrics.items()} == {
        "a": Noise(state="deterministic"),
        "b": Noise(state="noisy", last=2.5, spread=1.0),
        "gone": Noise(state="missing"),
    }
    assert [one.noise for one in marked.data.outputs] == ["deterministic", "noisy"]
    assert marked.execution.executions == 2
    assert marked.execution.warnings == ("only the second execution had new",)
    assert describe_noise(marked) == (
        "1 of 3 metrics and 1 of 2 outputs deterministic; noisy: b (±1), gone (missing the second time), n"
    )


def test_the_first_diverging_step_and_the_same_content_are_kept() -> None:
    first, second = of({"a": metric(3.0)}, [file("m", "a")]), of({"a": metric(3.0)}, [file("m", "b")], "bbbbbb")
    histories = {first.id: {"a": points(1, 2, 3)}, second.id: {"a": points(1, 9, 3)}}
    marked = mark_noise(first, second, histories, {"m": "same pixels"})
    assert marked.metrics["a"].noise == Noise(state="noisy", last=3.0, spread=0.0, first_diverging_step=1)
    assert marked.data.outputs[0].noise == "same content"


def test_a_spread_that_is_not_finite_is_none() -> None:
    marked = mark_noise(of({"a": metric(1.0)}), of({"a": metric(float("nan"))}))
    assert marked.metrics["a"].noise is not None and marked.metrics["a"].noise.spread is None
    assert judged(marked, of({"a": metric(1.5)})).outcome == "diverged"


@pytest.mark.parametrize(
    ("now", "state", "said"),
    [
        (1.0, "bit-exact", ""),
        (1.25, "within noise", "noise of the original: 3 × 0.1"),
        (0.75, "within noise", "noise of the original: 3 × 0.1"),
        (1.4, "diverged", "more than its noise (3 × 0.1)"),
        (float("nan"), "diverged", "more than its noise"),
    ],
)
def test_a_noisy_metric_is_judged_by_its_noise_and_it_is_said(now: float, state: str, said: str) -> None:
    verdict = judged(of({"a": NOISY}), of({"a": metric(now)}))
    assert verdict.metrics[0].state == state
    assert said in verdict.metrics[0].note
    results = next(row for row in verdict.rows if row.part == "results")
    assert results.state == {"bit-exact": "identical", "within noise": "equivalent", "diverged": "differs"}[state]
    assert ("within noise (of the original's two executions)" in results.text) is (state == "within noise")


def test_a_deterministic_metric_stays_exact_and_a_tolerance_comes_first() -> None:
    still = replace(metric(1.0), noise=Noise(state="deterministic"))
    verdict = judged(of({"a": still}), of({"a": metric(1.0000001)}))
    assert (verdict.metrics[0].state, verdict.metrics[0].note) == (
        "diverged",
        "the original's two executions were the same",
    )
    wide = Tolerance(rtol=0.5, origin="--rtol")
    assert judged(of({"a": NOISY}), of({"a": metric(1.2)}), wide).metrics[0].state == "within tolerance"


def test_another_number_of_values_is_no_noise() -> None:
    assert judged(of({"a": NOISY}), of({"a": metric(1.05, count=3)})).metrics[0].state == "diverged"


def test_noisy_and_missing_outputs() -> None:
    original = of(
        {}, [file("n", "a", noise="noisy"), file("m", "a", noise="missing"), file("s", "a", noise="deterministic")]
    )
    verdict = judged(original, of({}, [file("n", "b"), file("s", "b")]))
    assert {one.path: one.state for one in verdict.outputs} == {
        "m": "within noise",
        "n": "within noise",
        "s": "differs",
    }
    assert judged(original, of({}, [file("n", "b"), file("s", "a")])).reproduced
    gone = of({"a": replace(metric(1.0), noise=Noise(state="missing"))})
    assert judged(gone, of({})).metrics[0].state == "within noise"
