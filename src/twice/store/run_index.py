"""Which runs exist, without reading git objects?  An SQLite index in the common git dir; disposable.

One row a run: what selecting needs in columns, what a table shows as one small JSON document, and the record's files, as
they were when validated, as another. It is refreshed by comparing ref names and ids, and rebuilt when it is damaged or was
made by another version; the refs stay the truth. What the notes say of runs is beside them, and read again only where the
notes have changed since.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import twice
from twice.errors import TwiceError
from twice.record.operations import Operation, count_verdicts, operation_line, parse_operations
from twice.record.summary import RunSummary, summarise_run, summary_from_plain, summary_to_plain
from twice.textforms import format_time

if TYPE_CHECKING:
    from twice.record.model import Run

_SCHEMA_VERSION = 3
_SCHEMA = """
CREATE TABLE made_by (text TEXT NOT NULL);
CREATE TABLE runs (
  ref TEXT PRIMARY KEY,
  commit_id TEXT NOT NULL,
  id TEXT NOT NULL,
  experiment TEXT NOT NULL,
  started_at TEXT NOT NULL,
  name TEXT,
  summary TEXT,     -- JSON of a RunSummary ┐ NULL when the record
  document TEXT,    -- JSON of the record   ┘ could not be read
  problem TEXT      -- why not
) WITHOUT ROWID;
CREATE INDEX runs_by_time ON runs (started_at, id);
CREATE TABLE notes (commit_id TEXT PRIMARY KEY, operations BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE notes_tip (id TEXT NOT NULL);  -- the notes' commit that this is of
"""
_INSERT = "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What selecting a run needs to know of it."""

    ref: str
    commit: str
    id: str
    experiment: str
    name: str | None
    problem: str | None = None


class RunIndex:
    """The index of one repository; `refresh` before reading."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, state_dir: Path) -> RunIndex:
        """Open the index, or start an empty one; in memory when the folder cannot be written."""
        path = state_dir / "index.sqlite3"
        try:
            state_dir.mkdir(parents=True, exist_ok=True)
            try:
                return cls(_connect(path))
            except sqlite3.DatabaseError as error:
                if "locked" in str(error) or "readonly" in str(error) or "unable to open" in str(error):
                    raise
                path.unlink(missing_ok=True)  # damaged: the refs are the truth
                return cls(_connect(path))
        except (sqlite3.Error, OSError):
            return cls(_connect(":memory:"))

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def __enter__(self) -> RunIndex:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def refresh(self, refs: dict[str, str], read: Callable[[str], Run], progress: Callable[[int, int], None]) -> None:
        """Make the index agree with `refs` (ref → commit), reading only the runs that are new.

        `progress` is told (done, of how many) as new runs are read.
        """
        known = dict(self._connection.execute("SELECT ref, commit_id FROM runs"))
        gone = known.keys() - refs.keys()
        new = [(ref, commit) for ref, commit in refs.items() if known.get(ref) != commit]
        if not gone and not new:
            return
        rows = []
        for position, (ref, commit) in enumerate(new):
            progress(position, len(new))
            rows.append(_row_of(ref, commit, read))
        # Losing a refresh (a full disk, another writer) costs time at the next one, nothing else.
        with suppress(sqlite3.OperationalError), self._connection:
            self._connection.executemany("DELETE FROM runs WHERE ref = ?", [(ref,) for ref in gone])
            self._connection.executemany(_INSERT, rows)

    def refresh_notes(
        self, tip: str | None, changed: Callable[[str | None, str | None], Mapping[str, Sequence[Operation]]]
    ) -> None:
        """Make the index agree with the notes at `tip`; `changed` gives what is another since the tip known here."""
        row = self._connection.execute("SELECT id FROM notes_tip").fetchone()
        known = row[0] if row else None
        if known == tip:
            return
        rows = [(commit, b"\n".join(map(operation_line, said))) for commit, said in changed(known, tip).items()]
        with suppress(sqlite3.OperationalError), self._connection:
            self._connection.execute("DELETE FROM notes_tip")
            if tip is not None:
                self._connection.execute("INSERT INTO notes_tip VALUES (?)", (tip,))
            self._connection.executemany("INSERT OR REPLACE INTO notes VALUES (?, ?)", rows)

    def operations(self, commit: str) -> tuple[Operation, ...]:
        """What has been said of a run since, oldest first."""
        row = self._connection.execute("SELECT operations FROM notes WHERE commit_id = ?", (commit,)).fetchone()
        return parse_operations(row[0]) if row else ()

    def add(self, ref: str, commit: str, run: Run) -> None:
        """Add a run that was just sealed."""
        with suppress(sqlite3.OperationalError), self._connection:
            self._connection.execute(_INSERT, _row_of(ref, commit, lambda _: run))

    def rows(self, experiment: str | None = None) -> list[Row]:
        """Every run, oldest first, of one experiment if given."""
        found = self._connection.execute(
            "SELECT ref, commit_id, id, experiment, name, problem FROM runs"
            " WHERE ? IS NULL OR experiment = ? OR experiment LIKE ? || '/%' ORDER BY started_at, id",
            (experiment, experiment, experiment),
        )
        return [
            Row(ref=ref, commit=commit, id=id_, experiment=group, name=name, problem=problem)
            for ref, commit, id_, group, name, problem in found
        ]

    def summaries(self, experiment: str | None = None) -> list[RunSummary]:
        """The summary of every run that could be read, oldest first, of one experiment if given."""
        found = self._connection.execute(
            "SELECT summary, operations FROM runs LEFT JOIN notes USING (commit_id) WHERE summary IS NOT NULL"
            " AND (? IS NULL OR experiment = ? OR experiment LIKE ? || '/%') ORDER BY started_at, id",
            (experiment, experiment, experiment),
        )
        return [_with_operations(summary_from_plain(json.loads(text)), said) for text, said in found]

    def runs(self, refs: Iterable[str]) -> dict[str, Run]:
        """Ref → run, for those refs whose record could be read."""
        from twice.record.files import from_documents  # half of what `ls` would load, which reads no record

        found: dict[str, Run] = {}
        for ref in refs:
            row = self._connection.execute("SELECT document FROM runs WHERE ref = ?", (ref,)).fetchone()
            if row is not None and row[0] is not None:
                documents, lock = json.loads(row[0])
                found[ref] = from_documents(documents, lock)
        return found


def _with_operations(summary: RunSummary, said: bytes | None) -> RunSummary:
    """The summary with what the notes add to it."""
    if not said:
        return summary
    reproduced, diverged = count_verdicts(parse_operations(said))
    return replace(summary, reproduced=reproduced, diverged=diverged)


def _row_of(ref: str, commit: str, read: Callable[[str], Run]) -> tuple[str | None, ...]:
    _, _, rest = ref.partition("refs/experiments/")
    experiment, _, run_id = rest.rpartition("/")
    try:
        run = read(commit)
    except TwiceError as error:
        return (ref, commit, run_id, experiment, _moment_in(run_id), None, None, None, error.message)
    from twice.record.files import to_documents  # whoever has read a run has it already

    summary = json.dumps(summary_to_plain(summarise_run(run)), separators=(",", ":"))
    document = json.dumps([to_documents(run), run.environment.lock], separators=(",", ":"))
    started_at = format_time(run.execution.started_at)
    return (ref, commit, run_id, experiment, started_at, run.execution.name, summary, document, None)


def _moment_in(run_id: str) -> str:
    """The start of a run that cannot be read, as its id tells it."""
    day, _, rest = run_id.partition("-")
    return f"{day[:4]}-{day[4:6]}-{day[6:]}T{rest[:2]}:{rest[2:4]}:{rest[4:6]}"


def _connect(path: Path | str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=10)
    try:
        made_by = f"{_SCHEMA_VERSION} {twice.__version__}"
        connection.execute("PRAGMA synchronous = OFF")  # a damaged index is rebuilt
        present = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'made_by'").fetchone()[0]
        if present and connection.execute("SELECT text FROM made_by").fetchone() == (made_by,):
            connection.execute("SELECT count(*) FROM runs LIMIT 1")
            return connection
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                connection.execute(f'DROP TABLE "{name}"')
            for statement in _SCHEMA.strip().split(";\n"):
                connection.execute(statement)
            connection.execute("INSERT INTO made_by VALUES (?)", (made_by,))
    except sqlite3.Error:
        connection.close()
        raise
    return connection
