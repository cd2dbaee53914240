"""Which environment variables change what a program computes?  An allow-list: what is not on it is never recorded.

In: an environment, the user's own patterns, the repository's root. Out: name → value, sorted; and back, for a process
that is to run under the same variables elsewhere. Nothing here reads the process's own environment.

A value that holds a secret is masked even when its name is allowed, a name that asks for a secret is refused even when
a pattern allows it, and what `twice` itself put into the environment is never there: its TWICE_ variables, and its
agent's entry in PYTHONPATH.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from twice.capture.secrets import MASK, is_secret_name, mask_text

ROOT = "{repository}"
"""Stands for the root at the start of a PYTHONPATH entry, so that a copy of the repository runs its own modules."""

_ALLOWED = tuple(
    """
    OMP_* GOMP_* KMP_* MKL_* OPENBLAS_* GOTO_NUM_THREADS NUMEXPR_* VECLIB_MAXIMUM_THREADS BLIS_* RAYON_NUM_THREADS
    POLARS_MAX_THREADS LOKY_MAX_CPU_COUNT
    NUMBA_NUM_THREADS NUMBA_DISABLE_JIT NUMBA_CPU_NAME NUMBA_CPU_FEATURES NUMBA_THREADING_LAYER
    CUDA_VISIBLE_DEVICES CUDA_DEVICE_ORDER CUDA_LAUNCH_BLOCKING CUDA_MODULE_LOADING CUBLAS_WORKSPACE_CONFIG CUDNN_*
    NVIDIA_TF32_OVERRIDE NVIDIA_VISIBLE_DEVICES HIP_VISIBLE_DEVICES ROCR_VISIBLE_DEVICES HSA_OVERRIDE_GFX_VERSION
    NCCL_ALGO NCCL_PROTO
    ATEN_CPU_CAPABILITY ONEDNN_* DNNL_* NPY_DISABLE_CPU_FEATURES NPY_ENABLE_CPU_FEATURES NPY_PROMOTION_STATE
    PYTORCH_ALLOC_CONF PYTORCH_CUDA_ALLOC_CONF PYTORCH_ENABLE_MPS_FALLBACK TORCH_ALLOW_TF32_CUBLAS_OVERRIDE
    TORCH_CUDNN_* TORCHDYNAMO_DISABLE TORCHINDUCTOR_MAX_AUTOTUNE TORCHINDUCTOR_FREEZING TORCH_COMPILE_DISABLE
    TF_*DETERMINIS* TF_ENABLE_ONEDNN_OPTS TF_NUM_*_THREADS TF_USE_LEGACY_KERAS TF_XLA_FLAGS TF_FORCE_GPU_ALLOW_GROWTH
    KERAS_BACKEND XLA_FLAGS XLA_PYTHON_CLIENT_* JAX_ENABLE_X64 JAX_PLATFORMS JAX_PLATFORM_NAME
    JAX_DEFAULT_MATMUL_PRECISION JAX_THREEFRY_PARTITIONABLE JAX_DEBUG_NANS JAX_DISABLE_JIT
    PYTHONHASHSEED PYTHONOPTIMIZE PYTHONPATH PYTHONUTF8 PYTHONIOENCODING PYTHONSAFEPATH
    PYTHONNOUSERSITE PYTHONWARNINGS PYTHONDEVMODE PYTHONINTMAXSTRDIGITS PYTHONMALLOC
    PYTHON_GIL PYTHON_CPU_COUNT PYTHON_JIT PYTHONCOERCECLOCALE PYTHONLEGACYWINDOWSFSENCODING
    TZ LANG LANGUAGE LC_* SOURCE_DATE_EPOCH
    HF_HUB_OFFLINE HF_DATASETS_OFFLINE TRANSFORMERS_OFFLINE HF_ENDPOINT TOKENIZERS_PARALLELISM
    WORLD_SIZE RANK LOCAL_RANK LOCAL_WORLD_SIZE GROUP_RANK NODE_RANK OMPI_COMM_WORLD_SIZE OMPI_COMM_WORLD_RANK
    MPLBACKEND MALLOC_ARENA_MAX MALLOC_CONF
    """.split()  # noqa: SIM905 (a list of names reads best as one)
)

_NEVER = "TWICE_"
_AGENT = ("twice", "agent")  # PYTHONPATH holds a folder in this one, in whichever place twice is installed


def capture_variables(
    environ: Mapping[str, str], patterns: Iterable[str] = (), *, root: Path | None = None, own_paths: Iterable[str] = ()
) -> dict[str, str]:
    """The variables of `environ` that are allowed, sorted by name.

    `patterns` are the user's own (`MY_*`). PYTHONPATH entries below `root` begin with `{repository}` in the result, and
    entries in `own_paths` or in any `twice/agent` are left out of it.
    """
    is_allowed = _matcher((*_ALLOWED, *patterns))
    found: dict[str, str] = {}
    for name in sorted(environ):
        if not is_allowed(name) or name.startswith(_NEVER) or is_secret_name(name):
            continue
        value = environ[name]
        if name == "PYTHONPATH":
            value = _portable(value, root, tuple(own_paths))
            if not value:
                continue
        found[name] = mask_text(value)
    return found


def restore_variables(recorded: Mapping[str, str], root: Path) -> dict[str, str]:
    """The recorded variables for a process whose repository is at `root`; those whose value was masked are left out."""
    restored = {}
    for name, value in recorded.items():
        if MASK in value:
            continue
        if name == "PYTHONPATH":
            entries = (_below(entry, root) for entry in value.split(os.pathsep))
            value = os.pathsep.join(entries)
        restored[name] = value
    return restored


def _matcher(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Whether a name matches one of the patterns.

    fnmatch compiles each pattern that it is asked about: it is not where the text before the wildcard settles it.
    """
    patterns = tuple(patterns)
    whole = {pattern for pattern in patterns if pattern.isidentifier()}
    others = [(re.split(r"[*?[]", pattern, maxsplit=1)[0], pattern) for pattern in patterns if pattern not in whole]

    def matches(name: str) -> bool:
        return name in whole or any(
            name.startswith(start) and fnmatch.fnmatchcase(name, pattern) for start, pattern in others
        )

    return matches


def _portable(value: str, root: Path | None, own_paths: tuple[str, ...]) -> str:
    own = {Path(path) for path in own_paths}
    kept = []
    for entry in value.split(os.pathsep):
        path = Path(entry)
        if path in own or path.parts[-2:] == _AGENT or path.parts[-3:-1] == _AGENT:
            continue
        inside = root is not None and path.is_absolute() and path.is_relative_to(root)
        kept.append((Path(ROOT) / path.relative_to(root)).as_posix() if inside and root is not None else entry)
    return os.pathsep.join(kept)


def _below(entry: str, root: Path) -> str:
    if entry != ROOT and not entry.startswith(ROOT + "/"):
        return entry
    return os.path.normpath(os.path.join(root, entry[len(ROOT) :].lstrip("/")))  # noqa: PTH118 (a text, not a place)
