"""A report of many runs keeps to what a report of two does: short enough, harmless, the same again."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sample_runs import make_run, metric, points
from twice.comparison.side_by_side import put_side_by_side
from twice.record.model import Params
from twice.reports.side_report import side_html, side_markdown

TEXTS = st.text(alphabet="ab|`<>&@#\n\x1b*_[]()!-\u202e'\"") | st.sampled_from(
    ["<script>", "@ada", "#1", "--> x", "|||"]
)


@settings(deadline=None, max_examples=60)
@given(TEXTS, TEXTS)
def test_no_value_breaks_out_of_its_place(name: str, value: str) -> None:
    runs = [
        make_run(tail, params=Params(values={f"x{name}": one}), metrics={f"m{name}": metric(0.5)})
        for tail, one in (("aaaaaa", value), ("bbbbbb", "other"))
    ]
    side = put_side_by_side(runs, lambda a, b: True)
    report = side_markdown(side, {}, key=name)
    assert report.count("<!--") == report.count("-->") == 1 and report.startswith("<!-- ")
    for line in report.splitlines():
        assert not line.startswith("|") or line.count("|") == 4
    assert "@ada" not in report and "<script>" not in report and "\x1b" not in report and "\u202e" not in report
    assert "<script>alert" not in side_html(side, {}, [])


def test_what_is_too_long_loses_whole_tables_the_last_first() -> None:
    runs = [
        make_run(
            f"{number:06}",
            params=Params(values={f"param {each}": "x" * 30 + str(number) for each in range(100)}),
            metrics={"loss": metric(number / 10, count=3)},
        )
        for number in range(20)
    ]
    side = put_side_by_side(runs, lambda a, b: True)
    courses = {run.id: {"loss": points(3, 2, 1)} for run in runs}
    report = side_markdown(side, courses, key="k")
    assert len(report) <= 60_000 and "left out, for there is no room: param" in report
    assert "| metric |" in report and "| param |" not in report and "▁" in report
    assert report == side_markdown(side, courses, key="k")
    assert "| param |" in side_markdown(side, courses, key="k", limit=10**6)
