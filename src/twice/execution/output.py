"""Where does a command's output go?  To the user as it comes, to the log, and line by line to the metric reader.

The command's stdout and stderr stay two streams. Each is a pseudo-terminal when the user's own is a terminal (so colours
and progress bars work as without `twice`), a pipe otherwise; the bytes are never changed. The log holds both, interleaved
as the user saw them: the first 8 MiB and the last 8 MiB, whatever the length, also after `kill -9`.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import sys
import time
from collections.abc import Callable
from pathlib import Path

LOG_PART_BYTES = 8 * 2**20
_READ_BYTES = 65536
_GRACE_S = 0.5  # how long output of left-over background processes is waited for once the command has ended


class OutputLog:
    """The log in a live folder: `output.log` until it is full, then numbered tails, of which the last two stay."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._part = 0  # 0: the head; then the number of the tail
        self._written = 0
        self._file = (folder / "output.log").open("wb", buffering=0)
        self.problem: str | None = None

    def write(self, data: bytes) -> None:
        """Add bytes; a full disk ends the log, never the run."""
        if self.problem is not None:
            return
        try:
            while data:
                room = LOG_PART_BYTES - self._written
                if room == 0:
                    self._next_part()
                    continue
                self._written += self._file.write(data[:room])
                data = data[room:]
        except OSError as error:
            self.problem = f"the log of the output is incomplete: {error.strerror}"

    def _next_part(self) -> None:
        self._file.close()
        self._part += 1
        self._written = 0
        self._file = _tail(self._folder, self._part).open("wb", buffering=0)
        _tail(self._folder, self._part - 2).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the current part."""
        self._file.close()


def read_log(folder: Path) -> bytes:
    """What `OutputLog` wrote in a live folder, in the order it came, saying how much is left out in the middle."""
    head = _read(folder / "output.log")
    tails = sorted(folder.glob("output.tail.*"))
    tail = b"".join(_read(path) for path in tails)
    if len(tail) <= LOG_PART_BYTES and (not tails or tails[0] == _tail(folder, 1)):
        return head + tail
    return (
        head
        + b"\n[... output left out here: only the first and the last 8 MiB are kept ...]\n"
        + tail[-LOG_PART_BYTES:]
    )


class Channel:
    """One stream of the command: the end it writes to, and the end we read from."""

    def __init__(self, user_descriptor: int) -> None:
        self.user: int | None = user_descriptor
        self.is_terminal = _is_terminal(user_descriptor)
        self.reader, self.writer = _open_terminal(user_descriptor) if self.is_terminal else os.pipe()
        os.set_inheritable(self.reader, False)

    def copy_window_size(self) -> None:
        """Give the command's terminal the size of the user's."""
        if self.is_terminal and self.user is not None:
            import fcntl
            import termios

            with contextlib.suppress(OSError):
                fcntl.ioctl(self.reader, termios.TIOCSWINSZ, fcntl.ioctl(self.user, termios.TIOCGWINSZ, b"\0" * 8))

    def close_writer(self) -> None:
        """Close our copy of the writing end, once the command has its own."""
        os.close(self.writer)

    def show(self, data: bytes) -> None:
        """Write to the user's stream; when nobody reads it any more (`| head`), the run goes on unseen."""
        while data and self.user is not None:
            try:
                data = data[os.write(self.user, data) :]
            except BlockingIOError:
                time.sleep(0.01)
            except OSError:
                self.user = None


def pump(
    stdout: Channel, stderr: Channel, log: OutputLog, on_stdout: Callable[[bytes], None], ended: Callable[[], bool]
) -> None:
    """Carry the output until both streams are closed, or a moment after the command has `ended`.

    A background process that the command left behind may keep a stream open for ever; it is not waited for.
    """
    with selectors.DefaultSelector() as selector:
        for channel in (stdout, stderr):
            selector.register(channel.reader, selectors.EVENT_READ, channel)
        quiet_since: float | None = None
        while selector.get_map():
            ready = selector.select(timeout=0.05 if quiet_since is not None else 0.2)
            if not ready and ended():
                quiet_since = quiet_since or time.monotonic()
                if time.monotonic() - quiet_since > _GRACE_S:
                    break
            for key, _ in ready:
                channel = key.data
                data = _read_some(channel.reader)
                if not data:
                    selector.unregister(channel.reader)
                    continue
                channel.show(data)
                log.write(data)
                if channel is stdout:
                    on_stdout(data)
    for channel in (stdout, stderr):
        os.close(channel.reader)


def _read_some(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _READ_BYTES)
    except OSError:  # a terminal whose last writer is gone says EIO, not end of file
        return b""


def _tail(folder: Path, number: int) -> Path:
    return folder / f"output.tail.{number:09}"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _is_terminal(descriptor: int) -> bool:
    try:
        return os.name == "posix" and os.isatty(descriptor)
    except OSError:
        return False


def _open_terminal(like: int) -> tuple[int, int]:
    """A pseudo-terminal that passes bytes unchanged, sized like the user's."""
    if sys.platform == "win32":
        raise AssertionError("a terminal channel is only made on POSIX")
    import fcntl
    import pty
    import termios

    reader, writer = pty.openpty()
    attributes = termios.tcgetattr(writer)
    attributes[1] &= ~termios.OPOST  # the user's own terminal turns \n into \r\n; once is enough
    termios.tcsetattr(writer, termios.TCSANOW, attributes)
    with contextlib.suppress(OSError):
        fcntl.ioctl(writer, termios.TIOCSWINSZ, fcntl.ioctl(like, termios.TIOCGWINSZ, b"\0" * 8))
    return reader, writer
