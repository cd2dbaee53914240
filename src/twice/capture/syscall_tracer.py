"""Which files does a command open, whatever it is made of?  Linux only; sees native code and every child.

In: a command about to be started, by `child_setup` between fork and exec. Out: `OpenedFile`s, and the same as `open` events
in a journal file of the run, written as they happen, so that a run that is cut off has them too.

    tracer = SyscallTracer(journal, keep)       None of it is needed where `problem_with(program)` says why not
    tracer.start()                              the watching thread; before the command: it may open a file before its exec
    Popen(…, preexec_fn=tracer.child_setup)     installs the filter, hands its listener over
    tracer.stop()                               after the command has ended: what was seen

Three kinds of process take part. The command and its children wait in the kernel at each open until they are let go on.
The recording process watches: a thread reads the path out of the waiting thread's memory and lets it go on. It must be this
process, since under yama (Ubuntu's default) only an ancestor may read another's memory. And a `standby`, forked beforehand,
holds the listener too and sleeps: when the recording process has ended, or was killed, it lets everything go on unseen
until the last process with the filter is gone. Without it, every later open of a daemon that the command left behind would
fail with ENOSYS; with it, nothing that happens to the recorder can hurt the run.

What is recorded are attempts on files that are there; whether a permission stopped one is not known. Not seen: io_uring,
descriptors inherited or received, 32-bit programs, and what opens a process whose memory may not be read (counted in
`unreadable`). The filter denies new privileges to who is not root: sudo does not work inside, `problem_with` looks for that.
A second filter with a listener is refused by the kernel: a run inside a run has no second tracer of this kind.
"""

# Paths are texts from other processes here, and what handles them runs once for each file that is opened.
# ruff: noqa: PTH116, PTH118, PTH119

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import signal
import socket
import stat
import sys
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from twice.capture import seccomp
from twice.capture.opened_files import OpenedFile, Stamp, event_fields, stamp_of

BLIND_SPOTS = (
    "files opened through io_uring, or by programs outside of the command's process tree",
    "files that were open before the command started (its standard streams)",
)

_READ, _WRITE = 1, 2
_WAYS = {os.O_RDONLY: _READ, os.O_WRONLY: _WRITE, os.O_RDWR: _READ | _WRITE}
_SLASH = ord("/")
_ANSWER_S = 2.0  # longer than any kernel takes to answer one open
_LAST_ANSWERS_S = 0.2
_SWITCH_INTERVAL_S = 0.0005

# Opened by the thousand when programs start, and never needing a stamp: neither data, nor changed by who reads them.
_LIBRARIES = (b".py", b".pyc", b".so", b".pth", b".pyi")


def problem_with(program: str | None = None) -> str | None:
    """Why the tracer cannot be used for this program, as one clause; None if it can.  Forks a child that tries it."""
    problem = seccomp.architecture_problem()
    if problem is not None:
        return problem
    if program is not None and os.getuid() != 0 and (problem := _gains_privileges(program)):
        return problem
    return _try_out()


