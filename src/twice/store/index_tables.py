"""In which tables does the index keep what it knows?  A database in, made anew where it is of another version."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import twice

_SCHEMA_VERSION = 7
_SCHEMA = """
CREATE TABLE made_by (text TEXT NOT NULL);
CREATE TABLE runs (
  key INTEGER PRIMARY KEY,
  ref TEXT NOT NULL UNIQUE,
  commit_id TEXT NOT NULL,
  id TEXT NOT NULL,
  experiment TEXT NOT NULL,
  name TEXT, status TEXT,
  started_us INTEGER NOT NULL, ended_us INTEGER, duration_s REAL,
  exit_code INTEGER, signal TEXT, command TEXT, entry_point TEXT, message TEXT,
  host TEXT, user TEXT, branch TEXT, base TEXT, snapshot TEXT, tree TEXT, seed INTEGER, reproduces TEXT, derived_from TEXT,
  parent TEXT, packages INTEGER, inputs INTEGER, outputs INTEGER,
  environment_digest TEXT, params_digest TEXT,
  problem TEXT     -- why the record could not be read; then most of the above is NULL
);
-- all that listing keys needs
CREATE INDEX runs_by_time ON runs (started_us, id, problem);
CREATE INDEX runs_by_id ON runs (id);
-- JSON of a RunSummary
CREATE TABLE summaries (run INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE names (key INTEGER PRIMARY KEY, family TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (family, name));
CREATE TABLE words (name INTEGER, run INTEGER, number, text TEXT, PRIMARY KEY (name, run)) WITHOUT ROWID;
CREATE TABLE metrics (
  name INTEGER, run INTEGER, last, min, max, mean, count INTEGER,  -- NaN is NULL; no types: 1 stays 1, not 1.0
  PRIMARY KEY (name, run)
) WITHOUT ROWID;
-- those that were once asked for by `at(step)`
CREATE TABLE metric_values (
  name TEXT, step INTEGER, run INTEGER, is_logged INTEGER, value, PRIMARY KEY (name, step, run)
) WITHOUT ROWID;
CREATE TABLE sets (key INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE);
CREATE TABLE packages (owner INTEGER, name TEXT, version TEXT, PRIMARY KEY (name, owner)) WITHOUT ROWID;
CREATE TABLE files (owner INTEGER, path TEXT, name TEXT, stem TEXT, sha256 TEXT);
CREATE INDEX files_by_owner ON files (owner);
-- when folders of refs had changed that this index agrees with, see run_refs.py
CREATE TABLE stamps (name TEXT PRIMARY KEY, ns INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE touched (snapshot TEXT, path TEXT, PRIMARY KEY (path, snapshot)) WITHOUT ROWID;
CREATE TABLE compared (snapshot TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE notes (commit_id TEXT PRIMARY KEY, operations BLOB NOT NULL) WITHOUT ROWID;
-- the notes' commit that this is of
CREATE TABLE notes_tip (id TEXT NOT NULL);
"""
_NOT_DAMAGED = ("locked", "readonly", "unable to open", "disk is full", "disk I/O", "no such", "syntax", "interrupted")


def connect(path: Path | str) -> sqlite3.Connection:
    """The database at a path, with the tables of this version.  Raises sqlite3.Error."""
    connection = sqlite3.connect(path, timeout=10)
    try:
        made_by = f"{_SCHEMA_VERSION} {twice.__version__}"
        connection.execute("PRAGMA synchronous = OFF")  # a damaged index is rebuilt
        present = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'made_by'").fetchone()[0]
        if present and connection.execute("SELECT text FROM made_by").fetchone() == (made_by,):
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


def is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether the file is not what it should be, rather than out of reach or the question wrong."""
    return not any(words in str(error) for words in _NOT_DAMAGED)
