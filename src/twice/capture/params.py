"""Which params did the run have?  From `-p`, the API, the script's own parser, or the words of the command.

A name given in several ways has one value, from the way that says most: `-p`, then the API, then what argparse or click
parsed (defaults included), then the bare `--key value` words of a program that no parser reported for. The script is the
entry process, or what a launcher (`torchrun train.py`) started: then the first of its processes speaks for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from twice.capture.request import Request, command_line_params
from twice.capture.secrets import mask_params
from twice.record.model import Params


def gather_params(request: Request, events: Iterable[Mapping[str, Any]], entry: Mapping[str, Any] | None) -> Params:
    """params.yaml from the request and the "param" and "params" events; `entry` is the entry process's event."""
    events = list(events)
    script = _process_of_script(request, events, entry)
    parsed: list[tuple[str, Mapping[str, Any]]] = []
    logged: dict[str, Any] = {}
    for event in events:
        if event.get("kind") == "param":
            logged[event["name"]] = event["value"]
        elif event.get("kind") == "params" and script is not None and event["pid"] == script["pid"]:
            # A later parser knows more than the one that looked ahead.
            parsed.append((event["source"], event["values"]))
    if not parsed:
        parsed = [("command line", command_line_params(_arguments(request)))]
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for source, found in (*parsed, ("api", logged), ("option", request.params)):
        for name, value in found.items():
            values[name] = value
            sources[name] = source
    return Params(values=mask_params(values), sources=sources)


def _process_of_script(
    request: Request, events: Sequence[Mapping[str, Any]], entry: Mapping[str, Any] | None
) -> Mapping[str, Any] | None:
    """The process that runs the script that the command names, where it is a child; else the entry process."""
    words = request.command[1:]
    if entry is None or _script(entry["orig_argv"]) in words:
        return entry
    reported = {event["pid"] for event in events if event.get("kind") == "params"}
    children = [
        event
        for event in events
        if event.get("kind") == "process" and event["pid"] in reported and _script(event["orig_argv"]) in words
    ]
    return min(children, key=lambda event: (len(event["key"]), event["key"]), default=entry)


def _script(argv: Sequence[str]) -> str | None:
    """The file that a Python was started with; None for `-m`, `-c` and none."""
    rest = iter(argv[1:])
    for word in rest:
        if not word.startswith("-"):
            return word
        if word in ("-m", "-c", "-"):
            return None
        if word in ("-W", "-X"):
            next(rest, None)
    return None


def _arguments(request: Request) -> Sequence[str]:
    """The words after the entry point; after the program when the command has none."""
    words = request.command
    start = words.index(request.entry_point) if request.entry_point in words else 0
    return words[start + 1 :]
