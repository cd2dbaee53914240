"""Whole pages, as they are printed: the table of runs, one run, the difference of two, a verdict, a headline."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sample_runs import MACHINE, NOW, PACKAGES, STARTED, Change, distribution, file, make_run, metric, points
from twice.comparison.differences import compare
from twice.comparison.tolerance import Tolerance
from twice.comparison.verdict import judge
from twice.display.characters import display_width
from twice.display.diff_page import diff_page
from twice.display.headline import headline
from twice.display.ids import shorten_ids
from twice.display.run_page import run_page
from twice.display.run_table import run_table
from twice.display.verdict_table import outcome_line, verdict_table
from twice.record.model import (
    Data,
    DataFile,
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
from twice.record.summary import summarise_run


def eventful_run() -> Run:
    """A run of which everything is to be said that a page can say."""
    return make_run(
        "m4x9aa",
        status="failed",
        exit_code=3,
        name="wide",
        message="try it",
        tags={"baseline": "", "set": "v2"},
        directory="src",
        snapshot="5" * 40,
        remote="https://example.org/r.git",
        reproduces="20261120-091102-k7mz31",
        left_out=(LeftOut(path="big.bin", reason="large", size_bytes=20 << 20, sha256="1" * 64),),
        changed_during_run=("model.py",),
        tracer=Tracer(name="python", blind_spots=("files opened by C extensions", "files opened by other programs")),
        warnings=("model.py changed while it ran",),
        extra={"newer": "fact"},
        seeds=Seeds(
            root=1234,
            processes=tuple(SeededProcess(key=key, python="/p", seeded=("random", "numpy")) for key in "abc"),
            not_applied=("torch: imported before",),
        ),
        data=Data(
            inputs=(
                file("data", kind="folder", files=12, found=("declared", "opened")),
                DataFile(path="gone.csv", found=("declared",)),
            ),
            outputs=(file("model.pkl", "e", stored="artifacts", found=("git",)),),
        ),
        environment=Environment(
            packages=replace(
                PACKAGES,
                distributions=(*PACKAGES.distributions, distribution("mine", "1", origin=Origin(kind="editable"))),
            ),
            machine=replace(
                MACHINE,
                gpus=(Gpu(name="H100", memory_bytes=80 << 30, driver="570"),),
                cuda="12.4",
                distribution="Debian 12",
            ),
            variables={"OMP_NUM_THREADS": "2"},
        ),
    )


# ------------------------------------------------------------------------------------------ the table of runs


def sweep() -> list[Run]:
    return [
        make_run("k7q2m9", params=Params(values={"lr": 0.1, "seed": 1, "opt": "sgd"})),
        make_run(
            "m4x9aa", params=Params(values={"lr": 1e-5, "seed": 1, "opt": "1"}), name="tiny\nstep", status="killed"
        ),
        make_run(
            "k7q2zz",
            params=Params(values={"lr": 0.3, "seed": 1}),
            metrics={"loss": metric(float("nan"))},
            tags={"数据": "v2"},
            started_at=STARTED - timedelta(days=3),
            duration_s=4000.0,
        ),
    ]


def test_runs_as_a_table() -> None:
    assert run_table(sweep(), now=NOW) == (
        "id     age  experiment  status    duration  name        tags        lr  opt  accuracy  loss\n"
        "k7q2m  3 h  train       finished    12.4 s  -           -          0.1  sgd    0.9125  0.25\n"
        'm4x9   3 h  train       killed      12.4 s  tiny\\nstep  -        1e-05  "1"    0.9125  0.25\n'
        "k7q2z  3 d  train       finished  1 h 07 m  -           数据=v2    0.3  -           -   nan\n"
    )


def test_a_narrow_table_says_what_it_hides() -> None:
    assert run_table(sweep(), now=NOW, width=60) == (
        "id     age  status    duration  name        accuracy  loss\n"
        "k7q2m  3 h  finished    12.4 s  -             0.9125  0.25\n"
        "m4x9   3 h  killed      12.4 s  tiny\\nstep    0.9125  0.25\n"
        "k7q2z  3 d  finished  1 h 07 m  -                  -   nan\n"
        "+4 columns hidden (--all): experiment, tags, lr, opt\n"
    )


def test_all_columns_show_even_the_params_that_are_the_same() -> None:
    lines = run_table(sweep(), now=NOW, width=20, all_columns=True).split("\n")
    assert lines[0].split() == [
        "id",
        "age",
        "experiment",
        "status",
        "duration",
        "name",
        "tags",
        "lr",
        "seed",
        "opt",
        "accuracy",
        "loss",
    ]
    assert "hidden" not in lines[-2]


def test_one_run_shows_all_its_params_and_no_run_is_no_text() -> None:
    assert run_table([make_run()], now=NOW) == (
        "id    age  experiment  status    duration   lr  model.layers  accuracy  loss\n"
        "k7q2  3 h  train       finished    12.4 s  0.1             2    0.9125  0.25\n"
    )
    assert run_table([], now=NOW) == ""


def test_summaries_of_the_index_show_as_the_runs_do() -> None:
    runs = sweep()
    assert run_table([summarise_run(run) for run in runs], now=NOW) == run_table(runs, now=NOW)
    going_on = replace(summarise_run(runs[0]), duration_s=None, status="running", metrics={})
    assert run_table([going_on], now=NOW).split("\n")[1].split() == [
        "k7q2",
        "3",
        "h",
        "train",
        "running",
        "-",
        "0.1",
        "1",
        "sgd",
    ]


def test_ids_are_as_long_as_it_takes_to_tell_them_apart() -> None:
    assert shorten_ids(["d-aaaaaa", "d-bbbbbb"]) == {"d-aaaaaa": "aaaa", "d-bbbbbb": "bbbb"}
    assert shorten_ids(["d-aaaabb", "d-aaaacc", "d-bbbbbb", "d-aaaacd"]) == {
        "d-aaaabb": "aaaab",
        "d-aaaacc": "aaaacc",
        "d-bbbbbb": "bbbb",
        "d-aaaacd": "aaaacd",
    }
    assert shorten_ids(["1-aaaaaa", "2-aaaaaa", "1-aaaaaa"]) == {"1-aaaaaa": "1-aaaaaa", "2-aaaaaa": "2-aaaaaa"}
    others = [make_run("k7q2aa").id]
    assert run_table([make_run("k7q2m9")], now=NOW, all_ids=others).split("\n")[1].startswith("k7q2m ")


def test_a_run_that_repeats_another_says_which() -> None:
    lines = run_table([eventful_run()], now=NOW).split("\n")
    assert "repeats" in lines[0]
    assert " k7mz " in lines[1]


# ---------------------------------------------------------------------------------------------------- one run


def test_a_run_with_everything() -> None:
    page = run_page(eventful_run(), now=NOW, histories={"loss": points(2.5, 1, 0.5, 0.25, 0.3)}, commit="c" * 40)
    assert page == RUN_PAGE


def test_a_run_with_next_to_nothing() -> None:
    bare = make_run(
        base=None, branch=None, params=Params(), metrics={}, seeds=Seeds(), data=Data(), environment=Environment()
    )
    assert run_page(bare) == BARE_PAGE


def test_a_long_block_is_cut_unless_all_is_asked_for() -> None:
    run = make_run(params=Params(values={f"p{index}": index for index in range(10_000)}))
    page = run_page(run, width=80)
    assert "  p39  39\n  and 9960 more (--json has all)\n" in page
    assert "p9999  9999" in run_page(run, all_rows=True)


def test_a_run_in_ascii() -> None:
    page = run_page(
        make_run(message="数据 → \udcff\x1b[2J"), now=NOW, histories={"loss": points(3, 2, 1)}, encoding="ascii"
    )
    assert page.isascii()
    assert "note         \\u6570\\u636e -> \\udcff\\x1b[2J\n" in page
    assert "  loss      0.25    #=_  min 0.25" in page


# ------------------------------------------------------------------------------------------------- two runs


def two_runs() -> tuple[Any, Run, Run]:
    a = make_run()
    b = make_run(
        "m4x9aa",
        tree="8" * 40,
        command=("python", "train.py", "--lr", "0.2"),
        directory="src",
        params=Params(values={"lr": 0.2, "model": {"layers": 2}, "opt": "1"}),
        metrics={
            "accuracy": metric(0.92),
            "loss": metric(0.25, max=2.5, mean=0.76, count=10, last_step=9),
            "f1": metric(float("nan")),
        },
        seeds=replace(a.seeds, root=99),
        data=Data(inputs=(file("data/train.csv", "b"),)),
        environment=Environment(
            packages=replace(
                PACKAGES,
                distributions=(distribution("numpy", "2.4.2"), distribution("scipy", "1.17.0"), distribution("x", "1")),
            ),
            variables={"OMP_NUM_THREADS": "2"},
        ),
    )
    histories = {a.id: {"loss": points(1, 2, 3)}, b.id: {"loss": points(1, 2.5, 3)}}
    return compare(a, b, (Change("train.py"), Change("model.pkl", "added", None, None)), histories), a, b


def test_the_difference_of_two_runs() -> None:
    comparison, a, b = two_runs()
    assert diff_page(comparison, a, b) == DIFF_PAGE


def test_two_runs_that_do_not_differ() -> None:
    a, b = make_run(), make_run("zzzzzz")
    assert diff_page(compare(a, b), a, b) == (
        "k7q2 → zzzz  same: command, code, environment, machine, data, params, seeds, metrics, outputs, execution\n"
    )


def test_the_difference_in_ascii_and_of_many_params() -> None:
    comparison, a, b = two_runs()
    page = diff_page(comparison, a, b, encoding="ascii")
    assert page.isascii()
    assert "  accuracy  0.9125  ->  0.92  +0.0075  ^ better\n" in page
    many = make_run("zzzzzz", params=Params(values={f"p{index}": index for index in range(10_000)}))
    page = diff_page(compare(a, many), a, many, width=80)
    assert page.count("\n") < 60
    assert "and 9962 more (--json has all)" in page


def test_values_with_control_characters_and_great_length_stay_on_their_line() -> None:
    a = make_run("aaaaaa", params=Params(values={"p\n\x1b[2J": "x\u202e" * 500, "q": 1}), command=("a", "b\nc"))
    b = make_run("bbbbbb", params=Params(values={"p\n\x1b[2J": "y\u202e" * 500, "q": 2}), command=("a", "d\re"))
    page = diff_page(compare(a, b), a, b, width=80)
    assert all(line.isprintable() for line in page.split("\n"))
    assert max(map(display_width, page.split("\n"))) < 120


# ------------------------------------------------------------------------------------------------- a verdict


def verdict_of(**facts: Any) -> Any:
    original = make_run()
    again = make_run("zzzzzz", **{"duration_s": 12.9, **facts.pop("again", {})})
    changes = facts.pop("changes", ())
    tolerance = facts.pop("tolerance", Tolerance())
    histories = facts.pop("histories", None)
    return judge(original, again, compare(original, again, changes, histories), tolerance, histories, **facts)


def test_a_run_that_was_reproduced() -> None:
    verdict = verdict_of(remarks={"environment": "rebuilt"})
    assert verdict_table(verdict) == (
        "code         identical\n"
        "environment  identical (2 distributions, 1 variable, rebuilt)\n"
        "data         identical (1 input)\n"
        "execution    exit 0, as before; 12.9 s (was 12.4 s)\n"
        "results      identical: 2 of 2 metrics bit-exact, 1 of 1 output byte-identical\n"
    )
    assert outcome_line(verdict) == "reproduced"


def test_a_run_that_diverged() -> None:
    packages = replace(PACKAGES, distributions=(distribution("numpy", "2.4.2"), distribution("scipy", "1.17.0")))
    verdict = verdict_of(
        changes=(Change("train.py"),),
        histories=HISTORIES,
        again={
            "tree": "8" * 40,
            "data": Data(outputs=(file("model.pkl", "f"), file("more.txt"))),
            "environment": Environment(
                packages=packages, machine=replace(MACHINE, threads={"torch": 1}), variables={"OMP_NUM_THREADS": "2"}
            ),
            "metrics": {"loss": metric(0.5, max=2.5, mean=0.75, count=10, last_step=9)},
        },
    )
    assert verdict_table(verdict) == DIVERGED_TABLE
    assert outcome_line(verdict) == (
        "diverged: 0 of 2 metrics bit-exact, loss diverged, accuracy missing, "
        "0 of 2 outputs byte-identical, model.pkl differs, more.txt extra"
    )


HISTORIES = {
    make_run().id: {"loss": points(2.5, 1, 0.25)},
    make_run("zzzzzz").id: {"loss": points(2.5, 0.5, 0.5)},
}


def test_a_run_that_ended_otherwise() -> None:
    verdict = verdict_of(again={"status": "killed", "exit_code": 137, "signal": "SIGKILL"})
    assert verdict_table(verdict).split("\n")[3] == "execution    killed by SIGKILL (was exit 0); 12.9 s (was 12.4 s)"
    assert outcome_line(verdict) == "diverged: killed by SIGKILL (was exit 0); 12.9 s (was 12.4 s)"


def test_many_details_are_cut_in_the_table() -> None:
    names = [f"m{index}" for index in range(30)]
    verdict = verdict_of(again={"metrics": {name: metric(1.0) for name in names}})
    assert "\n               and 20 more (--json has all)\n" in verdict_table(verdict)
    assert "m29" in verdict_table(verdict, all_details=True)


# -------------------------------------------------------------------------------------------------- headline


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({}, "k7q2  finished in 12.4 s  accuracy 0.9125, loss 0.25"),
        ({"metrics": {}}, "k7q2  finished in 12.4 s"),
        ({"metrics": {}, "status": "failed", "exit_code": 2}, "k7q2  failed (exit 2) in 12.4 s"),
        (
            {"metrics": {}, "status": "killed", "exit_code": 137, "signal": "SIGKILL"},
            "k7q2  killed (SIGKILL) in 12.4 s",
        ),
        (
            {"metrics": {name: metric(1.0) for name in ("lr", "a", "b", "loss", "f1", "c")}},
            "k7q2  finished in 12.4 s  loss 1, f1 1, lr 1, a 1 and 2 more",
        ),
    ],
)
def test_a_headline_names_at_most_four_metrics_the_telling_ones_first(facts: Any, line: str) -> None:
    assert headline(make_run(**facts)) == line


def test_pages_do_not_need_a_library_of_numbers() -> None:
    words = "import sys, twice.display.run_table, twice.display.run_page; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True).stdout.split()
    assert "tabulate" in loaded
    assert not {"numpy", "pandas", "wcwidth"} & set(loaded)


RUN_PAGE = """\
run 20261121-142233-m4x9aa  failed (exit 3)
command      python train.py --lr 0.1
directory    src
experiment   train
name         wide
note         try it
repeats      20261120-091102-k7mz31
tags         baseline, set=v2
when         2026-11-21 14:22:33 UTC (3 h ago), took 12.4 s
where        ada@box, /home/ada/repository
used         CPU 21.5 s, peak memory 300 MiB
code         bbbbbbbbbbbb on main, with uncommitted changes (snapshot 555555555555)
             remote https://example.org/r.git
             left out: big.bin (large, 20 MiB)
             changed during the run: model.py
