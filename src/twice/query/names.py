"""By which names does a file go in a filter?"""

from __future__ import annotations


def file_names(path: str) -> tuple[str, str, str]:
    """The names that a file goes by: `data/train.csv`, `train.csv`, `train`."""
    name = path.rpartition("/")[2]
    return path, name, name.rpartition(".")[0] or name
