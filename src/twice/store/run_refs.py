"""Under which refs are the runs?  `refs/experiments/<experiment>/<run-id>`; listing them reads no object."""

from __future__ import annotations

from collections.abc import Mapping

from twice.git.repository import Repository

PREFIX = "refs/experiments/"


_SETTLED_NS = 3_000_000_000  # a file system may tell time by the second, or by two


def run_refs(
    repository: Repository, known: Mapping[str, str] | None = None, stamps: Mapping[str, int] | None = None
) -> dict[str, str]:
    """Ref → commit of every run, oldest first (ids sort by time); what is `known` from stamped folders is not read."""
    found = repository.refs.list(PREFIX, known, stamps)
    return dict(sorted(found.items(), key=lambda item: item[0].rpartition("/")[2]))


def settled_stamps(repository: Repository, before: Mapping[str, int], now_ns: int) -> dict[str, int]:
    """The stamps of the folders of runs; take them before listing.

    Of what has changed so lately that it could change again without showing it, the stamp is the one from `before`, or -1.
    """
    stamps = repository.refs.stamps(PREFIX)
    return {name: ns if abs(now_ns - ns) > _SETTLED_NS else before.get(name, -1) for name, ns in stamps.items()}
