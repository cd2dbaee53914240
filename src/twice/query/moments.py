"""When is that?  `2026-11-20`, `2026-11-20T10:30`, `yesterday`, `2d`, `3 days ago`: a span of time, in UTC.

A day is a span, and so is a month, a minute when no second is given, and a second. What is before it, in it and after it
are three different things: `started = 2026-11-20` is within that day, `started > 2026-11-20` is after it. `2d` is the
moment two days ago, so `started > 2d` are the runs of the last two days, as `age < 2d` says, too.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
_WORDS = {
    **dict.fromkeys(("second", "seconds", "sec", "secs"), "s"),
    **dict.fromkeys(("minute", "minutes", "min", "mins"), "m"),
    **dict.fromkeys(("hour", "hours"), "h"),
    **dict.fromkeys(("day", "days"), "d"),
    **dict.fromkeys(("week", "weeks"), "w"),
    **dict.fromkeys(("year", "years"), "y"),
}
_PERIOD = re.compile(r"(?:\d{1,9}(?:\.\d{1,9})?[smhdwy])+")
_PART = re.compile(r"([\d.]+)([smhdwy])")
_AGO = re.compile(r"(\d{1,9}(?:\.\d{1,9})?|an?)[ .]([a-z]+)[ .]ago", re.IGNORECASE)
_DATE = re.compile(
    r"(\d{4})-(\d{2})(?:-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?)?", re.IGNORECASE
)


class Span(NamedTuple):
    """From `start` up to but without `end`, in microseconds since 1970 UTC."""

    start: int
    end: int


def microseconds(moment: datetime) -> int:
    """The moment as microseconds since 1970 UTC."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def parse_period(text: str) -> float | None:
    """Seconds in `90s`, `10m`, `2h`, `1d12h`, `2w`, `1y` (365 days); None for anything else."""
    if not _PERIOD.fullmatch(text):
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))


def parse_moment(text: str, now: datetime) -> Span | None:
    """The span that a text means; None when it means none."""
    text = text.strip()
    word = text.lower()
    if word in ("today", "yesterday"):
        midnight = now.astimezone(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
        start = microseconds(midnight) - (_day() if word == "yesterday" else 0)
        return Span(start, start + _day())
    seconds = 0.0 if word == "now" else parse_period(text)
    if seconds is None and (match := _AGO.fullmatch(text)):
        unit = _WORDS.get(match[2].lower())
        amount = 1.0 if match[1][0] in "aA" else float(match[1])
        seconds = None if unit is None else amount * _SECONDS[unit]
    if seconds is not None:
        start = microseconds(now) - int(seconds * 1_000_000)
        return Span(start, start + 1)
    return _parse_date(text)


def _parse_date(text: str) -> Span | None:
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        start = datetime(
            int(year), int(month), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=_zone(zone)
        )
        if day is None:
            end = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
            return Span(microseconds(start), microseconds(end))
    except (ValueError, OverflowError):
        return None
    first = microseconds(start)
    if fraction:
        first += int(float(fraction) * 1_000_000 + 0.5)
        return Span(first, first + 10 ** max(0, 7 - len(fraction)))
    return Span(first, first + (_day() if hour is None else 60_000_000 if second is None else 1_000_000))


def _zone(text: str | None) -> timezone:
    if text is None or text in "zZ":
        return timezone.utc
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-offset if text[0] == "-" else offset)


def _day() -> int:
    return 86_400_000_000
