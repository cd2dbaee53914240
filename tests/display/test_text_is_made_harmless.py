"""Text from outside: escaped, measured, cut, and put in the encoding of the screen."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twice.display.characters import display_width, harmless, in_encoding, shorten, shorten_distinct

QUICKLY = settings(max_examples=80, deadline=None)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, as it is", "plain text, as it is"),
        ("naïve 数据 Ω", "naïve 数据 Ω"),
        ("two\nlines\tand\r", "two\\nlines\\tand\\r"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("\u2028line separator", "\\u2028line separator"),
        ("\udcff", "\\udcff"),
        ("\U0010fffd", "\\U0010fffd"),
        ("\x9b31m", "\\x9b31m"),
    ],
)
def test_what_would_not_simply_be_seen_is_escaped(text: str, shown: str) -> None:
    assert harmless(text) == shown


@QUICKLY
@given(st.text())
def test_harmless_text_has_no_character_that_moves_or_hides(text: str) -> None:
    shown = harmless(text)
    assert not {unicodedata.category(each) for each in shown} & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    shown.encode()
    assert harmless(shown) == shown


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 3), ("数据", 4), ("ｅ", 2), ("e\u0301", 1), ("\x1b[1;33mabc\x1b[0m", 3), ("", 0)]
)
def test_width_is_counted_in_terminal_cells(text: str, width: int) -> None:
    assert display_width(text) == width


@QUICKLY
@given(st.text(), st.integers(0, 30))
def test_a_shortened_text_fits(text: str, width: int) -> None:
    assert display_width(shorten(harmless(text), width)) <= max(width, 0)


def test_the_middle_goes_first() -> None:
    assert shorten("data/2026/11/21/train.csv", 12) == "data/2…n.csv"
    assert shorten("数据数据数据", 6) == "数…据"


@QUICKLY
@given(st.lists(st.text("ab数", max_size=40), max_size=5), st.integers(1, 10))
def test_different_texts_stay_different_when_shortened(texts: list[str], width: int) -> None:
    assert len(set(shorten_distinct(texts, width))) == len(set(texts))


def test_texts_that_differ_only_in_the_middle_are_not_cut_to_the_same() -> None:
    texts = ["a" * 30 + "1" + "b" * 30, "a" * 30 + "2" + "b" * 30]
    assert shorten_distinct(texts, 16) == texts


def test_an_encoding_without_the_characters_gets_others() -> None:
    text = "a → b … −1 ▲ 数据 é"
    assert in_encoding(text, "utf-8") == text
    assert in_encoding(text, "ascii") == "a -> b ... -1 ^ \\u6570\\u636e \\xe9"
    assert in_encoding(text, "cp1252") == "a -> b … -1 ^ \\u6570\\u636e é"
