"""What is set before a command starts, where the user asked for `--strict`?  Variables for one thread; addresses not by lot.

Sums of floats depend on how many threads share the work, and the order of a set of objects on where they lie in memory. What
happens inside the interpreter is `agent/strict.py`.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Mapping

_ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
_DETERMINISTIC = {"CUBLAS_WORKSPACE_CONFIG": ":4096:8", "MKL_CBWR": "COMPATIBLE", "TF_DETERMINISTIC_OPS": "1"}

_NO_RANDOM_ADDRESSES = 0x0040000  # ADDR_NO_RANDOMIZE of personality(2)
_ASK = 0xFFFFFFFF


def strict_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables with one thread for each library, whatever the user set, and deterministic operations."""
    return {**environ, **dict.fromkeys(_ONE_THREAD, "1"), **_DETERMINISTIC}


def fixed_addresses() -> Callable[[], None] | None:
    """A function for a child process, between fork and exec: it has the same addresses each time.

    None where that is not permitted (in most containers) or not known how (elsewhere than on Linux).
    """
    if sys.platform != "linux":
        return None
    personality = ctypes.CDLL(None, use_errno=True).personality
    personality.argtypes, personality.restype = [ctypes.c_ulong], ctypes.c_int
    present = personality(_ASK)
    if present == -1:
        return None
    wanted = present | _NO_RANDOM_ADDRESSES
    if personality(wanted) == -1:  # it concerns programs started later alone, so it can be tried and taken back
        return None
    personality(present)

    def fix() -> None:
        personality(wanted)

    return fix
