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
holds the listener too and sleeps: when the recording process has ended, or was killed, it lets everything go on unseen, also
what that one was about to answer, until the last process with the filter is gone. Without it, every later open of a daemon
that the command left behind would fail with ENOSYS; with it, nothing that happens to the recorder can hurt the run.

What is recorded are attempts on files that are there, less the modules of installed packages, which the agent loads past the
filter (`agent/loading.py`); whether a permission stopped
one is not known. Not seen: io_uring, descriptors inherited or received, 32-bit programs, and what opens a process whose
memory may not be read (counted in `unreadable`). The filter denies new privileges to who is not root: sudo does not work
inside, `problem_with` looks for that.
A second filter with a listener is refused by the kernel: a run inside a run has no second tracer of this kind.
"""

# Paths are texts from other processes here, and what handles them runs once for each file that is opened.
# ruff: noqa: PTH116, PTH119

from __future__ import annotations

import contextlib
import errno
import json
import mmap
import os
import re
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
_ANSWER_S = 2.0  # longer than any kernel takes to answer one open
_LAST_ANSWERS_S = 0.2
_SWITCH_INTERVAL_S = 0.0005

# Opened by the thousand when programs start, and never needing a stamp: neither data, nor changed by who reads them.
_LIBRARIES = (b".py", b".pyc", b".so", b".pth", b".pyi")
_INSTALLED = re.compile(rb"/(site|dist)-packages/|/lib(64)?/python\d")


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
        """`keep` tells, for an absolute path, whether it is worth noting; it is called from another thread.

        With a `journal` what is seen is written there, and not kept in memory.
        """
        self.unreadable = 0
        self.problem: str | None = None
        self._journal = journal
        self._keep = keep or (lambda _: True)
        self._links: _Links | None = None
        self._notes: _Notes | None = None
        self._switch_interval_s = sys.getswitchinterval()

    def start(self) -> None:
        """Make ready; what the command does from `child_setup` on is seen."""
        self._links = links = _Links()
        _fork_standby(links.at_standby, links.notification)
        links.at_standby.close()
        self._notes = _Notes(self._journal, self._keep)
        # A notification waits for this process's interpreter: let busy threads of ours hand it over quickly.
        sys.setswitchinterval(min(self._switch_interval_s, _SWITCH_INTERVAL_S))
        self._thread = threading.Thread(target=self._watch, args=(links,), name="twice-tracer", daemon=True)
        self._thread.start()

    def child_setup(self) -> None:
        """In the child, between fork and exec: install the filter and hand over its listener.  Never raises."""
        links = self._links
        if links is None:
            return
        try:
            listener = links.filter.install()
            # The standby first: from then on somebody will let the child go on, whatever happens to us.
            seccomp.send_descriptor(links.to_standby, listener)
            seccomp.send_descriptor(links.to_watcher, listener)
            if listener >= 0:
                os.close(listener)
        except Exception:
            pass  # the command matters more than what is seen of it; who waits for the listener sees the channel close

    def stop(self) -> tuple[OpenedFile, ...]:
        """Stop watching and tell what was seen, unless the journal has it; processes that go on do so unseen.

        `problem` then tells why the tracer saw nothing, or not all.
        """
        links, notes = self._links, self._notes
        if links is None or notes is None:
            return ()
        self._links = None
        links.to_watcher.close()
        with contextlib.suppress(OSError):
            os.write(links.wake_writer, b"\0")
        self._thread.join()
        sys.setswitchinterval(self._switch_interval_s)
        links.close()
        return notes.close()

    def _watch(self, links: _Links) -> None:
        listener = -1
        try:
            listener = _await_listener(links)
            if listener < 0:
                self.problem = f"the command could not install the filter: {os.strerror(-listener)}"
            else:
                self._serve(listener, links)
        except EOFError:
            self.problem = "the command could not install the filter"
        except Exception as error:  # a bug of ours must not leave the command waiting for an answer
            self.problem = f"the tracer failed: {type(error).__name__}: {error}"
        finally:
            if listener >= 0:
                os.close(listener)
            links.to_standby.close()  # the standby takes over

    def _serve(self, descriptor: int, links: _Links) -> None:
        assert self._notes is not None
        listener, memory, notes = seccomp.Listener(descriptor, links.notification), seccomp.Memory(), self._notes
        wake = links.wake_reader
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.register(wake, select.POLLIN)
        mounts = _Mounts()
        poll.register(mounts.descriptor, select.POLLPRI)
        ends_s: float | None = None
        with mounts.file:
            while True:
                ready = dict(poll.poll())
                if mounts.descriptor in ready:
                    notes.untouchable = mounts.new_of_programs()
                if descriptor in ready:
                    if not ready[descriptor] & select.POLLIN:
                        return  # the last process with the filter is gone
                    self._answer(listener, memory, notes)
                if wake in ready:
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
            # While the command goes on already.  A full disk is told, and is no reason to stop answering.
            try:
                notes.take(note)
            except Exception as error:
                self.problem = f"not all that was opened could be noted: {error}"


class _Mounts:
    """Tells which file systems, run by a program (FUSE), were mounted since it was made.

    Such a program may be a process of the run. To look at one of its files would be to wait for an answer of a process
    that itself waits for ours.
    """

    def __init__(self) -> None:
        self.file = Path("/proc/self/mountinfo").open("rb", buffering=0)  # noqa: SIM115 - for who serves
        self.descriptor = self.file.fileno()
        self._before = self._of_programs()

    def new_of_programs(self) -> tuple[str, ...]:
        return tuple(self._of_programs() - self._before)

    def _of_programs(self) -> set[str]:
        # proc_pid_mountinfo(5): 36 35 98:0 /root /mount\\040point rw,noatime - fuse.sshfs source rw
        self.file.seek(0)
        found = set()
        for line in self.file.read().splitlines():
            left, _, right = line.partition(b" - ")
            if right.startswith(b"fuse"):
                point = re.sub(rb"\\([0-7]{3})", lambda code: bytes([int(code[1], 8)]), left.split()[4])
                found.add(os.fsdecode(point).rstrip("/") + "/")
        return found


class _Links:
    """What connects the recording process with the command before its exec, with the standby, and with its own thread."""

    def __init__(self) -> None:
        self.filter = seccomp.Filter()
        self.at_watcher, self.to_watcher = socket.socketpair()
        self.at_standby, self.to_standby = socket.socketpair()
        self.wake_reader, self.wake_writer = os.pipe()
        self.notification = mmap.mmap(-1, seccomp.NOTIFICATION_SIZE)  # what is being answered; the standby sees it too

    def close(self) -> None:
        for end in (self.at_watcher, self.to_watcher, self.at_standby, self.to_standby):
            end.close()
        os.close(self.wake_reader)
        os.close(self.wake_writer)


def _await_listener(links: _Links) -> int:
    poll = select.poll()
    for descriptor in (links.at_watcher.fileno(), links.wake_reader):
        poll.register(descriptor, select.POLLIN)
    if all(descriptor == links.wake_reader for descriptor, _ in poll.poll()):
        raise EOFError
    return seccomp.receive_descriptor(links.at_watcher)


# ----------------------------------------------------------------------------------------------------------- notes


class _Note:
    """One open: of which file, how, and how that file was before."""

    __slots__ = ("path", "relative", "source", "stamp", "way")

    def __init__(self, path: str, way: int, stamp: Stamp | None, *, relative: bool, source: str | None = None) -> None:
        self.path, self.way, self.stamp, self.relative, self.source = path, way, stamp, relative, source


class _Notes:
    """What was seen, once per name and way, and the journal of it."""

    def __init__(self, journal: Path | None, keep: Callable[[str], bool]) -> None:
        self.untouchable: tuple[str, ...] = ()
        # One text each, for a run may open a million files: the absolute name, and the way behind a zero.
        self._seen: set[bytes] = set()
        self._written: set[str] = set()
        self._opened: list[OpenedFile] = []
        self._keep = keep
        self._journal: int | None = None
        if journal is not None:
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
        if way == 0 or (way == _READ and raw.endswith(_LIBRARIES) and _INSTALLED.search(raw)):
            return None
        folder = _start_of(raw, thread, arguments, call.folder)
        key = b"%s%s\0%d" % (os.fsencode(folder), raw, way)
        if key in self._seen:
            return None
        path = folder + os.fsdecode(raw)
        stamp = None
        if (way != _READ or not raw.endswith(_LIBRARIES)) and not path.startswith(self.untouchable):
            try:
                status = os.stat(path)
            except OSError:
                if not creates:
                    return None  # looked for in vain: not noted, and it may be there the next time
                way = _WRITE
            else:
                if not stat.S_ISREG(status.st_mode):
                    return None
                stamp = stamp_of(status)
                if truncates:
                    way &= ~_READ
        self._seen.add(key)
        return _Note(path, way, stamp, relative=bool(folder)) if way else None

    def _look_at_rename(self, notification: seccomp.Notification, raw: bytes, memory: seccomp.Memory) -> _Note | None:
        _, thread, call, arguments = notification
        source = memory.text(thread, arguments[call.source or 0])
        if source is None:
            raise OSError(errno.EFAULT, "the path cannot be read")
        folder = _start_of(raw, thread, arguments, call.folder)
        path = folder + os.fsdecode(raw)
        stamp = None
        with contextlib.suppress(OSError):
            if not path.startswith(self.untouchable):
                stamp = stamp_of(os.stat(path))
        source_folder = _start_of(source, thread, arguments, call.source_folder)
        return _Note(path, _WRITE, stamp, relative=bool(folder), source=source_folder + os.fsdecode(source))

    def take(self, note: _Note) -> None:
        """Keep what was looked at, if it is worth it."""
        self._add(note.path, note.way, note.stamp, relative=note.relative)
        if note.source is not None:
            # A folder that was filled and then renamed: what was written into it is now below the new name.
            above = os.path.normpath(note.source) + "/"
            for path in [path for path in self._written if path.startswith(above)]:
                self._add(f"{note.path}/{path[len(above) :]}", _WRITE, None, relative=note.relative)

    def _add(self, path: str, way: int, stamp: Stamp | None, *, relative: bool) -> None:
        normal = os.path.normpath(path)
        if not self._keep(normal):
            return
        if way & _WRITE:
            if normal in self._written:  # a checkpoint that is replaced again and again
                return
            self._written.add(normal)
        opened = OpenedFile(path=path, read=bool(way & _READ), write=bool(way & _WRITE), relative=relative, stamp=stamp)
        if self._journal is None:
            self._opened.append(opened)
        else:
            line = json.dumps({"t": time.time(), "kind": "open", **event_fields(opened)})
            os.write(self._journal, line.encode() + b"\n")

    def close(self) -> tuple[OpenedFile, ...]:
        """What was noted and is in no journal, in order."""
        if self._journal is not None:
            os.close(self._journal)
            self._journal = None
        return tuple(self._opened)


def _start_of(raw: bytes, thread: int, arguments: Sequence[int], folder: int | None) -> str:
    """What to put before a name of a thread to make it absolute: nothing, or a folder.  Raises OSError."""
    if raw.startswith(b"/"):
        return ""
    return seccomp.folder_of(thread, None if folder is None else arguments[folder]) + "/"


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


# --------------------------------------------------------------------------------------------------------- processes


def _fork() -> int:
    with warnings.catch_warnings():
        # Python 3.12 warns of locks that other threads may hold. The child imports nothing, takes none, and never returns.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _fork_standby(channel: socket.socket, shared: mmap.mmap) -> None:
    """Start the process that holds the listener in reserve; not our child, so that nobody has to wait for its end."""
    pid = _fork()
    if pid != 0:
        os.waitpid(pid, 0)
        return
    try:
        os.setsid()  # what the terminal, or a script's `kill 0`, sends to the process group is not for it
        if _fork() == 0:
            _stand_by(channel, shared)
    finally:
        os._exit(0)


def _stand_by(channel: socket.socket, shared: mmap.mmap) -> None:
    """Wait until the recording process is done or gone, then let everything go on until nobody is left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    # Whoever reads our streams, or waits for a lock that we inherited, must not wait for us.
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(null, descriptor)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) != channel.fileno():
            with contextlib.suppress(OSError):
                os.close(int(name))
    descriptor = seccomp.receive_descriptor(channel)
    if descriptor < 0:
        return
    poll = select.poll()
    poll.register(channel, select.POLLIN)
    poll.register(descriptor, 0)  # told of its end only
    if any(ready == descriptor for ready, _ in poll.poll()):
        return
    listener = seccomp.Listener(descriptor, shared)
    listener.take_over()
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
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        if not poll.poll(_ANSWER_S * 1000):
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
