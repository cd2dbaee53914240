"""Which options do several commands share?  One small decorator each, so that they are spelled and explained once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from twice.cli.completion_names import complete_filter
from twice.cli.runs import complete_run

F = TypeVar("F", bound=Callable[..., Any])

# Control characters that JSON leaves as they are, and those that turn the direction of writing round.
_ACTIVE = "[\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]"

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")

filter_option = click.option(
    "-f",
    "--filter",
    "filter_text",
    metavar="FILTER",
    shell_complete=complete_filter,
    help="Only the runs that are like this: 'loss < 0.1 and lr = 0.01'.",
)

colour_option = click.option(
    "--color", "--colour", "colour", type=click.Choice(["auto", "always", "never"]), default="auto", help="Use colour."
)


def run_argument(name: str, **settings: Any) -> Callable[[F], F]:
    """An argument that names a run: `@`, `@~2`, a part of an id, a name, `best:accuracy`."""
    return click.argument(name, metavar=name.upper(), shell_complete=complete_run, **settings)


def print_json(data: Any) -> None:
    """Print strict JSON: it holds no NaN, whoever reads it, and no character that a terminal would act on."""
    text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)
    if not text.isascii() or "\x7f" in text:
        text = re.sub(_ACTIVE, lambda match: f"\\u{ord(match[0]):04x}", text)
    click.echo(text.encode("utf-8", "backslashreplace"))
