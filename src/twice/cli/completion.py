"""twice completion: the script that teaches a shell to complete commands and run ids."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from twice.cli.main import cli
from twice.errors import UsageError

_WHERE = {
    "bash": "~/.local/share/bash-completion/completions/twice",
    "zsh": "a file named _twice in a folder of $fpath",
    "fish": "~/.config/fish/completions/twice.fish",
}


@click.command("completion", epilog="Example: twice completion fish > ~/.config/fish/completions/twice.fish")
@click.argument("shell", type=click.Choice(list(_WHERE)))
def command(shell: str) -> int:
    """Print the completion script for a shell"""
    kind = get_completion_class(shell)
    if kind is None:
        raise UsageError(f"no completion for {shell}")
    click.echo(f"# completion of twice for {shell}; goes into {_WHERE[shell]}")
    click.echo(kind(cli, {}, "twice", "_TWICE_COMPLETE").source())
    return 0
