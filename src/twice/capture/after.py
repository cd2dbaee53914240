"""What did the run do?  The live folder's evidence and the work tree after it in; the `Run` and its attachments out.

Nothing here depends on when it is called: a run sealed by `twice recover` the next day is put together the same way.
"""

from __future__ import annotations

import dataclasses
import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

import twice
from twice.capture.before import Before, FileState
from twice.capture.changed_code import changed_code
from twice.capture.data_files import CODE_SUFFIXES, find_data
from twice.capture.hash_cache import HashCache
from twice.capture.hashing import hash_files
from twice.capture.metrics import gather_metrics
from twice.capture.opened_files import opened_from_events
from twice.capture.outcome import Outcome
from twice.capture.params import gather_params
from twice.capture.request import Request
from twice.capture.secrets import mask_argv
from twice.capture.seeds import gather_seeds
from twice.capture.tracers import failed_tracer
from twice.configuration import Configuration
from twice.frozen import frozen
from twice.record.model import (
    Attachments,
    Code,
    Data,
    DataFile,
    Environment,
    Execution,
    Resources,
    Run,
    Status,
    Tracer,
)
from twice.textforms import quote_path

_CODE_SUFFIXES = (".py", ".pyi", ".ipynb", ".sh", ".jl", ".r", ".R", ".md", ".rst", ".c", ".cpp", ".h", ".rs", ".toml")


@frozen
class Evidence:
    """What a run left behind: its processes' reports, its output, and the work tree's changes after it."""

    events: Sequence[Mapping[str, Any]]
    log: bytes = b""
    environment: Environment = field(default_factory=Environment)
    changes: Sequence[FileState] = ()
    snapshot_blob: Callable[[str], str | None] = lambda path: None
    in_snapshot: Callable[[str], bool] = lambda path: False
    read_snapshot: Callable[[str], bytes | None] = lambda path: None  # as a work tree holds it
    warnings: tuple[str, ...] = ()


def capture_after(
    request: Request,
    before: Before,
    outcome: Outcome,
    evidence: Evidence,
    configuration: Configuration,
    hashes: HashCache | None,
) -> tuple[Run, Attachments]:
    """Put the run together. Reads and hashes the files it read and wrote; writes nothing."""
    root = Path(before.root)
    entry = entry_process(evidence.events)
    written = _changed_since(before.changes, evidence.changes)
    loaded = _loaded_code(evidence, request, root)
    changed = changed_code(loaded, written, root, before.started_at, evidence.snapshot_blob, evidence.read_snapshot)
    metrics, histories = gather_metrics(evidence.events, before.started_at.timestamp())
    found = find_data(
        events=evidence.events,
        request=request,
        before=before,
        changed=[path for path in written if path not in loaded and not path.endswith(_CODE_SUFFIXES)],
        in_snapshot=evidence.in_snapshot,
        hashes=hashes,
        read_snapshot=evidence.read_snapshot,
    )
    artifacts, outputs = keep_artifacts(found.data.outputs, root, configuration)
    execution = Execution(
        id=request.id,
        experiment=request.experiment,
        name=request.name,
        message=request.message,
        tags={**request.tags, **{event["name"]: event["value"] for event in _of_kind(evidence.events, "tag")}},
        status=_status(outcome),
        exit_code=outcome.exit_code,
        signal=outcome.signal,
        command=mask_argv(request.command),
        directory=request.directory,
        entry_point=request.entry_point,
        isolated=request.isolated,
        strict=request.strict or None,
        reproduces=request.reproduces,
        derived_from=request.derived_from,
        parent=request.parent,
        started_at=before.started_at,
        duration_s=round(outcome.duration_s, 6),
        host=before.host,
        user=before.user,
        repository=before.repository,
        python=entry["executable"] if entry else None,
        twice=twice.__version__,
        resources=Resources(
            cpu_user_s=outcome.cpu_user_s,
            cpu_system_s=outcome.cpu_system_s,
            peak_memory_bytes=outcome.peak_memory_bytes,
        ),
        code=_hash_left_out(
            dataclasses.replace(before.code, changed_during_run=changed),
            root,
            hashes,
        ),
        tracer=_tracer(before, outcome),
        warnings=(
            *before.warnings,
            *outcome.warnings,
            *evidence.warnings,
            *found.warnings,
            *_of_changed_code(changed),
            *_reported(evidence),
        ),
    )
    run = Run(
        execution=execution,
        params=gather_params(request, evidence.events, entry),
        metrics=metrics,
        seeds=gather_seeds(request.seed, evidence.events, python_expected=entry is not None or _names_python(request)),
        data=Data(inputs=found.data.inputs, outputs=outputs),
        environment=evidence.environment,
    )
    attachments = Attachments(
        histories={name: points for name, points in histories.items() if len(points) > 1},
        manifests=found.manifests,
        artifacts=artifacts,
        log=evidence.log,
    )
    return run, attachments


