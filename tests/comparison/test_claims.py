"""Numbers in documents: which are claims, when they are right, and how they are mended."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sample_runs import make_run, metric
from twice.comparison.claims import agrees, claimed_value, find_claims, printed_as, write_numbers


def claim(printed: str):  # type: ignore[no-untyped-def]
    return next(iter(find_claims(f"<!-- twice: @ m -->{printed} and more")))


def test_claims_are_found_with_their_lines_and_passed_over_in_code() -> None:
    text = (
        "a <!-- twice: k7q2 accuracy -->0.9713\r\n"
        "`<!-- twice: @ x -->1` ``<!-- twice: @ x -->` 2``\n"
        "```md\n<!-- twice: @ x -->3\n```\n"
        "~~~\n<!-- twice: @ x -->4\n~~~~\n"
        "<!--twice: best:accuracy val/loss.min-->**2.1e-3** <!-- twice: @ `odd name` -->| 97.1 %\n"
        "<!-- twice: @ none --> no number\n"
    )
    found = [(one.line, one.run, one.metric, one.printed, one.is_percent) for one in find_claims(text)]
    assert found == [
        (1, "k7q2", "accuracy", "0.9713", False),
        (9, "best:accuracy", "val/loss.min", "2.1e-3", False),
        (9, "@", "odd name", "97.1", True),
        (10, "@", "none", "", False),
    ]


@pytest.mark.parametrize(
    ("printed", "value", "right"),
    [
        ("0.97", 0.9713, True),
        ("0.9713", 0.97134999, True),
        ("0.972", 0.9713, False),
        ("97.1 %", 0.9713, True),
        ("97%", 0.9713, True),
        ("97 %", 0.9613, False),
        ("0.125", 0.125, True),
        ("0.12", 0.125, True),
        ("0.13", 0.125, True),
        ("2.1e-3", 0.00213, True),
        ("2.1e-3", 0.00223, False),
        ("1,234", 1234, True),
        ("-0.5", -0.5, True),
        ("−0.5", -0.5, True),
        ("+0.5", 0.5, True),
        ("nan", float("nan"), True),
        ("inf", float("inf"), True),
        ("1", float("nan"), False),
        ("1e400", 1.0, False),
        ("3", 10**400, False),
    ],
)
def test_the_printed_precision_counts(printed: str, value: float, right: bool) -> None:
    assert agrees(claim(printed), value) is right


@pytest.mark.parametrize(
    ("printed", "value", "written"),
    [
        ("0.97", 0.5, "0.50"),
        ("97.1 %", 0.5, "50.0"),
        ("2.1e-3", 0.0004321, "4.3e-4"),
        ("2.1E-03", 0.0004321, "4.3E-04"),
        ("1e+5", 300000.0, "3e+5"),
        ("1,234", 1234567, "1,234,567"),
        ("12", 7.6, "8"),
        ("−0.5", -0.25, "−0.2"),
        ("+0.5", 0.25, "+0.2"),
        ("", 0.123456789, "0.123457"),
        ("0.5", float("nan"), "nan"),
    ],
)
def test_a_number_is_mended_in_its_own_form(printed: str, value: float, written: str) -> None:
    assert printed_as(claim(printed), value) == written


forms = st.sampled_from(["0.97", "1.2345", "12", "1e-3", "1.25E+05", "1,234.5", "+0.1", "50.0 %", "−1.5"])


@given(forms, st.floats(-1e9, 1e9))
def test_what_was_mended_agrees(form: str, value: float) -> None:
    before = f"x <!-- twice: @ m -->{form} y\r\nz"
    one = next(iter(find_claims(before)))
    text = write_numbers(before, {one: printed_as(one, value)})
    again = next(iter(find_claims(text)))
    assert agrees(again, value)
    assert text.startswith("x <!-- twice: @ m -->") and text.endswith(" y\r\nz")
    assert write_numbers(text, {again: printed_as(again, value)}) == text


def test_what_a_claim_may_be_of() -> None:
    run = make_run(metrics={"loss": metric(0.5, min=0.25, max=1, mean=0.75), "a.min": metric(7)})
    assert claimed_value(run, "loss") == 0.5 and claimed_value(run, "loss.min") == 0.25
    assert claimed_value(run, "a.min") == 7
    assert claimed_value(run, "params.lr") == 0.1 and claimed_value(run, "params.model.layers") == 2
    assert claimed_value(run, "duration") == 12.4
    assert claimed_value(run, "nothing") is None and claimed_value(run, "loss.nothing") is None
