"""How is one thing done to many files in a few threads?  Reading, hashing and copying let go of the interpreter lock."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")

_MAX_THREADS = 8


def workers() -> int:
    """How many readers at once are of use: one a processor that we may use, at most eight, for storage has its limits."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(_MAX_THREADS, allowed)


def in_threads(items: Iterable[Item], most: int, begin: Callable[[], Callable[[Item], None]]) -> None:
    """Do the work for each item, in at most so many threads; the first failure ends it, and is raised.

    `begin` is called in each thread, and gives what does the work there. The caller's thread is one of the workers: a single
    file costs no thread at all.
    """
    lock = threading.Lock()
    waiting = iter(items)
    nothing = object()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            act = begin()
            while not failures:
                with lock:
                    item = next(waiting, nothing)
                if item is nothing:
                    return
                act(item)  # type: ignore[arg-type]
        except BaseException as error:
            failures.append(error)

    others = [threading.Thread(target=work, daemon=True) for _ in range(min(workers(), most) - 1)]
    for thread in others:
        thread.start()
    work()
    for thread in others:
        thread.join()
    if failures:
        raise failures[0]


def one_at_a_time(tell: Callable[[int], None] | None) -> Callable[[int], None]:
    """The same, for many threads to call; nothing where there is none to call."""
    lock = threading.Lock()

    def locked(number: int) -> None:
        if tell:
            with lock:
                tell(number)

    return locked
