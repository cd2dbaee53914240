"""Under which refs are the runs?  `refs/experiments/<experiment>/<run-id>`; listing them reads no object."""

from __future__ import annotations

from twice.git.repository import Repository

PREFIX = "refs/experiments/"


def run_refs(repository: Repository) -> dict[str, str]:
    """Ref → commit of every run, oldest first (ids sort by time)."""
    found = repository.refs.list(PREFIX)
    return dict(sorted(found.items(), key=lambda item: item[0].rpartition("/")[2]))
