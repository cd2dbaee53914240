"""Where was a run's seed really applied?  Taken from what the processes reported, never assumed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from twice.record.model import SeededProcess, Seeds


def gather_seeds(root_seed: int | None, events: Iterable[Mapping[str, Any]], python_expected: bool) -> Seeds:
    """seeds.yaml from "process" and "seeded" events; `python_expected`: the command names a Python program."""
    if root_seed is None:
        return Seeds(not_applied=("seeding was switched off",))
    pythons: dict[tuple[int, str], str] = {}
    seeded: dict[tuple[int, str], list[str]] = {}
    events = list(events)
    for event in events:
        at = (event.get("pid", 0), event.get("key", "main"))
        if event.get("kind") == "process":
            pythons[at] = event.get("version", "")
            if event.get("hash_seed") is not None:
                seeded.setdefault(at, []).append("hash")
        elif event.get("kind") == "seeded" and event["what"] not in seeded.setdefault(at, []):
            seeded[at].append(event["what"])
    processes = [
        SeededProcess(key=at[1], python=pythons.get(at, ""), seeded=tuple(sorted(seeded.get(at, ()))))
        for at in {**pythons, **seeded}
    ]
    missing = _unreached(events, {key for _, key in pythons})
    if not processes:
        missing += (
            ("no Python process reported in: started with -I, -E or -S, or its environment was cleared",)
            if python_expected
            else ("the command is not a Python program",)
        )
    return Seeds(root=root_seed, processes=tuple(sorted(processes, key=lambda p: p.key)), not_applied=missing)


def _unreached(events: Iterable[Mapping[str, Any]], reported: Collection[str]) -> tuple[str, ...]:
    """`main/popen-1: python -I …`, one a reason, of those Pythons that were started and then did not report in."""
    found: dict[str, list[str]] = {}
    for event in events:
        if event.get("kind") == "unreached" and event["key"] not in reported:
            found.setdefault(event["reason"], []).append(event["key"])
    return tuple(
        f"{keys[0]}{f' and {len(keys) - 1} more' if len(keys) > 1 else ''}: {reason}" for reason, keys in found.items()
    )