commit       cccccccccccccccccccccccccccccccccccccccc
tracer       python
cannot see   files opened by C extensions
             files opened by other programs

params
  lr            0.1  argparse
  model.layers  2    file:c.yaml

metrics
  accuracy  0.9125
  loss      0.25    █▃▁▁▁  min 0.25, max 2.5, 10 values

inputs
  data/     1.17 KiB  12 files  sha256 aaaaaaaaaaaa  declared, opened
  gone.csv                      not there            declared

outputs
  model.pkl  1.17 KiB  sha256 eeeeeeeeeeee  git, kept in artifacts

environment
  python     CPython 3.11.7 (venv)
  packages   3 distributions, 1 not from an index
  machine    Linux 6.1.0 x86_64, Debian 12, Example CPU, 2 cores, 8 GiB
  GPU        H100, 80 GiB, driver 570
  CUDA       12.4
  BLAS       openblas 0.3.29 Haswell, 2 threads
  threads    torch 2
  variables  OMP_NUM_THREADS=2

seeds
  root       1234
  seeded     random, numpy in 3 processes
  unseeded   torch: imported before

also recorded
  newer  fact

warnings
  model.py changed while it ran

repeat it
  twice reproduce m4x9
  git worktree add ../m4x9 555555555555   # the code alone, with plain git
