"""twice textconv: a file of a record, as git's diff shows it best: one fact a line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from twice.cli.screen import show_bytes
from twice.errors import RecordError, UsageError
from twice.textforms import format_value


@click.command("textconv", epilog="Example: twice textconv .twice/params.yaml")
@click.argument("file", type=click.Path(path_type=Path))
def command(file: Path) -> int:
    """Print a record's file as lines of key = value

    Git asks for it when `twice init` has set it up: then `git diff` of two runs reads `model.layers = 2`.
    """
    from twice.record.yaml_text import load

    try:
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    try:
        lines = [f"{name} = {value}" for name, value in _named(load(content, str(file)))]
    except RecordError:
        show_bytes(content)  # not one of ours: git shall show it as it is
        return 0
    show_bytes("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))
    return 0


def _named(data: Any) -> Iterator[tuple[str, str]]:
    """The facts of a file; those of params.yaml under their own names: `lr = 0.1`, then `sources.lr = argparse`."""
    if isinstance(data, dict) and isinstance(data.get("values"), dict):
        yield from _facts("", data["values"])
        data = {key: value for key, value in data.items() if key != "values"}
    if data:
        yield from _facts("", data)


def _facts(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from _facts(f"{prefix}.{key}" if prefix else str(key), each)
    elif isinstance(value, list) and any(isinstance(each, (dict, list)) for each in value):
        for position, each in enumerate(value):
            name = each.get("name") or each.get("path") or each.get("key") if isinstance(each, dict) else None
            yield from _facts(f"{prefix}[{position if name is None else name}]", each)
    else:
        yield prefix or "value", format_value(value, None).replace("\n", "\\n")
