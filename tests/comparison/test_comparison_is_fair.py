"""Properties: a run is the same as itself, comparing is symmetric, and leaves what it compares as it was."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sample_runs import MACHINE, PACKAGES, distribution, file, make_run, metric, points
from twice.comparison.differences import compare
from twice.comparison.sections import Comparison
from twice.comparison.tolerance import Tolerance
from twice.comparison.verdict import judge
from twice.record.model import Data, Environment, LeftOut, Params, Run, SeededProcess, Seeds, Tracer

QUICKLY = settings(max_examples=40, deadline=None)

NUMBERS = st.one_of(
    st.sampled_from([0.0, -0.0, 1, 1.0, 2, float("nan"), float("inf"), float("-inf"), 10**400, 0.1, 1e308, -1e308]),
    st.floats(),
)
SCALARS = st.one_of(NUMBERS, st.sampled_from([True, False, None, "1", "sgd", ""]))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=4,
)
PATHS = st.sampled_from(["a.csv", "b.csv", "out/", "\udcff"])
FILES = st.lists(
    st.builds(
        lambda path, digit, kind, found: file(path, digit or "a", kind=kind, found=found, **({} if digit else NONE)),
        PATHS,
        st.sampled_from(["a", "b", None]),
        st.sampled_from(["file", "folder"]),
        st.sampled_from([("opened",), ("declared",)]),
    ),
    unique_by=lambda each: each.path,
    max_size=3,
).map(tuple)
NONE: dict[str, Any] = {"sha256": None}
DISTRIBUTIONS = st.lists(
    st.builds(
        distribution,
        st.sampled_from(["numpy", "scipy"]),
        st.sampled_from(["1", "2"]),
        st.sampled_from(["d", "e", None]),
    ),
    unique_by=lambda each: each.name,
    max_size=2,
).map(tuple)


@st.composite
def runs(draw: st.DrawFn) -> Run:
    maybe_packages = st.none() | DISTRIBUTIONS.map(lambda found: replace(PACKAGES, distributions=found))
    processes = st.sampled_from([(), (SeededProcess(key="main", python="/p", seeded=("random",)),)])
    left_out = st.sampled_from(
        [(), (LeftOut(path="big", reason="large", sha256="a" * 64),), (LeftOut(path=".env", reason="secret"),)]
    )
    return make_run(
        draw(st.sampled_from(["aaaaaa", "bbbbbb", "cccccc"])),
        command=draw(st.sampled_from([("python", "t.py"), ("python", "t.py", "x"), ("python", "u.py")])),
        exit_code=draw(st.sampled_from([0, 1, None])),
        signal=draw(st.sampled_from([None, "SIGKILL"])),
        tree=draw(st.sampled_from(["1" * 40, "2" * 40])),
        left_out=draw(left_out),
        changed_during_run=draw(st.sampled_from([(), ("train.py",)])),
        tracer=draw(st.sampled_from([Tracer(name="off"), Tracer(name="python"), Tracer(name="syscalls")])),
        params=Params(values=draw(st.dictionaries(st.sampled_from(["lr", "a", "a.b"]), VALUES, max_size=3))),
        metrics=draw(
            st.dictionaries(st.sampled_from(["loss", "acc"]), st.builds(metric, NUMBERS, mean=NUMBERS), max_size=2)
        ),
        seeds=Seeds(root=draw(st.sampled_from([None, 1, 2])), processes=draw(processes)),
        data=Data(inputs=draw(FILES), outputs=draw(FILES)),
        environment=Environment(packages=draw(maybe_packages), machine=draw(st.sampled_from([None, MACHINE]))),
    )


HISTORIES = st.fixed_dictionaries(
    {tail: st.fixed_dictionaries({"loss": st.lists(NUMBERS, max_size=3).map(lambda v: points(*v))}) for tail in "abc"}
)


def facts(comparison: Comparison, *, mirrored: bool = False) -> Any:
    """What a comparison says, whichever run came first."""
    kinds = {"changed": "changed", "added": "removed", "removed": "added"}
    return [
        (
            section.name,
            section.state,
            sorted(
                (each.name, kinds[each.kind], repr(each.b), repr(each.a), repr(each.delta and -each.delta))
                if mirrored
                else (each.name, each.kind, repr(each.a), repr(each.b), repr(each.delta))
                for each in section.differences
            ),
        )
        for section in comparison.sections
    ]


@QUICKLY
@given(runs())
def test_a_run_does_not_differ_from_itself(run: Run) -> None:
    comparison = compare(run, run)
    assert not comparison.differs
    assert all(not section.differences for section in comparison.sections)


@QUICKLY
@given(runs(), runs())
def test_comparing_backwards_is_the_mirror_image(a: Run, b: Run) -> None:
    assert facts(compare(b, a)) == facts(compare(a, b), mirrored=True)


@QUICKLY
@given(runs(), runs(), HISTORIES)
def test_comparing_and_judging_change_nothing(a: Run, b: Run, histories: Any) -> None:
    by_id = {f"20261121-142233-{letter * 6}": found for letter, found in histories.items()}
    before = repr((a, b, by_id))
    kept = copy.deepcopy(a)
    comparison = compare(a, b, (), by_id)
    judge(a, b, comparison, Tolerance(rtol=0.1), by_id)
    assert repr((a, b, by_id)) == before
    assert repr(kept) == repr(a)


@QUICKLY
@given(runs(), runs())
def test_a_section_is_identical_only_if_nothing_differs_and_says_which_it_is(a: Run, b: Run) -> None:
    comparison = compare(a, b)
    for section in comparison.sections:
        assert section.summary.startswith(section.state)
        assert bool(section.differences) == (section.state == "differs")
    assert not (comparison.identical and comparison.differs)


@QUICKLY
@given(runs(), runs(), st.sampled_from([0.0, 0.5]))
def test_a_verdict_never_calls_differing_results_reproduced(a: Run, b: Run, rtol: float) -> None:
    comparison = compare(a, b)
    verdict = judge(a, b, comparison, Tolerance(rtol=rtol))
    if verdict.reproduced:
        assert a.execution.exit_code == b.execution.exit_code
        assert a.metrics.keys() == b.metrics.keys()
        results = verdict.rows[-1]
        assert results.state != "differs"
    if verdict.rows[-1].state == "identical":
        assert comparison.section("metrics").state == "identical"
        assert comparison.section("outputs").state == "identical"
    for row, section in zip(verdict.rows, ("code", "environment", "data"), strict=False):
        if row.state == "identical":
            assert comparison.section(section).state == "identical"  # type: ignore[arg-type]


def test_sections_come_in_the_order_of_the_flow() -> None:
    run = make_run()
    assert [section.name for section in compare(run, run).sections] == [
        "command", "code", "environment", "machine", "data", "params", "seeds", "metrics", "outputs", "execution",
    ]  # fmt: skip


def test_two_runs_that_did_the_same_are_identical_whenever_wherever_and_however_long() -> None:
    again = make_run("zzzzzz", host="other", user="bob", duration_s=99.0, repository="/elsewhere", python="/x/python")
    comparison = compare(make_run(), again)
    assert comparison.identical
    assert [section.summary for section in comparison.sections] == [
        "identical",
        "identical",
        "identical (2 distributions, 1 variable)",
        "identical",
        "identical (1 input)",
        "identical (2 params)",
        "identical (root 1234)",
        "identical (2 metrics)",
        "identical (1 output)",
        "identical (finished, exit 0)",
    ]
