"""What can the user's screen show?  Width, encoding, colour, and a pager like git's."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TextIO

from twice.display.colour import Style, choose_style
from twice.frozen import frozen

When = Literal["auto", "always", "never"]


@frozen
class Screen:
    """How to draw for one stream; `width` is None when it is not a terminal: nothing is hidden from a pipe."""

    width: int | None
    encoding: str
    style: Style
    is_terminal: bool


def output_screen(environ: Mapping[str, str], colour: When = "auto") -> Screen:
    """The screen that stdout is."""
    return _screen(sys.stdout, environ, colour)


def error_screen(environ: Mapping[str, str], colour: When = "auto") -> Screen:
    """The screen that stderr is."""
    return _screen(sys.stderr, environ, colour)


def _screen(stream: TextIO, environ: Mapping[str, str], colour: When) -> Screen:
    is_terminal = stream.isatty()
    width = shutil.get_terminal_size().columns if is_terminal or environ.get("COLUMNS") else None
    return Screen(
        width=width,
        encoding=stream.encoding or "utf-8",
        style=choose_style(colour, environ=environ, isatty=is_terminal),
        is_terminal=is_terminal,
    )


def show_text(text: str, screen: Screen, environ: Mapping[str, str]) -> None:
    """Write to stdout, through the user's pager when it is a terminal that the text does not fit on."""
    if screen.is_terminal and text.count("\n") >= shutil.get_terminal_size().lines and _page(text, environ):
        return
    sys.stdout.write(text)
    sys.stdout.flush()


def show_bytes(data: bytes) -> None:
    """Write bytes to stdout as they are."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def run_in_terminal(words: Sequence[str], directory: Path) -> int:
    """Run a program that talks to the user itself, such as git's difftool; its exit code."""
    sys.stdout.flush()
    return subprocess.run(words, cwd=directory, check=False).returncode


def _page(text: str, environ: Mapping[str, str]) -> bool:
    """Show the text in the pager; False when there is none."""
    pager = environ.get("TWICE_PAGER", environ.get("PAGER", "less"))
    words = shlex.split(pager)
    if not words or words == ["cat"]:
        return False
    try:
        process = subprocess.Popen(words, stdin=subprocess.PIPE, env={"LESS": "FRX", "LV": "-c", **environ})
    except OSError:
        return False
    try:
        process.communicate(os.fsencode(text))
    except KeyboardInterrupt:  # Ctrl-C is the pager's to handle
        process.wait()
    return True
