"""twice data: where a run's inputs and outputs are, and how they come back."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from twice.cli.options import json_option, print_json, run_argument
from twice.cli.runs import known_runs
from twice.cli.workplace import tell, workplace
from twice.errors import RepositoryError
from twice.store.known_runs import Runs
from twice.textforms import format_size, quote_path


@click.group("data", epilog="Example: twice data restore @ data/train.csv")
def command() -> None:
    """List, check, restore and drop the data of runs

    `twice run --keep-data`, or `keep` in the configuration, keeps the inputs and outputs that git does not hold, in the
    git folder and in Git LFS's own layout.
    """


@command.command("ls", epilog="Example: twice data ls @")
@run_argument("run", default="@")
@json_option
def list_data(run: str, as_json: bool) -> int:
    """List a run's inputs and outputs, and where each is

    In the work tree, in git, in the store; `changed` when another content is at its place, `missing` when it is nowhere.
    """
    from twice.capture.hash_cache import HashCache
    from twice.execution.run_data import DataPlaces

    with workplace(bare_ok=True) as place, known_runs(place) as runs:
        row, found = runs.select(run)
        with HashCache.open(place.repository.state_dir / "hashes.sqlite3") as hashes:
            places = DataPlaces(place.repository, found, row.commit, hashes)
            rows = [(item, places.where(item)) for item in places.items()]
    if as_json:
        print_json(
            [
                {
                    "path": quote_path(item.entry.path),
                    "kind": item.entry.kind,
                    "roles": list(item.roles),
                    "size_bytes": item.entry.size_bytes,
                    "files": item.entry.files,
                    "sha256": item.entry.sha256,
                    "tracked_by": item.entry.tracked_by,
                    "where": where,
                }
                for item, where in rows
            ]
        )
        return 0
    from twice.display.tables import Column, draw_table

    if not rows:
        tell("the run read and wrote nothing, as far as was seen")
        return 0
    entries = [item.entry for item, _ in rows]
    table = draw_table(
        [
            Column("path", [quote_path(one.path) + ("/" if one.kind == "folder" else "") for one in entries], "fixed"),
            Column("size", [_size(one.size_bytes) for one in entries], align="right"),
            Column("files", [None if one.files is None else str(one.files) for one in entries], align="right"),
            Column("role", [", ".join(item.roles) for item, _ in rows]),
            Column("where", [", ".join(where) for _, where in rows], "fixed"),
        ]
    )
    click.echo(table.text)
    return 0


@command.command("verify", epilog="Example: twice data verify")
@run_argument("selected", nargs=-1)
def verify_data(selected: tuple[str, ...]) -> int:
    """Read the store, and say what is damaged

    All of it, or what was kept for the RUNs; then what is missing too. Exits with 1 when something is.
    """
    from twice.capture.hashing import hash_files
    from twice.execution.run_data import data_items, kept_objects
    from twice.store.data_store import DataStore

    with workplace(bare_ok=True) as place, known_runs(place) as runs:
        store = DataStore.of(place.repository)
        if selected:
            wanted: set[str] = set()
            for selector in selected:
                row, run = runs.select(selector)
                wanted |= kept_objects(data_items(run, partial(runs.store.manifest, row.commit)))
        else:
            wanted = set(store.objects())
        found = {sha256: store.find(sha256) for sha256 in sorted(wanted)}
        digests = hash_files([path for path in found.values() if path is not None])
        bad = []
        size = 0
        for sha256, path in found.items():
            digest = None if path is None else digests.get(path)
            if path is None:
                bad.append(f"missing  {sha256}")
            elif digest is None or digest.sha256 != sha256:
                bad.append(f"damaged  {path}")
            else:
                size += digest.size_bytes
        for line in bad:
            click.echo(line)
        tell(f"{_objects(len(found) - len(bad))} as they were kept ({format_size(size)})")
        if any(line.startswith("damaged") for line in bad):
            tell("remove what is damaged and get it from another copy: `git lfs fetch`, or the original data")
    return 1 if bad else 0


@command.command("restore", epilog="Example: twice data restore @ --to ../look")
@run_argument("run")
@click.argument("paths", metavar="[PATH]…", nargs=-1)
@click.option("--to", metavar="DIR", type=click.Path(path_type=Path), help="Put it below this folder instead.")
@click.option("--force", is_flag=True, help="Set other files aside that are in the way (as x.csv.~1~).")
def restore_run(run: str, paths: tuple[str, ...], to: Path | None, force: bool) -> int:
    """Put a run's data back at its place

    All that git does not bring back by itself, or what is at the PATHs. A file with another content is never overwritten.
    Exits with 1 when some of it is nowhere to be had.
    """
    from twice.capture.hash_cache import HashCache
    from twice.execution.restoring import restore_data
    from twice.execution.run_data import DataPlaces

    with workplace() as place, known_runs(place) as runs:
        row, found = runs.select(run)
        root = place.repository.root
        with HashCache.open(place.repository.state_dir / "hashes.sqlite3") as hashes:
            done = restore_data(
                DataPlaces(place.repository, found, row.commit, hashes),
                root,
                [place.directory / path for path in paths],
                to=None if to is None else place.directory / to,
                force=force,
            )
    for path in done.set_aside:
        tell(f"set aside: {path}")
    for path in done.missing[:20]:
        tell(f"nowhere to be had: {quote_path(path)}")
    if len(done.missing) > 20:
        tell(f"… and {len(done.missing) - 20} more")
    there = f", {len(done.there)} were there already" if done.there else ""
    tell(f"restored {_files(len(done.written))} ({format_size(done.written_bytes)}){there}")
    return 1 if done.missing else 0


@command.command("drop", epilog="Example: twice data drop @~3")
@run_argument("selected", nargs=-1, required=True)
def drop_runs(selected: tuple[str, ...]) -> int:
    """Free what was kept for runs

    Objects that another run refers to stay, and what git-lfs needs for the branches. The runs keep the hashes.
    """
    from twice.execution.dropping import drop_data
    from twice.store.data_store import DataStore

    with (
        workplace(bare_ok=True) as place,
        DataStore.of(place.repository).held(to_remove=True),
        known_runs(place) as runs,
    ):
        chosen = {row.commit: run for row, run in map(runs.select, selected)}
        done = drop_data(chosen, _others(runs, chosen), place.repository)
    stays = f"; needed by other runs: {done.needed}" if done.needed else ""
    left = f"; needed by git-lfs: {done.left_to_lfs}" if done.left_to_lfs else ""
    tell(f"dropped {_objects(done.objects)}, {format_size(done.freed_bytes)} freed{stays}{left}")
    return 0


def _others(runs: Runs, chosen: dict[str, Any]) -> dict[str, Any]:
    """Every other run.  Raises RepositoryError when one cannot be read: nobody knows what it needs."""
    rows = [row for row in runs.index.rows() if row.commit not in chosen]
    unreadable = [row for row in rows if row.problem is not None]
    if unreadable:
        raise RepositoryError(
            "some runs cannot be read, so what they need is not known",
            details=[f"{row.id}: {row.problem}" for row in unreadable[:5]],
            hint="nothing was dropped; a newer twice may be able to read them",
        )
    found = runs.index.runs([row.ref for row in rows])
    return {row.commit: found[row.ref] for row in rows}


def _size(size_bytes: int | None) -> str | None:
    return None if size_bytes is None else format_size(size_bytes)


def _objects(count: int) -> str:
    return f"{count} object" + ("" if count == 1 else "s")


def _files(count: int) -> str:
    return f"{count} file" + ("" if count == 1 else "s")
