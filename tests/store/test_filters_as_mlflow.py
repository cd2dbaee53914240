"""MLflow itself as the oracle: every filter that it accepts finds the same runs here, and no other is called the same.

Needs mlflow (mlflow-skinny with sqlalchemy and alembic is enough), which nothing else here does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from sample_runs import file, make_run, metric
from twice.errors import UsageError
from twice.query.moments import microseconds
from twice.record.files import to_documents
from twice.record.model import Data, Params, Run
from twice.store.run_index import RunIndex
from twice.store.run_search import RunSearch
from twice.textforms import new_run_id

mlflow = pytest.importorskip("mlflow")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

NOW = datetime(2026, 11, 21, 18, 0, 0, tzinfo=timezone.utc)


def run(number: int, **facts: Any) -> Run:
    started = NOW - timedelta(days=10 - number)
    return make_run(
        id=new_run_id(started, lambda amount: bytes([number] * amount)), started_at=started, duration_s=60.0, **facts
    )


RUNS = [
    run(
        0,
        name="baseline small",
        params=Params(values={"lr": 0.1, "max_features": 5000, "opt": "adam", "a b": "x", "a.b": "dot", "1a": "y"}),
        metrics={"accuracy": metric(0.9), "loss": metric(0.25), "val loss": metric(3), "loss.min": metric(0.125)},
        tags={"owner": "Ada", "fold": "3", "a/b": "slash"},
        data=Data(inputs=(file("train", "b"),)),
    ),
    run(
        1,
        name="Baseline",
        params=Params(values={"lr": "0.10", "opt": "ADAM", "flag": True, "none": None, "quote": "it's"}),
        metrics={"accuracy": metric(0.8), "loss": metric(-1)},
        status="failed",
        data=Data(inputs=(file("train", "c"), file("test", "d"))),
    ),
    run(
        2,
        name="100%_sure",
        params=Params(values={"opt": "sgd_momentum%", "empty": ""}),
        metrics={},
        user="bob",
        data=Data(),
    ),
    run(
        3,
        name="last",
        params=Params(),
        metrics={"accuracy": metric(1e-05), "é": metric(2)},
        status="killed",
        data=Data(),
    ),
]
MS = microseconds(RUNS[1].execution.started_at) // 1000

FILTERS = [
    "", "metrics.accuracy > 0.85", "metrics.accuracy >= 0.8", "metrics.accuracy < 0.85", "metrics.accuracy <= 0.8",
    "metrics.accuracy = 0.9", "metrics.accuracy != 0.9", "metric.accuracy > .5", "metrics.accuracy > 1.", "metrics.loss > -2",
    "metrics.accuracy > 1e-6 AND metrics.accuracy < 1e-4", "metrics.accuracy>0.85", "metrics.accuracy > 0.85 AND", "AND",
    "metrics.accuracy > 0.1 AND AND metrics.loss < 1", "metrics.`val loss` = 3", 'metrics."val loss" > 2', "metrics.loss.min < 1",
    "metrics.é = 2", "metrics.nothing > 0", "metrics.nothing != 0",
    "params.opt = 'adam'", 'params.opt = "adam"', "params.opt != 'adam'", "param.opt LIKE 'a%'", "params.opt ILIKE 'a%'",
    "parameters.opt like '%_m%'", "parameter.opt LIKE 'sgd_momentum%'", "params.opt LIKE '____'", "params.opt ILIKE 'ADAM'",
    "params.lr = '0.1'", "params.lr = '0.10'", "params.lr != '0.1'", "params.max_features = '5000'", "params.`a b` = 'x'",
    'params."a b" = "x"', "params.'a b' = 'x'", "`params`.`a b` = 'x'", "params.a.b = 'dot'", "params.1a = 'y'",
    "params.flag = 'True'", "params.none = 'None'", "params.empty = ''", 'params.quote = "it\'s"', "params.quote = 'it''s'",
    r"params.quote = 'it\'s'", "params.flag IS NULL", "params.flag IS NOT NULL", "params.opt is null", "params.none is not null",
    "params.nothing != 'x'", "params.nothing LIKE '%'", "params.and = 'x'", "params.order = 'x'",
    "tags.owner = 'Ada'", "tag.owner ILIKE 'ada'", "tags.owner LIKE 'ada'", "tags.owner != 'Bob'", "tags.`a/b` = 'slash'",
    "tags.fold = '3'", "tags.owner IS NULL", "tags.owner IS NOT NULL",
    "attributes.run_name LIKE '%aseline%'", "attr.run_name ILIKE 'baseline%'", "run_name = 'last'", "run.run_name != 'last'",
    "`run name` = 'last'", "attributes.`Run name` = 'last'", '"Run Name" LIKE \'l%\'', "run_name LIKE '100\\%%'",
    "run_name LIKE '100%'",
    "status = 'FINISHED'", "attribute.status != 'FINISHED'", "status = 'KILLED'", "status LIKE 'F%'", "status ILIKE 'fa%'",
    "user_id = 'bob'", "user_id != 'bob'", f"start_time = {MS}", f"start_time > {MS}", f"start_time >= {MS}",
    f"start_time < {MS}",
    f"start_time != {MS}", f"created <= {MS}", f"attributes.Created < {MS}", f"end_time = {MS + 60000}", f"end_time > {MS}",
    "dataset.name = 'train'", "datasets.name != 'train'", "dataset.name IN ('test', 'x')", "dataset.name NOT IN ('test')",
    "dataset.name LIKE 't%'", "dataset.name ILIKE 'TR%'",
    "metrics.accuracy > 0.5 AND params.opt ILIKE 'adam' AND status = 'FINISHED'",
    "metrics.accuracy > 0.5 \n AND\t params.lr = '0.1'",
]  # fmt: skip

REJECTED = [
    "metrics.accuracy > '0.5'", "metrics.accuracy LIKE 'x'", "metrics.accuracy > x", "params.opt =", "= 'x'",
    "attributes.colour = 'x'", "dataset.colour = 'x'", "run_id IN ()", "params.b = `x`", "metrics.a > 1;", "status", "a b c",
    "metrics.accuracy > 0.5, metrics.loss < 1",
]  # fmt: skip

ORDERS = ["metrics.accuracy", "metrics.accuracy DESC", "metrics.loss ASC", "attributes.start_time", "start_time DESC", "run_name",
          "params.opt", "params.opt DESC", "tags.owner", "status"]  # fmt: skip


@pytest.fixture(scope="module")
def search() -> Iterator[RunSearch]:
    with RunIndex.open(Path(__file__) / "no-folder") as index:
        refs = {f"refs/experiments/{one.experiment}/{one.id}": f"{number:040x}" for number, one in enumerate(RUNS)}
        records = ((to_documents(one), one.environment.lock) for one in RUNS)
        index.refresh(refs, lambda commits: records, lambda done, total: None)
        nothing: Any = None
        yield RunSearch(index, nothing, NOW, select=nothing, history=nothing, lower_is_better=lambda name: False)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, list[str]], list[int]]:
    """MLflow's answer: the numbers of the runs that a filter finds, in order."""
    from mlflow.entities import Dataset, DatasetInput, Metric, Param, RunStatus, RunTag
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    folder = tmp_path_factory.mktemp("mlflow")
    store = SqlAlchemyStore(f"sqlite:///{folder}/mlflow.db", str(folder))
    numbers = {}
    for number, one in enumerate(RUNS):
        execution = one.execution
        start = microseconds(execution.started_at) // 1000
        made = store.create_run("0", execution.user, start, [], execution.name)
        numbers[made.info.run_id] = number
        store.log_batch(
            made.info.run_id,
            [Metric(name, each.last, start, 0) for name, each in one.metrics.items()],
            [Param(name, str(value)) for name, value in one.params.flat().items()],
            [RunTag(name, value) for name, value in execution.tags.items()],
        )
        inputs = [Dataset(each.path, each.sha256[:36], "local", "{}") for each in one.data.inputs]
        store.log_inputs(made.info.run_id, [DatasetInput(each) for each in inputs])
        status = RunStatus.from_string(execution.status.upper())
        store.update_run_info(made.info.run_id, status, start + 60000, execution.name)

    def ask(text: str, orders: list[str]) -> list[int]:
        from mlflow.entities import ViewType

        found = store.search_runs(["0"], text, ViewType.ALL, 100, orders)
        return [numbers[one.info.run_id] for one in found]

    return ask


def ours(search: RunSearch, text: str, orders: list[str]) -> list[int]:
    keys = [search._index.key(row.ref) for row in search._index.rows()]
    return [keys.index(key) for key in search.find(text, orders).keys]


@pytest.mark.parametrize("text", FILTERS)
def test_the_same_runs_are_found(search: RunSearch, theirs: Callable[..., list[int]], text: str) -> None:
    assert sorted(ours(search, text, [])) == sorted(theirs(text, []))


@pytest.mark.parametrize("text", REJECTED)
def test_what_it_rejects_as_meaningless_is_rejected(
    search: RunSearch, theirs: Callable[..., list[int]], text: str
) -> None:
    with pytest.raises(mlflow.exceptions.MlflowException):
        theirs(text, [])
    with pytest.raises(UsageError):
        ours(search, text, [])


@pytest.mark.parametrize("order", ORDERS)
def test_the_order_is_the_same(search: RunSearch, theirs: Callable[..., list[int]], order: str) -> None:
    having = {"metrics": "metrics.accuracy > 0", "params": "params.opt IS NOT NULL"}.get(order.partition(".")[0], "")
    assert ours(search, having, [order]) == theirs(having, [order])
