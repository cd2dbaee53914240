"""Which environment variables does the command get?  The user's own, and what the agent needs to report and seed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import twice.agent
from twice.agent import protocol
from twice.capture.request import Request
from twice.capture.root_seed import seed_variables

AGENT_SITE = Path(twice.agent.__file__).parent / "site"


def child_environment(
    request: Request, live_folder: Path, root: Path, started_at_s: float, tracer: str, environ: Mapping[str, str]
) -> dict[str, str]:
    """The variables for the command of a run; `started_at_s` is epoch seconds."""
    variables = {name: value for name, value in environ.items() if name not in protocol.VARIABLES}
    site = str(AGENT_SITE)
    others = [entry for entry in variables.get("PYTHONPATH", "").split(os.pathsep) if entry and entry != site]
    variables["PYTHONPATH"] = os.pathsep.join([site, *others])
    variables |= {
        protocol.LIVE: str(live_folder),
        protocol.RUN: request.id,
        protocol.SITE: site,
        protocol.ROOT: str(root),
        protocol.STARTED: repr(started_at_s),
        protocol.TRACE: tracer,
    }
    if request.strict:
        variables[protocol.STRICT] = "1"
    if request.seed is not None:
        variables[protocol.SEED] = str(request.seed)
        variables |= seed_variables(request.seed, environ)
    return variables
