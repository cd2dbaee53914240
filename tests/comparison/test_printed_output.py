"""What a run printed: the same, the same but for times, or other; never a false "same"."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twice.comparison.printed import compare_printed


@given(st.binary(max_size=200))
def test_a_log_is_identical_to_itself(log: bytes) -> None:
    assert compare_printed(log, log).state == "identical"


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (b"took 1.32 s\n", b"took 1.4s\n"),
        (b"done in 3.1 seconds (2026-11-21 14:22:33.123)\n", b"done in 3.0 seconds (2026-11-22 04:22:00)\n"),
        (
            b" 10%|#  | 1/10 [00:01]\r100%|###| 10/10 [00:03<00:00, 3.1it/s]\n",
            b"100%|###| 10/10 [00:04<00:00, 2.9it/s]\n",
        ),
        (b"<object at 0x7f0011223344>\n", b"<object at 0x7f9911223344>\n"),
        (b"warning\nresult\n", b"result\nwarning\n"),
        (b"wrote /tmp/tmpab12cd/x\n", b"wrote /tmp/tmpef34/x\n"),
    ],
)
def test_what_differs_each_time_is_set_aside_and_said(was: bytes, now: bytes) -> None:
    found = compare_printed(was, now)
    assert found.state == "equivalent"
    assert found.text


@pytest.mark.parametrize(
    ("was", "now", "text"),
    [
        (b"a\nloss 0.5\n", b"a\nloss 0.6\n", "line 2: `loss 0.5` → `loss 0.6`"),
        (b"a\n", b"a\nb\n", "line 2: nothing → `b`"),
        (b"10 samples\n", b"11 samples\n", "line 1: `10 samples` → `11 samples`"),
        (b"v1.2.3\n", b"v1.2.4\n", "line 1: `v1.2.3` → `v1.2.4`"),
        (b"took 1 s, loss 2\n", b"took 2 s, loss 3\n", "line 1: `took 1 s, loss 2` → `took 2 s, loss 3`"),
        (b"\x1b[31mred\n", b"red\n", "line 1: `?[31mred` → `red`"),
    ],
)
def test_the_first_line_that_differs_is_named(was: bytes, now: bytes, text: str) -> None:
    found = compare_printed(was, now)
    assert (found.state, found.text) == ("differs", text)


def test_each_runs_own_folder_is_the_same_place() -> None:
    found = compare_printed(b"in /home/a/p/x\n", b"in /cache/7/p/x\n", [("/home/a/p", "/cache/7/p")])
    assert (found.state, found.lines) == ("identical", 1)
