"""What the fixtures `git` and `twice` give: the two commands, as functions of their words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Git = Callable[..., str]
"""`git("status", "-s", cwd=folder)` gives the standard output; an error fails the test."""


@dataclass(frozen=True)
class Done:
    """A finished `twice` command."""

    exit_code: int
    out: str
    err: str


Twice = Callable[..., Done]
"""`twice("ls", cwd=folder, expect=0)`; another exit code than the expected one fails the test."""
