"""Which options do several commands share?  One small decorator each, so that they are spelled and explained once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import click

from twice.cli.completion_names import complete_filter
from twice.cli.runs import complete_run

F = TypeVar("F", bound=Callable[..., Any])

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
    """Print strict JSON: it holds no NaN, whoever reads it."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace"))
