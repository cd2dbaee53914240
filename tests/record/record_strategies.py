"""Runs for properties: every field of the model, filled with what people, scripts and file systems can come up with."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from hypothesis import strategies as st

from twice.record import model

# fmt: off
AWKWARD = (
    "", "~", "null", "no", "on", "Yes", "1e-3", "1e3", "0x1F", "0o17", "1_000", "12:30:45", "2026-01-01", ".5", "=",
    "<<", "- a", "-", "--lr", "-1", "a: b", "a:", "a #b", "a.b", "a/b", "*a", "&a", "!a", "|", ">", "'", '"', '"a"', "\\",
    "{}", "[]", "a\nb", "a\r\n", "\t", " a", "a ", "\x00", "\x85", "\u2028", "\ufeff", "é", "e\u0301", "損失", "😀", "%",
    "@a", "---", "...", "? a", ".inf", ".nan", "NaN", "extra", "format",
)
# fmt: on

texts = st.one_of(st.sampled_from(AWKWARD), st.text(max_size=12))
paths = st.one_of(texts, st.binary(max_size=8).map(lambda raw: raw.decode("utf-8", "surrogateescape")))
numbers = st.one_of(st.integers(), st.integers(-(10**400), 10**400), st.floats())
counts = st.integers(0, 2**63)
seconds = st.floats(min_value=0, allow_infinity=False)
git_ids = st.one_of(st.binary(min_size=20, max_size=20), st.binary(min_size=32, max_size=32)).map(bytes.hex)
digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
scalars = st.one_of(texts, numbers, st.booleans(), st.none())
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)
moments = st.datetimes(min_value=datetime(1970, 1, 1)).map(lambda moment: moment.replace(tzinfo=timezone.utc, fold=0))
few_texts = st.lists(texts, max_size=2).map(tuple)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), strategy)


def several(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(strategy, max_size=2).map(tuple)


def facts(cls: type, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Objects of a class of the model, with keys that it does not know."""
    known = {field.name for field in dataclasses.fields(cls)}
    extra = st.dictionaries(texts.filter(lambda key: key not in known or key == "extra"), values, max_size=1)
    return st.builds(cls, **fields, extra=extra)


metrics = st.dictionaries(
    texts,
    facts(
        model.Metric,
        last=numbers,
        min=numbers,
        max=numbers,
        mean=numbers,
        count=st.integers(1, 10**6),
        last_step=maybe(st.integers()),
    ),
    max_size=3,
)
codes = facts(
    model.Code,
    tree=git_ids,
    base=maybe(git_ids),
    snapshot=maybe(git_ids),
    branch=maybe(texts),
    left_out=several(
        facts(
            model.LeftOut,
            path=paths,
            reason=texts,
            size_bytes=maybe(counts),
            sha256=maybe(digests),
            stored=maybe(texts),
        )
    ),
    changed_during_run=several(paths),
)
executions = facts(
    model.Execution,
    id=st.just("20261121-142233-k7q2m9"),
    experiment=st.text(min_size=1, max_size=5),
    name=maybe(texts),
    message=maybe(texts),
    tags=st.dictionaries(texts, texts, max_size=3),
    status=st.sampled_from(["finished", "failed", "killed", "interrupted"]),
    exit_code=maybe(st.integers(0, 255)),
    command=st.lists(paths, min_size=1, max_size=4).map(tuple),
    directory=paths,
    entry_point=maybe(paths),
    isolated=st.booleans(),
    started_at=moments,
    duration_s=seconds,
    host=texts,
    user=texts,
    repository=paths,
    twice=texts,
    resources=facts(model.Resources, cpu_user_s=maybe(seconds), peak_memory_bytes=maybe(counts)),
    code=codes,
    tracer=facts(model.Tracer, name=texts, blind_spots=few_texts),
    warnings=few_texts,
)
data_files = facts(
    model.DataFile,
    path=paths,
    kind=st.sampled_from(["file", "folder"]),
    sha256=maybe(digests),
    size_bytes=maybe(counts),
    found=few_texts,
    stored=maybe(texts),
    tracked_by=maybe(texts),
)
packages = facts(
    model.Packages,
    interpreter=facts(
        model.Interpreter, implementation=texts, version=texts, kind=maybe(st.sampled_from(["venv", "conda"]))
    ),
    distributions=several(
        facts(
            model.Distribution,
            name=st.text(min_size=1, max_size=5),
            version=texts,
            origin=maybe(facts(model.Origin, kind=st.sampled_from(["vcs", "archive"]), dirty=maybe(st.booleans()))),
            wheel_tags=few_texts,
            record_sha256=maybe(digests),
        )
    ),
)
machines = facts(
    model.Machine,
    system=texts,
    release=texts,
    architecture=texts,
    cores=maybe(st.integers(1, 512)),
    cpu_flags=few_texts,
    gpus=several(facts(model.Gpu, name=texts, memory_bytes=maybe(counts))),
    threads=st.dictionaries(texts, st.integers(), max_size=2),
)
runs = st.builds(
    model.Run,
    execution=executions,
    params=facts(
        model.Params,
        values=st.dictionaries(texts, values, max_size=4),
        sources=st.dictionaries(texts, texts, max_size=2),
    ),
    metrics=metrics,
    seeds=facts(
        model.Seeds,
        root=maybe(st.integers(0, 2**128)),
        processes=several(facts(model.SeededProcess, key=texts, python=paths, seeded=few_texts)),
    ),
    data=facts(model.Data, inputs=several(data_files), outputs=several(data_files)),
    environment=st.builds(
        model.Environment,
        packages=maybe(packages),
        lock=maybe(texts),
        machine=maybe(machines),
        variables=st.dictionaries(texts, paths, max_size=3),
    ),
)
points = st.builds(model.Point, step=st.integers(), time_s=st.floats(), value=numbers)
attachments = st.builds(
    model.Attachments,
    histories=st.dictionaries(texts, st.lists(points, max_size=4).map(tuple), max_size=2),
    log=st.binary(max_size=20),
)


def comparable(fact: Any) -> Any:
    """The fact in a form in which NaN equals NaN, 1 is not 1.0, and 0.0 is not -0.0."""
    if dataclasses.is_dataclass(fact):
        return type(fact).__name__, [comparable(getattr(fact, field.name)) for field in dataclasses.fields(fact)]
    if isinstance(fact, Mapping):
        return {key: comparable(value) for key, value in fact.items()}
    if isinstance(fact, (list, tuple)):
        return [comparable(value) for value in fact]
    return type(fact).__name__, repr(fact)
