"""Which seed does a run get?  A fresh one for each, so that two runs are two samples; `reproduce` gives it again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping


def new_root_seed(random_bytes: Callable[[int], bytes]) -> int:
    """A fresh root seed of 63 bits."""
    return int.from_bytes(random_bytes(8), "big") >> 1


def seed_variables(root_seed: int, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that must be set before an interpreter starts; those that the user set win."""
    hash_seed = int.from_bytes(hashlib.sha256(f"hash {root_seed}".encode()).digest()[:4], "big")
    wanted = {"PYTHONHASHSEED": str(hash_seed), "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
    return {name: value for name, value in wanted.items() if not environ.get(name)}
