from __future__ import annotations

import os
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twice.textforms import (
    format_age,
    format_duration,
    format_size,
    format_time,
    is_run_id,
    new_run_id,
    parse_time,
    quote_path,
    short_id,
    unquote_path,
)

MOMENT = datetime(2026, 11, 21, 14, 22, 33, 123, tzinfo=timezone.utc)


def test_ids_have_a_form_and_sort_by_time() -> None:
    ids = [new_run_id(MOMENT + timedelta(seconds=n)) for n in range(100)]
    assert all(map(is_run_id, ids))
    assert ids == sorted(ids)
    assert ids[0].startswith("20261121-142233-")
    assert new_run_id(MOMENT, lambda n: bytes(range(n))) == "20261121-142233-abcdef"


def test_an_id_is_in_utc_whatever_the_zone() -> None:
    elsewhere = MOMENT.astimezone(timezone(timedelta(hours=5)))
    assert new_run_id(elsewhere)[:15] == new_run_id(MOMENT)[:15]


def test_short_id_is_the_start_of_the_tail() -> None:
    assert short_id("20261121-142233-k7q2m9") == "k7q2"


@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(timezone.utc)))
def test_times_survive_being_written(moment: datetime) -> None:
    assert parse_time(format_time(moment)) == moment


@pytest.mark.parametrize("text", ["2026-11-21T14:22:33Z", "2026-11-21T14:22:33", "2026-11-21T15:22:33+01:00"])
def test_times_of_other_writers(text: str) -> None:
    assert parse_time(text) == MOMENT.replace(microsecond=0)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.0421, "0.042 s"),
        (0.9999, "1.0 s"),
        (12.44, "12.4 s"),
        (59.96, "1 m 00 s"),
        (185, "3 m 05 s"),
        (7800, "2 h 10 m"),
        (86399, "1 d 00 h"),
        (273600, "3 d 04 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(-3, "0 s"), (5, "5 s"), (185, "3 m"), (7300, "2 h"), (4 * 86400, "4 d"), (10**9, "31 y")]
)
def test_ages(seconds: float, text: str) -> None:
    assert format_age(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (812, "812 B"), (1023, "1023 B"), (1234, "1.21 KiB"), (35651584, "34 MiB")]
)
def test_sizes(size: int, text: str) -> None:
    assert format_size(size) == text


@given(st.binary(min_size=1).filter(lambda name: b"\0" not in name))
def test_every_path_survives_being_quoted(name: bytes) -> None:
    path = os.fsdecode(name)
    quoted = quote_path(path)
    assert quoted.isprintable()
    assert unquote_path(quoted) == path


@pytest.mark.parametrize(
    "name", [b"tab\there", b'"quoted', b"\xff.csv", b"new\nline", b"back\\slash\t", b"\x01\xc3\xa9"]
)
def test_paths_are_quoted_as_git_does(tmp_path: Path, name: bytes) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / os.fsdecode(name)).write_bytes(b"")
    status = subprocess.run(["git", "status", "-s"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert quote_path(os.fsdecode(name)) == status.removeprefix("?? ").strip("\n")


def test_ordinary_paths_stay_readable() -> None:
    assert quote_path("data/façade 1.csv") == "data/façade 1.csv"


@pytest.mark.parametrize("text", ['"', '"a', '"a\\9"'])
def test_what_no_one_quoted(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        unquote_path(text)
