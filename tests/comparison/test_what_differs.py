"""Each section: what counts as a difference, what is said of it, and what stays unknown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sample_runs import MACHINE, PACKAGES, Change, distribution, file, make_run, metric, points
from twice.comparison.differences import compare
from twice.comparison.sections import Section
from twice.record.model import (
    Data,
    Environment,
    Gpu,
    LeftOut,
    Origin,
    Params,
    Run,
    SeededProcess,
    Seeds,
    Tracer,
)


def section(name: Any, a: Run, b: Run, *changes: Change, **more: Any) -> Section:
    return compare(a, b, changes, **more).section(name)


def of(**facts: Any) -> tuple[Run, Run]:
    """The sample run, and another that differs in these facts."""
    return make_run("aaaaaa"), make_run("bbbbbb", **facts)


def environments(*of_b: Any, **more: Any) -> tuple[Run, Run]:
    packages = replace(PACKAGES, distributions=of_b)
    return of(environment=Environment(packages=packages, machine=MACHINE, variables={"OMP_NUM_THREADS": "2"}, **more))


# ------------------------------------------------------------------------------------------------ command


@pytest.mark.parametrize(
    ("facts", "summary"),
    [
        ({"command": ("python", "train.py", "--lr", "0.2")}, "differs: 0.1 → 0.2"),
        ({"command": ("python", "train.py", "--lr", "a b")}, "differs: 0.1 → 'a b'"),
        ({"command": ("python", "train.py")}, "differs: python train.py --lr 0.1 → python train.py"),
        ({"directory": "src"}, "differs: directory . → src"),
    ],
)
def test_the_command_differs_by_its_words_its_directory_and_its_isolation(facts: Any, summary: str) -> None:
    assert section("command", *of(**facts)).summary == summary


# --------------------------------------------------------------------------------------------------- code


def test_code_differs_by_the_files_that_git_lists() -> None:
    a, b = of(tree="8" * 40)
    found = section(
        "code", a, b, Change("train.py"), Change("model.py", "added", 40, 0), Change("old.py", "deleted", 0, 9)
    )
    assert found.summary == "differs: train.py, added model.py and 1 more (+43 −10)"
    assert [(each.name, each.kind, each.note) for each in found.differences] == [
        ("train.py", "changed", "+3 −1"),
        ("model.py", "added", "+40 −0"),
        ("old.py", "removed", "+0 −9"),
    ]


def test_a_renamed_file_and_one_that_is_no_text_say_so() -> None:
    a, b = of(tree="8" * 40)
    found = section(
        "code", a, b, Change("new.py", "renamed", 0, 0, "old.py"), Change("logo.png", "modified", None, None)
    )
    assert [each.note for each in found.differences] == ["was old.py", "not text"]
    assert found.summary == "differs: new.py, logo.png"
    found = section("code", a, b, Change("run.sh", "mode", 0, 0), Change("link", "type", 1, 1))
    assert [each.note for each in found.differences] == ["mode changed", "type changed, +1 −1"]


def test_a_changed_output_in_the_work_tree_is_not_a_code_change() -> None:
    a, b = of(tree="8" * 40)
    found = section("code", a, b, Change("model.pkl", "added", None, None))
    assert (found.state, found.summary) == ("identical", "identical (leaving out 1 recorded output)")
    assert section("code", a, b, Change("model.pkl"), Change("train.py")).summary == "differs: train.py (+3 −1)"


def test_files_in_an_output_folder_are_outputs_but_a_folder_that_is_everything_hides_nothing() -> None:
    a, b = of(tree="8" * 40, data=Data(outputs=(file("out", kind="folder"),)))
    assert section("code", a, b, Change("out/a/b.bin")).state == "identical"
    assert section("code", a, b, Change("outside.py")).state == "differs"
    a, b = of(tree="8" * 40, data=Data(outputs=(file(".", kind="folder"),)))
    assert section("code", a, b, Change("a.py")).state == "differs"


def test_a_script_that_rewrites_itself_is_still_code() -> None:
    a, b = of(tree="8" * 40, data=Data(outputs=(file("train.py"),)))
    assert section("code", a, b, Change("train.py")).state == "differs"


def test_other_trees_without_a_list_of_files_still_differ() -> None:
    assert section("code", *of(tree="8" * 40)).summary == "differs: another tree, files not listed"


def test_code_that_changed_while_it_ran_is_unknown_even_if_the_trees_are_the_same() -> None:
    found = section("code", *of(changed_during_run=("model.py",)))
    assert (found.state, found.summary) == ("unknown", "unknown: model.py changed while the run was running")


def test_files_left_out_of_the_snapshot_are_compared_by_hash_or_are_unknown() -> None:
    big, other = (
        LeftOut(path="big.bin", reason="large", sha256="1" * 64),
        LeftOut(path="big.bin", reason="large", sha256="2" * 64),
    )
    secret = LeftOut(path=".env", reason="secret")
    assert section("code", make_run(left_out=(big,)), make_run(left_out=(big,))).state == "identical"
    found = section("code", make_run(left_out=(big,)), make_run(left_out=(other,)))
    assert found.summary == "differs: big.bin changed (left out of the snapshot: large)"
    assert section("code", make_run(), make_run(left_out=(big,))).differences[0].kind == "added"
    found = section("code", make_run(left_out=(secret,)), make_run(left_out=(secret,)))
    assert found.summary == "unknown: .env was left out of the snapshots (secret), so it was not compared"


# -------------------------------------------------------------------------------------------- environment


def test_distributions_differ_both_ways_and_by_version() -> None:
    found = section("environment", *environments(distribution("numpy", "2.4.2"), distribution("torch", "2.13.0")))
    assert found.summary == "differs: numpy 2.4.1 → 2.4.2, missing scipy 1.17.0 and 1 more"
    assert [each.kind for each in found.differences] == ["changed", "removed", "added"]


def test_the_same_version_with_other_content_differs() -> None:
    found = section("environment", *environments(distribution("numpy", "2.4.1", "9"), distribution("scipy", "1.17.0")))
    assert found.summary == "differs: numpy 2.4.1 (RECORD dddddddddddd) → 2.4.1 (RECORD 999999999999)"


def test_the_same_content_from_elsewhere_or_by_another_installer_is_the_same() -> None:
    moved = distribution("numpy", "2.4.1", installer="uv", index="https://example.org", wheel_tags=("py3-none-any",))
    found = section("environment", *environments(moved, distribution("scipy", "1.17.0")))
    assert found.summary == "identical (2 distributions, 1 variable)"


def test_what_has_no_digest_is_unknown_not_identical() -> None:
    packages = replace(PACKAGES, distributions=(distribution("apt", "2.0", None), distribution("numpy", "2.4.1")))
    run = make_run(environment=Environment(packages=packages, machine=MACHINE))
    found = section("environment", run, run)
    assert found.summary == "unknown: same versions, but no digest tells whether apt had the same content"


@pytest.mark.parametrize(
    ("origin", "state"),
    [
        (Origin(kind="editable", url="packages/mine"), "identical"),  # in the repository: the code section tells
        (Origin(kind="editable", url="/home/ada/mine", commit="c" * 40, dirty=False), "identical"),
        (Origin(kind="editable", url="/home/ada/mine", commit="c" * 40, dirty=True), "unknown"),
        (Origin(kind="editable", url="file:///home/ada/mine"), "unknown"),
    ],
)
def test_an_editable_install_is_as_known_as_its_source_tree(origin: Origin, state: str) -> None:
    packages = replace(PACKAGES, distributions=(distribution("mine", "1", origin=origin),))
    run = make_run(environment=Environment(packages=packages))
    assert section("environment", run, run).state == state


def test_an_editable_install_differs_by_commit_though_its_digest_is_the_same() -> None:
    of_a, of_b = (
        replace(
            PACKAGES, distributions=(distribution("mine", "1", origin=Origin(kind="editable", url="/m", commit=c * 8)),)
        )
        for c in "12"
    )
    found = section(
        "environment",
        make_run(environment=Environment(packages=of_a)),
        make_run(environment=Environment(packages=of_b)),
    )
    assert found.summary == "differs: mine 1 (editable /m 11111111) → 1 (editable /m 22222222)"


def test_interpreter_and_variables_differ_but_a_venv_is_as_good_as_a_system_python() -> None:
    newer = replace(PACKAGES, interpreter=replace(PACKAGES.interpreter, version="3.12.1", kind="system"))
    a, b = of(environment=Environment(packages=newer, machine=MACHINE, variables={"OMP_NUM_THREADS": "1"}))
    found = section("environment", a, b)
    assert found.summary == "differs: CPython 3.11.7 → 3.12.1, variable OMP_NUM_THREADS 2 → 1"


def test_no_python_reporting_in_is_unknown() -> None:
    a, b = of(environment=Environment(machine=MACHINE, variables={"OMP_NUM_THREADS": "2"}))
    assert section("environment", b, b).summary == "unknown: no Python process reported in"
    assert section("environment", a, b).summary == "unknown: no Python process reported in from the second run"
    assert section("environment", b, a).summary == "unknown: no Python process reported in from the first run"


def test_machines_differ_fact_by_fact() -> None:
    was = replace(MACHINE, cpu_flags=("avx2", "avx512f"), gpus=(Gpu(name="H100", driver="570"),), extra={"rack": 1})
    now = replace(MACHINE, cpu_flags=("avx2",), gpus=(Gpu(name="H100", driver="580"),), threads={"torch": 1})
    found = section(
        "machine", make_run(environment=Environment(machine=was)), make_run(environment=Environment(machine=now))
    )
    assert found.summary == "differs: missing cpu flag avx512f, gpu 0 H100, driver 570 → H100, driver 580 and 2 more"
    assert [(each.name, each.a, each.b) for each in found.differences[2:]] == [
        ("torch threads", 2, 1),
        ("rack", 1, None),
    ]


def test_an_unrecorded_machine_is_unknown() -> None:
    a, b = of(environment=Environment(packages=PACKAGES))
    assert section("machine", a, b).summary == "unknown: the machine of the second run was not recorded"
    assert section("machine", b, b).summary == "unknown: the machine of either run was not recorded"


# ------------------------------------------------------------------------------------- inputs and outputs


def test_inputs_differ_by_content_and_both_ways() -> None:
    found = section("data", *of(data=Data(inputs=(file("data/train.csv", "b"), file("extra.csv", "c")))))
    assert found.summary == "differs: data/train.csv aaaaaaaa… → bbbbbbbb…, extra extra.csv (sha256 cccccccc…)"
    found = section("data", *of(data=Data()))
    assert found.summary == "differs: missing data/train.csv (sha256 aaaaaaaa…)"


def test_a_declared_input_that_is_not_there_is_missing_and_not_counted() -> None:
    absent = make_run(data=Data(inputs=(file("data/train.csv", sha256=None),)))
    assert section("data", make_run(), absent).summary == "differs: missing data/train.csv (sha256 aaaaaaaa…)"
    assert section("data", absent, absent).summary == "identical (none)"


def test_a_file_that_became_a_folder_differs() -> None:
    found = section("data", *of(data=Data(inputs=(file("data/train.csv", kind="folder"),))))
    assert (found.state, found.differences[0].note) == ("differs", "file → folder")


def test_files_that_nobody_looked_for_are_unknown() -> None:
    _, b = of(tracer=Tracer(name="off"), data=Data())
    found = section("outputs", b, b)
    assert found.summary == "unknown: opened files were not traced in both runs, and none were declared"
    declared = make_run(tracer=Tracer(name="off"))
    assert section("data", declared, declared).summary == "identical (1 input, opened files not traced)"


def test_a_file_that_only_a_better_tracer_saw_is_unknown_but_a_declared_one_is_missing() -> None:
    a, b = of(tracer=Tracer(name="python"), data=Data())
    found = section("data", a, b)
    assert found.summary == (
        "unknown: data/train.csv seen in one run only, but the tracers were not the same (python and syscalls)"
    )
    declared = make_run(data=Data(inputs=(file("data/train.csv", found=("declared", "opened")),)))
    assert section("data", declared, b).state == "differs"


# ----------------------------------------------------------------------------------------- params, seeds


@pytest.mark.parametrize(
    ("was", "now", "summary"),
    [
        (1, 1.0, "identical (1 param)"),
        (float("nan"), float("nan"), "identical (1 param)"),
        ([1, {"a": 2}], [1.0, {"a": 2.0}], "identical (1 param)"),
        (1, True, "differs: p 1 → True"),
        (1, "1", 'differs: p 1 → "1"'),
        (None, "None", 'differs: p None → "None"'),
        (0.0, -0.0, "differs: p 0 → -0"),
        (0.1, 0.1 + 1e-17 + 2e-17, "differs: p 0.1 → 0.10000000000000003"),
        (0.30000000000000004, 0.3, "differs: p 0.30000000000000004 → 0.3"),
        (10**400, 10**400 + 1, None),
        ([1, 2], [2, 1], "differs: p [1, 2] → [2, 1]"),
    ],
)
def test_params_are_compared_by_value_and_kind(was: Any, now: Any, summary: str | None) -> None:
    found = section("params", make_run(params=Params(values={"p": was})), make_run(params=Params(values={"p": now})))
    if summary is None:
        assert found.state == "differs"
        assert found.differences[0].delta is None or found.differences[0].delta == 1.0
    else:
        assert found.summary == summary


def test_params_are_nested_and_two_sided() -> None:
    a = make_run(params=Params(values={"model": {"layers": 2, "width": 8}}))
    b = make_run(params=Params(values={"model": {"layers": 3}, "optimizer": "sgd"}))
    found = section("params", a, b)
    assert found.summary == "differs: model.layers 2 → 3, missing model.width 8 and 1 more"
    assert [each.delta for each in found.differences] == [1.0, None, None]


def test_a_fresh_root_seed_differs_mildly() -> None:
    seeds = make_run().seeds
    found = section("seeds", *of(seeds=replace(seeds, root=99)))
    assert found.summary == "differs: each run drew its own root seed"
    assert (found.differences[0].a, found.differences[0].b) == (1234, 99)


def test_seeds_that_were_off_or_not_applied_are_unknown_and_other_processes_differ() -> None:
    off, unseen = make_run(seeds=Seeds()), make_run(seeds=Seeds(root=1234))
    assert section("seeds", off, off).summary == "unknown: seeding was switched off in both runs"
    assert section("seeds", make_run(), off).summary == "differs: seeding was switched off in the second run"
    assert section("seeds", unseen, unseen).state == "unknown"
    skipped = make_run(seeds=replace(make_run().seeds, not_applied=("torch: imported before",)))
    assert section("seeds", skipped, skipped).summary == "unknown: not applied: torch: imported before"
    processes = tuple(SeededProcess(key=key, python="/p", seeded=("random",)) for key in ("main", "main/0", "main/0"))
    found = section("seeds", *of(seeds=Seeds(root=1234, processes=processes)))
    assert [each.name for each in found.differences] == ["process main", "process main/0", "process main/0 again"]


# ----------------------------------------------------------------------------------- metrics, execution


def test_metrics_differ_by_last_value_both_ways_with_the_distance() -> None:
    a = make_run(metrics={"loss": metric(0.5), "gone": metric(1)})
    b = make_run(metrics={"loss": metric(0.25), "new": metric(2)})
    found = section("metrics", a, b)
    assert [(each.name, each.kind, each.delta) for each in found.differences] == [
        ("loss", "changed", -0.25),
        ("gone", "removed", None),
        ("new", "added", None),
    ]


@pytest.mark.parametrize(
    ("was", "now", "note"),
    [
        (metric(1.0, mean=0.5), metric(1.0, mean=0.6), "same last value; mean 0.5 → 0.6"),
        (metric(1.0, count=3), metric(1.0, count=4), "same last value; logged 3 → 4 times"),
        (metric(1.0, last_step=3), metric(1.0, last_step=4), "same last value; at other steps"),
        (metric(0.0), metric(-0.0), "equal but for the sign of zero"),
        (metric(1.0), metric(2.0), ""),
    ],
)
def test_all_of_a_metric_is_compared_not_only_its_last_value(was: Any, now: Any, note: str) -> None:
    found = section("metrics", make_run(metrics={"m": was}), make_run(metrics={"m": now}))
    assert (found.state, found.differences[0].note) == ("differs", note)


@pytest.mark.parametrize("as_function", [False, True])
def test_histories_name_the_first_step_that_differs_even_if_the_summaries_agree(as_function: bool) -> None:
    a, b = make_run("aaaaaa", metrics={"m": metric(3.0)}), make_run("bbbbbb", metrics={"m": metric(3.0)})
    by_id = {a.id: {"m": points(1, 2, 4, 3)}, b.id: {"m": points(1, 2, 5, 3)}}
    histories: Any = (lambda run_id, name: by_id[run_id][name]) if as_function else by_id
    assert section("metrics", a, b, histories=histories).differences[0].note == "first differs at step 2"
    shorter = {a.id: {"m": points(1, 2, 4, 3)}, b.id: {"m": points(1, 2, 4)}}
    assert section("metrics", a, b, histories=shorter).differences[0].note == "first differs at step 3"
    assert section("metrics", a, b, histories={}).state == "identical"


def test_runs_without_metrics_have_the_same_none() -> None:
    run = make_run(metrics={})
    assert section("metrics", run, run).summary == "identical (none)"


def test_how_a_run_ended_differs_by_status_code_and_signal() -> None:
    found = section("execution", *of(status="killed", exit_code=137, signal="SIGKILL"))
    assert found.summary == "differs: status finished → killed, exit code 0 → 137 and 1 more"
    unknown = make_run(status="interrupted", exit_code=None)
    assert section("execution", unknown, unknown).summary == "unknown: the exit code was never learned"
    assert section("execution", make_run(), unknown).differences[1].b == "unknown"
