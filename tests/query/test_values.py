"""The values in a filter: moments, periods, patterns, versions."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twice.query.matching import like, regular
from twice.query.moments import microseconds, parse_moment, parse_period
from twice.query.versions import compare_versions

NOW = datetime(2026, 11, 21, 18, 30, 5, 250, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "start", "length_us"),
    [
        ("2026-11-20", "2026-11-20T00:00:00+00:00", 86_400_000_000),
        ("2026-11", "2026-11-01T00:00:00+00:00", 30 * 86_400_000_000),
        ("2026-12", "2026-12-01T00:00:00+00:00", 31 * 86_400_000_000),
        ("2026-11-20T10:30", "2026-11-20T10:30:00+00:00", 60_000_000),
        ("2026-11-20 10:30:05", "2026-11-20T10:30:05+00:00", 1_000_000),
        ("2026-11-20T10:30:05.25Z", "2026-11-20T10:30:05.250000+00:00", 10_000),
        ("2026-11-20T10:30:05.000123Z", "2026-11-20T10:30:05.000123+00:00", 1),
        ("2026-11-20T10:30+02:00", "2026-11-20T08:30:00+00:00", 60_000_000),
        ("today", "2026-11-21T00:00:00+00:00", 86_400_000_000),
        ("Yesterday", "2026-11-20T00:00:00+00:00", 86_400_000_000),
        ("now", NOW.isoformat(), 1),
        ("2d", (NOW - timedelta(days=2)).isoformat(), 1),
        ("1d12h", (NOW - timedelta(days=1.5)).isoformat(), 1),
        ("3 days ago", (NOW - timedelta(days=3)).isoformat(), 1),
        ("3.days.ago", (NOW - timedelta(days=3)).isoformat(), 1),
        ("an hour ago", (NOW - timedelta(hours=1)).isoformat(), 1),
    ],
)
def test_moments(text: str, start: str, length_us: int) -> None:
    span = parse_moment(text, NOW)
    assert span is not None
    assert span == (microseconds(datetime.fromisoformat(start)), span.start + length_us)


@pytest.mark.parametrize(
    "text", ["", "soon", "2026", "2026-13-01", "2026-02-30", "5 lightyears ago", "2026-11-20T25:00", "9999-12"]
)
def test_what_is_no_moment(text: str) -> None:
    assert parse_moment(text, NOW) is None


def test_periods() -> None:
    assert [parse_period(text) for text in ("90s", "10m", "1.5h", "1d12h", "2w", "1y", "5", "", "5 m", "m")] == [
        90, 600, 5400, 129_600, 1_209_600, 31_536_000, None, None, None, None,
    ]  # fmt: skip


@given(st.text("ab%_é\n.", max_size=8), st.text("abAÉé\n.", max_size=8), st.booleans())
def test_like_is_the_regular_expression_that_it_stands_for(pattern: str, text: str, ignores_case: bool) -> None:
    expression = "".join({"%": ".*", "_": "."}.get(character, re.escape(character)) for character in pattern)
    flags = re.DOTALL | (re.IGNORECASE if ignores_case else 0)
    assert like(pattern, ignores_case=ignores_case)(text) == bool(re.fullmatch(expression, text, flags))


def test_like_takes_no_more_time_for_a_wicked_pattern() -> None:
    assert not like("%a" * 200 + "b", ignores_case=False)("a" * 5000)


@pytest.mark.parametrize("pattern", ["(", "a{2,1}", "(?P<a", "[z-a]", "*"])
def test_what_is_no_regular_expression(pattern: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        regular(pattern)


@pytest.mark.parametrize(
    ("found", "wanted", "order"),
    [
        ("2.4.1", "2.4", 1),
        ("2.4.0", "2.4", 0),
        ("2.10.0", "2.9", 1),
        ("2.4.1+cpu", "2.4.1", 0),
        ("2.4.1+cpu", "2.4.1+cu121", -1),
        ("2.5.0rc1", "2.5.0", -1),
        ("not a version", "2.5.0", None),
        ("unknown", "unknown", 0),
    ],
)
def test_versions(found: str, wanted: str, order: int | None) -> None:
    assert compare_versions(found, wanted) == order