class SyscallTracer:
    """Watches one command; see the module for the order of calls."""

    def __init__(self, journal: Path | None = None, keep: Callable[[str], bool] | None = None) -> None:
        """`keep` tells, for an absolute path, whether it is worth noting; it is called from another thread."""
        self.unreadable = 0
        self._journal = journal
        self._keep = keep or (lambda _: True)
        self._filter = seccomp.Filter()
        self._channel, self._child_end = socket.socketpair()
        self._standby_channel, self._standby_end = socket.socketpair()
        self._wake_reader, self._wake_writer = os.pipe()
        self._thread = threading.Thread(target=self._watch, name="twice-tracer", daemon=True)
        self._notes: _Notes | None = None
        self._switch_interval_s = sys.getswitchinterval()
        self.problem: str | None = None

    def start(self) -> None:
        """Make ready; what the command does from `child_setup` on is seen."""
        _fork_standby(self._standby_channel)
        self._standby_channel.close()
        self._notes = _Notes(self._journal, self._keep)
        # A notification waits for this process's interpreter: let busy threads of ours hand it over quickly.
        sys.setswitchinterval(min(self._switch_interval_s, _SWITCH_INTERVAL_S))
        self._thread.start()

    def child_setup(self) -> None:
        """In the child, between fork and exec: install the filter and hand over its listener.  Never raises."""
        try:
            listener = self._filter.install()
            # The standby first: from then on somebody will let the child go on, whatever happens to us.
            seccomp.send_descriptor(self._standby_end, listener)
            seccomp.send_descriptor(self._child_end, listener)
            if listener >= 0:
                os.close(listener)
        except Exception:
            pass  # the command matters more than what is seen of it; who waits for the listener sees the channel close

    def stop(self) -> tuple[OpenedFile, ...]:
        """Stop watching and tell what was seen; processes that go on are let do what they want, unseen.

        `problem` then tells why nothing was seen, if the filter could not be installed.
        """
        self._child_end.close()
        with contextlib.suppress(OSError):
            os.write(self._wake_writer, b"\0")
        if self._thread.ident is not None:
            self._thread.join()
        sys.setswitchinterval(self._switch_interval_s)
        self._channel.close()
        self._standby_end.close()  # the standby takes over
        os.close(self._wake_reader)
        os.close(self._wake_writer)
        return self._notes.close() if self._notes is not None else ()

    def _watch(self) -> None:
        try:
            listener = self._await_listener()
        except (OSError, EOFError):
            self.problem = "the command could not install the filter"
            return
        if listener < 0:
            self.problem = f"the command could not install the filter: {os.strerror(-listener)}"
            return
        try:
            self._serve(listener)
        finally:
            os.close(listener)

    def _await_listener(self) -> int:
        ready, _, _ = select.select([self._channel.fileno(), self._wake_reader], [], [])
        if self._channel.fileno() not in ready:
            raise EOFError
        return seccomp.receive_descriptor(self._channel)

    def _serve(self, descriptor: int) -> None:
        assert self._notes is not None
        listener, memory, notes = seccomp.Listener(descriptor), seccomp.Memory(), self._notes
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.register(self._wake_reader, select.POLLIN)
        ends_s: float | None = None
        while True:
            ready = dict(poll.poll())
            if descriptor in ready:
                if not ready[descriptor] & select.POLLIN:
                    return  # the last process with the filter is gone
                self._answer(listener, memory, notes)
            if self._wake_reader in ready:
                # What was asked before the end is seen; but processes that never rest are not waited for.
                ends_s = ends_s or time.monotonic() + _LAST_ANSWERS_S
                if descriptor not in ready or time.monotonic() > ends_s:
                    return

    def _answer(self, listener: seccomp.Listener, memory: seccomp.Memory, notes: _Notes) -> None:
        notification = listener.receive()
        if notification is None:
            return
        note = None
        try:
            note = notes.look(notification, memory)
        except Exception:  # a process that hides its memory, a path that is none: it must go on all the same
            self.unreadable += 1
        if listener.let_go_on(notification) and note is not None:
            notes.take(note)  # while the command goes on already


# ----------------------------------------------------------------------------------------------------------- notes


class _Note:
    """One open: of which file, how, and how that file was before."""

    __slots__ = ("path", "relative", "source", "stamp", "way")

    def __init__(self, path: str, way: int, stamp: Stamp | None, *, relative: bool, source: str | None = None) -> None:
        self.path, self.way, self.stamp, self.relative, self.source = path, way, stamp, relative, source


