"""Charts as images, drawn by matplotlib where it is installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from commands import Twice
from sample_runs import make_run, metric, points
from twice.display.charts import Chart, curves, importance, parallel, scatter
from twice.errors import UsageError
from twice.plotting.image import draw_image
from twice.record.model import Params
from twice.record.summary import summarise_run


def charts() -> list[Chart]:
    runs = [
        summarise_run(make_run(tail, params=Params(values={"lr": lr, "opt": opt}), metrics={"loss": metric(lr * 2)}))
        for tail, lr, opt in (("aaaaaa", 0.1, "sgd"), ("bbbbbb", 0.2, "a$_{b}$"))
    ]
    found = (
        curves("loss_{$x}", {"_a": points(3, 2, 1), "b": points(1, 2, 3)}),
        scatter("opt", "loss", runs, {}),
        parallel(["lr", "opt", "loss"], runs, {}),
        importance("loss", [("lr", 0.9), ("opt", 0.1)], "2 runs"),
    )
    return [chart for chart in found if chart is not None]


@pytest.mark.parametrize(("form", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_the_same_charts_are_the_same_bytes(form: str, start: bytes) -> None:
    pytest.importorskip("matplotlib")
    drawn = draw_image(charts(), form)
    assert len(charts()) == 4
    assert drawn.startswith(start) and drawn == draw_image(charts(), form)


def test_without_matplotlib_the_way_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError) as caught:
        draw_image(charts(), "png")
    assert "matplotlib" in caught.value.message and caught.value.hint and "twice[plot]" in caught.value.hint


def test_the_command_writes_an_image(twice: Twice, repository: Path) -> None:
    pytest.importorskip("matplotlib")
    for value in ("1", "2"):
        twice("run", "-p", f"x={value}", "sh", "-c", f"echo loss: {value}")
    twice("plot", "--kind", "scatter", "-o", "p.png")
    assert (repository / "p.png").read_bytes().startswith(b"\x89PNG")
