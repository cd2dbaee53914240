"""By which names do files and packages go in a filter?"""

from __future__ import annotations

import re


def file_names(path: str) -> tuple[str, str, str]:
    """The names that a file goes by: `data/train.csv`, `train.csv`, `train`."""
    name = path.rpartition("/")[2]
    return path, name, name.rpartition(".")[0] or name


def normal_package(name: str) -> str:
    """The name of a distribution as records have it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
