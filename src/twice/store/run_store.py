"""Which runs are in git, and what do their records say?  Run commits under `refs/experiments/<experiment>/<run-id>`.

    R  the run: tree = the code's tree + .twice/     its ref: refs/experiments/<experiment>/<run-id>
    S  the uncommitted changes (left out when there were none)
    B  the commit the user was on (absent on an unborn branch)

Objects are written first, the ref last and only if absent: a run is there whole or not at all, and never overwritten.
"""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime

from twice.capture.secrets import mask_argv
from twice.errors import RecordError, TwiceError
from twice.git.objects import ObjectStore
from twice.git.repository import Repository
from twice.record.files import (
    DOCUMENT_PATHS,
    LOCK_PATH,
    artifact_path,
    from_documents,
    history_path,
    manifest_path,
    parse_history,
    read_record,
    to_files,
)
from twice.record.model import FORMAT, Attachments, Point, Run
from twice.record.upgrades import Documents
from twice.store.run_refs import PREFIX as PREFIX

RECORD_FOLDER = ".twice"
_FILE, _FOLDER = 0o100644, 0o040000
_SUBJECT_WIDTH = 100
_ENVIRONMENT = "environment"
_AT_ONCE = 200  # records that are read together
_READ = frozenset(path.rpartition("/")[2] for path in (*DOCUMENT_PATHS.values(), LOCK_PATH))


class RunStore:
    """The runs of one repository."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._record_trees: dict[str, str] = {}  # of the runs whose attachments were asked for

    @property
    def _objects(self) -> ObjectStore:
        return self._repository.objects

    def add(self, run: Run, attachments: Attachments, recorded_at: datetime) -> str:
        """Write the run's commit and its ref; the commit's id.  Raises RepositoryError, RecordError."""
        objects = self._objects
        files = to_files(run, attachments)
        modes = {artifact_path(path): mode for path, (mode, _) in attachments.artifacts.items()}
        entries: dict[str, tuple[int, str] | None] = {
            path: (modes.get(path, _FILE), objects.write_blob(content)) for path, content in files.items()
        }
        record = objects.write_tree(entries)
        tree = objects.write_tree({RECORD_FOLDER: (_FOLDER, record)}, base=run.code.tree)
        identity = self._repository.identity()
        commit = objects.write_commit(
            tree=tree,
            parents=(run.code.commit,) if run.code.commit else (),
            author=identity,
            author_time=run.execution.started_at,
            committer=identity,
            committer_time=recorded_at,
            message=commit_message(run),
        )
        self._repository.refs.create(f"{PREFIX}{run.experiment}/{run.id}", commit)
        return commit

    def read(self, commit: str) -> Run:
        """The run recorded in a commit.  Raises RecordError when that is no run, or its record is not valid."""
        return from_documents(*self.read_record(commit))

    def read_record(self, commit: str) -> tuple[Documents, str | None]:
        """The documents of a commit's record, and its lock.  Raises as `read` does."""
        objects = self._objects
        files: dict[str, str] = {}
        for entry in objects.read_tree(self._record_tree(commit)):
            if entry.name == _ENVIRONMENT and entry.mode == _FOLDER:
                files.update((f"{_ENVIRONMENT}/{one.name}", one.id) for one in objects.read_tree(entry.id))
            elif entry.mode != _FOLDER:
                files[entry.name] = entry.id
        return read_record(lambda path: objects.read_blob(files[path]) if path in files else None)

    def read_records(self, commits: Sequence[str]) -> Iterator[tuple[Documents, str | None] | TwiceError]:
        """The records of many commits, in order; the error for one that cannot be read."""
        batches = [commits[start : start + _AT_ONCE] for start in range(0, len(commits), _AT_ONCE)]
        before: set[str] = set()
        reader = _Ahead(self._read_ahead, batches[0] if batches else ())
        try:
            for position, batch in enumerate(batches):
                read = reader.finish()
                self._objects.forget(before - read)  # runs share much of their environments
                before = read
                reader = _Ahead(self._read_ahead, batches[position + 1] if position + 1 < len(batches) else ())
                for commit in batch:
                    try:
                        yield self.read_record(commit)
                    except TwiceError as error:
                        yield error
        finally:
            self._objects.forget(before | reader.finish())

    def _read_ahead(self, commits: Sequence[str]) -> set[str]:
        """Read all that the records of these commits consist of, one kind of object after the other; its ids."""
        objects = self._objects
        read: set[str] = set()
        with suppress(TwiceError):  # whoever reads the run will be told
            read |= objects.read_ahead(commits)
            read |= objects.read_ahead([objects.read_commit(commit).tree for commit in commits])
            found = [objects.find(objects.read_commit(commit).tree, RECORD_FOLDER) for commit in commits]
            trees = [entry.id for entry in found if entry]
            blobs: list[str] = []
            for _ in range(2):  # the record's own files, then those of its environment/
                read |= objects.read_ahead(trees)
                entries = [entry for tree in dict.fromkeys(trees) for entry in objects.read_tree(tree)]
                blobs += [entry.id for entry in entries if entry.name in _READ]
                trees = [entry.id for entry in entries if entry.name == _ENVIRONMENT]
            read |= objects.read_ahead(blobs)
        return read

    def history(self, commit: str, metric: str) -> tuple[Point, ...]:
        """A metric's history, oldest first; empty when only its last value was logged."""
        text = self._attachment(commit, history_path(metric))
        return () if text is None else parse_history(text, history_path(metric))

    def log(self, commit: str) -> bytes:
        """What the command wrote to stdout and stderr, interleaved."""
        return self._attachment(commit, "logs/output.log") or b""

    def manifest(self, commit: str, folder: str) -> bytes | None:
        """The manifest of a folder among the inputs or outputs, in `sha256sum -c` form."""
        return self._attachment(commit, manifest_path(folder))

    def artifact(self, commit: str, path: str) -> bytes | None:
        """A small output kept in the run's commit."""
        return self._attachment(commit, artifact_path(path))

    def _attachment(self, commit: str, path: str) -> bytes | None:
        tree = self._record_trees.get(commit)
        if tree is None:
            tree = self._record_trees[commit] = self._record_tree(commit)
        entry = self._objects.find(tree, path)
        return None if entry is None else self._objects.read_blob(entry.id)

    def _record_tree(self, commit: str) -> str:
        entry = self._objects.find(self._objects.read_commit(commit).tree, RECORD_FOLDER)
        if entry is None:
            raise RecordError(f"{commit[:12]} is not a run: its commit has no {RECORD_FOLDER}/ folder")
        return entry.id