"""

BARE_PAGE = """\
run 20261121-142233-k7q2m9  finished
command      python train.py --lr 0.1
experiment   train
when         2026-11-21 14:22:33 UTC, took 12.4 s
where        ada@box, /home/ada/repository
used         CPU 21.5 s, peak memory 300 MiB
code         no commit yet
tracer       syscalls

environment
  python     unknown: no Python process reported in
  machine    unknown: not recorded

seeds
  root       none: seeding was switched off

repeat it
  twice reproduce k7q2
"""

DIFF_PAGE = """\
k7q2 → m4x9  differs: command, code, environment, data, params, seeds, metrics, outputs · same: execution · unknown: machine

command
  - python train.py --lr 0.1
  + python train.py --lr 0.2
  directory . → src

code
  changed  train.py  +3 −1

environment
  numpy  2.4.1  →  2.4.2
  x      -      →  1      only in the second run

data
  data/train.csv  aaaaaaaa…  →  bbbbbbbb…

params
  lr   0.1  →  0.2
  opt  -    →  "1"  only in the second run

seeds
  root seed  1234  →  99  each run draws a fresh one unless told otherwise

metrics
  accuracy  0.9125  →  0.92  +0.0075  ▲ better
  loss      0.25    →  0.25                     same last value; mean 0.75 → 0.76, first differs at step 1
  f1        -       →  nan                      only in the second run

outputs
  model.pkl  eeeeeeee…  →  -  only in the first run

unknown
  machine: the machine of the second run was not recorded
"""

DIVERGED_TABLE = """\
code         differs: train.py (+3 −1)
environment  differs: numpy 2.4.1 → 2.4.2; torch threads 2 → 1
data         missing data/train.csv (sha256 aaaaaaaa…)
execution    exit 0, as before; 12.9 s (was 12.4 s)
results      differs: 0 of 2 metrics bit-exact, loss diverged, accuracy missing, 0 of 2 outputs byte-identical, model.pkl differs, more.txt extra
               accuracy missing (0.9125)
               loss diverged: 0.25 → 0.5, off by 0.25 (relative 1.0e+00), first differs at step 1
               model.pkl differs: eeeeeeee… → ffffffff…
               more.txt extra (sha256 aaaaaaaa…)
cause        what else differs: code, environment, machine, data
"""  # noqa: E501  # lines as they are printed
