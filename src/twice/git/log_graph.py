"""Which commits are there, and how does git draw them?  Revisions in, the lines of `git log --graph` out, taken apart.

Git draws; where its line is about a commit, the parts of that line come back with it, and the bars that go on below.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from twice.errors import RepositoryError
from twice.frozen import frozen

if TYPE_CHECKING:
    from twice.git.repository import Repository

_FORMAT = "%x00%H%x00%P%x00%h%x00%D%x00%cr%x00%s"
_HIDDEN = ("refs/experiments/*", "refs/notes/*", "refs/twice/*")


@frozen
class GraphLine:
    """A line of the graph: bars alone, or a commit and what is said of it."""

    graph: str
    below: str = ""  # the bars to draw on lines that belong to the commit
    commit: str | None = None
    short: str = ""
    refs: str = ""
    age: str = ""
    subject: str = ""


def log_graph(
    repository: Repository, revisions: Sequence[str] = (), *, everything: bool = False, most: int | None = None
) -> list[GraphLine]:
    """The graph, newest first; `everything` starts from all refs but those of runs.  Raises RepositoryError."""
    if repository.git is None:
        raise RepositoryError("the log takes the git executable", hint="`twice ls` lists the runs without it")
    words = [
        "log",
        "--graph",
        "--no-color",
        f"--format={_FORMAT}",
        *(f"--decorate-refs-exclude={ref}" for ref in _HIDDEN),
    ]
    words += [f"--max-count={most}"] if most is not None else []
    if everything:
        words += [*(f"--exclude={ref}" for ref in _HIDDEN), "--all"]
    output = repository.git.run(*words, "--end-of-options", *revisions, "--", cwd=repository.root)
    return [_parse(line) for line in os.fsdecode(output).splitlines()]


def _parse(line: str) -> GraphLine:
    graph, *fields = line.split("\0", 6)
    if len(fields) < 6:
        return GraphLine(graph=graph)
    commit, parents, short, refs, age, subject = fields
    return GraphLine(
        graph=graph,
        below=graph.replace("*", "|" if parents else " "),
        commit=commit,
        short=short,
        refs=refs,
        age=age,
        subject=subject,
    )
