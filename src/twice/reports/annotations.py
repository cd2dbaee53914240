"""Where in the files do the changed params stand?  A review and the files of its code in, lines to annotate out.

GitHub shows a workflow command (`::notice file=…,line=…::…`) beside that line of the pull request. A param that came from a
file is looked for by its key there, one that came from the command line by its option in the script.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from twice.comparison.sections import describe_value
from twice.display.characters import harmless
from twice.frozen import frozen
from twice.reports.review import Review

_MOST = 10  # GitHub shows no more of one kind for one step


@frozen
class Annotation:
    """A line of a file, and what is to be said of it."""

    path: str
    line: int
    text: str


def find_annotations(review: Review, read: Callable[[str], str | None]) -> list[Annotation]:
    """One for each changed param whose line is found; `read` gives the text of a file of B's code, None if it has none."""
    return list(_find(review, read))[:_MOST]


def _find(review: Review, read: Callable[[str], str | None]) -> Iterator[Annotation]:
    sources = review.b.params.sources
    for difference in review.comparison.section("params").differences:
        if difference.kind == "removed":
            continue
        source = sources.get(difference.name) or sources.get(difference.name.partition(".")[0]) or ""
        path = source.removeprefix("file:") if source.startswith("file:") else review.b.execution.entry_point
        text = read(path) if path else None
        if path is None or text is None:
            continue
        line = _line_of(difference.name, text)
        if line is not None:
            yield Annotation(path=path, line=line, text=describe_value(difference))


def _line_of(name: str, text: str) -> int | None:
    """The first line that gives the param's last key: `lr: 0.1`, `"lr": 0.1`, `lr = 0.1`, `"--lr"`."""
    key = re.escape(name.rpartition(".")[2].strip('"'))
    option = key.replace("_", "[-_]")
    for pattern in (rf"""["']--{option}["']""", rf"""^\s*["']?{key}["']?\s*[:=]""", rf"""["']{key}["']\s*:"""):
        for number, line in enumerate(text.split("\n"), 1):
            if re.search(pattern, line):
                return number
    return None


def workflow_commands(found: list[Annotation]) -> str:
    """The annotations as GitHub's runner reads them from the output of a step."""
    return "".join(
        f"::notice file={_property(each.path)},line={each.line},title=twice: param changed::{_data(each.text)}\n"
        for each in found
    )


def _data(text: str) -> str:
    return harmless(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
