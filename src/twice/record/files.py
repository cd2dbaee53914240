"""Which files say what a run is?  The way from a run to the files of its record, and back.

In: a `Run` and its `Attachments`. Out: path under `.twice/` → content, for every file of the record; and the reverse,
from a function that reads such a path. Between them stand the documents: one plain dict a YAML file, by name (`run`,
`params`, …), which the index and `--json` use as they are. Every document is validated on writing and on reading; the
format is read first. A document without facts has no file.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from twice.errors import RecordError
from twice.record import readme
from twice.record.file_names import (
    DOCUMENT_PATHS,
    LOCK_PATH,
    LOG_PATH,
    README_PATH,
    artifact_path,
    history_path,
    manifest_path,
)
from twice.record.histories import parse_history, write_history
from twice.record.model import (
    FORMAT,
    Attachments,
    Data,
    Environment,
    Execution,
    Machine,
    Metric,
    Packages,
    Params,
    Run,
    Seeds,
    Word,
)
from twice.record.plain import from_plain, to_plain
from twice.record.upgrades import Documents, format_of, upgrade
from twice.record.validation import validate
from twice.record.yaml_text import dump, load

__all__ = [
    "DOCUMENT_PATHS",
    "LOCK_PATH",
    "LOG_PATH",
    "README_PATH",
    "artifact_path",
    "from_documents",
    "history_path",
    "manifest_path",
    "parse_history",
    "read_documents",
    "read_record",
    "read_run",
    "to_documents",
    "to_files",
]

_METRICS: Any = Mapping[str, Metric]
_VARIABLES: Any = Mapping[str, Word]
_SHARED = ("packages", "machine", "variables")

Read = Callable[[str], bytes | None]
"""Reads a file under `.twice/`; None if there is none."""


# ---------------------------------------------------------------------------------------------------- run ↔ documents


def to_documents(run: Run) -> Documents:
    """The run as plain data, one dict a YAML file; documents without facts are left out.

    Raises RecordError, with the way to the field, for a value that no file can hold.
    """
    environment = run.environment
    documents = {
        "run": _plain("run", run.execution),
        "params": _plain("params", run.params),
        "metrics": _plain("metrics", run.metrics, _METRICS),
        "seeds": _plain("seeds", run.seeds),
        "data": _plain("data", run.data),
        "packages": _plain("packages", environment.packages) if environment.packages else {},
        "machine": _plain("machine", environment.machine) if environment.machine else {},
        "variables": _plain("variables", environment.variables, _VARIABLES),
    }
    return {name: document for name, document in documents.items() if document}


def from_documents(documents: Mapping[str, Any], lock: str | None) -> Run:
    """The run that `to_documents` wrote; `lock` is the text of requirements.lock.

    Raises RecordError where a document does not fit; does not validate it against its schema.
    """
    return Run(
        execution=_facts(Execution, "run", documents.get("run")),
        params=_facts(Params, "params", documents.get("params") or {}),
        metrics=_facts(_METRICS, "metrics", documents.get("metrics") or {}),
        seeds=_facts(Seeds, "seeds", documents.get("seeds") or {}),
        data=_facts(Data, "data", documents.get("data") or {}),
        environment=Environment(
            packages=_facts(Packages, "packages", documents["packages"]) if documents.get("packages") else None,
            lock=lock,
            machine=_facts(Machine, "machine", documents["machine"]) if documents.get("machine") else None,
            variables=_facts(_VARIABLES, "variables", documents.get("variables") or {}),
        ),
    )


def _plain(name: str, facts: Any, hint: Any = None) -> dict[str, Any]:
    return to_plain(facts, DOCUMENT_PATHS[name], hint)


def _facts(hint: Any, name: str, document: Any) -> Any:
    return from_plain(hint, document, DOCUMENT_PATHS[name])


# -------------------------------------------------------------------------------------------------------- run ↔ files


def to_files(run: Run, attachments: Attachments) -> dict[str, bytes]:
    """The files of the record: path under `.twice/` → content.  The modes of artifacts are in `attachments` only.

    Raises RecordError for facts that are not valid or that no file can hold.
    """
    files = {README_PATH: readme.render(run)}
    for name, document in to_documents(run).items():
        validate(name, document)
        files[DOCUMENT_PATHS[name]] = dump(document)
    if run.environment.lock is not None:
        files[LOCK_PATH] = run.environment.lock.encode("utf-8")
    for metric, points in attachments.histories.items():
        files[history_path(metric)] = write_history(points)
    for folder, manifest in attachments.manifests.items():
        files[manifest_path(folder)] = manifest
    for path, (_, content) in attachments.artifacts.items():
        files[artifact_path(path)] = content
    if attachments.log:
        files[LOG_PATH] = attachments.log
    return files


def read_run(read: Read) -> Run:
    """The run whose record's files `read` reads.

    Raises RecordError if there is none, it is not valid, or it was made by a newer twice.
    """
    return from_documents(*read_record(read))


def read_record(read: Read) -> tuple[Documents, str | None]:
    """The documents of a record, and the text of its requirements.lock.  Raises RecordError as `read_run` does."""
    return read_documents(read), _read_lock(read)


def read_documents(read: Read) -> Documents:
    """The documents of a record, in today's format and validated; those without a file are left out.

    Raises RecordError as `read_run` does.
    """
    content = read(DOCUMENT_PATHS["run"])
    if content is None:
        raise RecordError(f"not a run: it has no .twice/{DOCUMENT_PATHS['run']}")
    documents: Documents = {"run": load(content, DOCUMENT_PATHS["run"])}
    is_of_today = format_of(documents["run"]) == FORMAT  # before the others are looked at: they may be of any form
    for name, path in DOCUMENT_PATHS.items():
        if name != "run" and (content := read(path)) is not None:
            shared = is_of_today and name in _SHARED
            documents[name] = _load_shared(name, content) if shared else load(content, path)
    documents = upgrade(documents)
    for name, document in documents.items():
        if not (is_of_today and name in _SHARED):
            validate(name, document)
    return documents


@functools.lru_cache(maxsize=32)
def _load_shared(name: str, content: bytes) -> Any:
    """A valid document that runs have in common: most runs of a repository share a few environments."""
    document = load(content, DOCUMENT_PATHS[name])
    validate(name, document)
    return document


def _read_lock(read: Read) -> str | None:
    content = read(LOCK_PATH)
    try:
        return None if content is None else content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RecordError(f"{LOCK_PATH}: not UTF-8 at byte {error.start}") from error
