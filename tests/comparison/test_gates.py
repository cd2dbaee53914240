"""Conditions on metrics: what they mean, that they never pass unseen, and what is said of mistakes."""

from __future__ import annotations

import math
import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twice.comparison.gates import MetricValues, check_gate
from twice.errors import UsageError

METRICS = {
    "accuracy": MetricValues(value=0.90, base=0.92, noise=0.01),
    "loss": MetricValues(value=0.5, base=0.4),
    "val/loss": MetricValues(value=math.nan, base=1.0),
    "new one": MetricValues(value=3.0),
    "gone": MetricValues(base=3.0),
}


@pytest.mark.parametrize(
    ("condition", "failed"),
    [
        ("accuracy < base - noise", True),
        ("accuracy < base - 3 * noise", False),
        ("accuracy<0.9", False),
        ("accuracy <= 0.9", True),
        ("loss > base.loss * 1.1", True),
        ("loss > 1 or accuracy < 0.95", True),
        ("loss > 1 and accuracy < 0.95", False),
        ("not loss > 1", True),
        ("not (loss > 1 or loss < 0.1)", True),
        ("(loss > 1) or ((accuracy) < (base))", True),
        ("abs(loss - base) / base > 0.2", True),
        ("-loss > -0.4", False),
        ("loss - base - 0.05 > 0", True),
        ("loss / 2 / 2 == 0.125", True),
        ("`new one` > 2", True),
        ("loss != 5e-1", False),
        ("accuracy < base.accuracy - noise.accuracy", True),
    ],
)
def test_what_a_condition_means(condition: str, failed: bool) -> None:
    assert check_gate(condition, METRICS).failed is failed


@pytest.mark.parametrize(
    "condition",
    [
        "val/loss < 1",
        "val/loss > 1",
        "gone > 1",
        "`new one` > base",
        "loss / 0 > 1",
        "gone > 1 or loss > 0",
        "not gone > 1",
    ],
)
def test_what_cannot_be_computed_fails_and_says_so(condition: str) -> None:
    result = check_gate(condition, METRICS)
    assert result.failed and result.reason.startswith("cannot be computed: ")


def test_unknown_noise_is_zero_and_said() -> None:
    result = check_gate("loss > base + noise", METRICS)
    assert result.failed and "noise.loss unknown (no replicates), taken as 0" in result.reason
    assert "loss 0.5" in result.reason and "base.loss 0.4" in result.reason


@pytest.mark.parametrize(
    ("condition", "message", "column"),
    [
        ("acuracy < 1", "neither run has a metric `acuracy`", 0),
        ("loss <", "missing", 6),
        ("loss", "a comparison is needed", 4),
        ("loss = 1", "this means nothing here", 5),
        ("loss < base + accuracy", "names several metrics", 7),
        ("1 < base", "names no metric", 4),
        ("(loss < 1", "closing parenthesis", 9),
        ("loss < 1 loss", "should end here", 9),
        ("loss < 1; import os", "this means nothing here", 8),
        ("__import__('os')", "this means nothing here", 11),
        ("", "missing", 0),
        ("loss < and", "is needed here", 7),
    ],
)
def test_mistakes_are_pointed_at(condition: str, message: str, column: int) -> None:
    with pytest.raises(UsageError) as caught:
        check_gate(condition, METRICS)
    assert message in caught.value.message
    assert caught.value.details == (condition, " " * column + "^")


def test_a_name_nearby_is_proposed() -> None:
    with pytest.raises(UsageError) as caught:
        check_gate("acuracy < 1", METRICS)
    assert caught.value.hint == "did you mean `accuracy`?"


def test_deep_nesting_is_an_error_and_no_crash() -> None:
    for condition in ("(" * 5000, "not " * 5000 + "loss < 1", "-" * 5000 + "1 < loss", "abs(" * 5000):
        with pytest.raises(UsageError):
            check_gate(condition, METRICS)


numbers = st.integers(0, 9).map(str)
sums = st.recursive(
    numbers,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(" ".join),
        inner.map("({})".format),
    ),
    max_leaves=6,
)


@given(sums, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), sums)
def test_arithmetic_is_pythons(left: str, sign: str, right: str) -> None:
    compare = {
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
        "==": operator.eq,
        "!=": operator.ne,
    }
    assert check_gate(f"{left} {sign} {right}", {}).failed is compare[sign](eval(left), eval(right))


@given(st.text(max_size=30))
def test_any_text_is_a_condition_or_a_usage_error(text: str) -> None:
    try:
        check_gate(text, METRICS)
    except UsageError as error:
        assert error.details[0] == text
