"""What a reproduction is called: reproduced or diverged, how near, from which step on, and what stays unknown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sample_runs import MACHINE, PACKAGES, distribution, file, make_run, metric, points
from twice.comparison.differences import compare
from twice.comparison.tolerance import EXACT, Tolerance
from twice.comparison.verdict import Verdict, VerdictRow, judge
from twice.errors import UsageError
from twice.record.model import Data, Environment, Params, Run, Seeds, Tracer

INF, NAN = float("inf"), float("nan")


def verdict_of(original: Run, again: Run, tolerance: Tolerance = EXACT, histories: Any = None, **more: Any) -> Verdict:
    return judge(original, again, compare(original, again, (), histories), tolerance, histories, **more)


def of_metrics(was: Any, now: Any, tolerance: Tolerance = EXACT, **more: Any) -> Verdict:
    a, b = (make_run(tail, metrics=each, data=Data()) for tail, each in (("aaaaaa", was), ("bbbbbb", now)))
    return verdict_of(a, b, tolerance, **more)


def row(verdict: Verdict, part: str) -> VerdictRow:
    return next(each for each in verdict.rows if each.part == part)


# ---------------------------------------------------------------------------------------------- the tolerance


@pytest.mark.parametrize(
    ("was", "now", "rtol", "atol", "allowed"),
    [
        (1.0, 1.0, 0, 0, True),
        (1.0, 1.0000001, 0, 0, False),
        (1.0, 1.1, 0.1001, 0, True),
        (1.0, 1.1, 0, 0.0999, False),
        (-1.0, -1.1, 0.1001, 0, True),
        (0.0, 1e-9, 0.5, 0, False),  # relative to the original, which is zero
        (0.0, 1e-9, 0, 1e-8, True),
        (0.0, -0.0, 0, 0, True),
        (NAN, NAN, 0, 0, True),
        (NAN, 1.0, 1, 1, False),
        (INF, INF, 0, 0, True),
        (INF, 1.0, 1, 1, False),
        (1.0, INF, 1, 1, False),
        (INF, -INF, 1, 1, False),
        (10**400, 10**400, 0, 0, True),
        (10**400, 10**400 + 1, 0.1, 0, False),
        (3, 3.0, 0, 0, True),
    ],
)
def test_a_value_passes_within_the_bounds_and_only_finite_values_come_near(
    was: float, now: float, rtol: float, atol: float, allowed: bool
) -> None:
    assert Tolerance(rtol=rtol, atol=atol).allows("m", was, now) is allowed


def test_the_name_of_a_metric_wins_over_patterns_and_those_over_the_rest() -> None:
    tolerance = Tolerance(rtol=0.1, per_metric={"val/*": (0.2, 0.0), "*": (0.3, 0.0), "val/loss": (0.4, 0.0)})
    assert [tolerance.bounds(name)[0] for name in ("val/loss", "val/acc", "loss")] == [0.4, 0.2, 0.3]
    assert Tolerance(rtol=0.1, per_metric={"val/*": (0.2, 0.0)}).bounds("loss") == (0.1, 0.0)


def test_a_tolerance_says_what_it_is_and_who_set_it() -> None:
    assert EXACT.describe() == "exact"
    assert Tolerance(rtol=1e-3, atol=1e-8, origin="--rtol").describe() == "rtol 0.001, atol 1e-08, from --rtol"
    per_metric = Tolerance(per_metric={"loss": (0.1, 0.0)}, origin="twice.toml")
    assert per_metric.describe() == "1 set per metric, from twice.toml"
    assert per_metric.describe("loss") == "rtol 0.1, from twice.toml"
    assert per_metric.describe("acc") == "exact"


@pytest.mark.parametrize("bound", [-0.1, NAN, INF])
def test_a_tolerance_is_zero_or_more_and_finite(bound: float) -> None:
    for wrong in ({"rtol": bound}, {"atol": bound}, {"per_metric": {"loss": (bound, 0.0)}}):
        with pytest.raises(UsageError):
            Tolerance(**wrong)


# ------------------------------------------------------------------------------------------------ the metrics


@pytest.mark.parametrize(
    ("was", "now", "rtol", "state", "distance"),
    [
        (metric(1.0), metric(1.0), 0, "bit-exact", 0.0),
        (metric(1), metric(1.0), 0, "bit-exact", 0.0),
        (metric(NAN), metric(NAN), 0, "bit-exact", None),
        (metric(0.0), metric(-0.0), 0, "within tolerance", 0.0),
        (metric(1.0), metric(1.25), 0, "diverged", 0.25),
        (metric(1.0), metric(1.25), 0.5, "within tolerance", 0.25),
        (metric(1.0), metric(1.25), 0.1, "diverged", 0.25),
        (metric(1.0), metric(NAN), 0.5, "diverged", None),
        (metric(1.0, mean=1.0), metric(1.0, mean=2.0), 0, "diverged", 0.0),
        (metric(1.0, mean=1.0), metric(1.0, mean=2.0), 0.5, "diverged", 0.0),
        (metric(1.0, count=2), metric(1.0, count=3), 0.5, "diverged", 0.0),
        (metric(1.0, min_step=2), metric(1.0, min_step=3), 0, "diverged", 0.0),
        (metric(1.0, min_step=2), metric(1.0, min_step=3), 0.5, "within tolerance", 0.0),
    ],
)
def test_a_metric_is_bit_exact_within_tolerance_or_diverged(
    was: Any, now: Any, rtol: float, state: str, distance: float | None
) -> None:
    verdict = of_metrics({"m": was}, {"m": now}, Tolerance(rtol=rtol))
    assert (verdict.metrics[0].state, verdict.metrics[0].distance) == (state, distance)
    assert verdict.reproduced == (state != "diverged")


def test_metrics_are_judged_both_ways() -> None:
    verdict = of_metrics(
        {"a": metric(1.0), "gone": metric(2.0)}, {"a": metric(1.0), "new": metric(3.0)}, Tolerance(atol=9)
    )
    assert [(each.name, each.state) for each in verdict.metrics] == [
        ("a", "bit-exact"),
        ("gone", "missing"),
        ("new", "extra"),
    ]
    assert verdict.outcome == "diverged"
    assert row(verdict, "results").text == "differs: 1 of 2 metrics bit-exact, gone missing, new extra".replace(
        "2", "3"
    )


def test_within_tolerance_is_equivalent_and_says_whose_tolerance_it_was() -> None:
    verdict = of_metrics({"loss": metric(1.0)}, {"loss": metric(1.0625)}, Tolerance(rtol=0.1, origin="--rtol"))
    assert row(verdict, "results") == VerdictRow(
        part="results",
        state="equivalent",
        text="equivalent: 0 of 1 metric bit-exact; 1 within tolerance (rtol 0.1, from --rtol)",
        details=("loss within tolerance: 1 → 1.0625, off by 0.0625 (relative 6.2e-02)",),
    )


def test_the_first_diverging_step_is_named_and_an_exact_run_has_none_even_in_its_history() -> None:
    histories = {
        "20261121-142233-aaaaaa": {"loss": points(3, 2, 1.5, 1)},
        "20261121-142233-bbbbbb": {"loss": points(3, 2, 1.25, 1)},
    }
    same = {"loss": metric(1.0)}
    verdict = of_metrics(same, same, histories=histories)
    assert (verdict.metrics[0].state, verdict.metrics[0].first_diverging_step) == ("diverged", 2)
    verdict = of_metrics(same, same, Tolerance(rtol=1e-6), histories=histories)
    assert (verdict.metrics[0].state, verdict.metrics[0].first_diverging_step) == ("within tolerance", 2)
    verdict = of_metrics(same, same)
    assert (verdict.metrics[0].state, verdict.metrics[0].first_diverging_step) == ("bit-exact", None)


# ------------------------------------------------------------------------------------------------ the outputs


def of_outputs(was: Any, now: Any, **more: Any) -> Verdict:
    tracers = more.pop("tracers", ("syscalls", "syscalls"))
    a, b = (
        make_run(tail, metrics={}, data=Data(outputs=tuple(each)), tracer=Tracer(name=tracer))
        for tail, each, tracer in zip(("aaaaaa", "bbbbbb"), (was, now), tracers, strict=True)
    )
    return verdict_of(a, b, **more)


def test_outputs_are_judged_both_ways_by_their_bytes() -> None:
    was = [file("same"), file("changed", "a"), file("gone"), file("never", sha256=None)]
    now = [file("same"), file("changed", "b"), file("new"), file("never", sha256=None)]
    verdict = of_outputs(was, now)
    assert [(each.path, each.state) for each in verdict.outputs] == [
        ("changed", "differs"),
        ("gone", "missing"),
        ("new", "extra"),
        ("same", "byte-identical"),
    ]
    assert not verdict.reproduced


def test_an_output_with_other_bytes_and_the_same_content_agrees_but_is_not_identical() -> None:
    verdict = of_outputs([file("m.npz", "a")], [file("m.npz", "b")], same_content={"m.npz": "same members"})
    assert (verdict.outputs[0].state, verdict.outcome) == ("same content", "reproduced")
    assert row(verdict, "results").text == "equivalent: 0 of 1 output byte-identical, 1 with the same content"


def test_an_output_that_the_other_tracer_may_have_missed_is_unknown() -> None:
    verdict = of_outputs([file("m", found=("opened",))], [], tracers=("syscalls", "python"))
    assert (verdict.outputs[0].state, verdict.outcome) == ("unknown", "reproduced")
    assert row(verdict, "results").state == "unknown"
    verdict = of_outputs([file("m", found=("git",))], [], tracers=("syscalls", "python"))
    assert verdict.outputs[0].state == "missing"


def test_nothing_to_compare_is_said_and_is_no_proof() -> None:
    verdict = of_outputs([], [])
    assert row(verdict, "results").text == "unknown: nothing to compare but the exit code"
    assert (row(verdict, "results").state, verdict.outcome) == ("unknown", "reproduced")
    verdict = verdict_of(
        make_run(metrics={}, data=Data()), make_run(metrics={}, data=Data(), exit_code=1, status="failed")
    )
    assert verdict.outcome == "diverged"


def test_outputs_that_nobody_looked_for_keep_the_results_from_being_identical() -> None:
    run = make_run(tracer=Tracer(name="off"), data=Data())
    results = row(verdict_of(run, run), "results")
    assert results.state == "unknown"
    assert results.text == "unknown: 2 of 2 metrics bit-exact"
    assert results.details == ("outputs unknown: opened files were not traced in both runs, and none were declared",)


# --------------------------------------------------------------------------------------------- the other rows


def test_another_environment_is_shown_but_does_not_make_a_run_diverge() -> None:
    packages = replace(PACKAGES, distributions=(distribution("numpy", "2.4.2"),))
    verdict = verdict_of(make_run(), make_run("bbbbbb", environment=Environment(packages=packages, machine=MACHINE)))
    assert verdict.reproduced
    assert row(verdict, "environment") == VerdictRow(
        part="environment",
        state="differs",
        text="differs: numpy 2.4.1 → 2.4.2, missing scipy 1.17.0 and 1 more",
        details=("numpy 2.4.1 → 2.4.2", "missing scipy 1.17.0", "missing variable OMP_NUM_THREADS 2"),
    )


@pytest.mark.parametrize(
    ("packages", "machine", "state", "text"),
    [
        (PACKAGES, MACHINE, "identical", "identical (2 distributions)"),
        (PACKAGES, replace(MACHINE, cores=4), "differs", "differs: cores 2 → 4; packages identical (2 distributions)"),
        (None, MACHINE, "unknown", "unknown: no Python process reported in from the second run"),
        (
            None,
            replace(MACHINE, cores=4),
            "differs",
            "differs: cores 2 → 4; packages unknown: no Python process reported in from the second run",
        ),
        (
            PACKAGES,
            None,
            "unknown",
            "unknown: the machine of the second run was not recorded; packages identical (2 distributions)",
        ),
        (
            None,
            None,
            "unknown",
            "unknown: no Python process reported in from the second run; the machine of the second run was not recorded",
        ),
    ],
)
def test_packages_and_machine_share_a_row(packages: Any, machine: Any, state: str, text: str) -> None:
    a, b = (
        make_run(environment=Environment(packages=p, machine=m)) for p, m in ((PACKAGES, MACHINE), (packages, machine))
    )
    found = row(verdict_of(a, b), "environment")
    assert (found.state, found.text) == (state, text)


def test_a_remark_of_the_caller_goes_into_the_row() -> None:
    run = make_run()
    verdict = verdict_of(run, run, remarks={"environment": "rebuilt", "code": "from a bundle"})
    assert row(verdict, "environment").text == "identical (2 distributions, 1 variable, rebuilt)"
    assert row(verdict, "code").text == "identical (from a bundle)"


def test_other_seeds_params_and_commands_are_shown_with_the_execution() -> None:
    again = make_run("bbbbbb", command=("/venv/bin/python", "train.py", "--lr", "0.1"))
    found = row(verdict_of(make_run(), again), "execution")
    assert (found.state, found.text) == ("equivalent", "exit 0, as before; 12.4 s (was 12.4 s); other command")
    assert found.details == ("command differs: python → /venv/bin/python",)
    again = make_run("bbbbbb", seeds=Seeds(), params=Params())
    found = row(verdict_of(make_run(), again), "execution")
    assert found.text == "exit 0, as before; 12.4 s (was 12.4 s); other params; other seeds"
    assert found.state == "differs"


def test_an_exit_code_that_was_never_learned_agrees_with_none() -> None:
    lost = make_run(status="interrupted", exit_code=None)
    verdict = verdict_of(lost, lost)
    assert (row(verdict, "execution").state, verdict.outcome) == ("unknown", "diverged")
    assert row(verdict, "execution").text.startswith(
        "interrupted, exit code unknown (was interrupted, exit code unknown)"
    )


def test_missing_data_is_named_with_its_hash() -> None:
    found = row(verdict_of(make_run(), make_run("bbbbbb", data=Data())), "data")
    assert found.text == "missing data/train.csv (sha256 aaaaaaaa…)"
