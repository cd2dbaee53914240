"""What does the index keep of a run?  The documents of its record in, the rows of the index's tables out.

One row of plain facts, and one row for each param, tag, metric and file, with numbers as numbers: what a filter compares,
SQLite can find without reading a document. Packages and inputs, which most runs have in common, are kept once a set.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from twice.errors import RecordError, TwiceError
from twice.query.moments import microseconds
from twice.query.names import file_names
from twice.query.values import value_number, value_text, within_64_bits
from twice.record.model import Params
from twice.record.plain import clean_text
from twice.textforms import parse_time, unquote_path

COLUMNS = """
    ref commit_id id experiment name status started_us ended_us duration_s exit_code signal command entry_point message
    host user branch base snapshot tree seed reproduces derived_from parent packages inputs outputs environment_digest
    params_digest problem
""".split()  # noqa: SIM905 - a list would be a page of one name a line
"""The columns of the table `runs`, but for its key."""

_IN_ORDER = json.JSONEncoder(separators=(",", ":"))
_REMEMBERED = 100  # sets that runs share
_SORTED = json.JSONEncoder(separators=(",", ":"), sort_keys=True)


class NamedSet(NamedTuple):
    """Rows that many runs may share, under the digest of their content."""

    digest: str
    rows: tuple[tuple[str | None, ...], ...]


class RunRows(NamedTuple):
    """The rows of one run; `packages`, `inputs` and `outputs` are sets that get a key of their own."""

    facts: dict[str, Any]
    summary: str | None  # JSON of a RunSummary; None when the record could not be read
    params: list[tuple[str, Any, str]]  # name, number, text
    tags: list[tuple[str, Any, str]]
    metrics: list[tuple[str, Any, Any, Any, Any, int]]  # name, last, min, max, mean, count; NaN is None
    packages: NamedSet | None = None
    inputs: NamedSet | None = None
    outputs: NamedSet | None = None


class RowMaker:
    """Makes the rows of runs, and remembers what many of them share."""

    def __init__(self) -> None:
        # By identity, for reading gives equal documents as one object; it is kept, so that no other takes its number.
        self._packages: dict[int, tuple[Any, NamedSet]] = {}
        self._environments: dict[tuple[int, ...], tuple[Any, str]] = {}

    def rows_of(self, ref: str, commit: str, record: tuple[Mapping[str, Any], str | None] | TwiceError) -> RunRows:
        """The rows of a run, from its documents; or of one whose record could not be read, and why."""
        experiment, _, run_id = ref.removeprefix("refs/experiments/").rpartition("/")
        facts: dict[str, Any] = dict.fromkeys(COLUMNS)
        facts.update(ref=ref, commit_id=commit, id=run_id, experiment=experiment)
        if not isinstance(record, TwiceError):
            try:
                documents = record[0]
                if "packages" in documents:
                    packages = self._package_set(documents["packages"])
                    return _rows(
                        {**facts, "environment_digest": self._environment_digest(documents)}, documents, packages
                    )
                return _rows(dict(facts), documents, None)
            except (KeyError, ValueError, IndexError) as error:
                record = _misfit(record, error)  # valid by its schema, and yet no time, or no path
        facts.update(started_us=_moment_in(run_id), problem=record.message)
        return RunRows(facts, None, [], [], [])

    def _environment_digest(self, documents: Mapping[str, Any]) -> str:
        shared = documents["packages"], documents.get("machine"), documents.get("variables")
        key = tuple(map(id, shared))
        if key not in self._environments:
            if len(self._environments) > _REMEMBERED:
                self._environments.clear()
            digest = _digest([self._package_set(shared[0]).digest, *shared[1:]])
            self._environments[key] = (shared, digest)
        return self._environments[key][1]

    def _package_set(self, packages: Mapping[str, Any]) -> NamedSet:
        key = id(packages)
        if key not in self._packages:
            if len(self._packages) > _REMEMBERED:
                self._packages.clear()
            self._packages[key] = (packages, _packages(packages))
        return self._packages[key][1]


def _misfit(record: tuple[Mapping[str, Any], str | None], error: Exception) -> TwiceError:
    from twice.record.files import from_documents

    try:
        from_documents(*record)
    except TwiceError as complaint:
        return complaint
    return RecordError(f"its record does not fit: {error}")


def _rows(facts: dict[str, Any], documents: Mapping[str, Any], packages: NamedSet | None) -> RunRows:
    run, code = documents["run"], documents["run"]["code"]
    for name in (
        "name",
        "status",
        "duration_s",
        "signal",
        "message",
        "host",
        "user",
        "reproduces",
        "derived_from",
        "parent",
    ):
        facts[name] = run.get(name)
    for name in ("branch", "base", "snapshot", "tree"):
        facts[name] = code.get(name)
    params: dict[str, Any] = Params(values=documents.get("params", {}).get("values", {})).flat()
    metrics: Mapping[str, Any] = documents.get("metrics", {})
    tags: Mapping[str, str] = run.get("tags", {})
    command = [unquote_path(word) for word in run["command"]]
    started_us = microseconds(parse_time(run["started_at"]))
    seed, exit_code = documents.get("seeds", {}).get("root"), run.get("exit_code")
    facts.update(
        started_us=started_us,
        ended_us=started_us + int(run["duration_s"] * 1_000_000),
        exit_code=None if exit_code is None else within_64_bits(exit_code),
        command=clean_text(" ".join(command)),
        entry_point=_path(run.get("entry_point")),
        seed=None if seed is None else within_64_bits(seed),
        params_digest=_digest(params),
    )
    summary = {
        "id": run["id"],
        "experiment": run["experiment"],
        "name": run.get("name"),
        "status": run["status"],
        "started_at": run["started_at"],
        "duration_s": run["duration_s"],
        "command": command,
        "params": params,
        "metrics": {name: metric["last"] for name, metric in metrics.items()},
        "tags": tags,
        "reproduces": run.get("reproduces"),
    }
    data = documents.get("data", {})
    return RunRows(
        facts,
        _json(summary),
        _values(params),
        _values(tags),
        [_metric(name, metric) for name, metric in metrics.items()],
        packages,
        _files(data.get("inputs", ())),
        _files(data.get("outputs", ())),
    )


def _values(values: Mapping[str, Any]) -> list[tuple[str, Any, str]]:
    return [(clean_text(name), value_number(value), clean_text(value_text(value))) for name, value in values.items()]


def _metric(name: str, metric: Mapping[str, Any]) -> tuple[str, Any, Any, Any, Any, int]:
    last, low, high, mean = metric["last"], metric["min"], metric["max"], metric["mean"]
    if not type(last) is type(low) is type(high) is type(mean) is float:  # as nearly all are
        last, low, high, mean = map(within_64_bits, (last, low, high, mean))
    return clean_text(name), last, low, high, mean, metric.get("count", 1)


def _packages(packages: Mapping[str, Any]) -> NamedSet:
    rows = [("python", packages["interpreter"]["version"])]
    rows += [(one["name"], one["version"]) for one in packages.get("distributions", ()) if one["name"] != "python"]
    return NamedSet(_digest(packages), tuple(dict(rows).items()))


def _files(files: Iterable[Mapping[str, Any]]) -> NamedSet | None:
    paths = {_path(one["path"]) or "": one.get("sha256") for one in files}
    rows = tuple((*map(clean_text, file_names(path)), sha256) for path, sha256 in paths.items())
    return NamedSet(_digest(rows), rows) if rows else None


def _path(text: str | None) -> str | None:
    return None if text is None else clean_text(unquote_path(text))


def _json(facts: Any) -> str:
    return _IN_ORDER.encode(facts)


def _digest(facts: Any) -> str:
    return hashlib.blake2b(_SORTED.encode(facts).encode("ascii"), digest_size=16).hexdigest()


def _moment_in(run_id: str) -> int:
    """The start of a run that cannot be read, as its id tells it; 0 when it tells none."""
    day, _, rest = run_id.partition("-")
    try:
        return microseconds(parse_time(f"{day[:4]}-{day[4:6]}-{day[6:]}T{rest[:2]}:{rest[2:4]}:{rest[4:6]}"))
    except ValueError:
        return 0
