"""twice run: which words are the command, which are ours?  Then `execution.recording.record_run`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from twice.capture.request import (
    Request,
    check_experiment,
    default_experiment,
    find_entry_point,
    parse_assignment,
    parse_value,
)
from twice.cli.workplace import Workplace, tell, workplace
from twice.errors import UsageError
from twice.git.snapshot import scan_ahead
from twice.textforms import is_run_id, new_run_id

if TYPE_CHECKING:
    from twice.execution.sealing import Amend


@click.command(
    "run",
    context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False},
    epilog="Example: twice run -e baseline python train.py --lr 0.1",
)
@click.option("-e", "--experiment", metavar="NAME", help="Group of runs it belongs to (default: the script's name).")
@click.option("-n", "--name", metavar="NAME", help="A name for this run, to find it by.")
@click.option("-m", "--message", metavar="TEXT", help="What this run is about.")
@click.option("-p", "--param", "params", metavar="KEY=VALUE", multiple=True, help="Record a param.")
@click.option("-i", "--input", "inputs", metavar="PATH", multiple=True, help="A file or folder that it reads.")
@click.option("-o", "--output", "outputs", metavar="PATH", multiple=True, help="A file or folder that it writes.")
@click.option("-t", "--tag", "tags", metavar="KEY=VALUE", multiple=True, help="Record a tag.")
@click.option("--seed", metavar="N", type=click.IntRange(0, 2**63 - 1), help="Root seed (default: a fresh one).")
@click.option("--no-seed", is_flag=True, help="Leave randomness alone.")
@click.option("--strict", is_flag=True, help="Make deterministic whatever can be: one thread, sorted listings, torch.")
@click.option("--keep-data", is_flag=True, help="Keep the inputs and outputs that git does not hold.")
@click.option(
    "--trace",
    type=click.Choice(["auto", "syscalls", "python", "off"]),
    default="auto",
    help="How to find the files that it opens (default: the best that works here).",
)
@click.option("--isolated", is_flag=True, help="Run in a fresh worktree of the snapshot.")
@click.option("--twice", is_flag=True, help="Execute it a second time, elsewhere, to learn which results are noisy.")
@click.option("--dry-run", is_flag=True, help="Say what would be recorded; run nothing.")
@click.argument("words", metavar="COMMAND…", nargs=-1, required=True, type=click.UNPROCESSED)
def command(words: tuple[str, ...], dry_run: bool, isolated: bool, twice: bool, **options: Any) -> int:
    """Run a command and record it as a run

    Everything from the first word that is not an option is the command. It runs here, as without `twice`; its exit code
    is passed through.
    """
    with workplace() as place:
        scan_ahead(place.repository)  # git looks at the work tree while Python loads what records a run
        request = _request(words, isolated, place, **options)
        if dry_run:
            return _show_plan(request, place)
        return _run(request, place, twice)


def _request(
    words: tuple[str, ...],
    isolated: bool,
    place: Workplace,
    *,
    experiment: str | None,
    name: str | None,
    message: str | None,
    params: tuple[str, ...],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    tags: tuple[str, ...],
    seed: int | None,
    no_seed: bool,
    strict: bool,
    trace: Literal["auto", "syscalls", "python", "off"],
    keep_data: bool,
) -> Request:
    from twice.capture.root_seed import new_root_seed

    if seed is not None and no_seed:
        raise UsageError("--seed and --no-seed exclude each other")
    if name is not None and (not name.strip() or name.startswith(("@", "-")) or "\n" in name):
        raise UsageError(f"not a name for a run: {name!r}", hint="use a word or two that do not begin with @ or -")
    missing = [path for path in inputs if not (place.directory / path).exists()]
    if missing:
        raise UsageError(f"no such input: {missing[0]}", hint="-i names a file or folder that is there")
    entry_point = find_entry_point(words, place.directory)
    outer = place.environ.get("TWICE_RUN", "")
    if not no_seed and seed is None:
        seed = new_root_seed(os.urandom)
    return Request(
        id=new_run_id(place.clock.now()),
        command=words,
        directory=_relative(place.directory, place.repository.root),
        experiment=check_experiment(experiment if experiment is not None else default_experiment(words, entry_point)),
        entry_point=entry_point,
        name=name,
        message=message,
        tags=dict(parse_assignment(tag, "-t") for tag in tags),
        params={key: parse_value(value) for key, value in (parse_assignment(param, "-p") for param in params)},
        inputs=tuple(_relative(place.directory / path, place.repository.root) for path in inputs),
        outputs=tuple(_relative(place.directory / path, place.repository.root) for path in outputs),
        seed=seed,
        trace=trace,
        strict=strict,
        isolated=isolated,
        keep_data=keep_data,
        parent=outer if is_run_id(outer) else None,
    )


def _relative(path: Path, root: Path) -> str:
    """A path as a record has it: relative to the root, with `..` when it lies beside it; absolute when far away."""
    normal = Path(os.path.normpath(path))
    if normal.is_relative_to(root):
        return normal.relative_to(root).as_posix()
    try:
        relative = Path(os.path.relpath(normal, root))
    except ValueError:  # another drive
        return normal.as_posix()
    return relative.as_posix() if relative.parts.count("..") <= 2 else normal.as_posix()


def _show_plan(request: Request, place: Workplace) -> int:
    from twice.capture.code import capture_code
    from twice.execution.process import find_program

    program = find_program(request.command, place.directory, place.environ)
    captured = capture_code(place.repository, place.configuration)
    for warning in captured.warnings:
        tell(warning)
    facts = {
        "command": " ".join(request.command),
        "program": program,
        "directory": request.directory,
        "experiment": request.experiment,
        "code": f"{captured.code.commit or captured.code.tree} ({len(captured.scan.changes)} uncommitted changes)",
        "params": ", ".join(f"{key}={value}" for key, value in request.params.items()) or "as the program parses them",
        "inputs": ", ".join(request.inputs) or "as they are opened",
        "outputs": ", ".join(request.outputs) or "as they are written",
        "seed": "off" if request.seed is None else str(request.seed),
    }
    for name, value in facts.items():
        click.echo(f"{name:<12}{value}")
    return 0


def _run(request: Request, place: Workplace, twice: bool) -> int:
    from twice.execution.recording import in_place, record_run

    repository, configuration = place.repository, place.configuration
    amend = _second_execution(place) if twice else None
    if request.isolated:
        from twice.execution.isolation import record_isolated

        recorded = record_isolated(request, repository, configuration, place.clock, place.environ, tell, amend)
    else:
        here = in_place(repository, configuration)
        for warning in here.warnings:
            tell(warning)
        recorded = record_run(request, repository, here, configuration, place.clock, place.environ, amend=amend)
    from twice.cli.reporting import report_run
    from twice.cli.screen import error_screen

    report_run(recorded, error_screen(place.environ))
    return recorded.exit_code


def _second_execution(place: Workplace) -> Amend:
    from twice.execution.second_execution import execute_again

    around = place.surroundings()
    return lambda run, attachments: execute_again(run, attachments, new_run_id(place.clock.now()), around)
