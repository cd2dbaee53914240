"""Which seed does a run get, and where was it really applied?

The root seed is fresh for each run, so that two runs are two samples; `reproduce` gives the recorded one again. What was
applied is taken from what the processes reported, never assumed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from twice.record.model import SeededProcess, Seeds


def new_root_seed(random_bytes: Callable[[int], bytes]) -> int:
    """A fresh root seed of 63 bits."""
    return int.from_bytes(random_bytes(8), "big") >> 1


def seed_variables(root_seed: int, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that must be set before an interpreter starts; those that the user set win."""
    hash_seed = int.from_bytes(hashlib.sha256(f"hash {root_seed}".encode()).digest()[:4], "big")
    wanted = {"PYTHONHASHSEED": str(hash_seed), "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
    return {name: value for name, value in wanted.items() if not environ.get(name)}


def gather_seeds(root_seed: int | None, events: Iterable[Mapping[str, Any]], python_expected: bool) -> Seeds:
    """seeds.yaml from "process" and "seeded" events; `python_expected`: the command names a Python program."""
    if root_seed is None:
        return Seeds(not_applied=("seeding was switched off",))
    pythons: dict[tuple[int, str], str] = {}
    seeded: dict[tuple[int, str], list[str]] = {}
    for event in events:
        at = (event.get("pid", 0), event.get("key", "main"))
        if event.get("kind") == "process":
            pythons[at] = event.get("version", "")
            if event.get("hash_seed") is not None:
                seeded.setdefault(at, []).append("hash")
        elif event.get("kind") == "seeded":
            if event["what"] not in seeded.setdefault(at, []):
                seeded[at].append(event["what"])
    processes = [
        SeededProcess(key=at[1], python=pythons.get(at, ""), seeded=tuple(sorted(seeded.get(at, ()))))
        for at in {**pythons, **seeded}
    ]
    missing: tuple[str, ...] = ()
    if not processes:
        missing = (
            ("no Python process reported in: started with -I, -E or -S, or its environment was cleared",)
            if python_expected
            else ("the command is not a Python program",)
        )
    return Seeds(root=root_seed, processes=tuple(sorted(processes, key=lambda p: p.key)), not_applied=missing)
