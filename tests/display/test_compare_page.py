"""Runs side by side, as they are printed."""

from __future__ import annotations

from dataclasses import replace

from sample_runs import make_run, metric, points
from twice.comparison.noise import group_samples
from twice.comparison.side_by_side import Group, SideBySide, put_side_by_side
from twice.display.compare_page import compare_markdown, compare_page
from twice.display.comparison_shapes import side_by_side_json
from twice.record.model import Params, Run


def three_runs() -> tuple[list[Run], SideBySide]:
    runs = [
        make_run(tail, name=name, params=Params(values=values), metrics=metrics, tree=digit * 40)
        for tail, name, values, metrics, digit in (
            (
                "k7q2m9",
                None,
                {"lr": 0.1, "opt": "sgd", "same": 1},
                {"loss": metric(0.5, count=4), "acc": metric(0.9)},
                "1",
            ),
            ("m4x9aa", "wide", {"lr": 0.2, "same": 1}, {"loss": metric(0.25, count=4), "acc": metric(0.9)}, "1"),
            ("zz22zz", None, {"lr": 0.1, "opt": "a|b", "same": 1}, {"acc": metric(0.9)}, "2"),
        )
    ]
    others = [replace(run, metrics={"loss": metric(value)}) for run, value in zip(runs[:2], (0.52, 0.26), strict=True)]
    groups = [[runs[0], others[0]], [runs[1], others[1]], [runs[2]]]
    samples = group_samples(groups, ["loss"])["loss"]
    made = [
        Group(runs=(group[0].id,), n=len(group), metrics={} if one is None else {"loss": one})
        for group, one in zip(groups, samples, strict=True)
    ]
    return runs, put_side_by_side(runs, lambda a, b: False, made)


COURSES = {
    "20261121-142233-k7q2m9": {"loss": points(2, 1, 0.75, 0.5)},
    "20261121-142233-m4x9aa": {"loss": points(2, 1.5, 0.5, 0.25)},
}

PAGE = """\
3 runs  differing: 2 of 3 params, 1 of 2 metrics

facts
        k7q2  m4x9  zz22
  code  a     a     b
  name  -     wide  -

params
       k7q2  m4x9  zz22
  lr   0.1   0.2   0.1
  opt  sgd   -     a|b

metrics
        k7q2  m4x9    zz22
  loss  0.5   0.25 *  -
        █▃▂▁  █▆▂▁
  * best

replicates  mean ± standard deviation over seeds
        k7q2 (n=2)     m4x9 (n=2)                        zz22 (n=1)
  loss  0.510 ± 0.014  0.2550 ± 0.0071  -0.255 ▼ better  -

the same in all: experiment, status, data, packages, 1 param, 1 metric (--all shows them)
"""

MARKDOWN = """\
### twice: 3 runs side by side

| fact | k7q2 | m4x9 | zz22 |
| --- | --- | --- | --- |
| <code>code</code> | <code>a</code> | <code>a</code> | <code>b</code> |
| <code>name</code> | - | <code>wide</code> | - |

| param | k7q2 | m4x9 | zz22 |
| --- | --- | --- | --- |
| <code>lr</code> | 0.1 | 0.2 | 0.1 |
| <code>opt</code> | <code>sgd</code> | - | <code>a&#124;b</code> |

| metric | k7q2 | m4x9 | zz22 |
| --- | --: | --: | --: |
| <code>loss</code> | 0.5 | **0.25** | - |
|  | █▃▂▁ | █▆▂▁ |  |

| replicates | k7q2 (n=2) | m4x9 (n=2) | zz22 (n=1) |
| --- | --- | --- | --- |
| <code>loss</code> | 0.510 ± 0.014 | 0.2550 ± 0.0071  -0.255 ▼ better | - |

<sub>the same in all: experiment, status, data, packages, 1 param, 1 metric (--all shows them)</sub>
"""


def test_the_whole_page() -> None:
    _, side = three_runs()
    assert compare_page(side, courses=COURSES) == PAGE


def test_the_whole_page_as_markdown() -> None:
    _, side = three_runs()
    assert compare_markdown(side, courses=COURSES) == MARKDOWN


def test_all_rows_are_shown_when_asked_for() -> None:
    _, side = three_runs()
    page = compare_page(side, all_rows=True)
    assert "same  1     1     1" in page and "the same in all" not in page and "packages" in page


def test_what_does_not_fit_stands_below_and_nothing_is_hidden() -> None:
    alphabet = "abcdefghjkmnpqrstuvwxyz"
    runs = [
        make_run(f"{alphabet[n // 20]}{alphabet[n % 20]}aaaa", params=Params(values={"lr": n / 7, "w": "x" * (n % 30)}))
        for n in range(50)
    ]
    side = put_side_by_side(runs, lambda a, b: False)
    page = compare_page(side, width=80)
    assert all(len(line) <= 80 for line in page.split("\n") if line.startswith("  "))
    for n in range(50):
        assert page.count(f"{n / 7:.6g}"[:7]) >= 1
    assert page.count("\n  lr  ") > 3
    narrow = compare_page(side, width=10)
    assert narrow.count("\n  lr  ") == 50


def test_hostile_names_and_values_stay_in_their_cells() -> None:
    runs = [
        make_run("aaaaaa", params=Params(values={"a\nb\x1b[2J": "x\u202ey"}), metrics={"m|\n@x": metric(1)}),
        make_run("bbbbbb", params=Params(values={"a\nb\x1b[2J": "\r"}), metrics={"m|\n@x": metric(2)}),
    ]
    side = put_side_by_side(runs, lambda a, b: False)
    for text in (compare_page(side), compare_markdown(side)):
        assert not any(ord(character) < 32 and character != "\n" for character in text)
        assert "\u202e" not in text
    assert "@x" not in compare_markdown(side)


def test_ascii_screens_get_ascii() -> None:
    _, side = three_runs()
    assert compare_page(side, courses=COURSES, encoding="ascii").isascii()


def test_the_shape_of_json() -> None:
    runs, side = three_runs()
    shape = side_by_side_json(side)
    assert shape["schema_version"] == 1 and shape["runs"] == [run.id for run in runs]
    lr, opt, same = shape["params"]
    assert lr == {
        "name": "lr",
        "differs": True,
        "values": {run.id: v for run, v in zip(runs, (0.1, 0.2, 0.1), strict=True)},
    }
    assert set(opt["values"]) == {runs[0].id, runs[2].id} and same["differs"] is False
    assert shape["metrics"][0]["best"] == [runs[1].id]
    assert shape["groups"][0]["metrics"]["loss"]["n"] == 2
    assert shape["groups"][2] == {"runs": [runs[2].id], "n": 1, "metrics": {}}
