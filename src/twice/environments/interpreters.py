"""Which interpreter on this machine is the one that a run had?  The recorded facts in, the path of a Python out.

Looked for, in this order: what stands behind the recorded path, the Python that runs `twice`, pyenv's versions, PATH, and what
uv knows (asked offline; nothing is downloaded). One is accepted only after it was started and said the same
implementation, version and ABI.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from twice.environments.programs import ask_tool
from twice.errors import ReproductionError
from twice.record.model import Interpreter

# The same facts as the agent's `process` event, so that one reader serves both; and the Python below a venv.
_QUESTION = """
import _imp, json, sys
suffix = (_imp.extension_suffixes() or [""])[0].split(".")
print(json.dumps(dict(
    executable=sys.executable, prefix=sys.prefix, base_prefix=sys.base_prefix, version=sys.version.split()[0],
    implementation=sys.implementation.name, cache_tag=sys.implementation.cache_tag,
    soabi=suffix[1] if len(suffix) == 3 else None, path=[one for one in sys.path if isinstance(one, str)],
    base_executable=getattr(sys, "_base_executable", None) or sys.executable,
)))
"""


def ask_interpreter(python: str, environ: Mapping[str, str], *, alone: bool = False) -> dict[str, Any] | None:
    """What an interpreter reports of itself; None when it does not start or is older than Python 3.

    `alone`: without regard to PYTHON variables and the user's own packages (-I).
    """
    answer = ask_tool([python, *(["-I"] if alone else []), "-c", _QUESTION], environ)
    try:
        found: dict[str, Any] | None = json.loads(answer) if answer else None
    except ValueError:
        return None
    return found


def find_interpreter(wanted: Interpreter, recorded: str | None, environ: Mapping[str, str], uv: str | None) -> str:
    """The path of an interpreter with the version and ABI of the run's, not that of a venv.

    Raises ReproductionError, naming what was found instead and the ways out.
    """
    seen: set[str] = set()
    near: list[str] = []
    for candidate in _candidates(wanted, recorded, environ, uv):
        real = os.path.realpath(candidate)
        if candidate in seen or not os.access(candidate, os.X_OK):
            continue
        seen |= {candidate}
        report = ask_interpreter(candidate, environ, alone=True)
        if report is None:
            continue
        if is_same(report, wanted):
            base = str(report["base_executable"])
            return base if os.access(base, os.X_OK) else real
        line = f"{candidate} is {_describe(report)}"
        if line not in near and report["version"].split(".")[:2] == wanted.version.split(".")[:2]:
            near.append(line)
    raise _not_found(wanted, near)


def is_same(report: Mapping[str, Any], wanted: Interpreter) -> bool:
    """Whether the interpreter that reported itself is of the wanted implementation, version and ABI."""
    abi = report.get("soabi") or report.get("cache_tag")
    return (
        str(report["implementation"]).lower() == wanted.implementation.lower()
        and report["version"] == wanted.version
        and (wanted.abi is None or abi == wanted.abi)
    )


def _candidates(wanted: Interpreter, recorded: str | None, environ: Mapping[str, str], uv: str | None) -> Iterator[str]:
    minor = ".".join(wanted.version.split(".")[:2])
    names = [f"python{minor}", "python3", "python"]
    if wanted.implementation.lower() == "pypy":
        names = [f"pypy{minor}", "pypy3", *names]
    if recorded is not None:
        yield recorded
    yield sys.executable
    versions = Path(environ.get("PYENV_ROOT") or Path(environ.get("HOME") or "~").expanduser() / ".pyenv", "versions")
    for folder in sorted(versions.glob(f"*{wanted.version}*")):
        yield str(folder / "bin" / "python")
    folders = environ.get("PATH", os.defpath).split(os.pathsep)
    for name in names:
        for entry in folders:
            if os.path.isabs(entry):  # noqa: PTH117 (a text)
                yield str(Path(entry, name + (".exe" if os.name == "nt" else "")))
    if uv is not None:
        words = [uv, "python", "find", "--offline", "--no-python-downloads", "--no-project", "--system", wanted.version]
        if answer := ask_tool(words, environ):
            yield answer.strip()


def _describe(report: Mapping[str, Any]) -> str:
    return f"{report['implementation']} {report['version']} ({report.get('soabi') or report.get('cache_tag')})"


def _not_found(wanted: Interpreter, near: Sequence[str]) -> ReproductionError:
    abi = f" ({wanted.abi})" if wanted.abi else ""
    return ReproductionError(
        f"the interpreter of the run is not on this machine: {wanted.implementation} {wanted.version}{abi}",
        details=near[:5],
        hint=f"install it (`uv python install {wanted.version}`, or pyenv), rebuild on another one with "
        "`--env rebuild --python PATH`, or run in what is here with `--env current`",
    )
