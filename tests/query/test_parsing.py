"""Reading a filter: what MLflow's grammar allows, what is more, and what is shown of a mistake."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twice.errors import UsageError
from twice.query.parser import MAX_LENGTH, parse_filter
from twice.query.tree import Comparison, Either, Every, Expression, Not


def outline(part: Expression) -> object:
    """The joints of a tree, with the keys of its tests."""
    if isinstance(part, (Every, Either)):
        return (type(part).__name__.lower(), *(outline(each) for each in part.parts))
    if isinstance(part, Not):
        return ("not", outline(part.part))
    return part.name.key if isinstance(part, Comparison) else part


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("every",)),
        ("  \n ", ("every",)),
        ("AND", ("every",)),
        ("a = 1", "a"),
        ("a=1 and b=2 AND c=3", ("every", "a", "b", "c")),
        ("a=1 AND", "a"),
        ("a=1 AND AND b=1 and ", ("every", "a", "b")),
        ("a=1 OR b=2 AND c=3", ("either", "a", ("every", "b", "c"))),
        ("a=1 AND b=2 OR c=3", ("either", ("every", "a", "b"), "c")),
        ("(a=1 OR b=2) AND c=3", ("every", ("either", "a", "b"), "c")),
        ("NOT a=1 AND b=2", ("every", ("not", "a"), "b")),
        ("not not (a=1)", ("not", ("not", "a"))),
        ("a BETWEEN 1 AND 2 AND b = 1", ("every", "a", "b")),
        ("order = 1 AND android = 2 AND nothing = 3 and in = 4", ("every", "order", "android", "nothing", "in")),
    ],
)
def test_how_tests_are_joined(text: str, expected: object) -> None:
    assert outline(parse_filter(text)) == expected


@pytest.mark.parametrize(
    ("text", "family", "key"),
    [
        ("params.a.b = 1", "params", "a.b"),
        ("params.`a.b c` = 1", "params", "a.b c"),
        ('params."a b" = 1', "params", "a b"),
        ("params.'a' = 1", "params", "a"),
        ("`params`.`a` = 1", "params", "a"),
        ("a.b = 1", None, "a.b"),
        ("`a b` = 1", None, "a b"),
        ("val-loss/é@1 = 1", None, "val-loss/é@1"),
        ("metrics.1a = 1", "metrics", "1a"),
    ],
)
def test_names(text: str, family: str | None, key: str) -> None:
    parsed = parse_filter(text)
    assert isinstance(parsed, Comparison)
    assert (parsed.name.family, parsed.name.key) == (family, key)


@pytest.mark.parametrize(
    ("text", "word", "is_quoted"),
    [
        ("a = 1e-3", "1e-3", False),
        ("a=-.5", "-.5", False),
        ("a = 'it''s'", "it''s", True),
        (r"a = 'it\'s'", r"it\'s", True),
        ("a = 'C:\\'", "C:\\", True),
        ('a = "it\'s"', "it's", True),
        ("a = ''", "", True),
        ("a = sha256:ab12", "sha256:ab12", False),
        ("(a = 2026-11-20T10:00+01:00)", "2026-11-20T10:00+01:00", False),
    ],
)
def test_words(text: str, word: str, is_quoted: bool) -> None:
    parsed = parse_filter(text)
    assert isinstance(parsed, Comparison)
    assert (parsed.words[0].text, parsed.words[0].is_quoted) == (word, is_quoted)


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("metrics.a >", "expected a value", 11),
        ("(a > 1", "this `(` is not closed", 0),
        ("a > 1)", "this `)` closes nothing", 5),
        ("a > 1 b", "expected AND, OR, or the end of the filter", 6),
        ("a", "expected an operator after `a`", 1),
        ("= 3", "expected a name such as `metrics.loss` before `=`", 0),
        ("a = 1 AND OR b = 2", "expected a name such as `metrics.loss` before `OR`", 10),
        ("a = 1 OR", "expected a name such as `metrics.loss` before the end", 8),
        ("()", "nothing stands between these parentheses", 1),
        ("a IN ()", "the list is empty", 5),
        ("a IN ('x'", "expected `,` or `)`", 9),
        ("a IS 3", "expected NULL or NOT NULL after IS", 5),
        ("a BETWEEN 1", "expected AND between the two values of BETWEEN", 11),
        ("a = 'x", "this ' is not closed", 4),
        ("params.`x = 1", "this ` is not closed", 7),
        ("a = `x`", "expected a value, not ```", 4),
        ("metrics. > 1", "expected a name after the dot", 8),
        ("a > 1; b", "expected AND, OR, or the end of the filter", 5),
        ("loss.at(x) > 1", "expected a step, a whole number: .at(100)", 8),
        ("loss.at(99999999999999999999) > 1", "no run has that many steps", 8),
    ],
)
def test_the_caret_stands_under_the_mistake(text: str, message: str, column: int) -> None:
    with pytest.raises(UsageError) as caught:
        parse_filter(text)
    assert caught.value.message == message
    assert caught.value.details == (text, " " * column + "^")


def test_the_caret_stands_right_below_wide_and_invisible_characters() -> None:
    with pytest.raises(UsageError) as caught:
        parse_filter("数据 = '\x1b[31m\n' )")
    assert caught.value.details == ("数据 = '·[31m·' )", " " * 16 + "^")


@pytest.mark.parametrize("text", ["(" * 5000 + "a = 1", "NOT " * 5000 + "a = 1", "(NOT " * 101 + "a = 1" + ")" * 101])
def test_what_is_nested_too_deep_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="nested more than 100 deep"):
        parse_filter(text)


def test_what_is_too_long_is_refused_and_shown_in_part() -> None:
    with pytest.raises(UsageError, match="too long") as caught:
        parse_filter("a" * (MAX_LENGTH + 1))
    assert max(map(len, caught.value.details)) < 150


@given(st.text(alphabet="ab.`'\"()<>=!~, ANDORTI\\1\n") | st.text())
def test_any_text_is_a_filter_or_a_mistake_with_a_place(text: str) -> None:
    try:
        parse_filter(text)
    except UsageError as error:
        assert len(error.details) == 2 and error.details[1].endswith("^")