def entry_process(events: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The first Python process that reported in; None when none did."""
    return next(iter(_of_kind(events, "process")), None)


def threads_event(events: Iterable[Mapping[str, Any]], entry: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """What the entry process said at its end of the threads that its libraries used."""
    found = [event for event in _of_kind(events, "threads") if entry is not None and event["pid"] == entry["pid"]]
    return found[-1] if found else None


def keep_artifacts(
    outputs: Sequence[DataFile], root: Path, configuration: Configuration
) -> tuple[dict[str, tuple[int, bytes]], tuple[DataFile, ...]]:
    """The small outputs' content (path → git mode, bytes), smallest first while they fit; and the outputs, marked."""
    kept: dict[str, tuple[int, bytes]] = {}
    room = configuration.artifacts_max_total_size_bytes
    for output in sorted(outputs, key=lambda one: (one.size_bytes or 0, one.path)):
        size = output.size_bytes
        if output.kind != "file" or size is None or not _is_inside(output.path):
            continue
        if size > configuration.artifacts_max_file_size_bytes or size > room:
            continue
        path = root / output.path
        try:
            content, mode = path.read_bytes(), path.stat().st_mode
        except OSError:
            continue
        kept[output.path] = (0o100755 if mode & stat.S_IXUSR else 0o100644, content)
        room -= len(content)
    return kept, tuple(
        dataclasses.replace(output, stored="artifacts") if output.path in kept else output for output in outputs
    )


def _is_inside(path: str) -> bool:
    return not path.startswith(("/", "..")) and ":" not in path[:3]


def _tracer(before: Before, outcome: Outcome) -> Tracer:
    if outcome.tracer_problem is not None:
        choice = failed_tracer(outcome.tracer_problem)
        return Tracer(name=choice.name, blind_spots=choice.blind_spots)
    return Tracer(name=before.tracer, blind_spots=before.blind_spots)


def _status(outcome: Outcome) -> Status:
    if outcome.interrupted or outcome.signal == "SIGINT":
        return "interrupted"
    if outcome.signal is not None:
        return "killed"
    return "finished" if outcome.exit_code == 0 else "failed"


def _changed_since(before: Iterable[FileState], after: Iterable[FileState]) -> list[str]:
    """Paths that differ from HEAD now and were not in the same state before."""
    states = set(before)
    return [state.path for state in after if state not in states and state.state != "deleted"]


def _loaded_code(evidence: Evidence, request: Request, root: Path) -> set[str]:
    """The repository's files that the run executed: as its processes reported them, and code that it opened to read."""
    loaded: set[str] = set()
    # Told by the name before anything else: most of what is opened is data, and can be a hundred thousand files.
    code = [event for event in evidence.events if str(event.get("path", "")).endswith(CODE_SUFFIXES)]
    for opened in opened_from_events(code, str(root / request.directory)):
        if opened.read and not opened.write:
            path = Path(os.path.normpath(opened.path))
            if path.is_relative_to(root) and evidence.in_snapshot(path.relative_to(root).as_posix()):
                loaded.add(path.relative_to(root).as_posix())
    for event in _of_kind(evidence.events, "modules"):
        for name in event["files"]:
            path = Path(name)
            if path.is_relative_to(root):
                loaded.add(path.relative_to(root).as_posix())
    # `python -m package`, run where the package lies, names a folder; what was executed of it is reported.
    if request.entry_point is not None and not (root / request.directory / request.entry_point).is_dir():
        loaded.add((Path(request.directory) / request.entry_point).as_posix())
    return loaded


def _of_changed_code(changed: Sequence[str]) -> list[str]:
    if not changed:
        return []
    names = ", ".join(map(quote_path, changed[:3])) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
    return [f"code changed while the run went on, and the snapshot may not be what ran: {names}"]


def _hash_left_out(code: Code, root: Path, hashes: HashCache | None) -> Code:
    """Large files that the snapshot does not hold are known by their hash; secrets are not even hashed."""
    large = [root / entry.path for entry in code.left_out if entry.reason == "large"]
    digests = hash_files(large, hashes)
    return dataclasses.replace(
        code,
        left_out=tuple(
            dataclasses.replace(entry, sha256=digest.sha256, size_bytes=digest.size_bytes)
            if (digest := digests.get(root / entry.path)) is not None
            else entry
            for entry in code.left_out
        ),
    )


def _names_python(request: Request) -> bool:
    return (request.entry_point or "").endswith(".py") or "python" in Path(request.command[0]).name


def _reported(evidence: Evidence) -> tuple[str, ...]:
    return tuple(dict.fromkeys(event["text"] for event in _of_kind(evidence.events, "warning")))


def _of_kind(events: Iterable[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    return [event for event in events if event.get("kind") == kind]
