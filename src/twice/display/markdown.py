"""How does text from outside go into Markdown without becoming Markdown?  GitHub's and GitLab's dialect of CommonMark.

Both turn `@name`, `#123`, `!45` and commit ids in the *rendered* text into mentions and links, so a backslash or an entity
alone protects nothing; only code does, where neither looks. A value is therefore shown as `<code>` with every character
that could mean something written as an entity: no table, no tag, no emphasis, no link can begin or end in it. What goes
into a fence is kept in by a fence longer than any in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from twice.display.characters import harmless

# ASCII alone means anything. Marks that mean nothing in the middle of a line stay, so that the source can be read, too.
_ACTIVE = re.compile(r"(?<=www)\.|:(?=/)|[!\"#$&'*<>@\[\\\]^_`{|}~]", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?\d[\d.]*(?:e[-+]?\d+)?|-?inf|nan")
_BACKTICKS = re.compile("`{3,}")


def entities(text: str) -> str:
    """The text, on one line, with all that Markdown or HTML could understand as entities."""
    return _ACTIVE.sub(_entity, harmless(text))


def code(text: str) -> str:
    """A value in the middle of a line or in a cell, as code; nothing at all for no text."""
    return f"<code>{entities(text)}</code>" if text.strip() else ""


def cell(text: str | None) -> str:
    """A value in a cell: a plain number as it is, anything else as code, `-` for none."""
    if text is None:
        return "-"
    return text if _NUMBER.fullmatch(text) else code(text)


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], aligns: str = "") -> str:
    """A table of cells that are Markdown already; `aligns` has one of `l`, `r` a column (the rest is left)."""
    marks = ["--:" if aligns[index : index + 1] == "r" else "---" for index in range(len(titles))]
    lines = [titles, marks, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def fence(text: str, language: str = "") -> str:
    """The text as a block of code; tabs and line ends stay, everything else that is not simply seen is escaped."""
    lines = [harmless_line(line) for line in text.removesuffix("\n").split("\n")]
    longest = max((len(run) for line in lines for run in _BACKTICKS.findall(line)), default=0)
    mark = "`" * max(3, longest + 1)
    return "\n".join([f"{mark}{language}", *lines, mark])


def harmless_line(line: str) -> str:
    """One line of a listing; a tab is only a tab here."""
    return "\t".join(harmless(part) for part in line.removesuffix("\r").split("\t"))


def details(summary: str, body: str) -> str:
    """A folded section; `summary` and `body` are Markdown already. The blank lines let Markdown into the HTML."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def comment(text: str) -> str:
    """A hidden line; letters, digits and a few marks only, so that it cannot be ended from inside, and mentions no one."""
    plain = re.sub(r"@(?=\w)|[^A-Za-z0-9@~^:=./_ -]", "_", text)
    return f"<!-- {re.sub('-{2,}', '-', plain).strip('-')} -->"


def _entity(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"
