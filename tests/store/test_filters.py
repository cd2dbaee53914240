"""A filter finds the same runs in SQLite and in Python; and what it finds is what MLflow would, and more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sample_runs import PACKAGES, distribution, file, make_run, metric
from twice.errors import UsageError
from twice.query.binding import Vocabulary, bind_filter
from twice.query.evaluation import Facts, InputFile, holds
from twice.query.moments import microseconds
from twice.query.tree import Same, Touches, Under
from twice.record.files import to_documents
from twice.record.model import Data, Environment, Packages, Params, Point, Run, Seeds
from twice.store.run_index import Row, RunIndex
from twice.store.run_search import RunSearch
from twice.textforms import new_run_id

NOW = datetime(2026, 11, 21, 18, 0, 0, tzinfo=timezone.utc)
NOWHERE = Path(__file__) / "no-folder"  # so the index is in memory


def run(number: int, **facts: Any) -> Run:
    started = facts.pop("started_at", NOW - timedelta(days=10 - number, minutes=number))
    return make_run(id=new_run_id(started, lambda amount: bytes([number] * amount)), started_at=started, **facts)


def packages(torch: str | None) -> Environment:
    distributions = (*PACKAGES.distributions, *([distribution("torch", torch)] if torch else []))
    return Environment(packages=Packages(interpreter=PACKAGES.interpreter, distributions=distributions))


RUNS = [
    run(
        0,
        params=Params(values={"lr": 0.1, "max_features": 5000, "opt": "adam", "model": {"layers": 2}, "a b": "x"}),
        metrics={"accuracy": metric(0.9), "loss": metric(0.25, min=0.2, max=2.5, mean=0.75, count=3, last_step=2)},
        environment=packages("2.4.1+cpu"),
        name="baseline small",
        tags={"owner": "Ada", "fold": "3"},
    ),
    run(
        1,
        params=Params(values={"lr": "0.1", "max_features": "5000", "opt": "ADAM", "flag": True, "none": None}),
        metrics={"accuracy": metric(0.8), "val/loss": metric(float("nan"))},
        data=Data(inputs=(file("data/train.csv", "b"), file("data/test.csv", "c"))),
        environment=packages("2.10.0"),
        status="failed",
        exit_code=1,
    ),
    run(
        2,
        params=Params(values={"lr": 1, "opt": "sgd_momentum%", "flag": "true", "list": [1, 2]}),
        metrics={"accuracy": metric(float("inf")), "loss": metric(-1)},
        seeds=Seeds(root=None),
        environment=Environment(),
        data=Data(),
        name="Baseline",
        message="é ünïcode\nline",
        base=None,
    ),
    run(
        3, params=Params(), metrics={}, snapshot="5" * 40, branch=None, seeds=Seeds(root=7), environment=packages(None)
    ),
    run(4, params=Params(values={"big": 2**80, "lr": float("nan")}), metrics={"accuracy": metric(2**70)}, user="bob"),
]
HISTORIES = {RUNS[0].id: {"loss": (Point(step=0, time_s=0, value=2.5), Point(step=2, time_s=1, value=0.25))}}


def index_of(runs: Sequence[Run]) -> RunIndex:
    index = RunIndex.open(NOWHERE)
    refs = {f"refs/experiments/{one.experiment}/{one.id}": f"{number:040x}" for number, one in enumerate(runs)}
    records = ((to_documents(one), one.environment.lock) for one in runs)
    index.refresh(refs, lambda commits: records, lambda done, total: None)
    return index


INDEX = index_of(RUNS)


def search_in(index: RunIndex) -> RunSearch:
    def select(selector: str) -> Row:
        return index.rows()[int(selector)]

    def history(commit: str, name: str) -> Sequence[Point]:
        return HISTORIES.get(RUNS[int(commit, 16)].id, {}).get(name, ())

    repository: Any = None  # nothing here asks git
    return RunSearch(
        index, repository, NOW, select=select, history=history, lower_is_better=lambda name: "loss" in name
    )


def found(text: str) -> list[int]:
    """The numbers of the runs that a filter finds."""
    rows = INDEX.rows()
    keys = search_in(INDEX).find(text).keys
    return sorted(position for position, row in enumerate(rows) if INDEX.key(row.ref) in keys)


def facts_of(one: Run) -> Facts:
    """What a filter may ask of a run, straight from the record: how the answer of SQLite is checked."""
    execution, started = one.execution, microseconds(one.execution.started_at)
    names = "id experiment name status exit_code signal entry_point message host user reproduces parent derived_from"
    attributes = {name: getattr(execution, name) for name in names.split()}
    attributes |= {name: getattr(one.code, name) for name in ("branch", "base", "tree")}
    attributes |= {
        "started": started,
        "ended": started + int(execution.duration_s * 1e6),
        "age": (microseconds(NOW) - started) / 1e6,
        "duration": execution.duration_s,
        "command": " ".join(execution.command),
        "seed": one.seeds.root,
    }
    installed = {}
    if one.environment.packages:
        installed = {each.name: each.version for each in one.environment.packages.distributions}
        installed["python"] = one.environment.packages.interpreter.version

    def value_at(name: str, step: int) -> float | int | None:
        values = [point.value for point in HISTORIES.get(one.id, {}).get(name, ()) if point.step == step]
        return values[-1] if values else None

    def asks_git(question: Touches | Under | Same) -> bool:
        assert isinstance(question, Same)
        other = RUNS[int(question.run)]
        if question.what == "code":
            return one.code.tree == other.code.tree
        if question.what == "params":
            return repr(one.params.flat()) == repr(other.params.flat())
        if question.what == "data":
            return [each.sha256 for each in one.data.inputs] == [each.sha256 for each in other.data.inputs]
        return one.environment.packages is not None and one.environment == other.environment

    return Facts(
        attributes,
        params=one.params.flat(),
        metrics={
            name: {aspect: getattr(each, aspect) for aspect in ("last", "min", "max", "mean", "count")}
            for name, each in one.metrics.items()
        },
        tags=execution.tags,
        packages=installed,
        inputs=tuple(InputFile(each.path, each.sha256) for each in one.data.inputs),
        outputs=tuple(InputFile(each.path, each.sha256) for each in one.data.outputs),
        value_at=value_at,
        asks_git=asks_git,
    )


FACTS = [facts_of(one) for one in RUNS]


def found_in_python(text: str) -> list[int]:
    expression, _ = bind_filter(text, search_in(INDEX).vocabulary)
    return [number for number, facts in enumerate(FACTS) if holds(expression, facts)]


# ---------------------------------------------------------------------------------------------------- by example


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [0, 1, 2, 3, 4]),
        # MLflow's own, with MLflow's meaning
        ('metrics.accuracy > 0.85 AND params.max_features = "5000"', [0]),
        ("metric.accuracy >= 0.8 and param.opt != 'adam'", [1, 2]),
        ('attributes.run_name LIKE "%baseline%"', [0]),
        ('attributes.run_name ILIKE "baseline%"', [0, 2]),
        ("`run name` = 'Baseline'", [2]),
        ("params.`a b` = 'x'", [0]),
        ('params."a b" = "x"', [0]),
        ("metrics.`val/loss` != 1", [1]),
        ("params.lr = '0.1'", [0, 1]),
        ("params.lr = '0.10'", []),
        ("params.lr != '0.1'", [2, 4]),
        ("params.nothing != 'x'", []),
        ("params.flag IS NULL", [0, 3, 4]),
        ("params.none IS NOT NULL", [1]),
        ("tags.owner LIKE 'A_a'", [0]),
        ("tags.mlflow.user = 'bob'", [4]),
        ("status = 'FINISHED'", [0, 2, 3, 4]),
        ("status != 'FINISHED'", [1]),
        ("metrics.accuracy > 0.85 AND", [0, 2, 4]),
        ("start_time > 1795197600000", []),
        ("start_time < 1795197600000 AND created > 0", [0, 1, 2, 3, 4]),
        ("dataset.name = 'train'", [0, 1, 3, 4]),
        ("datasets.name != 'train'", [1]),
        ("dataset.digest LIKE 'b%'", [1]),
        ("dataset.context = 'train'", []),
        ("run_id IN ('nothing',)", []),
        # and more
        ("params.max_features = 5000", [0, 1]),
        ("params.lr = 0.1", [0, 1]),
        ("params.lr = 0.10", [0, 1]),
        ("params.lr IN (1, '0.1')", [0, 1, 2]),
        ("params.lr NOT IN (1, '0.1')", [4]),
        ("params.big > 1e20", [4]),
        ("params.flag = true", [1, 2]),
        ("params.none = none", [1]),
        ("params.model.layers = 2", [0]),
        ("model.layers = 2", [0]),
        ("opt = adam", [0]),
        ("opt ~ '^(?i:adam)$'", [0, 1]),
        ("opt !~ 'a'", [1, 2]),
        ("opt LIKE 'sgd_momentum%'", [2]),
        ("tags.fold > 2", [0]),
        ("accuracy BETWEEN 0.8 AND 0.9", [0, 1]),
        ("accuracy NOT BETWEEN 0.8 AND 0.9", [2, 4]),
        ("NOT accuracy > 0.85", [1, 3]),
        ("accuracy < 0.85 OR loss = -1 AND opt = adam", [1]),
        ("(accuracy < 0.85 OR loss = -1) AND opt != adam", [1, 2]),
        ("accuracy == inf", [2]),
        ("metrics.`val/loss` = nan", [1]),
        ("metrics.`val/loss` > 0", []),
        ("loss.min < 0.22 AND metrics.loss.max > 2", [0]),
        ("loss.best = 0.2 OR accuracy.best = 0.8", [0, 1]),
        ("loss.mean = 0.75 AND loss.count = 3", [0]),
        ("loss.at(0) = 2.5", [0]),
        ("metrics.loss.at(2) < 1", [0]),
        ("metrics.loss.at(1) < 1", []),
        ("metrics.loss.at(1) IS NULL", [0, 1, 2, 3, 4]),
        ("NOT metrics.loss.at(2) > 1", [0, 1, 2, 3, 4]),
        ("metrics.loss.at(2) > 1 OR seed = 7", [3]),
        ("seed = 1234", [0, 1, 4]),
        ("seed IS NULL", [2]),
        ("env.torch >= '2.4'", [0, 1]),
        ("env.torch >= 2.9", [1]),
        ("env.torch = '2.4.1'", [0]),
        ("env.torch != 2.4.1+cpu", [1]),
        ("env.Torch IS NULL", [2, 3, 4]),
        ("env.python < 3.12 and environment.torch IN ('2.10', '3')", [1]),
        ("data.train = sha256:bbbb", [1]),
        ("inputs.train != bb", [0, 3, 4]),
        ("data.'data/test.csv' IS NOT NULL", [1]),
        ("output.model IN (ee, ff)", [0, 3, 4]),
        ("started > 2026-11-14", [4]),
        ("started > 2026-11-14 and started < 2026-11-15", []),
        ("started = 2026-11-14", [3]),
        ("started >= 2026-11-14", [3, 4]),
        ("started > 7d", [4]),
        ("age < 7d", [4]),
        ("started > '8 days ago'", [3, 4]),
        ("duration > 10s AND duration <= 12.4", [0, 1, 2, 3, 4]),
        ("duration > 1m", []),
        ("same(code, 0)", [0, 1, 2, 3, 4]),
        ("same(params, 3)", [3]),
        ("same(data, 2)", [2]),
        ("same(env, 2)", []),
        ("message ~ 'ünï.*\\nline'", [2]),
        ("host = 'box' and user != ada", [4]),
        ("branch IS NULL", [3]),
        ("NOT (NOT (accuracy > 0.85))", [0, 2, 4]),
    ],
)  # fmt: skip
def test_what_a_filter_finds(text: str, expected: list[int]) -> None:
    assert found(text) == expected
    assert found_in_python(text) == expected


# ---------------------------------------------------------------------------------------------------- by chance

NUMBERS = st.sampled_from(
    ["0", "0.1", "1", "0.9", "5000", "-1", "inf", "nan", "2.5", "1e400", "1208925819614629174706176"]
)
QUOTED = st.sampled_from(["'0.1'", "'adam'", '"5000"', "'True'", "''", "'x'", "'ada'", "'b%'", "'é'"])
PATTERNS = st.sampled_from(["'%a%'", "'_'", "'%'", "''", "'A%'", "'a%a%m'", "'0.1'", "'%%'", "'%é%'", "'ba_eline%'"])
REGEXES = st.sampled_from(["'a'", "'^a.a'", "'[A-Z]'", "'$'", "'5000|x'", "'é'"])
ORDERED = st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "==", "<>"])
METRICS = st.sampled_from(
    ["metrics.accuracy", "loss", "metrics.`val/loss`", "loss.min", "metrics.loss.best", "loss.at(2)", "metrics.loss.at(9)",
     "metrics.nothing", "accuracy.max", "seed", "exit_code", "duration", "age"]
)  # fmt: skip
TEXTS = st.sampled_from(
    ["params.lr", "params.opt", "max_features", "params.flag", "params.none", "params.list", "tags.owner", "tags.fold",
     "params.big", "params.nothing"]
)  # fmt: skip
WORDS = st.sampled_from(["name", "status", "user", "branch", "host", "id", "dataset.name", "dataset.digest", "message"])
VALUES = NUMBERS | QUOTED | st.sampled_from(["true", "none", "adam", "false"])


def listed(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(values, min_size=1, max_size=3).map(lambda each: f"({', '.join(each)})")


def pieces(*parts: st.SearchStrategy[str] | str) -> st.SearchStrategy[str]:
    return st.tuples(*(st.just(part) if isinstance(part, str) else part for part in parts)).map(" ".join)


NEGATABLE = st.sampled_from(["", "NOT"])
TESTS = st.one_of(
    pieces(METRICS, ORDERED, NUMBERS),
    pieces(METRICS, NEGATABLE, "IN", listed(NUMBERS)),
    pieces(METRICS | TEXTS | WORDS, "IS", NEGATABLE, "NULL"),
    pieces(METRICS, NEGATABLE, "BETWEEN", NUMBERS, "AND", NUMBERS),
    pieces(TEXTS, ORDERED, VALUES),
    pieces(TEXTS, NEGATABLE, "IN", listed(VALUES)),
    pieces(TEXTS, NEGATABLE, "BETWEEN", QUOTED, "AND", QUOTED),
    pieces(WORDS, ORDERED, QUOTED),
    pieces(WORDS, NEGATABLE, "IN", listed(QUOTED)),
    pieces(TEXTS | WORDS, NEGATABLE, st.sampled_from(["LIKE", "ILIKE"]), PATTERNS),
    pieces(TEXTS | WORDS, st.sampled_from(["~", "!~"]), REGEXES),
    pieces("env.torch", ORDERED, st.sampled_from(["2.4.1", "'2.10'", "2.4.1+cpu", "3", "1"])),
    pieces("data.train", st.sampled_from(["=", "!="]), st.sampled_from(["aa", "sha256:bbb", "cc"])),
    pieces("started", ORDERED, st.sampled_from(["2026-11-14", "8d", "2026-11", "'2026-11-15T17:56:00Z'", "yesterday"])),
    pieces("start_time", ORDERED, st.sampled_from(["1794333360000", "1e12", "1794333360000.5", "-1"])),
    st.sampled_from(["same(code, 1)", "same(params, 0)", "same(data, 1)", "same(environment, 0)"]),
)
FILTERS = st.recursive(
    TESTS,
    lambda parts: st.one_of(
        pieces("NOT", parts),
        pieces("(", parts, ")"),
        pieces(parts, "AND", parts),
        pieces(parts, "OR", parts),
    ),
    max_leaves=8,
)


@settings(deadline=None, max_examples=150)
@given(FILTERS)
def test_sqlite_and_python_find_the_same(text: str) -> None:
    assert found(text) == found_in_python(text)


@settings(deadline=None, max_examples=60)
@given(FILTERS, FILTERS)
def test_the_laws_of_logic_hold(a: str, b: str) -> None:
    everything = set(range(len(RUNS)))
    in_a, in_b = set(found(a)), set(found(b))
    assert set(found(f"NOT ({a})")) == everything - in_a
    assert set(found(f"({a}) AND ({b})")) == in_a & in_b
    assert set(found(f"({a}) OR ({b})")) == in_a | in_b
    assert set(found(f"NOT (({a}) OR ({b}))")) == set(found(f"NOT ({a}) AND NOT ({b})"))


# ---------------------------------------------------------------------------------------------------- order, limits


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("accuracy", [1, 0, 4, 2, 3]),
        ("-accuracy", [2, 4, 0, 1, 3]),
        ("metrics.accuracy DESC", [2, 4, 0, 1, 3]),
        ("metrics.accuracy asc", [1, 0, 4, 2, 3]),
        ("-loss.max", [0, 2, 4, 3, 1]),
        ("name", [2, 0, 4, 3, 1]),
        ("params.lr", [1, 0, 2, 4, 3]),
        ("started", [0, 1, 2, 3, 4]),
        ("age DESC", [0, 1, 2, 3, 4]),
    ],
)
def test_the_order(order: str, expected: list[int]) -> None:
    rows = [INDEX.key(row.ref) for row in INDEX.rows()]
    keys = search_in(INDEX).find("", [order]).keys
    assert [rows.index(key) for key in keys] == expected


def test_a_filter_of_a_hundred_kilobytes_works() -> None:
    text = " OR ".join(f"params.lr = {number}" for number in range(5000))
    assert len(text) > 98_000
    assert found(text) == [2]
    text = "params.lr IN (" + ", ".join(str(number) for number in range(15_000)) + ")"
    assert found(text) == [2]


def test_a_list_of_many_texts_is_a_list_of_texts() -> None:
    words = ", ".join(f"'{number}'" for number in range(6000))
    assert found(f"params.max_features IN ({words})") == found_in_python(f"params.max_features IN ({words})") == [0, 1]
    assert found(f"params.opt NOT IN ({words})") == [0, 1, 2]


def test_too_many_values_are_refused() -> None:
    with pytest.raises(UsageError, match="too many values"):
        found("params.lr IN (" + ",".join(str(number % 10) for number in range(40_000)) + ")")


def test_values_never_become_sql() -> None:
    assert found("params.opt = \"x' OR '1'='1\"") == []
    assert found('params.`x") OR (1=1` IS NULL') == [0, 1, 2, 3, 4]
    assert found("name LIKE '%\"); DROP TABLE runs; --'") == []
    assert len(INDEX.rows()) == len(RUNS)


def test_text_that_is_not_utf_8_is_compared_as_records_have_it() -> None:
    one = index_of([run(0, params=Params(values={"opt": "caf\udce9"}))])
    assert len(search_in(one).find("params.opt = 'caf\udce9'").keys) == 1
    assert len(search_in(one).find("params.opt = 'caf\\xe9'").keys) == 1


def test_notes_name_what_no_run_has() -> None:
    search = search_in(INDEX)
    assert search.find("metrics.acuracy > 0").notes == ["no run has the metric `acuracy`; did you mean `accuracy`?"]
    assert search.find("env.trch > 2").notes == ["no run has the package `trch`; did you mean `torch`?"]


def fails(text: str, vocabulary: Callable[[str], Sequence[str]] = INDEX.names) -> UsageError:
    with pytest.raises(UsageError) as caught:
        bind_filter(text, Vocabulary(vocabulary, NOW))
    return caught.value


@pytest.mark.parametrize(
    ("text", "message", "column", "hint"),
    [
        ("acuracy > 1", "no run has an attribute, param, metric or tag `acuracy`", 0, "did you mean `accuracy`?"),
        ("metrcs.accuracy > 1", "no run has an attribute, param, metric or tag `metrcs.accuracy`", 0, None),
        ("metrics.loss = 'x'", "`loss` is compared with a number, not with the text 'x'", 15, None),
        ("metrics.loss = '1'", "`loss` is compared with a number, not with the text '1'", 15, "without quotes: 1"),
        ("metrics.loss LIKE '1'", "`loss` is a number: LIKE is for text", 13, None),
        ("started > soon", "`started` is compared with a time, not with `soon`", 10, None),
        ("run.colour = 'x'", "a run has no attribute `colour`", 0, None),
        ("dataset.size = 'x'", "a dataset has no `size`", 0, "it has: name, digest, context"),
        ("data.train = xyz", "expected (the start of) a hash such as sha256:ab12, not `xyz`", 13, None),
        ("env.torch > new", "`new` is not a version", 12, None),
        ("opt ~ '('", "not a regular expression: missing ), unterminated subpattern at position 0", 6, None),
        ("lr BETWEEN 1 AND 'x'", "BETWEEN takes two numbers or two texts", 17, None),
        ("touches('a')", "there is no `touches(…)`", 0, "did you mean `code.touches`?"),
        ("same(colour, @)", "runs can be the same in code, environment, data, params", 5, None),
        ("same(code)", "`same` is written like this: same(code, @)", 5, None),
        ("code.touches('../x')", "expected a path within the repository", 13, None),
    ],
)
def test_what_is_wrong_is_shown(text: str, message: str, column: int, hint: str | None) -> None:
    error = fails(text)
    assert error.message == message
    assert error.details == (text, " " * column + "^")
    assert hint is None or error.hint == hint


def test_an_ambiguous_name_names_both() -> None:
    error = fails("x > 1", {"param": ["x"], "metric": ["x"], "tag": []}.__getitem__)
    assert error.message == "`x` is ambiguous: runs have `params.x` or `metrics.x`"
    error = fails("data.path = ab", {"param": ["data.path"], "metric": [], "tag": []}.__getitem__)
    assert error.hint == "write `params.data.path` or `inputs.path`"
