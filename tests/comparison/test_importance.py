"""Which params go with a metric: what is there is found, what is chance is called chance."""

from __future__ import annotations

import random
import statistics
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twice.comparison.importance import Importance, Ranking, _ranks, rank_params


def ranked(rows: list[dict[str, Any]], values: list[float], **settings: Any) -> Ranking:
    return rank_params(rows, values, **{"lower_is_better": False, **settings})


def by_name(ranking: Ranking) -> dict[str, Importance]:
    return {one.param: one for one in ranking.params}


def test_what_the_metric_follows_comes_first_and_noise_is_called_chance() -> None:
    chance = random.Random(1)
    rows = [{"lr": chance.random(), "opt": chance.choice("ab"), "noise": chance.random()} for _ in range(60)]
    values = [row["lr"] + (row["opt"] == "a") * 0.5 + chance.gauss(0, 0.1) for row in rows]
    found = ranked(rows, values)
    assert {found.params[0].param, found.params[1].param} == {"lr", "opt"}
    lr, opt, noise = (by_name(found)[name] for name in ("lr", "opt", "noise"))
    assert lr.correlation is not None and lr.correlation > 0.5 and lr.chance < 0.01
    assert opt.correlation is None and opt.best == "a" and opt.chance < 0.01 and opt.values == 2
    assert noise.chance > 0.05 and noise.share < 0.1
    assert ranked(rows, values) == found  # the same each time


def test_a_perfect_order_is_a_share_of_one() -> None:
    rows = [{"x": number, "down": -number, "bend": (number - 5) ** 2} for number in range(11)]
    found = by_name(ranked(rows, [float(number**3) for number in range(11)]))
    assert found["x"].share == found["down"].share == 1
    assert (found["x"].correlation, found["down"].correlation) == (1, -1)
    assert found["bend"].share < 0.1


def test_a_bend_is_found_where_values_repeat() -> None:
    rows = [{"layers": number % 5} for number in range(40)]
    found = by_name(ranked(rows, [abs(row["layers"] - 2) + index / 1000 for index, row in enumerate(rows)]))
    assert found["layers"].share > 0.8 and abs(found["layers"].correlation or 0) < 0.2
    assert by_name(ranked(rows, [abs(row["layers"] - 2) for row in rows], lower_is_better=True))["layers"].best == 2


def test_few_runs_are_never_certain() -> None:
    rows = [{"x": number} for number in range(4)]
    (only,) = ranked(rows, [1.0, 2.0, 3.0, 4.0]).params
    assert only.share == 1 and only.chance > 0.03  # 2 of the 24 orders are as good


def test_looking_at_many_params_makes_a_lucky_one_less_surprising() -> None:
    chance = random.Random(3)
    values = [chance.random() for _ in range(12)]
    lucky = [value + chance.gauss(0, 0.3) for value in values]
    alone = ranked([{"lucky": one} for one in lucky], values).params[0].chance
    rows = [{"lucky": one, **{f"p{number}": chance.random() for number in range(40)}} for one in lucky]
    assert by_name(ranked(rows, values))["lucky"].chance > 2 * alone


def test_params_that_say_nothing_are_set_apart() -> None:
    rows = [{"one": 1, "name": f"n{number}", "a": number % 2, "b": "xy"[number % 2], "half": 1} for number in range(8)]
    for row in rows[4:]:
        del row["half"]
    found = ranked(rows, [float(number) for number in range(8)])
    assert found.constant == ("one", "half")
    assert found.distinct == ("name",)
    assert found.together == (("a", "b"),)


def test_many_runs_are_sampled_and_the_share_is_of_all() -> None:
    chance = random.Random(5)
    rows = [{"x": chance.random(), "y": chance.choice([True, False, None])} for _ in range(5000)]
    found = ranked(rows, [row["x"] for row in rows])
    assert found.params[0].param == "x" and found.params[0].share == pytest.approx(1)
    assert found.params[0].chance == pytest.approx(1 / (found.permutations + 1))
    assert found.params[1].chance > 0.05 and found.params[0].runs == 5000


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 6), st.floats(-10, 10)), min_size=4, max_size=20))
def test_the_correlation_is_that_of_the_ranks(pairs: list[tuple[int, float]]) -> None:
    numbers, values = [float(number) for number, _ in pairs], [value for _, value in pairs]
    found = by_name(ranked([{"x": number} for number in numbers], values)).get("x")
    if found is None or found.correlation is None or len(set(values)) < 2:
        return
    assert found.correlation == pytest.approx(statistics.correlation(_ranks(numbers), _ranks(values)))
    assert 0 <= found.share <= 1 and 0 < found.chance <= 1


@given(st.lists(st.floats(allow_nan=False), max_size=12))
def test_ranks_order_as_the_values_do_and_cancel_out(values: list[float]) -> None:
    ranks = _ranks(values)
    assert sum(ranks) == pytest.approx(0)
    for a, x in zip(values, ranks, strict=True):
        for b, y in zip(values, ranks, strict=True):
            assert (a < b) == (x < y)
