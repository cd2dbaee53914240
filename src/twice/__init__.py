"""A result you can get once, you can get twice: experiment runs as git commits that can be run again.

In a script, inside `twice run` (outside it these do nothing):

    log_metric, log_metrics     numbers, with an optional step
    log_param, log_params       parameters
    set_tag                     a name and a short text
    log_artifact                a file that is a result
    run_id                      the id of this run, or None

In a notebook, or a script about runs:

    get_run, search_runs        runs, with their params, metrics, histories and artifacts
    diff_runs                   what differs between two

Everything is loaded when it is first used: `import twice` costs a script next to nothing.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # as type checkers know it; importing typing for it would cost a script 8 ms
if TYPE_CHECKING:
    from typing import Any

    from twice.agent.logging_api import (
        log_artifact,
        log_metric,
        log_metrics,
        log_param,
        log_params,
        run_id,
        set_tag,
    )
    from twice.api import RecordedRun, diff_runs, get_run, search_runs
    from twice.errors import TwiceError

__version__ = "0.1.0"  # a literal, for importlib.metadata costs 10 ms to ask; a test holds it to pyproject.toml

__all__ = [
    "RecordedRun",
    "TwiceError",
    "__version__",
    "diff_runs",
    "get_run",
    "log_artifact",
    "log_metric",
    "log_metrics",
    "log_param",
    "log_params",
    "run_id",
    "search_runs",
    "set_tag",
]

_READING = frozenset({"RecordedRun", "diff_runs", "get_run", "search_runs"})
_LOGGING = frozenset(name for name in __all__ if not name.startswith("_")) - _READING - {"TwiceError"}


def __getattr__(name: str) -> Any:
    module: Any
    if name in _READING:
        from twice import api as module
    elif name == "TwiceError":
        from twice import errors as module
    elif name not in _LOGGING:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    elif "_twice_agent" in sys.modules:
        # The agent of this run: one journal for the process, not two.
        from _twice_agent import logging_api as module  # type: ignore[import-not-found, no-redef]
    else:
        from twice.agent import logging_api as module
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
