"""What else can be made the same each time, where the user asked for `--strict`?  Inside the interpreter of a run.

    listings     os.listdir and os.scandir give names in order; with them os.walk, glob, pathlib and shutil. The file system's
                 own order is that of its hash table: another one on another disk
    torch        deterministic algorithms only (an operation that has none raises torch's own error), one thread
    tensorflow   deterministic operations only

One thread for all other libraries, and addresses that are not drawn by lot, are set before the interpreter starts.
"""

from __future__ import annotations

import os

from . import import_hooks, process_keys, protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType, TracebackType
    from typing import Any, Callable, Iterator


def begin() -> None:
    """Sort listings from now on; be strict with each library as it is imported."""
    _sort_listings()
    import_hooks.when_imported("torch", _torch)
    import_hooks.when_imported("tensorflow", _tensorflow)


def _sort_listings() -> None:
    listdir, scandir = os.listdir, os.scandir
    os.listdir = _Listing(listdir, sorted)
    os.scandir = _Listing(scandir, SortedEntries)
    for original, replacement in ((listdir, os.listdir), (scandir, os.scandir)):
        if original in os.supports_fd:  # holds the functions themselves
            os.supports_fd.add(replacement)
    _report("listings")


class _Listing:
    """Stands in for a function of `os`, in order.

    No function of Python's: pathlib, up to Python 3.10, keeps os.listdir in a class, where such a one becomes a method.
    """

    def __init__(self, original: Any, in_order: Callable[[Any], Any]) -> None:
        self._original = original
        self._in_order = in_order
        import_hooks.look_like(self, original)
        self.__module__ = "os"

    def __call__(self, path: Any = None) -> Any:
        return self._in_order(self._original(path))

    def __reduce__(self) -> str:
        return str(self.__name__)  # pickled by name, as the function is

    __name__: str


class SortedEntries:
    """What os.scandir gives, in the order of the names."""

    def __init__(self, entries: Any) -> None:
        with entries:
            self._entries = iter(sorted(entries, key=lambda entry: entry.name))

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self._entries)

    def close(self) -> None:
        """Give no more entries; the folder has been read to its end."""
        self._entries = iter(())

    def __enter__(self) -> SortedEntries:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _torch(module: ModuleType) -> None:
    torch: Any = module
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    _report("torch strictly")


def _tensorflow(module: ModuleType) -> None:
    tensorflow: Any = module
    tensorflow.config.experimental.enable_op_determinism()
    _report("tensorflow strictly")


def _report(what: str) -> None:
    journal = protocol.run_journal()
    if journal is not None:
        journal.write("seeded", what=what, key=process_keys.current())
