"""The report as HTML, JUnit, OpenMetrics and annotations: well-formed whatever the values are."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from reviews import PATCH, make_review
from test_markdown_report import HOSTILE, hostile_review

from sample_runs import Change, make_run, metric, points
from twice.comparison.gates import GateResult
from twice.record.model import Params
from twice.reports.annotations import Annotation, find_annotations, workflow_commands
from twice.reports.html_report import html_report
from twice.reports.junit import junit
from twice.reports.mermaid import value_at, xychart
from twice.reports.open_metrics import open_metrics

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Outline(HTMLParser):
    """The tags of a page, and whether each that was opened is closed in order."""

    VOID = ("meta", "br", "hr", "line", "polyline", "rect", "circle")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") or name in ("src", "href") for name, _ in attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.texts.append(data)


def outline(page: str) -> Outline:
    found = Outline()
    found.feed(page)
    found.close()
    assert found.open == []
    return found


@QUICK
@given(HOSTILE)
def test_html_has_the_same_tags_whatever_the_values(text: str) -> None:
    page = outline(html_report(hostile_review(text)))
    bland = outline(html_report(hostile_review("bland")))
    # Lines of the patch are marked one by one, and a value may have many.
    assert [tag for tag in page.tags if tag != "span"] == [tag for tag in bland.tags if tag != "span"]


def test_html_needs_no_network_and_holds_the_curves() -> None:
    a, b = make_run(), make_run("m4x9aa", metrics={"loss": metric(0.1, count=3)})
    page = html_report(make_review(a, b, courses={"loss": (points(3, 2, 1), points(3, 1, 0.1))}))
    assert not re.search(
        r"(?:\bsrc=|href|url\(|@import|fetch|XMLHttp|//[a-z])", page.replace("http://www.w3.org/2000/svg", "")
    )
    assert page.count("<polyline") == 2 and "default-src 'none'" in page
    assert "A k7q2" in " ".join(outline(page).texts)


@QUICK
@given(HOSTILE)
def test_junit_is_xml_whatever_the_values(text: str) -> None:
    root = ET.fromstring(junit(hostile_review(text)).encode("utf-8", "strict"))
    assert next(case.get("name") for case in root.iter("testcase")) == "the run finished"
    assert root.get("failures") == "1" == root[0].get("failures")


def test_junit_tells_what_failed() -> None:
    gates = [
        GateResult(condition="loss > 1", failed=True, reason="loss 2"),
        GateResult(condition="loss > 3", failed=False, reason="loss 2"),
    ]
    failed = make_run("m4x9aa", status="failed", exit_code=2)
    root = ET.fromstring(junit(make_review(make_run(), failed, gates=gates)))
    cases = {case.get("name"): [each.get("message") for each in case] for case in root.iter("testcase")}
    assert cases == {
        "the run finished": ["failed, exit code 2"],
        "not loss > 1": ["loss 2"],
        "not loss > 3": [],
    }


def test_open_metrics() -> None:
    run = make_run(
        metrics={
            "loss": metric(0.25),
            "val/loss": metric(1e-9),
            "val:loss": metric(math.nan),
            '1 "odd"\n': metric(-math.inf),
            "n": metric(12),
        }
    )
    assert open_metrics(run) == (
        '_1__odd__{metric="1 \\"odd\\"\\\\n"} -Inf\n'
        "loss 0.25\n"
        "n 12\n"
        'val_loss{metric="val/loss"} 1e-09\n'
        'val_loss{metric="val:loss"} NaN\n'
        "# EOF\n"
    )


def test_annotations_point_at_the_lines_of_changed_params() -> None:
    sources = {"lr": "argparse", "model": "file:conf/model.yaml", "seed": "option"}
    a = make_run(params=Params(values={"lr": 0.1, "model": {"layers": 2}, "seed": 1, "gone": 1}, sources=sources))
    b = make_run("m4x9aa", params=Params(values={"lr": 0.2, "model": {"layers": 3}, "seed": 2}, sources=sources))
    files = {
        "train.py": "import x\nparser.add_argument('--lr', type=float)\n",
        "conf/model.yaml": "# model\nlayers: 3\n",
    }
    found = find_annotations(make_review(a, b), files.get)
    assert found == [
        Annotation(path="train.py", line=2, text="lr 0.1 → 0.2"),
        Annotation(path="conf/model.yaml", line=2, text="model.layers 2 → 3"),
    ]
    assert workflow_commands(found).splitlines()[0] == (
        "::notice file=train.py,line=2,title=twice: param changed::lr 0.1 → 0.2"
    )


def test_a_value_cannot_begin_a_workflow_command_of_its_own() -> None:
    text = workflow_commands([Annotation(path="a,b:c\n", line=1, text="x\n::set-env name=A::b\r%0A")])
    assert text.count("\n") == 1 and "a%2Cb%3Ac\\n" in text and "%250A" in text


# -------------------------------------------------------------------------------------------------------- mermaid


def test_a_chart_has_at_most_forty_points_and_four_lines() -> None:
    chart = xychart("loss", [points(*range(1000))] * 9)
    assert chart is not None
    lines = [line for line in chart.split("\n") if line.strip().startswith("line [")]
    assert len(lines) == 4
    assert all(line.count(",") == 39 for line in lines)


@pytest.mark.parametrize("scale", [1.0, 1e-12, 1e12, 1e-300, 1e300])
def test_numbers_are_plain_decimals_whatever_their_size(scale: float) -> None:
    chart = xychart("l", [points(*(value * scale for value in (3, 1, 2.5)))])
    assert chart is not None
    inside = re.search(r"line \[(.*)\]", chart)
    assert inside
    assert re.fullmatch(r"(?:[-+]?\d+(?:\.\d+)?(?:, )?)+", inside[1])
    assert [float(each) for each in inside[1].split(", ")] == pytest.approx([3, 1, 2.5])
    assert ("x 1e" in chart) is (scale != 1)


def test_courses_are_read_at_the_steps_they_share() -> None:
    chart = xychart("l", [points(0, 1, 2, 3, 4), points(0, 10, 20)])
    assert chart is not None
    assert "0 --> 2" in chart and "line [0, 1, 2]" in chart and "line [0, 10, 20]" in chart


def test_there_is_no_chart_of_nothing() -> None:
    assert xychart("l", []) is None
    assert xychart("l", [points(1)]) is None
    assert xychart("l", [points(1, 2), ()]) is None
    assert xychart("l", [points(math.nan, math.nan, 1)]) is None


def test_a_name_cannot_end_the_title() -> None:
    chart = xychart('a"]\n```\nline [1]', [points(1, 2)])
    assert chart is not None and chart.count('"') == 14 and "`" not in chart and len(chart.split("\n")) == 6


def test_values_between_steps_are_on_the_line() -> None:
    curve = [(0, 0.0), (10, 10.0), (20, 0.0)]
    assert [value_at(curve, step) for step in (0, 5, 10, 12.5, 20)] == [0, 5, 10, 7.5, 0]


def test_the_patch_is_marked_in_html() -> None:
    page = html_report(make_review(make_run(tree="6" * 40), make_run("m4x9aa"), (), [Change("train.py")], patch=PATCH))
    assert '<span class="added">+lr = 0.2</span>' in page and '<span class="removed">-lr = 0.1</span>' in page