class _Ahead:
    """Reads ahead beside other work: git is a process of its own, and waiting for it is no work."""

    def __init__(self, read: Callable[[Sequence[str]], set[str]], commits: Sequence[str]) -> None:
        self._read: set[str] = set()
        self._thread = threading.Thread(target=lambda: self._read.update(read(commits)), daemon=True)
        if commits:
            self._thread.start()

    def finish(self) -> set[str]:
        """Wait until all is read; its ids."""
        if self._thread.ident is not None:
            self._thread.join()
        return self._read


def commit_message(run: Run) -> str:
    """Subject: the command. Body: headline metrics. Trailers: what plain git can search for."""
    command = " ".join(shlex.join(mask_argv(run.execution.command)).split())
    subject = command if len(command) <= _SUBJECT_WIDTH else command[: _SUBJECT_WIDTH - 1] + "…"
    paragraphs = [subject]
    if run.execution.message:
        paragraphs.append(run.execution.message.strip())
    if run.metrics:
        paragraphs.append("\n".join(f"{name}: {metric.last!r}" for name, metric in list(run.metrics.items())[:10]))
    trailers = {
        "Run": run.id,
        "Experiment": run.experiment,
        "Status": run.execution.status,
        "Code": run.code.commit or run.code.tree,
        "Reproduces": run.execution.reproduces,
        "Derived-From": run.execution.derived_from,
        "Twice-Format": str(FORMAT),
    }
    paragraphs.append("\n".join(f"{key}: {value}" for key, value in trailers.items() if value))
    return "\n\n".join(paragraphs) + "\n"
