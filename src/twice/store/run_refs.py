"""Under which refs are the runs?  `refs/experiments/<experiment>/<run-id>`; listing them reads no object."""

from __future__ import annotations

from collections.abc import Mapping

from twice.git.repository import Repository

PREFIX = "refs/experiments/"

_SETTLED_NS = 3_000_000_000  # a file system may tell time by the second, or by two


def run_refs(
    repository: Repository, known: Mapping[str, str] | None = None, stamps: Mapping[str, int] | None = None
) -> dict[str, str]:
    """Ref → commit of every run; what is `known` from stamped folders is not read."""
    return repository.refs.list(PREFIX, known, stamps)


def settled_stamps(repository: Repository, before: Mapping[str, int], now_ns: int) -> dict[str, int]:
    """The stamps of the folders of runs; take them before listing.

    What has changed so lately that it could change again without showing it gets an earlier stamp: the folder will not
    seem unchanged, and of its files those count as unchanged that are older.
    """
    stamps = repository.refs.stamps(PREFIX, before)
    return {
        name: ns if abs(now_ns - ns) > _SETTLED_NS else max(before.get(name, 0), ns - _SETTLED_NS)
        for name, ns in stamps.items()
    }
