"""Which runs are replicates, how noisy are they, and when is a difference more than that?"""

from __future__ import annotations

import math
import statistics
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sample_runs import PACKAGES, distribution, file, make_run, metric
from twice.comparison.noise import Sample, margin_of, sample, seed_noise
from twice.comparison.replicates import find_replicates, group_replicates, is_seed, pair_replicates
from twice.comparison.side_by_side import put_side_by_side
from twice.record.model import Data, Environment, Params, Run, Seeds

TAILS = ("aaaaaa", "bbbbbb", "cccccc", "dddddd", "eeeeee", "ffffff")


def never(a: Run, b: Run) -> bool:
    return False


def seeded(tail: str, root: int | None, **facts: Any) -> Run:
    return make_run(tail, seeds=Seeds(root=root), **facts)


def test_runs_that_differ_in_the_root_seed_are_replicates() -> None:
    runs = [seeded(tail, root) for root, tail in enumerate(TAILS)]
    assert find_replicates(runs[0], runs, never) == tuple(runs)


@pytest.mark.parametrize(
    "other",
    [
        {"tree": "8" * 40},
        {"params": Params(values={"lr": 0.2, "model": {"layers": 2}})},
        {"command": ("python", "evaluate.py", "--lr", "0.1")},
        {"directory": "src"},
        {"status": "failed"},
        {"data": Data(inputs=(file("data/train.csv", "b"),))},
        {"environment": Environment(packages=replace(PACKAGES, distributions=(distribution("numpy", "2.4.2"),)))},
    ],
)
def test_whatever_else_differs_makes_another_group(other: dict[str, Any]) -> None:
    run = seeded("aaaaaa", 1)
    assert find_replicates(run, [seeded("bbbbbb", 2, **other)], never) == (run,)


def test_the_same_seed_again_is_no_further_replicate() -> None:
    run, again = seeded("aaaaaa", 1), seeded("bbbbbb", 1)
    assert find_replicates(run, [again, run], never) == (run,)
    assert find_replicates(again, [again, run], never) == (again,)


def test_a_seed_of_the_scripts_own_counts_and_not_the_root() -> None:
    def own(tail: str, root: int, seed: int) -> Run:
        words = ("python", "train.py", "--seed", str(seed))
        return seeded(tail, root, command=words, params=Params(values={"lr": 0.1, "seed": seed}))

    first, other, same = own("aaaaaa", 1, 7), own("bbbbbb", 2, 8), own("cccccc", 3, 7)
    assert find_replicates(first, [other, same], never) == (first, other)


@pytest.mark.parametrize("words", [("--seed=3",), ("seed=3",), ("--random-seed", "3"), ("model.random_state=3",)])
def test_a_seed_among_the_words_of_the_command_is_masked(words: tuple[str, ...]) -> None:
    a = seeded("aaaaaa", 1, command=("python", "t.py", *words))
    b = seeded("bbbbbb", 2, command=("python", "t.py", *(word.replace("3", "4") for word in words)))
    assert find_replicates(a, [b], never) == (a, b)


def test_names_that_only_contain_the_word_are_no_seeds() -> None:
    assert is_seed("seed") and is_seed("--data-seed") and is_seed("SEED") and is_seed("a.random_state")
    assert not is_seed("seeds_per_plant") and not is_seed("seedling") and not is_seed("reseeded")


def test_unseeded_runs_are_all_different() -> None:
    runs = [seeded(tail, None) for tail in TAILS]
    assert len(find_replicates(runs[0], runs, never)) == 6


def test_trees_that_differ_by_a_stale_output_are_asked_about() -> None:
    a, b = seeded("aaaaaa", 1), seeded("bbbbbb", 2, tree="8" * 40)
    assert find_replicates(a, [b], lambda one, other: True) == (a, b)
    assert pair_replicates(a, b, [], lambda one, other: True).same
    assert not pair_replicates(a, b, [], never).same


def test_groups_stand_in_the_order_of_the_runs() -> None:
    ones = [seeded(tail, root) for root, tail in enumerate(TAILS[:3])]
    twos = [seeded(tail, root, params=Params(values={"lr": 1})) for root, tail in enumerate(TAILS[3:])]
    groups = group_replicates([twos[1], ones[0], ones[1]], [*ones, *twos], never)
    assert groups == [tuple(twos), tuple(ones)]


# ----------------------------------------------------------------------------------------------------------- noise


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_mean_and_spread_are_those_of_the_standard_library(values: list[float]) -> None:
    found = sample(values)
    assert found.n == len(values)
    assert math.isclose(found.mean, statistics.fmean(values), rel_tol=1e-9, abs_tol=1e-9)
    assert found.spread is not None
    assert math.isclose(found.spread, statistics.stdev(values), rel_tol=1e-6, abs_tol=1e-6)


