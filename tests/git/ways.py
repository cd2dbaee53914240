"""The two ways in which all is done: by the git executable, and by hand."""

from __future__ import annotations

import os

WAYS = ("by_git", "by_hand")


def environ_for(way: str) -> dict[str, str]:
    """The variables under which a repository is read and written in that way."""
    return {**os.environ, **({"TWICE_GIT": "none"} if way == "by_hand" else {})}
