"""How does a process hold something alone for as long as it lives?  The lock of an open file, in; whether it was got, out.

The kernel lets go of it when the file is closed or the process dies, whatever killed it: `flock(2)`, or on Windows
`msvcrt.locking` of the first byte.
"""

from __future__ import annotations

import os

if os.name == "posix":
    import fcntl


def try_lock(descriptor: int) -> bool:
    """Take the lock of an open file, for as long as it is open; False when another process has it."""
    if os.name != "posix":  # pragma: no cover - Windows
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