class _Notes:
    """What was seen, once per path and way, and the journal of it."""

    def __init__(self, journal: Path | None, keep: Callable[[str], bool]) -> None:
        self._seen: set[tuple[bytes, int]] = set()
        self._seen_relative: set[tuple[str, bytes, int]] = set()
        self._keep = keep
        self._opened: dict[tuple[str, bool, bool], OpenedFile] = {}
        self._journal: int | None = None
        if journal is not None:
            with contextlib.suppress(OSError):
                journal.parent.mkdir(parents=True, exist_ok=True)
                self._journal = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)

    def look(self, notification: seccomp.Notification, memory: seccomp.Memory) -> _Note | None:
        """What has to be known before the call goes on; None if it is known already, or not worth knowing."""
        _, thread, call, arguments = notification
        raw = memory.text(thread, arguments[call.path])
        if raw is None:
            raise OSError(errno.EFAULT, "the path cannot be read")
        if not raw:
            return None
        if call.source is not None:
            return self._look_at_rename(notification, raw, memory)
        way, creates, truncates = _way(call, thread, arguments, memory)
        asked = way
        folder = "" if raw[0] == _SLASH else seccomp.folder_of(thread, _argument(arguments, call.folder))
        if way == 0 or self._is_known(folder, raw, way):
            return None
        path = os.path.join(folder, os.fsdecode(raw))
        stamp = None
        if way != _READ or not raw.endswith(_LIBRARIES):
            try:
                status = os.stat(path)
            except (OSError, ValueError):
                if not creates:
                    return None  # looked for in vain: it is not noted, and may be there the next time
                way &= _WRITE
            else:
                if not stat.S_ISREG(status.st_mode):
                    return None
                stamp = stamp_of(status)
                if truncates:
                    way &= _WRITE
        self._remember(folder, raw, asked)
        return _Note(path, way, stamp, relative=bool(folder))

    def _look_at_rename(self, notification: seccomp.Notification, raw: bytes, memory: seccomp.Memory) -> _Note | None:
        _, thread, call, arguments = notification
        folder = "" if raw[0] == _SLASH else seccomp.folder_of(thread, _argument(arguments, call.folder))
        path = os.path.join(folder, os.fsdecode(raw))
        stamp = None
        with contextlib.suppress(OSError, ValueError):
            stamp = stamp_of(os.stat(path))
        source = memory.text(thread, arguments[call.source or 0])
        if source is None:
            raise OSError(errno.EFAULT, "the path cannot be read")
        from_folder = "" if source[:1] == b"/" else seccomp.folder_of(thread, _argument(arguments, call.source_folder))
        return _Note(path, _WRITE, stamp, relative=bool(folder), source=os.path.join(from_folder, os.fsdecode(source)))

    def _is_known(self, folder: str, raw: bytes, way: int) -> bool:
        return (folder, raw, way) in self._seen_relative if folder else (raw, way) in self._seen

    def _remember(self, folder: str, raw: bytes, way: int) -> None:
        if folder:
            self._seen_relative.add((folder, raw, way))
        else:
            self._seen.add((raw, way))

    def take(self, note: _Note) -> None:
        """Keep what was looked at, if it is worth it."""
        self._add(note.path, note.way, note.stamp, relative=note.relative)
        if note.source is not None:
            # A folder that was filled and then renamed: what was written into it is now below the new name.
            above = os.path.normpath(note.source) + "/"
            for opened in list(self._opened.values()):
                if opened.write and os.path.normpath(opened.path).startswith(above):
                    below = os.path.normpath(opened.path)[len(above) :]
                    self._add(os.path.join(note.path, below), _WRITE, None, relative=note.relative)

    def _add(self, path: str, way: int, stamp: Stamp | None, *, relative: bool) -> None:
        key = (path, bool(way & _READ), bool(way & _WRITE))
        if key in self._opened or not self._keep(os.path.normpath(path)):
            return
        opened = OpenedFile(path=path, read=key[1], write=key[2], relative=relative, stamp=stamp)
        self._opened[key] = opened
        if self._journal is not None:
            line = json.dumps({"t": time.time(), "kind": "open", **event_fields(opened)})
            with contextlib.suppress(OSError):  # a full disk: what was seen is still told at the end
                os.write(self._journal, line.encode() + b"\n")

    def close(self) -> tuple[OpenedFile, ...]:
        """All that was noted, in order."""
        if self._journal is not None:
            os.close(self._journal)
            self._journal = None
        return tuple(self._opened.values())


