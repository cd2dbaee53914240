"""Which run belongs below which?  Runs and what each came from in, the order of a tree and depths out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def order_as_tree(run_ids: Sequence[str], origins: Mapping[str, str | None]) -> list[tuple[str, int]]:
    """Every run with its depth, each right below the one that it came from, siblings in the order given.

    A run whose origin is not among these, or that is its own ancestor, stands by itself.
    """
    known = set(run_ids)
    below: dict[str | None, list[str]] = {}
    for run_id in run_ids:
        origin = origins.get(run_id)
        below.setdefault(origin if origin in known and not _is_cycle(run_id, origins) else None, []).append(run_id)
    found: list[tuple[str, int]] = []
    waiting = [(run_id, 0) for run_id in reversed(below.get(None, []))]
    while waiting:
        run_id, depth = waiting.pop()
        found.append((run_id, depth))
        waiting += [(child, depth + 1) for child in reversed(below.get(run_id, []))]
    return found


def _is_cycle(run_id: str, origins: Mapping[str, str | None]) -> bool:
    seen = {run_id}
    origin = origins.get(run_id)
    while origin is not None:
        if origin in seen:
            return True
        seen.add(origin)
        origin = origins.get(origin)
    return False
