"""How is the user's command run, and how did it end?

The command runs in the foreground, in our own process group and with the user's stdin, so that Ctrl-C and job control
work as without `twice`. While it runs, `meanwhile` is called once, in a thread: the time to do what need not delay the
start. It is given a function that waits so many seconds and says whether the command has ended.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from twice.capture.outcome import Outcome
from twice.errors import CommandNotStarted
from twice.execution.clock import Clock as Clock
from twice.execution.output import Channel, OutputLog, pump


def find_program(command: Sequence[str], directory: Path, environ: Mapping[str, str]) -> str:
    """The path of the command's program, as execvp(3) would find it from `directory`.

    Raises CommandNotStarted (127 not found, 126 not executable).
    """
    name = command[0]
    if os.sep in name or (os.altsep and os.altsep in name):
        path = directory / name
        if not path.exists():
            raise CommandNotStarted(f"no such program: {name}", exit_code=127, hint="check the path of the command")
        if path.is_dir() or not os.access(path, os.X_OK):
            raise CommandNotStarted(
                f"not an executable program: {name}", exit_code=126, hint=_run_with_hint(name) or f"chmod +x {name}"
            )
        return str(path)
    found = shutil.which(name, path=environ.get("PATH"))
    if found is None:
        hint = "check the spelling and PATH"
        if (directory / name).is_file():
            hint = _run_with_hint(name) or f"run it as ./{name}"
        raise CommandNotStarted(f"command not found: {name}", exit_code=127, hint=hint)
    return found


def run_process(
    command: Sequence[str],
    directory: Path,
    environ: Mapping[str, str],
    log_folder: Path,
    clock: Clock,
    *,
    show_on: int,
    on_stdout: Callable[[bytes], None],
    meanwhile: Callable[[Callable[[float], bool]], None],
    child_setup: Callable[[], None] | None = None,
) -> Outcome:
    """Run the command to its end; its stdout is shown on our descriptor `show_on`, its stderr on ours.

    Raises CommandNotStarted; after the start, nothing but its own end ends it.
    """
    stdout, stderr = Channel(show_on), Channel(2)
    log = OutputLog(log_folder)
    with _signals(stdout, stderr) as signals:
        started_s = clock.monotonic_s()
        try:
            process = subprocess.Popen(
                list(command),
                cwd=directory,
                env=dict(environ),
                stdout=stdout.writer,
                stderr=stderr.writer,
                preexec_fn=child_setup,  # noqa: PLW1509 - prepared so that it does nothing but system calls
            )
        except OSError as error:
            raise CommandNotStarted(
                f"cannot start {command[0]}: {error.strerror}",
                exit_code=126 if isinstance(error, PermissionError) else 125,
            ) from error
        finally:
            stdout.close_writer()
            stderr.close_writer()
        signals.child = process.pid
        ended = threading.Event()
        pumping = threading.Thread(target=pump, args=(stdout, stderr, log, on_stdout, ended.is_set), daemon=True)
        pumping.start()
        warnings: list[str] = []
        # Beside the waiting, not before it: a command that ends early is timed by its own end.
        preparing = threading.Thread(target=_prepare, args=(meanwhile, ended, warnings), daemon=True)
        preparing.start()
        return_code, usage = _wait(process)
        duration_s = clock.monotonic_s() - started_s
        ended.set()
        pumping.join()
        preparing.join()
    log.close()
    if log.problem is not None:
        warnings.append(log.problem)
    return Outcome(
        exit_code=return_code if return_code >= 0 else 128 - return_code,
        signal=signal.Signals(-return_code).name if return_code < 0 else None,
        interrupted=signals.interrupted,
        duration_s=duration_s,
        warnings=tuple(warnings),
        **usage,
    )


class _signals:
    """While the command runs: Ctrl-C is the command's to handle; what is sent to us alone is handed on to it."""

    def __init__(self, *channels: Channel) -> None:
        self._channels = channels
        self._before: dict[int, Any] = {}
        self.child: int | None = None
        self.interrupted = False

    def __enter__(self) -> _signals:
        if threading.current_thread() is not threading.main_thread():
            return self
        for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                handler = self._resized if name == "SIGWINCH" else self._hand_on
                self._before[number] = signal.signal(number, handler)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _resized(self, number: int, frame: FrameType | None) -> None:
        for channel in self._channels:
            channel.copy_window_size()

    def _hand_on(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            self.interrupted = True
        # A key press reaches the whole foreground process group: the command has had it already.
        if number in (signal.SIGINT, getattr(signal, "SIGQUIT", None)) and _in_foreground():
            return
        if self.child is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.child, number)


def _in_foreground() -> bool:
    """Whether we are in the foreground process group of a terminal."""
    for descriptor in (0, 1, 2):
        with contextlib.suppress(OSError, AttributeError):
            return os.tcgetpgrp(descriptor) == os.getpgrp()
    return False


def _prepare(meanwhile: Callable[[Callable[[float], bool]], None], ended: threading.Event, warnings: list[str]) -> None:
    try:
        meanwhile(ended.wait)
    except Exception as error:
        warnings.append(f"while the command ran: {type(error).__name__}: {error}")


def _wait(process: subprocess.Popen[bytes]) -> tuple[int, dict[str, Any]]:
    """Wait for the command; its return code (negative: a signal), and what it used, from wait4(2)."""
    if sys.platform == "win32":
        return process.wait(), {}
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    scale = 1 if sys.platform == "darwin" else 1024  # Linux counts kibibytes
    return process.returncode, {
        "cpu_user_s": round(usage.ru_utime, 6),
        "cpu_system_s": round(usage.ru_stime, 6),
        "peak_memory_bytes": usage.ru_maxrss * scale,
    }


def _run_with_hint(name: str) -> str | None:
    return f"run it as `python {name}`" if name.endswith(".py") else None
