"""The manual page of the filter language is true: each example is asked of the runs that the page shows."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from commands import Git, Twice
from sample_runs import PACKAGES, distribution, file, make_run, metric, points
from twice.cli.runs import known_runs
from twice.cli.workplace import Workplace
from twice.configuration import read_configuration
from twice.execution.clock import Clock
from twice.git.repository import Repository
from twice.query.fields import ASPECTS, ATTRIBUTES, DATASET_KEYS, FUNCTIONS, SAME_WHAT
from twice.query.parser import FAMILIES
from twice.record.model import Attachments, Data, Environment, Packages, Params, Seeds
from twice.store.known_runs import Runs
from twice.store.run_store import RunStore
from twice.textforms import new_run_id

PAGE = (Path(__file__).parents[1] / "docs" / "filters.md").read_text(encoding="utf-8")
NOW = datetime(2026, 11, 21, 18, 0, tzinfo=timezone.utc)


def tables(first_title: str) -> Iterator[list[str]]:
    """The rows of the page's tables whose first column has this title."""
    for lines in re.findall(rf"^\| {first_title} \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE):
        for line in lines.splitlines():
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def in_code(cell: str) -> str:
    """The text of a code span, whatever the number of its back-quotes."""
    match = re.fullmatch(r"(`+)(.*)\1", cell)
    assert match, cell
    return match[2]


def consoles() -> Iterator[tuple[list[str], str]]:
    """The commands of the page's console blocks, and what is shown below each."""
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            yield shlex.split(command), shown


NAMES = [row[0] for row in tables("name")]


@pytest.fixture
def work(repository: Path, git: Git) -> Path:
    """The repository of the page: three commits, of which `main` has two, and five runs."""
    (repository / "src").mkdir()
    (repository / "src" / "model.py").write_text("LAYERS = 2\n")

    def commit(message: str) -> tuple[str, str]:
        git("add", "-A")
        git("commit", "-q", "-m", message)
        return git("rev-parse", "HEAD").strip(), git("rev-parse", "HEAD^{tree}").strip()

    first = commit("a model")
    git("tag", "v1")
    (repository / "src" / "model.py").write_text("LAYERS = 8\n")
    second = commit("more layers")
    git("switch", "-q", "-c", "next")
    (repository / "train.py").write_text("print('accuracy: 0.6')\n")
    third = commit("another script")
    git("switch", "-q", "--detach", "main")
    (repository / "src" / "model.py").write_text("LAYERS = 8  # wider\n")
    snapshot = commit("uncommitted changes of the wide run")
    git("switch", "-q", "main")

    def code(at: tuple[str, str], changed: tuple[str, str] | None = None) -> dict[str, Any]:
        return {"base": at[0], "tree": (changed or at)[1], "snapshot": changed and changed[0]}

    add = _adder(repository)
    add(
        "baseline",
        datetime(2026, 11, 14, 9, 30, tzinfo=timezone.utc),
        {"lr": 0.1, "opt": "adam", "model": {"layers": 2}, "max_features": "5000"},
        {"accuracy": metric(0.81), "loss": metric(0.52, min=0.48, max=2.3, mean=0.7, count=3, last_step=2)},
        code(first),
        histories={"loss": points(2.3, 0.48, 0.52)},
        seed=1,
        torch="2.3.1",
        tags={"owner": "ada"},
    )
    add(
        "wide",
        datetime(2026, 11, 18, 10, 0, tzinfo=timezone.utc),
        {"lr": 0.1, "opt": "sgd", "model": {"layers": 8}, "max_features": 5000, "shuffle": True},
        {"accuracy": metric(0.87), "loss": metric(0.4)},
        code(second, snapshot),
        seed=2,
        torch="2.4.1+cpu",
        duration_s=7200.0,
        host="server",
    )
    add(
        "crashed",
        datetime(2026, 11, 19, 22, 15, tzinfo=timezone.utc),
        {"lr": 10, "opt": "adam", "model": {"layers": 8}},
        {"loss": metric(float("nan"))},
        code(second),
        seed=3,
        torch="2.10.0",
        status="failed",
        exit_code=1,
    )
    for name, day, seed, accuracy, loss in (
        ("tuned", datetime(2026, 11, 20, 16, 0, tzinfo=timezone.utc), 7, 0.91, (0.31, 0.3)),
        ("tuned-8", datetime(2026, 11, 21, 17, 0, tzinfo=timezone.utc), 8, 0.9, (0.33, 0.32)),
    ):
        add(
            name,
            day,
            {"lr": 0.03, "opt": "adam", "model": {"layers": 8}, "weight decay": 0.01},
            {"accuracy": metric(accuracy), "loss": metric(loss[0], min=loss[1]), "val/acc": metric(accuracy - 0.01)},
            {**code(third), "branch": "next"},
            seed=seed,
            torch="2.10.0",
            train="b",
        )
    return repository


def _adder(repository: Path) -> Callable[..., None]:
    def add(
        name: str,
        started_at: datetime,
        params: dict[str, Any],
        metrics: dict[str, Any],
        code: dict[str, Any],
        *,
        seed: int,
        torch: str,
        train: str = "a",
        histories: dict[str, Any] | None = None,
        **facts: Any,
    ) -> None:
        packages = Packages(
            interpreter=PACKAGES.interpreter, distributions=(*PACKAGES.distributions, distribution("torch", torch))
        )
        run = make_run(
            id=new_run_id(started_at, lambda amount: bytes([seed] * amount)),
            name=name,
            started_at=started_at,
            command=("python", "train.py", "--lr", str(params["lr"])),
            params=Params(values=params),
            metrics=metrics,
            seeds=Seeds(root=seed),
            environment=Environment(packages=packages),
            data=Data(inputs=(file("data/train.csv", train),), outputs=(file("model.pkl", "e"),)),
            **{**code, **facts},
        )
        attachments = Attachments(histories=histories or {})
        with Repository.open(repository, dict(os.environ)) as opened:
            RunStore(opened).add(run, attachments, started_at + timedelta(seconds=run.execution.duration_s))

    return add


@pytest.fixture
def place(work: Path) -> Iterator[Workplace]:
    with Repository.open(work, dict(os.environ)) as repository:
        yield Workplace(
            repository=repository,
            configuration=read_configuration(repository.root),
            clock=Clock(now=lambda: NOW),
            environ=dict(os.environ),
            directory=work,
        )


def names_of(runs: Runs, keys: list[int]) -> list[str]:
    return [str(summary.name) for summary in runs.index.summaries_of(keys)]


def test_the_runs_are_those_that_the_page_shows(place: Workplace) -> None:
    (titles,) = re.findall(r"^\| (name \|.*) \|$", PAGE, re.MULTILINE)
    columns = [title.strip() for title in titles.split("|")]
    with known_runs(place) as runs:
        search = runs.search()
        keys = search.find("", ["started"]).keys
        values = [dict(found) for _, found in search.columns(columns, keys)]

        def shown(title: str, value: Any) -> str:
            if value is None:
                return "-"
            if title == "started":
                return f"{datetime.fromtimestamp(value / 1e6, timezone.utc):%Y-%m-%d %H:%M}"
            return str(value)

        rows = [[shown(title, each[key]) for title, each in zip(columns, values, strict=True)] for key in keys]
    assert rows == list(tables("name"))


def test_each_filter_finds_the_runs_that_the_page_names(place: Workplace) -> None:
    examples = [(in_code(row[0]), row[1]) for row in tables("filter")]
    assert len(examples) > 50
    wrong = []
    with known_runs(place) as runs:
        search = runs.search()
        for text, told in examples:
            expected = {"all": NAMES, "none": []}.get(told, told.split(", "))
            answer = search.find(text)
            found = sorted(names_of(runs, answer.keys), key=NAMES.index)
            if found != expected or answer.notes:
                wrong.append((text, found, answer.notes))
    assert not wrong


def test_each_order_is_the_one_that_the_page_names(place: Workplace) -> None:
    examples = list(tables("sort"))
    assert examples
    with known_runs(place) as runs:
        for order, expected in examples:
            assert names_of(runs, runs.search().find("", [in_code(order)]).keys) == expected.split(", "), order


def test_each_mistake_is_shown_as_on_the_page(work: Path, twice: Twice) -> None:
    assert list(consoles())
    for (program, *words), shown in consoles():
        assert program == "twice"
        done = twice(*words, expect=None)
        assert done.err == shown and done.exit_code == (2 if shown.startswith("error") else 0)


def test_the_page_names_all_there_is() -> None:
    code = " ".join(re.findall(r"`+([^`\n]+)`+", PAGE))
    own = {name for name in ATTRIBUTES if name.lower() not in ("run name", "created")}
    for word in {
        *own,
        *FAMILIES,
        *ASPECTS,
        *DATASET_KEYS,
        *SAME_WHAT,
        *(name.rpartition(".")[2] for name in FUNCTIONS),
    }:
        assert re.search(rf"(?<!\w){re.escape(word)}(?!\w)", code), word
    for operator in (
        "=",
        "==",
        "!=",
        "<>",
        "<",
        "<=",
        ">",
        ">=",
        "~",
        "!~",
        "LIKE",
        "ILIKE",
        "IN",
        "BETWEEN",
        "IS NULL",
    ):
        assert operator in code, operator
