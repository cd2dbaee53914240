"""Which command is the recorded one with a change?  Other arguments, or another value of a param; pure.

change_arguments   python train.py --lr 0.1  →  python train.py and the new arguments
change_param       lr=0.2: `--lr 0.1`, `--lr=0.1` or `lr=0.1` is replaced where it stands; else `--lr 0.2` is appended,
when argparse or click said that there is such a param
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from twice.capture.request import is_python, parse_assignment, parse_value
from twice.errors import UsageError
from twice.frozen import frozen
from twice.record.model import Run

_PARSED = ("argparse", "click", "command line")


@frozen
class Change:
    """What is to be another than in the original: all arguments after the entry point, some params (`lr=0.2`), or both."""

    arguments: tuple[str, ...] | None = None
    params: tuple[str, ...] = ()


def derive(original: Run, change: Change, script: str = "") -> Run:
    """The original as it would be recorded with the change in its command and in what `-p` said.  Raises UsageError.

    `script` is the text of the entry point: an option that the command does not hold is spelled as it is there.
    """
    execution = original.execution
    command = execution.command
    if change.arguments is not None:
        command = (*command[: _start(command, execution.entry_point)], *change.arguments)
    values = dict(original.params.values)
    for assignment in change.params:
        name, value = parse_assignment(assignment, "-p")
        if original.params.sources.get(name) == "option":
            values[name] = parse_value(value)
        else:
            command = _change_param(command, _start(command, execution.entry_point), name, value, original, script)
    return replace(
        original, execution=replace(execution, command=command), params=replace(original.params, values=values)
    )


def _start(command: Sequence[str], entry_point: str | None) -> int:
    """Where the arguments begin: after the entry point, the code of `python -c`, or else the program."""
    if entry_point is not None and entry_point in command:
        return command.index(entry_point) + 1
    if len(command) > 2 and is_python(command[0]) and command[1] == "-c":
        return 3
    return 1


def _change_param(
    command: Sequence[str], start: int, name: str, value: str, original: Run, script: str
) -> tuple[str, ...]:
    words = list(command)
    wanted = re.compile(rf"(--|\+{{0,2}})({_spellings(name)})(=.*)?", re.DOTALL)
    for position in range(len(words) - 1, start - 1, -1):  # the last one counts, as it does for parsers
        match = wanted.fullmatch(words[position])
        if match is None or (match[1] != "--" and match[3] is None):
            continue
        if match[3] is not None:
            words[position] = f"{match[1]}{match[2]}={value}"
        elif _is_flag(words, position, name, original):
            words[position : position + 1] = _flag(match[2], name, value)
        else:
            words[position + 1] = value
        return tuple(words)
    source = original.params.sources.get(name)
    if source not in _PARSED:
        raise _unknown(name, source, original)
    dashed = name.replace("_", "-")
    spelled = dashed if source == "click" or (f"--{dashed}" in script and f"--{name}" not in script) else name
    if isinstance(original.params.values.get(name), bool):
        return (*words, *_flag(spelled, name, value))
    return (*words, f"--{spelled}", value)


def _spellings(name: str) -> str:
    """A parser takes `--learning-rate` for the param `learning_rate`."""
    return "".join("[-_]" if character in "-_" else re.escape(character) for character in name)


def _is_flag(words: Sequence[str], position: int, name: str, original: Run) -> bool:
    """Whether the option stands alone: it was true, and no value follows it."""
    alone = position + 1 == len(words) or words[position + 1].startswith("--")
    return alone or isinstance(original.params.values.get(name), bool)


def _flag(spelled: str, name: str, value: str) -> list[str]:
    wanted = parse_value(value)
    if not isinstance(wanted, bool):
        raise UsageError(
            f"-p {name}={value}: `{name}` is switched on or off", hint=f"-p {name}=true or -p {name}=false"
        )
    return [f"--{spelled}"] if wanted else []


def _unknown(name: str, source: str | None, original: Run) -> UsageError:
    if source is not None:
        where = source.replace("file:", "the file ", 1) if source.startswith("file:") else "the program itself"
        return UsageError(
            f"-p {name}: the value of `{name}` came from {where}, not from the command",
            hint="give other arguments instead: twice reproduce RUN -- …",
        )
    known = [one for one, its in original.params.sources.items() if its in (*_PARSED, "option")]
    return UsageError(
        f"-p {name}: run {original.id} has no param `{name}`",
        hint=f"its params: {', '.join(known)}" if known else "give other arguments instead: twice reproduce RUN -- …",
    )
