"""Real interpreters, run as `twice run` would run them: with the agent's folder on PYTHONPATH and a live folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import twice.agent
from twice.agent.protocol import read_events

AGENT = Path(twice.agent.__file__).parent
SITE = AGENT / "site"
VERSIONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")


def _find_python(version: str) -> str | None:
    """An interpreter of that version that works; under pyenv the real one, for its shims start by asking which."""
    for path in [*sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python")), f"python{version}"]:
        found = shutil.which(str(path))
        if found is not None and "shims" not in found:
            done = subprocess.run([found, "-c", "print(1)"], capture_output=True, check=False)
            if done.returncode == 0:
                return found
    return None


PYTHONS = {version: _find_python(version) for version in VERSIONS}
OLD_PYTHONS = {version: _find_python(version) for version in ("2.7", "3.6", "3.7")}


@dataclass(frozen=True)
class Ran:
    """What came of one run."""

    code: int
    output: str
    errors: str
    events: list[dict[str, Any]]

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["kind"] == kind]


class Runner:
    """Runs scripts in `work` under the agent; each with a live folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.work = folder / "work"
        self.work.mkdir()
        self._folder = folder
        self._count = 0

    def environ(self, live: Path | str, seed: int | None, trace: str) -> dict[str, str]:
        variables = dict(os.environ)
        variables.update(
            PYTHONPATH=str(SITE),
            TWICE_LIVE=str(live),
            TWICE_RUN="20261121-142233-k7q2m9",
            TWICE_ROOT=str(self.work),
            TWICE_TRACE=trace,
            TWICE_STARTED="1795271000.5",
        )
        if seed is not None:
            variables.update(TWICE_SEED=str(seed), PYTHONHASHSEED="7")
        return variables

    def __call__(
        self,
        script: str,
        *words: str,
        python: str = sys.executable,
        options: tuple[str, ...] = (),
        seed: int | None = 7,
        trace: str = "off",
        live: Path | None = None,
        environ: dict[str, str] | None = None,
        command: list[str] | None = None,
        code: int | None = 0,
    ) -> Ran:
        """Write the text to `script.py` and run it; `code` is the exit code it must have, None for any."""
        (self.work / "script.py").write_text(script)
        if live is None:
            self._count += 1
            live = self._folder / f"live-{self._count}"
            (live / "events").mkdir(parents=True)
        variables = {**self.environ(live, seed, trace), **(environ or {})}
        done = subprocess.run(
            command or [python, *options, "script.py", *words],
            cwd=self.work,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert code is None or done.returncode == code, done.stderr
        return Ran(done.returncode, done.stdout, done.stderr, list(read_events(live)))
