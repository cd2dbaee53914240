"""How does Linux tell one process about the files that others open?  seccomp user notification, through ctypes alone.

A process installs a filter on itself (`Filter.install`, between fork and exec), which all its children inherit and which
gives one descriptor, the listener. Each system call of the table below then waits in the kernel until whoever holds the
listener has received the notification and told it to go on; all other calls pass at no cost. No root, no compiler.

Specification: seccomp(2), seccomp_unotify(2), Linux include/uapi/linux/{seccomp,filter,audit}.h. The memory of the waiting
thread is read as process_vm_readv(2) does it: a descriptor of /proc/PID/mem would go on showing the memory from before an
exec, and for a vforked child its parent's. The kernel allows that for descendants, or for all processes of the user,
depending on yama's ptrace_scope.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import struct
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mmap import mmap

NOTIFICATION_SIZE = 80  # of a struct seccomp_notif, in bytes

# Which argument of a call is what.  `folder` is the index of the descriptor that `path` is relative to, `flags` that of
# the flags: of open(2), or of rename(2) for the second kind.


class Call(NamedTuple):
    """A system call that opens or names files, and where in its arguments is what; None: it has no such argument."""

    name: str
    path: int
    folder: int | None = None
    flags: int | None = None
    source: int | None = None  # the path that is renamed or linked
    source_folder: int | None = None


_OPEN = Call("open", path=0, flags=1)
_CREAT = Call("creat", path=0)
_OPENAT = Call("openat", folder=0, path=1, flags=2)
_OPENAT2 = Call("openat2", folder=0, path=1, flags=2)  # flags: the address of a struct open_how
_TRUNCATE = Call("truncate", path=0)
_RENAME = Call("rename", source=0, path=1)
_RENAMEAT = Call("renameat", source_folder=0, source=1, folder=2, path=3)
_RENAMEAT2 = Call("renameat2", source_folder=0, source=1, folder=2, path=3, flags=4)
_LINK = Call("link", source=0, path=1)
_LINKAT = Call("linkat", source_folder=0, source=1, folder=2, path=3)

# Architecture as uname(2) has it → its AUDIT_ARCH number, the number of seccomp(2), and of the calls above.
_ARCHITECTURES = {
    "x86_64": (
        0xC000003E,
        317,
        {2: _OPEN, 76: _TRUNCATE, 82: _RENAME, 85: _CREAT, 86: _LINK, 257: _OPENAT, 264: _RENAMEAT, 265: _LINKAT,
         316: _RENAMEAT2, 437: _OPENAT2},
    ),
    "aarch64": (
        0xC00000B7,
        277,
        {37: _LINKAT, 38: _RENAMEAT, 45: _TRUNCATE, 56: _OPENAT, 276: _RENAMEAT2, 437: _OPENAT2},
    ),
}  # fmt: skip

_PR_SET_NO_NEW_PRIVS = 38
_SET_MODE_FILTER = 1
_NEW_LISTENER = 1 << 3
# Without it, kernels before 5.16 switch a processor's mitigations on for the whole process, which costs it speed.
_SPEC_ALLOW = 1 << 2
# Linux 5.19: a thread whose notification was received is not woken by signals that do not kill it.
_WAIT_KILLABLE = 1 << 5
_FLAGS = (_NEW_LISTENER | _SPEC_ALLOW | _WAIT_KILLABLE, _NEW_LISTENER | _SPEC_ALLOW, _NEW_LISTENER)

_RET_ALLOW, _RET_USER_NOTIF = 0x7FFF0000, 0x7FC00000
_RECEIVE, _SEND, _SET_FLAGS = 0xC0502100, 0xC0182101, 0x40082104
_SYNC_WAKE_UP = 1  # Linux 6.6: hand the processor over instead of waking another one
_CONTINUE = 1
_AT_FDCWD = 0xFFFFFF9C
_PATH_MAX, _PAGE = 4096, 4096

# PyDLL keeps the interpreter lock: these calls take a microsecond, and getting the lock back from a busy thread up to
# sys.getswitchinterval(), 5000 times that.
_libc = ctypes.PyDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def architecture_problem() -> str | None:
    """Why this system cannot be asked at all; None if it can."""
    if sys.platform != "linux":
        return f"{platform.system()} has no seccomp"
    if platform.machine() not in _ARCHITECTURES or sys.maxsize < 2**32:
        return f"the system calls of {platform.machine()} are not known"
    release = platform.release().split(".")
    try:
        version = int(release[0]), int(release[1].partition("-")[0])
    except (IndexError, ValueError):
        return f"no version can be read from the kernel's release {platform.release()}"
    # 5.5 lets a call go on; 5.8 tells a listener that the last process of its filter is gone.
    return None if version >= (5, 8) else f"Linux {platform.release()} is older than 5.8"


class Filter:
    """The filter, ready to be installed; everything that a child needs after fork(2) is prepared here."""

    def __init__(self) -> None:
        audit, self._seccomp, calls = _ARCHITECTURES[platform.machine()]
        program = _program(audit, calls)
        self._instructions = ctypes.create_string_buffer(b"".join(program), 8 * len(program))
        # struct sock_fprog: unsigned short len; struct sock_filter *filter
        self._program = struct.pack("@HP", len(program), ctypes.addressof(self._instructions))
        self._libc = _libc

    def install(self) -> int:
        """Install the filter on this thread and what it starts; the listener's descriptor, or minus an errno."""
        problem = 0
        for new_privileges in (True, False):
            if not new_privileges:
                self._libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            for flags in _FLAGS:
                found = self._libc.syscall(self._seccomp, _SET_MODE_FILTER, flags, self._program)
                if found >= 0:
                    return int(found)
                problem = ctypes.get_errno()
                if problem != errno.EINVAL:
                    break
            # EACCES: only root may do it and keep the right to start setuid programs, such as sudo.
            if problem != errno.EACCES:
                break
        return -problem


