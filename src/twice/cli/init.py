"""twice init: what makes plain git nicer to use with runs; optional, said before it is done, and taken back by --undo."""

from __future__ import annotations

import click

from twice.cli.workplace import tell, workplace


@click.command("init", epilog="Example: twice init --no-fetch")
@click.option("--fetch/--no-fetch", default=True, help="Let `git fetch` bring runs.")
@click.option("--decoration/--no-decoration", default=True, help="Keep the names of runs out of `git log`.")
@click.option("--textconv/--no-textconv", default=True, help="Show records as `key = value` in `git diff`.")
@click.option("--undo", is_flag=True, help="Take out what it had added.")
@click.option("-n", "--dry-run", is_flag=True, help="Only say what it would do.")
def command(fetch: bool, decoration: bool, textconv: bool, undo: bool, dry_run: bool) -> int:
    """Add to git's configuration what makes runs nicer to read there

    Nothing of it is needed. It prints each line before it adds it, to this repository's own configuration alone; what is
    there already stays, and --undo takes the lines out again.
    """
    from twice.git.user_settings import Topic, add, additions, take_out

    chosen: tuple[tuple[Topic, bool], ...] = (("fetch", fetch), ("decoration", decoration), ("textconv", textconv))
    with workplace(bare_ok=True) as place:
        found = additions(place.repository, tuple(topic for topic, wanted in chosen if wanted))
        due = [one for one in found if one.present == undo]
        for one in due:
            click.echo(f"{'take out' if undo else 'add'}: {one.text}")
            if not dry_run:
                (take_out if undo else add)(place.repository, one)
        if not due:
            tell("nothing to take out" if undo else "nothing to add: all of it is there")
    return 0
