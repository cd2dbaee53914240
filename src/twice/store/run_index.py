"""Which runs exist, without reading git objects?  An SQLite index in the common git dir; disposable.

One row a run for what is said once, one for each of its params, tags, metrics and files (see run_rows.py), and what a
table shows of it as one small JSON document. It is refreshed by comparing ref names and ids, and rebuilt when it is
damaged or was made by another version; the refs stay the truth. What the notes say of runs is beside them, and read
again only where the notes have changed since.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twice.errors import TwiceError
from twice.frozen import frozen
from twice.record.operations import Operation, count_verdicts, operation_line, parse_operations
from twice.record.summary import RunSummary, summary_from_plain
from twice.store.index_tables import connect, is_damage

if TYPE_CHECKING:
    from twice.record.model import Run
    from twice.store.run_rows import NamedSet, RunRows

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_AT_ONCE = 500  # runs that are read and written together
_BY_RUN = tuple(f"DELETE FROM {table} WHERE run = ?" for table in ("summaries", "metric_values"))

Recorded = tuple[Mapping[str, Any], "str | None"]
"""The documents of a record, as `record.files.to_documents` gives them, and the text of its requirements.lock."""

ReadRecords = Callable[[Sequence[str]], Iterator["Recorded | TwiceError"]]
"""Reads the records of some commits, one after the other; an error for one that cannot be read."""


@frozen
class Row:
    """What selecting a run needs to know of it."""

    ref: str
    commit: str
    id: str
    experiment: str
    name: str | None
    started_us: int = 0  # microseconds since 1970; of a run that cannot be read, as its id tells it
    problem: str | None = None


class RunIndex:
    """The index of one repository; `refresh` before reading."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None = None) -> None:
        self._connection = connection
        self._path = path
        self._refresh_again: Callable[[], None] = lambda: None
        self._read: ReadRecords = lambda commits: iter(())

    @classmethod
    def open(cls, state_dir: Path) -> RunIndex:
        """Open the index, or start an empty one; in memory when the folder cannot be written."""
        path = state_dir / "index.sqlite3"
        try:
            state_dir.mkdir(parents=True, exist_ok=True)
            try:
                return cls(connect(path), path)
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                path.unlink(missing_ok=True)  # the refs are the truth
                return cls(connect(path), path)
        except (sqlite3.Error, OSError):
            return cls(connect(":memory:"))

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def __enter__(self) -> RunIndex:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------------------------------------------ writing

    def refresh(
        self,
        refs: Mapping[str, str],
        read: ReadRecords,
        progress: Callable[[int, int], None],
        known: Mapping[str, str] | None = None,
    ) -> None:
        """Make the index agree with `refs` (ref → commit), reading only the runs that are new.

        `progress` is told (done, of how many) as new runs are read. `known` is what `commits` has just given.
        """
        self._read = read
        self._refresh_again = lambda: self._refresh(refs, read, progress, None)
        try:
            self._refresh(refs, read, progress, known)
        except sqlite3.DatabaseError as error:
            self._start_again(error)

    def stamps(self) -> dict[str, int]:
        """When the folders of refs had last changed, as far as that is settled, when this index agreed with them."""
        return dict(self.fetch("SELECT name, ns FROM stamps"))

    def keep_stamps(self, stamps: Mapping[str, int]) -> None:
        """Remember the stamps that were taken before the refs were listed which this index now agrees with."""
        with suppress(sqlite3.OperationalError), self._connection:
            self._connection.execute("DELETE FROM stamps")
            self._connection.executemany("INSERT INTO stamps VALUES (?, ?)", stamps.items())

    def is_current(self, refs: Callable[[], Mapping[str, str]], read: ReadRecords) -> None:
        """Note that the index agrees with the refs; they are listed only if it turns out to be damaged."""
        self._read = read
        self._refresh_again = lambda: self._refresh(refs(), read, lambda done, total: None, None)

    def commits(self) -> dict[str, str]:
        """Ref → commit, as the index has them."""
        return dict(self.fetch("SELECT ref, commit_id FROM runs"))

    def add(self, ref: str, commit: str, run: Run) -> None:
        """Add a run that was just sealed.  Losing it costs the next refresh some time, nothing else."""
        from twice.record.files import to_documents  # whoever has a run has loaded these already
        from twice.store.run_rows import RowMaker

        with suppress(sqlite3.DatabaseError):
            self._write([], [RowMaker().rows_of(ref, commit, (to_documents(run), run.environment.lock))])

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

    def _refresh(
        self,
        refs: Mapping[str, str],
        read: ReadRecords,
        progress: Callable[[int, int], None],
        known: Mapping[str, str] | None,
    ) -> None:
        if known is None:
            known = dict(self._connection.execute("SELECT ref, commit_id FROM runs").fetchall())
        if known == refs:
            return
        gone = [ref for ref, commit in known.items() if refs.get(ref) != commit]
        new = [(ref, commit) for ref, commit in refs.items() if known.get(ref) != commit]
        new.sort(key=_by_id)  # and so by time: what is shown together is stored together
        if gone:
            self._write(gone, [])
        if not new:
            return
        # Half of what `ls` would load, which reads no record when all is known.
        from twice.store.run_rows import RowMaker

        rows_of, done = RowMaker().rows_of, 0
        remaining = iter(zip(new, read([commit for _, commit in new]), strict=True))
        while rows := [rows_of(ref, commit, found) for (ref, commit), found in islice(remaining, _AT_ONCE)]:
            self._write([], rows)
            done += len(rows)
            progress(done, len(new))

    def _write(self, gone: Iterable[str], rows: Sequence[RunRows]) -> None:
        """Take runs out by their refs, put others in, in one transaction; in memory when the disk does not let us."""
        try:
            self._write_once(gone, rows)
        except sqlite3.OperationalError as error:
            if self._path is None or is_damage(error):
                raise
            memory = sqlite3.connect(":memory:")
            self._connection.backup(memory)
            self._connection.close()
            self._connection, self._path = memory, None
            self._write_once(gone, rows)

    def _write_once(self, gone: Iterable[str], rows: Sequence[RunRows]) -> None:
        execute = self._connection.execute
        with self._connection:
            execute("BEGIN IMMEDIATE")
            for ref in gone:
                self._delete(ref)
            new = [one for one in rows if not self._has(one.facts)]  # another process may have been faster
            self._insert(new)

    def _has(self, facts: Mapping[str, Any]) -> bool:
        found = self._connection.execute("SELECT commit_id FROM runs WHERE ref = ?", (facts["ref"],)).fetchone()
        if found is not None and found[0] != facts["commit_id"]:
            self._delete(facts["ref"])
            return False
        return found is not None

    def _delete(self, ref: str) -> None:
        found = self._connection.execute("SELECT key FROM runs WHERE ref = ?", (ref,)).fetchone()
        if found is None:
            return
        for table in ("words", "metrics"):
            # By name and run, as the tables are ordered: there are few names and many runs.
            self._connection.execute(
                f"DELETE FROM {table} WHERE run = ?1 AND name IN (SELECT key FROM names)", (found[0],)
            )
        for statement in (*_BY_RUN, "DELETE FROM runs WHERE key = ?"):
            self._connection.execute(statement, found)

    def _insert(self, rows: Sequence[RunRows]) -> None:
        if not rows:
            return
        from twice.store.run_rows import COLUMNS

        connection = self._connection
        names = _Names(connection)
        last = connection.execute("SELECT coalesce(max(key), 0) FROM runs").fetchone()[0]
        runs, summaries, words, metrics = [], [], [], []
        for key, one in enumerate(rows, last + 1):
            facts = one.facts
            for group in ("packages", "inputs", "outputs"):
                facts[group] = self._set(group, getattr(one, group))
            runs.append((key, *(facts[column] for column in COLUMNS)))
            if one.summary is not None:
                summaries.append((key, one.summary))
            words += [(names.key("param", name), key, number, text) for name, number, text in one.params]
            words += [(names.key("tag", name), key, number, text) for name, number, text in one.tags]
            metrics += [(names.key("metric", name), key, *numbers) for name, *numbers in one.metrics]
        # In the order of the tables, which is several times faster than in any other.
        words.sort(key=itemgetter(0, 1))
        metrics.sort(key=itemgetter(0, 1))
        connection.executemany(f"INSERT INTO runs (key, {', '.join(COLUMNS)}) VALUES (?{', ?' * len(COLUMNS)})", runs)
        connection.executemany("INSERT INTO summaries VALUES (?, ?)", summaries)
        connection.executemany("INSERT OR REPLACE INTO words VALUES (?, ?, ?, ?)", words)
        connection.executemany("INSERT OR REPLACE INTO metrics VALUES (?, ?, ?, ?, ?, ?, ?)", metrics)

    def _set(self, group: str, content: NamedSet | None) -> int | None:
        if content is None:
            return None
        digest = f"{group}:{content.digest}"
        found = self._connection.execute("SELECT key FROM sets WHERE digest = ?", (digest,)).fetchone()
        if found is not None:
            return int(found[0])
        key = self._connection.execute("INSERT INTO sets (digest) VALUES (?)", (digest,)).lastrowid
        statement = (
            "INSERT OR REPLACE INTO packages VALUES (?, ?, ?)"
            if group == "packages"
            else "INSERT INTO files VALUES (?, ?, ?, ?, ?)"
        )
        self._connection.executemany(statement, [(key, *row) for row in content.rows])
        return key

    def _start_again(self, error: sqlite3.DatabaseError) -> None:
        """Build the index anew when it is damaged; raises the error when that is not what it says."""
        if self._path is None or not is_damage(error):
            raise error
        self._connection.close()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        try:
            self._connection = connect(self._path)
        except sqlite3.Error:
            self._connection, self._path = connect(":memory:"), None
        self._refresh_again()

    # ------------------------------------------------------------------------------------------------ reading

    def fetch(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """The rows that an SQL statement gives; from a rebuilt index when this one turns out to be damaged."""
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.DatabaseError as error:
            self._start_again(error)
            return self._connection.execute(statement, values).fetchall()

    def keep(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Write facts that were worked out for a query, in one transaction."""
        with self._connection:
            self._connection.executemany(statement, rows)

    def define(self, name: str, arguments: int, function: Callable[..., Any]) -> None:
        """Let SQL statements call a function."""
        self._connection.create_function(name, arguments, function, deterministic=True)

    def rows(self, experiment: str | None = None) -> list[Row]:
        """Every run, oldest first, of one experiment if given."""
        where, values = _within(experiment)
        found = self.fetch(
            f"SELECT ref, commit_id, id, experiment, name, started_us, problem FROM runs{where} ORDER BY started_us, id",
            values,
        )
        return [
            Row(ref=ref, commit=commit, id=id_, experiment=group, name=name, started_us=us, problem=problem)
            for ref, commit, id_, group, name, us, problem in found
        ]

    def summaries(self, experiment: str | None = None) -> list[RunSummary]:
        """The summary of every run that could be read, oldest first, of one experiment if given."""
        where, values = _within(experiment)
        found = self.fetch(
            "SELECT text, operations FROM runs JOIN summaries ON run = key LEFT JOIN notes USING (commit_id)"
            f"{where} ORDER BY started_us, id",
            values,
        )
        return [_summary(text, said) for text, said in found]

    def summaries_of(self, keys: Iterable[int]) -> list[RunSummary]:
        """The summaries of the runs with these keys, in that order; those that could not be read have none."""
        wanted = list(keys)
        found = self.fetch(
            "SELECT key, text, operations FROM runs JOIN summaries ON run = key LEFT JOIN notes USING (commit_id)"
            " WHERE key IN (SELECT value FROM json_each(?))",
            (json.dumps(wanted),),
        )
        by_key = {key: _summary(text, said) for key, text, said in found}
        return [by_key[key] for key in wanted if key in by_key]

    def ids_like(self, ids: Iterable[str]) -> list[str]:
        """The ids of all runs whose random tails begin as those of some ids do: what short forms must differ from."""
        starts = json.dumps(sorted({run_id[16:20] for run_id in ids}))
        statement = "SELECT id FROM runs WHERE substr(id, 17, 4) IN (SELECT value FROM json_each(?))"
        return [run_id for (run_id,) in self.fetch(statement, (starts,))]

    def bases(self) -> list[tuple[str, str | None, str | None]]:
        """Of every run that could be read, oldest first: id, the commit the user was on, and its snapshot."""
        found = self.fetch("SELECT id, base, snapshot FROM runs WHERE problem IS NULL ORDER BY started_us, id")
        return [(run_id, base, snapshot) for run_id, base, snapshot in found]

    def problems(self, experiment: str | None = None) -> list[tuple[str, str]]:
        """Id and complaint of every run whose record could not be read."""
        where, values = _within(experiment, "problem IS NOT NULL")
        return [(one, why) for one, why in self.fetch(f"SELECT id, problem FROM runs{where}", values)]

    def has(self, run_id: str) -> bool:
        """Whether there is a run of this id."""
        return bool(self.fetch("SELECT 1 FROM runs WHERE id = ? LIMIT 1", (run_id,)))

    def key(self, ref: str) -> int:
        """The key of the run under a ref."""
        return int(self.fetch("SELECT key FROM runs WHERE ref = ?", (ref,))[0][0])

    def keys(self, experiment: str | None = None) -> list[int]:
        """The keys of all runs that could be read, the latest first, of one experiment if given."""
        where, values = _within(experiment, "problem IS NULL")
        return [key for (key,) in self.fetch(f"SELECT key FROM runs{where} ORDER BY started_us DESC, id DESC", values)]

    def starts(self, keys: Sequence[int]) -> dict[int, tuple[datetime, str]]:
        """Key → when the run started, and its id."""
        statement = "SELECT key, started_us, id FROM runs WHERE key IN (SELECT value FROM json_each(?))"
        found = self.fetch(statement, (json.dumps(list(keys)),))
        return {key: (_EPOCH + timedelta(microseconds=us), run_id) for key, us, run_id in found}

    def origins(self, keys: Sequence[int]) -> dict[str, str | None]:
        """Id of a run → the one that it was started in, repeats, or repeats with a change."""
        statement = (
            "SELECT id, coalesce(parent, reproduces, derived_from) FROM runs"
            " WHERE key IN (SELECT value FROM json_each(?))"
        )
        return dict(self.fetch(statement, (json.dumps(list(keys)),)))

    def runs(self, refs: Iterable[str]) -> dict[str, Run]:
        """Ref → run, for those refs whose record could be read; read with what `refresh` was given to read with."""
        from twice.record.files import from_documents

        wanted = json.dumps(list(refs))
        commits = dict(
            self.fetch("SELECT ref, commit_id FROM runs WHERE ref IN (SELECT value FROM json_each(?))", (wanted,))
        )
        found: dict[str, Run] = {}
        ordered = [ref for ref in json.loads(wanted) if ref in commits]
        for ref, record in zip(ordered, self._read([commits[ref] for ref in ordered]), strict=True):
            if not isinstance(record, TwiceError):
                found[ref] = from_documents(*record)
        return found

    def operations(self, commit: str) -> tuple[Operation, ...]:
        """What has been said of a run since, oldest first."""
        rows = self.fetch("SELECT operations FROM notes WHERE commit_id = ?", (commit,))
        return parse_operations(rows[0][0]) if rows else ()

    def names(self, family: str) -> list[str]:
        """The names that runs have, sorted: of params, metrics, tags or packages ("param", "metric", "tag", "package")."""
        if family == "package":
            return [name for (name,) in self.fetch("SELECT DISTINCT name FROM packages ORDER BY name")]
        table = "metrics" if family == "metric" else "words"
        found = self.fetch(
            f"SELECT name FROM names WHERE family = ? AND EXISTS (SELECT 1 FROM {table} WHERE {table}.name = names.key)"
            " ORDER BY name",
            (family,),
        )
        return [name for (name,) in found]


class _Names:
    """The keys of names, made as they are needed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        found = connection.execute("SELECT family, name, key FROM names")
        self._keys: dict[tuple[str, str], int] = {(family, name): key for family, name, key in found}

    def key(self, family: str, name: str) -> int:
        key = self._keys.get((family, name))
        if key is None:
            made = self._connection.execute("INSERT INTO names (family, name) VALUES (?, ?)", (family, name))
            key = self._keys[family, name] = made.lastrowid or 0
        return key


def _within(experiment: str | None, condition: str = "1") -> tuple[str, tuple[str, ...]]:
    """The WHERE clause for the runs of an experiment, and of those below it."""
    if experiment is None:
        return f" WHERE {condition}", ()
    within = "(experiment = ?1 OR substr(experiment, 1, length(?1) + 1) = ?1 || '/')"
    return f" WHERE {condition} AND {within}", (experiment,)


def _summary(text: str, said: bytes | None) -> RunSummary:
    """The summary, with what the notes add to it."""
    summary = summary_from_plain(json.loads(text))
    if not said:
        return summary
    reproduced, diverged = count_verdicts(parse_operations(said))
    return replace(summary, reproduced=reproduced, diverged=diverged)


def _by_id(run: tuple[str, str]) -> str:
    return run[0].rpartition("/")[2]
