from __future__ import annotations

import importlib
import re

import click
import pytest

from commands import Twice
from twice.cli.main import COMMANDS, cli


def commands() -> dict[str, click.Command]:
    return {name: importlib.import_module(f"twice.cli.{name}").command for name in COMMANDS}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_what_the_command_says(name: str) -> None:
    command = commands()[name]
    first = (command.help or "").strip().splitlines()[0]
    assert first == COMMANDS[name]
    assert not first.endswith(".")


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_a_real_example(name: str) -> None:
    command = commands()[name]
    assert command.epilog is not None
    example = re.fullmatch(rf"Example: (twice {name}.*)", command.epilog)
    assert example, command.epilog


def test_every_option_is_explained() -> None:
    for name, command in commands().items():
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{name} {parameter.name}"


def test_help_lists_every_command(twice: Twice, repository: object) -> None:
    out = twice("--help").out
    for name, line in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(line)}", out, re.MULTILINE)
    assert cli.name is not None


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(twice: Twice, repository: object, shell: str) -> None:
    assert "_TWICE_COMPLETE" in twice("completion", shell).out


def test_run_ids_and_commands_are_completed(twice: Twice, repository: object) -> None:
    twice("run", "-n", "baseline", "true")
    complete = {"_TWICE_COMPLETE": "bash_complete", "COMP_WORDS": "twice show ", "COMP_CWORD": "2"}
    out = twice(env=complete, expect=None).out
    assert "baseline" in out and "@" in out
    complete = {"_TWICE_COMPLETE": "bash_complete", "COMP_WORDS": "twice re", "COMP_CWORD": "1"}
    assert "reproduce" in twice(env=complete, expect=None).out
