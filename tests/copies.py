"""What several tests of a module start from, made once: a repository with its runs, kept and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path


def made_once(folder: Path, kept: Path, make: Callable[[], object]) -> None:
    """Have in `folder` what `make` makes of it; it is made the first time, and copied from `kept` from then on."""
    if not kept.exists():
        make()
        shutil.copytree(folder, kept, symlinks=True)
        return
    shutil.rmtree(folder)
    shutil.copytree(kept, folder, symlinks=True)
