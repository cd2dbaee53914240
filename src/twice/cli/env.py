"""twice env: the environments of runs, for other tools; and those that were rebuilt."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Literal

import click

from twice.cli.options import run_argument
from twice.cli.runs import known_runs
from twice.cli.workplace import tell, workplace
from twice.errors import UsageError
from twice.textforms import format_size


@click.group("env", epilog="Example: twice env export @ --format pylock -o pylock.toml")
def command() -> None:
    """Export the environment of a run, prune rebuilt ones"""


@command.command("export", epilog="Example: twice env export best:accuracy --format pylock -o pylock.toml")
@run_argument("run", default="@")
@click.option(
    "--format",
    "form",
    type=click.Choice(["requirements", "pylock", "conda"]),
    default="requirements",
    show_default=True,
    help="pip's syntax; PEP 751 with hashes, which asks the package index; or conda's explicit list.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to a file, not stdout.")
def export(run: str, form: Literal["requirements", "pylock", "conda"], output: Path | None) -> int:
    """Write a file that installs the environment of a run

    A pylock.toml names each wheel by its hash, found by comparing what was installed with what the index has now.
    """
    from twice.environments.exporting import export_environment

    with workplace(bare_ok=True) as place:
        with known_runs(place) as runs:
            _, found = runs.select(run)
        text = export_environment(found, form, place.environ, tell)
    if output is None:
        click.echo(text, nl=False)
        return 0
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}") from error
    tell(f"written: {output}")
    return 0


@command.command("prune", epilog="Example: twice env prune --unused 7d")
@click.option(
    "--unused", metavar="PERIOD", default="30d", show_default=True, help="Since when nobody has used it: 12h, 7d, 0s."
)
def prune(unused: str) -> int:
    """Remove rebuilt environments that are not used any more

    `twice reproduce --env rebuild` keeps what it builds in the user's cache, for every repository. What is removed can be
    built again.
    """
    from twice.environments.shared_cache import remove_unused
    from twice.execution.worktrees import environments_folder
    from twice.query.moments import parse_period

    unused_s = parse_period(unused)
    if unused_s is None:
        raise UsageError(f"not a period: {unused}", hint="--unused takes one like 12h, 7d or 2w")
    done = remove_unused(environments_folder(os.environ), unused_s, time.time())
    tell(f"removed {done.environments}, {format_size(done.freed_bytes)} freed; {done.kept} kept")
    return 0
