"""A line of the log says what there is room for, and nothing that a terminal would act on."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from sample_runs import make_run, metric
from twice.display.characters import display_width
from twice.display.log_page import log_page
from twice.record.summary import summarise_run


@dataclass
class Line:
    graph: str = "* "
    below: str = "| "
    commit: str | None = "b" * 40
    short: str = "bbbbbbb"
    refs: str = "HEAD -> main"
    age: str = "3 hours ago"
    subject: str = "a subject that goes on and on \x1b[2J until the line is full"


RUN = summarise_run(
    make_run(
        command=("python", "train.py", "--name", "数据\x1b[31m" * 20),
        metrics={"loss": metric(0.25), "x" * 300: metric(1.5), "accuracy": metric(0.9125)},
    )
)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_lines_fit(width: int) -> None:
    page = log_page([Line()], {"b" * 40: [(RUN, True), (RUN, False)]}, width=width)
    assert max(map(display_width, page.split("\n"))) <= width
    assert "\x1b" not in page and "loss 0.25" in page and "changes" in page


def test_where_there_is_little_room_the_rest_is_left_out() -> None:
    first, run, *_ = log_page([Line()], {"b" * 40: [(RUN, True)]}, width=40).split("\n")
    assert "(HEAD -> main)" in first
    assert run == "|   ▸ k7q2  finished  + changes"
    wide = log_page([Line()], {"b" * 40: [(RUN, True)]}).split("\n")[1]
    assert "accuracy 0.9125" in wide and "xxx…xxx" in wide and "python train.py" in wide


def test_of_many_runs_of_one_commit_the_number_is_said() -> None:
    page = log_page([Line()], {"b" * 40: [(RUN, False)] * 3}, {"b" * 40: 500})
    assert page.endswith("and 490 more\n") and page.count("k7q2") == 3
    assert "k7q2m" in log_page([Line()], {"b" * 40: [(RUN, False)]}, all_ids=["20261121-142200-k7q2xx"])
