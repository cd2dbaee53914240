"""How short can a run's id be shown?  Four characters of its random tail, more where runs shown together need them."""

from __future__ import annotations

from collections.abc import Iterable

from twice.textforms import short_id

_SHORTEST = 4
_TAIL = 6


def shorten_ids(run_ids: Iterable[str]) -> dict[str, str]:
    """Run id → the shortest form that is unique among these; the whole id where tails are the same."""
    whole = list(dict.fromkeys(run_ids))
    short: dict[str, str] = {}
    for length in range(_SHORTEST, _TAIL + 1):
        holders: dict[str, list[str]] = {}
        for run_id in whole:
            if run_id not in short:
                holders.setdefault(short_id(run_id, length), []).append(run_id)
        short.update({ids[0]: text for text, ids in holders.items() if len(ids) == 1})
    return {run_id: short.get(run_id, run_id) for run_id in whole}