def _program(audit: int, calls: dict[int, Call]) -> list[bytes]:
    """The filter in classic BPF: notify the calls of the table, except opens of folders and of mere names."""
    load, jump_equal, jump_set, ret = 0x20, 0x15, 0x45, 0x06

    def instruction(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("=HBBI", code, yes, no, value)

    # offsets in struct seccomp_data: nr 0, arch 4, args 16
    program = [
        instruction(load, 4),
        instruction(jump_equal, audit, yes=1),
        instruction(ret, _RET_ALLOW),  # a 32-bit program on a 64-bit kernel
        instruction(load, 0),
    ]
    # O_TMPFILE holds O_DIRECTORY: a file without a name is seen when linkat(2) names it.
    # O_ASYNC: the agent loads an installed module, see `agent/loading.py`.
    not_files = os.O_DIRECTORY | os.O_PATH | os.O_ASYNC
    for number, call in calls.items():
        if call in (_OPEN, _OPENAT) and call.flags is not None:
            program += [
                instruction(jump_equal, number, no=4),
                instruction(load, 16 + 8 * call.flags),
                instruction(jump_set, not_files, no=1),
                instruction(ret, _RET_ALLOW),
                instruction(ret, _RET_USER_NOTIF),
            ]
        else:
            program += [instruction(jump_equal, number, no=1), instruction(ret, _RET_USER_NOTIF)]
    program.append(instruction(ret, _RET_ALLOW))
    return program


class Notification(NamedTuple):
    """A thread that waits in a system call."""

    id: int
    thread: int
    call: Call
    arguments: tuple[int, ...]


class Listener:
    """The receiving end; for one thread at a time.

    A notification that was received is reported to nobody else, and its thread waits until somebody answers. So that
    another process can when this one is killed, the kernel writes it into memory that both share: NOTIFICATION_SIZE bytes.
    """

    def __init__(self, descriptor: int, shared: mmap | None = None) -> None:
        self._descriptor = descriptor
        self._calls = _ARCHITECTURES[platform.machine()][2]
        self._ioctl = _libc.ioctl
        self._ioctl.argtypes = (ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p)
        # struct seccomp_notif: id, pid, flags, {nr, arch, instruction pointer, six arguments}
        self._notification = bytearray(NOTIFICATION_SIZE) if shared is None else shared
        self._empty = bytes(NOTIFICATION_SIZE)
        self._parse = struct.Struct("=QIIiIQ6Q").unpack_from
        # struct seccomp_notif_resp: id, val, error, flags
        self._response = bytearray(24)
        self._write_response = struct.Struct("=QqiI").pack_into
        self._notification_at = _address(self._notification)
        self._response_at = _address(self._response)
        self._ioctl(descriptor, _SET_FLAGS, _SYNC_WAKE_UP)

    def receive(self) -> Notification | None:
        """The next notification; None if there is none any more (its thread was killed)."""
        self._notification[:] = self._empty  # the kernel insists
        if self._ioctl(self._descriptor, _RECEIVE, self._notification_at) < 0:
            return None
        identity, thread, _, number, _, _, *arguments = self._parse(self._notification)
        return Notification(identity, thread, self._calls[number], tuple(arguments))

    def let_go_on(self, notification: Notification) -> bool:
        """Let the thread go on with its call; False if it was killed, or interrupted, meanwhile."""
        return self._let_go_on(notification.id)

    def take_over(self) -> None:
        """Let the thread go on that a process had received, and not answered, when it was killed."""
        self._let_go_on(self._parse(self._notification)[0])

    def _let_go_on(self, identity: int) -> bool:
        self._write_response(self._response, 0, identity, 0, 0, _CONTINUE)
        return bool(self._ioctl(self._descriptor, _SEND, self._response_at) == 0)


class Memory:
    """Reads the memory of other processes, as far as the kernel allows it."""

    def __init__(self) -> None:
        self._buffer = bytearray(_PATH_MAX)
        self._local = bytearray(struct.pack("@PN", _address(self._buffer), _PATH_MAX))
        self._remote = bytearray(32)
        self._local_at, self._remote_at = _address(self._local), _address(self._remote)
        self._write_remote = struct.Struct("@PNPN").pack_into
        self._read = _libc.process_vm_readv
        self._read.restype = ctypes.c_ssize_t
        self._read.argtypes = (
            ctypes.c_int, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong,
        )  # fmt: skip

    def text(self, thread: int, address: int) -> bytes | None:
        """The bytes up to the first zero at an address; None if they cannot be read, or are too many for a path."""
        found = self.block(thread, address, _PATH_MAX)
        if found is None or (end := found.find(0)) < 0:
            return None
        return bytes(found[:end])

    def block(self, thread: int, address: int, size: int) -> bytearray | None:
        """Up to `size` bytes at an address, fewer where the mapping ends; None if they cannot be read."""
        # In two pieces, cut where the page ends: the next page need not be there.
        first = min(size, _PAGE - address % _PAGE)
        try:
            self._write_remote(self._remote, 0, address, first, address + first, size - first)
        except struct.error:  # an address beyond the last one
            return None
        count = self._read(thread, self._local_at, 1, self._remote_at, 2, 0)
        if count <= 0:
            return self._block_of_file(thread, address, size)
        return self._buffer[:count]

    def _block_of_file(self, thread: int, address: int, size: int) -> bytearray | None:
        # Some containers forbid the call and not the file, which must be opened each time, see above.
        try:
            with open(f"/proc/{thread}/mem", "rb", buffering=0) as file:  # noqa: PTH123
                return bytearray(os.pread(file.fileno(), size, address))
        except (OSError, OverflowError):
            return None


def folder_of(thread: int, descriptor: int | None) -> str:
    """The folder that a thread's relative paths start from.  Raises OSError."""
    if descriptor is None or descriptor & 0xFFFFFFFF == _AT_FDCWD:
        return os.readlink(f"/proc/{thread}/cwd")  # noqa: PTH115 - it is a text that is joined
    return os.readlink(f"/proc/{thread}/fd/{descriptor & 0xFFFFFFFF}")  # noqa: PTH115


def send_descriptor(channel: socket.socket, descriptor: int) -> None:
    """Hand a descriptor, or a negative errno, through a Unix socket."""
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("@i", descriptor))] if descriptor >= 0 else []
    channel.sendmsg([struct.pack("@i", descriptor)], ancillary)


def receive_descriptor(channel: socket.socket) -> int:
    """What `send_descriptor` sent: a descriptor, or a negative errno.  Raises EOFError if nobody will send one."""
    message, ancillary, _, _ = channel.recvmsg(4, socket.CMSG_SPACE(4))
    if len(message) < 4:
        raise EOFError
    for _, kind, data in ancillary:
        if kind == socket.SCM_RIGHTS:
            return int(struct.unpack("@i", data[:4])[0])
    return int(struct.unpack("@i", message)[0])


def _address(buffer: bytearray | mmap) -> int:
    """Where the bytes of a buffer lie; it must not be resized."""
    return ctypes.addressof((ctypes.c_char * len(buffer)).from_buffer(buffer))
