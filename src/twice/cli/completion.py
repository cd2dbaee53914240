"""twice completion: the script that teaches a shell to complete commands, run ids, and the names of params and metrics.

What may follow is click's to find out, and so is zsh's script. Bash and fish get our own: names may hold blanks, commas and
back-quotes, which click's scripts split at or hand to the shell as they are.
"""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from twice.cli.main import cli

_WHERE = {
    "bash": "~/.local/share/bash-completion/completions/twice",
    "zsh": "a file named _twice in a folder of $fpath",
    "fish": "~/.config/fish/completions/twice.fish",
}

# Readline has taken away the quote that the word begins with, and puts it back; a word without one is quoted here.
_BASH = r"""
%(complete_func)s() {
    local type value typed=${COMP_WORDS[COMP_CWORD]}
    COMPREPLY=()
    while IFS=, read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain)
                case $typed in
                    \'*) value=${value//\'/\'\\\'\'} ;;
                    \"*) value=$(printf '%%s' "$value" | sed 's/[\\"$`]/\\&/g') ;;
                    *) printf -v value %%q "$value"; value=${value//\\,/,} ;;
                esac
                COMPREPLY+=("$value") ;;
        esac
    done < <(IFS=$'\n'; env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD %(complete_var)s=bash_complete "$1")
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""
_FISH = r"""
function %(complete_func)s
    set -l response (env %(complete_var)s=fish_complete COMP_WORDS=(commandline -cp) COMP_CWORD=(commandline -t) %(prog_name)s)
    for completion in $response
        set -l parts (string split --max 1 , -- $completion)
        switch $parts[1]
            case dir
                __fish_complete_directories $parts[2]
            case file
                __fish_complete_path $parts[2]
            case plain
                printf '%%s\n' $parts[2]
        end
    end
end

complete --no-files --command %(prog_name)s --arguments "(%(complete_func)s)"
"""


class _Bash(BashComplete):
    source_template = _BASH


class _Fish(FishComplete):
    source_template = _FISH


_SHELLS: dict[str, type[ShellComplete]] = {"bash": _Bash, "zsh": ZshComplete, "fish": _Fish}


@click.command("completion", epilog="Example: twice completion fish > ~/.config/fish/completions/twice.fish")
@click.argument("shell", type=click.Choice(list(_WHERE)))
def command(shell: str) -> int:
    """Print the completion script for a shell"""
    script = _SHELLS[shell](cli, {}, "twice", "_TWICE_COMPLETE").source()
    note = f"# completion of twice for {shell}; goes into {_WHERE[shell]}"
    first, newline, rest = script.partition("\n")
    # zsh reads `#compdef` from a file's first line
    click.echo(f"{first}\n{note}{newline}{rest}" if first.startswith("#compdef") else f"{note}\n{script.strip()}")
    return 0
