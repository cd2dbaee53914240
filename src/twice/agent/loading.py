"""How are the modules of installed packages loaded past the tracer of system calls?  It would not note them, yet answer each.

Each open that the tracer is asked about costs the program some forty microseconds, and a start with scikit-learn or torch
opens a thousand modules that no record names. Here Python's own loader opens those with O_ASYNC, which says nothing when a
file is opened (open(2), BUGS) and which the tracer's filter lets pass unseen. Modules of the repository, or of packages that
are installed from a folder, are opened as ever.
"""

from __future__ import annotations

import os
import sys

from . import import_hooks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_ASYNC", 0)


def pass_by() -> None:
    """From now on load what is installed without being asked about each file."""
    external: Any = sys.modules["_frozen_importlib_external"]
    file_io = external._io.FileIO
    original: Any = external.FileLoader.get_data
    library = os.path.dirname(os.__file__) + os.sep

    def is_installed(path: Any) -> bool:
        return (
            type(path) is str
            and path.endswith((".pyc", ".py"))
            and (path.startswith(library) or "/site-packages/" in path or "/dist-packages/" in path)
        )

    def get_data(self: Any, path: Any) -> Any:
        if is_installed(path):
            sys.audit("open", path, "rb", 0)  # PEP 578: as io.open_code tells it
            try:
                descriptor = os.open(path, _FLAGS)
            except OSError:
                return original(self, path)  # which fails as ever
            with file_io(descriptor, "r") as file:
                return file.read()
        return original(self, path)

    external.FileLoader.get_data = import_hooks.look_like(get_data, original)
