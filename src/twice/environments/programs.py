"""How is a tool such as uv or pip run, and what did it say?  Words in; exit code and all it wrote out."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from twice.frozen import frozen


@frozen
class Ended:
    """A tool that has ended: its exit code (127: not started) and its stdout and stderr, interleaved."""

    code: int
    text: str


def run_tool(
    words: Sequence[str],
    environ: Mapping[str, str],
    *,
    cwd: Path | None = None,
    on_line: Callable[[str], None] = lambda line: None,
) -> Ended:
    """Run a tool to its end; each line it writes is passed on as it comes.

    An interruption ends the tool as well.
    """
    try:
        process = subprocess.Popen(
            list(words),
            env=dict(environ),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        return Ended(code=127, text=f"{words[0]}: {error.strerror}")
    said: list[str] = []
    with process:
        try:
            for line in process.stdout or ():
                said.append(line)
                on_line(line.rstrip())
        except BaseException:
            process.terminate()
            raise
    return Ended(code=process.returncode, text="".join(said))


def ask_tool(words: Sequence[str], environ: Mapping[str, str], *, limit_s: float = 30.0) -> str | None:
    """What a tool answers on stdout; None when it fails, is not there, or takes too long."""
    try:
        done = subprocess.run(
            list(words),
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=limit_s,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
