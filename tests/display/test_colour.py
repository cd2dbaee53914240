"""When there is colour, and that it is never the only signal."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sample_runs import NOW, make_run
from twice.comparison.differences import compare
from twice.comparison.verdict import judge
from twice.display.colour import Style, choose_style
from twice.display.diff_page import diff_page
from twice.display.headline import headline
from twice.display.run_page import run_page
from twice.display.run_table import run_table
from twice.display.verdict_table import verdict_table


@pytest.mark.parametrize(
    ("when", "environ", "isatty", "enabled"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"CLICOLOR": "0"}, True, False),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"CLICOLOR_FORCE": "1", "TERM": "dumb"}, False, True),
        ("auto", {"FORCE_COLOR": "0"}, False, False),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_settings_decide_on_colour(when: Any, environ: dict[str, str], isatty: bool, enabled: bool) -> None:
    assert choose_style(when, environ=environ, isatty=isatty) == Style(enabled)


def test_without_the_colour_codes_every_page_reads_the_same() -> None:
    a, b = make_run("aaaaaa"), make_run("bbbbbb", status="failed", exit_code=1, metrics={})
    comparison = compare(a, b)
    verdict = judge(a, b, comparison)
    pages: list[Any] = [
        lambda style: run_table([a, b], now=NOW, style=style, width=60),
        lambda style: run_page(b, style=style),
        lambda style: diff_page(comparison, a, b, style=style),
        lambda style: verdict_table(verdict, style=style),
        lambda style: headline(b, style=style),
    ]
    for page in pages:
        coloured = page(Style(True))
        assert "\x1b[" in coloured
        assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == page(Style(False))