def test_one_value_has_no_spread_and_what_is_not_finite_no_mean() -> None:
    assert sample([0.5]) == Sample(mean=0.5, spread=None, n=1)
    assert math.isnan(sample([1.0, math.nan]).mean) and sample([1.0, math.inf]).spread is None
    assert sample([1e308, -1e308]).spread is not None
    assert sample([10**400, 1]).spread is None


def test_the_margin_is_welchs() -> None:
    """Values from scipy.stats.ttest_ind(equal_var=False): df 7.03 → t 2.365 (whole degrees), se 0.5537749."""
    a, b = sample([4.1, 5.0, 3.9, 4.6, 4.4]), sample([5.1, 6.6, 5.0, 4.8, 6.2])
    assert a.spread is not None and b.spread is not None
    se = math.sqrt(a.spread**2 / 5 + b.spread**2 / 5)
    margin = margin_of(a, b)
    assert margin is not None
    df = se**4 / ((a.spread**2 / 5) ** 2 / 4 + (b.spread**2 / 5) ** 2 / 4)
    t = {5: 2.571, 6: 2.447, 7: 2.365}[int(df)]
    assert math.isclose(margin, t * se, rel_tol=1e-9)


def test_one_sided_replicates_lend_their_spread_and_two_are_not_taken_for_many() -> None:
    many, one = Sample(mean=1, spread=0.1, n=2), Sample(mean=2, spread=None, n=1)
    assert margin_of(many, one) == margin_of(one, many) == pytest.approx(12.706 * 0.1 * math.sqrt(1.5))
    assert margin_of(one, one) is None
    assert margin_of(Sample(mean=math.nan, spread=None, n=3), many) is None


def groups(a: list[float], b: list[float]) -> tuple[Run, Run, list[Run]]:
    of_a = [
        seeded(f"aaaaa{c}", i, metrics={"accuracy": metric(v)})
        for i, (c, v) in enumerate(zip("abcdefgh", a, strict=False))
    ]
    of_b = [
        seeded(f"bbbbb{c}", i, metrics={"accuracy": metric(v)}, params=Params(values={"lr": 9}))
        for i, (c, v) in enumerate(zip("abcdefgh", b, strict=False))
    ]
    return of_a[0], of_b[0], [*of_a, *of_b]


@pytest.mark.parametrize(
    ("a", "b", "state"),
    [
        ([0.90, 0.91, 0.92], [0.95, 0.96, 0.97], "beyond"),
        ([0.90, 0.95, 0.92], [0.91, 0.96, 0.93], "inside"),
        ([0.9], [0.95], "unknown"),
        ([0.5, 0.5], [0.5, 0.5], "inside"),
        ([0.5, 0.5], [0.6, 0.6], "beyond"),
    ],
)
def test_what_is_said_of_a_difference(a: list[float], b: list[float], state: str) -> None:
    run_a, run_b, everything = groups(a, b)
    noise = seed_noise(pair_replicates(run_a, run_b, everything, never), run_a, run_b)["accuracy"]
    assert noise.state == state
    assert noise.delta == pytest.approx(statistics.fmean(b) - statistics.fmean(a))


def test_two_replicates_of_each_other_are_never_beyond_their_own_noise() -> None:
    run_a, _, everything = groups([0.1, 0.9, 0.5], [1.0])
    noise = seed_noise(pair_replicates(run_a, everything[1], everything, never), run_a, everything[1])["accuracy"]
    assert noise.same and noise.state == "inside" and noise.delta == pytest.approx(0.8) and noise.a.n == 3


# ---------------------------------------------------------------------------------------------------- side by side


def test_rows_say_whether_they_differ_and_which_run_is_best() -> None:
    a = make_run("aaaaaa", metrics={"loss": metric(0.5), "accuracy": metric(1)})
    b = make_run(
        "bbbbbb", metrics={"loss": metric(0.25), "other": metric(1)}, params=Params(values={"lr": 0.1, "x": None})
    )
    side = put_side_by_side([a, b], never)
    rows = {row.name: row for row in (*side.params, *side.metrics, *side.facts)}
    assert rows["loss"].best == (b.id,) and rows["loss"].differs
    assert rows["accuracy"].values == {a.id: 1} and rows["accuracy"].differs
    assert not rows["lr"].differs and rows["x"].values == {b.id: None}
    assert rows["code"].values == {a.id: "a", b.id: "a"}
    assert side.differs


def test_code_has_one_letter_for_one_content() -> None:
    runs = [make_run(tail, tree=digit * 40) for tail, digit in zip(TAILS, "121314", strict=True)]
    row = next(row for row in put_side_by_side(runs, never).facts if row.name == "code")
    assert list(row.values.values()) == ["a", "b", "a", "c", "a", "d"]
