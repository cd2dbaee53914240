"""What does MLflow get to do?  The same runs in its default store, and the same searches in its own words.

Its default store is a SQLite file. One run is logged through MLflow; its rows are the pattern for those of all others, which
are written into the file directly, for logging ten thousand would take minutes. They have one value a metric where ours have
ten, and no other tags than MLflow's own: nothing makes its searches longer.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from workplaces import WORK

_LOG_ONE = """
import mlflow
with mlflow.start_run(run_name="pattern"):
    mlflow.log_param("pattern", 1)
    mlflow.log_metric("pattern", 1.0)
"""

# Every program ends with JSON: the names of the runs found by each search, or milliseconds by search.
_SEARCH = """
import json, statistics, sys, time
from mlflow import MlflowClient
client = MlflowClient()
def search(facts):
    return client.search_runs(["0"], **facts)
"""
ONCE = _SEARCH + "print(json.dumps([run.info.run_name for run in search(json.loads(sys.argv[1]))]))"
WARM = (
    _SEARCH
    + """
def timed(facts):
    started = time.perf_counter()
    search(facts)
    return 1e3 * (time.perf_counter() - started)
asked = json.loads(sys.argv[1])
print(json.dumps({name: statistics.median([timed(facts) for _ in range(6)][1:]) for name, facts in asked.items()}))
"""
)

Facts = Mapping[str, Any]


def prepare(name: str, scripts: Path, environ: Mapping[str, str], runs: Iterable[Facts]) -> Path:
    """A folder with `mlflow.db`, where MLflow looks for it by default; `runs` are those that `twice ls --json` gives."""
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    subprocess.run(
        [str(scripts / "python"), "-c", _LOG_ONE], cwd=folder, env=environ, check=True, stderr=subprocess.DEVNULL
    )
    with sqlite3.connect(folder / "mlflow.db") as store:
        _copy_pattern(store, runs)
    store.close()
    return folder


def _copy_pattern(store: sqlite3.Connection, runs: Iterable[Facts]) -> None:
    """Write rows like those of the one run that is there, for each of these runs, in place of it."""
    store.row_factory = sqlite3.Row
    tables = ("runs", "params", "metrics", "latest_metrics", "tags")
    patterns = {table: [dict(row) for row in store.execute(f"SELECT * FROM {table}")] for table in tables}
    for table in reversed(tables):
        store.execute(f"DELETE FROM {table}")
    [pattern] = patterns["runs"]
    for number, run in enumerate(runs):
        key = f"{number:032x}"
        started = pattern["start_time"] + 1000 * number
        times = {"start_time": started, "end_time": started + 1000}
        _insert(store, "runs", pattern, {"run_uuid": key, "name": run["id"], "status": run["status"].upper(), **times})
        for name, value in run["params"].items():
            _insert(store, "params", patterns["params"][0], {"key": name, "value": str(value), "run_uuid": key})
        for name, value in run["metrics"].items():
            facts = {"key": name, "value": value, "timestamp": started, "run_uuid": key}
            for table in ("metrics", "latest_metrics"):
                _insert(store, table, patterns[table][0], facts)
        for tag in patterns["tags"]:
            is_name = tag["key"] == "mlflow.runName"
            _insert(store, "tags", tag, {"run_uuid": key, **({"value": run["id"]} if is_name else {})})


def _insert(store: sqlite3.Connection, table: str, pattern: Facts, facts: Facts) -> None:
    row = {**pattern, **facts}
    names = ", ".join(f'"{name}"' for name in row)
    store.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))


def words(scripts: Path, program: str, asked: Facts) -> list[str]:
    """The command that runs one of the programs above."""
    return [str(scripts / "python"), "-c", program, json.dumps(asked)]