def _way(call: seccomp.Call, thread: int, arguments: Sequence[int], memory: seccomp.Memory) -> tuple[int, bool, bool]:
    """Read, write, or both; whether the file need not be there; whether what is in it goes.  Raises OSError."""
    if call.flags is None:  # creat and truncate
        return _WRITE, call.name == "creat", call.name == "creat"
    flags = arguments[call.flags]
    if call.name == "openat2":
        block = memory.block(thread, flags, 8)
        if block is None or len(block) < 8:
            raise OSError(errno.EFAULT, "the flags cannot be read")
        flags = int.from_bytes(block, sys.byteorder)
        if flags & (os.O_PATH | os.O_DIRECTORY):
            return 0, False, False
    return _WAYS.get(flags & os.O_ACCMODE, 0), bool(flags & os.O_CREAT), bool(flags & os.O_TRUNC)


def _argument(arguments: Sequence[int], index: int | None) -> int | None:
    return None if index is None else arguments[index]


# --------------------------------------------------------------------------------------------------------- processes


def _fork() -> int:
    with warnings.catch_warnings():
        # Python 3.12 warns of locks that other threads may hold. The child imports nothing, takes none, and never returns.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _fork_standby(channel: socket.socket) -> None:
    """Start the process that holds the listener in reserve; not our child, so that nobody has to wait for its end."""
    pid = _fork()
    if pid != 0:
        os.waitpid(pid, 0)
        return
    try:
        os.setsid()  # what the terminal, or a script's `kill 0`, sends to the process group is not for it
        if _fork() == 0:
            _stand_by(channel)
    finally:
        os._exit(0)


def _stand_by(channel: socket.socket) -> None:
    """Wait until the recording process is done or gone, then let everything go on until nobody is left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    # Whoever reads our streams, or waits for a lock that we inherited, must not wait for us.
    keep = channel.fileno()
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(null, descriptor)
    os.closerange(3, keep)
    os.closerange(keep + 1, 1 << 20)
    descriptor = seccomp.receive_descriptor(channel)
    if descriptor < 0:
        return
    poll = select.poll()
    poll.register(channel, select.POLLIN)
    poll.register(descriptor, 0)  # told of its end only
    if any(ready == descriptor for ready, _ in poll.poll()):
        return
    listener = seccomp.Listener(descriptor)
    poll.unregister(channel)
    poll.modify(descriptor, select.POLLIN)
    while all(events & select.POLLIN for _, events in poll.poll()):
        notification = listener.receive()
        if notification is not None:
            listener.let_go_on(notification)


def _gains_privileges(program: str) -> str | None:
    with contextlib.suppress(OSError):
        if os.stat(program).st_mode & (stat.S_ISUID | stat.S_ISGID):
            return f"{os.path.basename(program)} works with the rights of its owner, which a filter would deny it"
    return None


def _try_out() -> str | None:
    """Watch a child open one file; what went wrong, or None."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        path = b"/proc/self/twice-tries-out-its-tracer"
        prepared = seccomp.Filter()
        pid = _fork()
        if pid == 0:
            try:
                listener = prepared.install()
                seccomp.send_descriptor(theirs, listener)
                os.close(listener)
                os.open(path, os.O_RDONLY)
            finally:
                os._exit(0)
        theirs.close()
        try:
            return _watch_one(ours, path)
        finally:
            os.waitpid(pid, 0)


def _watch_one(channel: socket.socket, path: bytes) -> str | None:
    try:
        descriptor = seccomp.receive_descriptor(channel)
    except (OSError, EOFError):
        return "the system refuses it"
    if descriptor == -errno.EBUSY:
        return "a tracer of this kind is at work already (a run inside a run)"
    if descriptor < 0:
        return f"the kernel or the container refuses it ({os.strerror(-descriptor)})"
    try:
        if not select.select([descriptor], [], [], _ANSWER_S)[0]:
            return "the kernel does not report what is opened"
        listener = seccomp.Listener(descriptor)
        notification = listener.receive()
        if notification is None:
            return "the kernel does not report what is opened"
        found = seccomp.Memory().text(notification.thread, notification.arguments[notification.call.path])
        if found != path:
            return "other processes' memory may not be read here (ptrace_scope, or the container)"
        return None if listener.let_go_on(notification) else "the kernel does not let a reported call go on"
    finally:
        os.close(descriptor)
