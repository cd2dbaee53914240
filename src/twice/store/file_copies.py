"""How is a file copied so that neither copy can be written through the other, and what was copied is known?

In: a path. Out: a new file, whole or not at all, and the sha256 of what is in it. Blocks are shared where the file system
can do that (ioctl_ficlone(2): Btrfs, XFS, bcachefs, …), since they part again when one side is written to. A hard link
would be one file with two names: it is never made of a file that anybody may write to.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

_BLOCK_BYTES = 1 << 20
_FICLONE = 0x40049409
# O_NONBLOCK: a file replaced by a pipe after it was looked at must not hang us.
_READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def copy_hashing(source: Path, target: Path, mode: int, on_bytes: Callable[[int], None] = lambda _: None) -> str:
    """Copy a regular file's content to a path that must not exist yet; the sha256 of what the copy holds.

    After an error the copy is not there. Raises OSError, with the name of the source when that is what cannot be read.
    """
    descriptor = os.open(source, _READ)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(source))
    with os.fdopen(descriptor, "rb", buffering=0) as reader:
        made = os.open(target, _CREATE, 0o600)
        try:
            with os.fdopen(made, "r+b", buffering=0) as writer:
                is_shared = _share_blocks(descriptor, made)
                digest = hashlib.sha256()
                buffer = memoryview(bytearray(min(_BLOCK_BYTES, max(1, status.st_size))))
                # Shared blocks are read from the copy: nobody writes to that one.
                while count := (writer if is_shared else reader).readinto(buffer):
                    digest.update(buffer[:count])
                    if not is_shared:
                        _write_all(made, buffer[:count])
                    on_bytes(count)
                if hasattr(os, "fchmod"):
                    os.fchmod(made, mode)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
    if not hasattr(os, "fchmod"):  # pragma: no cover - Windows
        target.chmod(mode)
    return digest.hexdigest()


def temporary_beside(target: Path) -> Path:
    """A name for what will be renamed to `target`, in the same folder."""
    return target.with_name(f".{target.name[:200]}.{os.urandom(4).hex()}.tmp")


def _write_all(descriptor: int, data: memoryview) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _share_blocks(source: int, target: int) -> bool:
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:  # another file system, or one that cannot
        return False
    return True
