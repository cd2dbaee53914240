"""Which params did the run have?  From `-p`, the API, the script's own parser, or the words of the command.

A name given in several ways has one value, from the way that says most: `-p`, then the API, then what argparse or click
parsed (defaults included), then the bare `--key value` words of a program that no parser reported for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from twice.capture.request import Request, command_line_params
from twice.capture.secrets import mask_params
from twice.record.model import Params


def gather_params(request: Request, events: Iterable[Mapping[str, Any]], entry: Mapping[str, Any] | None) -> Params:
    """params.yaml from the request and the "param" and "params" events; `entry` is the entry process's event."""
    parsed: list[tuple[str, Mapping[str, Any]]] = []
    logged: dict[str, Any] = {}
    for event in events:
        if event.get("kind") == "param":
            logged[event["name"]] = event["value"]
        elif event.get("kind") == "params" and entry is not None and event["pid"] == entry["pid"]:
            parsed.append(
                (event["source"], event["values"])
            )  # a later parser knows more than the one that looked ahead
    if not parsed:
        parsed = [("command line", command_line_params(_arguments(request)))]
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for source, found in (*parsed, ("api", logged), ("option", request.params)):
        for name, value in found.items():
            values[name] = value
            sources[name] = source
    return Params(values=mask_params(values), sources=sources)


def _arguments(request: Request) -> Sequence[str]:
    """The words after the entry point; after the program when the command has none."""
    words = request.command
    start = words.index(request.entry_point) if request.entry_point in words else 0
    return words[start + 1 :]
