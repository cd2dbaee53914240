"""How do all processors look at many small files?  With tiny files Python's interpreter lock is the limit, so: in processes.

In: batches of `small_files.Part`, which may still be coming. Out: the replies, as they come. The caller's thread works too,
alone at first: a few thousand files are done before a process would have started. Each process runs small_files.py and
nothing else, in a fresh interpreter (never a fork: the caller has threads, and its main module is none of our business),
and is asked through pipes. One that cannot be started, or dies, costs time and nothing else: what it had is done here.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from twice.capture import small_files
from twice.capture.small_files import Part, Reply
from twice.threads import workers

BATCH_FILES = 500
"""As many as a batch should have: some milliseconds of work, and little to wait for at the end."""

_ALONE_BATCHES = 4  # before processes are started
_MAX_REPLY_BYTES = 1 << 20  # whatever answers with more is not ours

Token = TypeVar("Token")
Batch = list[tuple[Token, Part]]


def look_at_all(batches: Iterator[Batch[Token]], take: Callable[[Token, Part, Reply], None]) -> None:
    """Look at all parts, and give each part with its reply to `take`: from any thread, one at a time."""
    work = _Work(batches, take)
    feeders: list[threading.Thread] = []
    try:
        for number, batch in enumerate(iter(work.next_batch, None)):
            if number == _ALONE_BATCHES:
                feeders = _start([threading.Thread(target=work.feed, daemon=True) for _ in range(workers() - 1)])
            work.look(batch)
        _join(feeders)
    except BaseException as error:  # Ctrl-C, while working or waiting
        work.fail(error)
        _join(feeders)
    while not work.failures and (left := work.next_batch()) is not None:  # what a process had when it died
        work.look(left)
    if work.failures:
        raise work.failures[0]


def _start(threads: Iterable[threading.Thread]) -> list[threading.Thread]:
    started = []
    for thread in threads:
        try:
            thread.start()
        except RuntimeError:  # the system's limit, or the interpreter is about to end
            break
        started.append(thread)
    return started


def _join(threads: Iterable[threading.Thread]) -> None:
    for thread in threads:
        thread.join()


class _Work(Generic[Token]):
    """What is to be looked at, and who does it: the state that the threads share."""

    def __init__(self, batches: Iterator[Batch[Token]], take: Callable[[Token, Part, Reply], None]) -> None:
        self.failures: list[BaseException] = []
        self._batches, self._take = batches, take
        self._lock = threading.Lock()
        self._returned: list[Batch[Token]] = []
        self._processes: list[_ReaderProcess] = []

    def next_batch(self) -> Batch[Token] | None:
        """One that nobody has; None: there is none, or something failed."""
        with self._lock:
            if self.failures:
                return None
            return self._returned.pop() if self._returned else next(self._batches, None)

    def look(self, batch: Batch[Token]) -> None:
        """Look at it here."""
        self._give(batch, [small_files.look(*part) for _, part in batch])

    def feed(self) -> None:
        """Have a process look at batches until there are no more; for a thread of its own."""
        batch: Batch[Token] | None = None
        try:
            process = _ReaderProcess()
        except OSError:
            return
        try:
            with self._lock:
                self._processes.append(process)
            while (batch := self.next_batch()) is not None:
                self._give(batch, process.ask([part for _, part in batch]))
        except _ProcessDiedError:
            if batch is not None:
                with self._lock:
                    self._returned.append(batch)
        except BaseException as error:
            self.fail(error)
        finally:
            process.close()

    def fail(self, error: BaseException) -> None:
        """Keep the error for the caller, and let nobody wait for a process."""
        with self._lock:
            self.failures.append(error)
            for process in self._processes:
                process.kill()

    def _give(self, batch: Batch[Token], replies: Sequence[Reply]) -> None:
        with self._lock:
            for (token, part), reply in zip(batch, replies, strict=True):
                self._take(token, part, reply)


class _ProcessDiedError(Exception):
    """The process is gone, or does not answer as it should."""


class _ReaderProcess:
    """An interpreter that runs small_files.py."""

    def __init__(self) -> None:
        """Start it.  Raises OSError where there is none that could be."""
        program = Path(small_files.__file__)
        if not Path(sys.executable or "").name.lower().startswith(("python", "pypy")) or not program.is_file():
            raise OSError("embedded in another program, or frozen into one")
        # In a session of its own Ctrl-C does not reach it: it ends when its standard input does.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=os.name == "posix",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )

    def ask(self, parts: list[Part]) -> list[Reply]:
        """Send a batch, and wait for the replies."""
        request = marshal.dumps(parts)
        try:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(len(request).to_bytes(8, "little") + request)
            self._process.stdin.flush()
            size = int.from_bytes(self._process.stdout.read(8), "little")
            if not 0 < size < _MAX_REPLY_BYTES:
                raise _ProcessDiedError
            replies: list[Reply] = marshal.loads(self._process.stdout.read(size))
        except (OSError, EOFError, ValueError, TypeError) as error:
            raise _ProcessDiedError from error
        if not isinstance(replies, list) or len(replies) != len(parts):
            raise _ProcessDiedError
        return replies

    def kill(self) -> None:
        """End it at once: it only ever reads."""
        self._process.kill()

    def close(self) -> None:
        """End it, and let go of what it held."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):  # for what could not be sent any more
                pipe.close()
        self._process.wait()
