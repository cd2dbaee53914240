"""How does a process of a run talk to `twice`?  Variables in, lines of JSON out.

The recording process sets the variables below. Each process of the run appends events to a file of its own in the live
folder, `events/<pid>-<8 hex digits>.jsonl`, one JSON object a line, written by one write(2): a process that is killed loses
nothing. Every event has `t` (epoch seconds), `kind`, and when read `pid`:

    process   ppid, key, executable, prefix, base_prefix, version, implementation, cache_tag, soabi, path, orig_argv,
              flags, hash_seed, cwd       a Python process started; the first one is the entry process
    seeded    what, key                   one source of randomness was seeded in the process with this key
    unreached  key, reason                a Python was started that will report nothing, and why
    params    source, values, key         what "argparse" or "click" parsed, defaults included
    param     name, value                 from the API, as are metric, tag and artifact
    metric    name, value, step           step: a whole number or null
    tag       name, value
    artifact  path                        absolute
    open      path, read, write, relative  a file was opened (tracer "python" only); once per process, path and way;
                                          relative: the script named it by a relative path
    modules   files                       at exit: the files below the root that hold loaded modules
    threads   threads, blas, cuda         at exit: thread counts by library; numeric libraries as text
    warning   text
    exit                                  the interpreter ended in the ordinary way

A child made by fork(2) reports no `process` of its own, and Python runs no exit functions in it when it ends by os._exit,
as multiprocessing's forked workers do: no modules, threads or exit from those.
"""

from __future__ import annotations

import os
import time

try:
    from _json import encode_basestring_ascii as _quote  # importing json would cost 2 ms in each process
except ImportError:
    from json.encoder import py_encode_basestring_ascii as _quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Optional, Tuple

    Event = Dict[str, Any]

LIVE = "TWICE_LIVE"  # the live folder, absolute; its presence means: a run is going on
RUN = "TWICE_RUN"  # the run's id
ROOT = "TWICE_ROOT"  # the work tree's root, absolute
SEED = "TWICE_SEED"  # the root seed, decimal; absent: nothing is seeded
PROCESS = "TWICE_PROCESS"  # the key of the process; absent: "main"
TRACE = "TWICE_TRACE"  # who watches what is opened: "syscalls", "python" (the agent), or nobody: "off"
STARTED = "TWICE_STARTED"  # epoch seconds of the run's start
OUTPUT = "TWICE_OUTPUT"  # set by the entry process for its children: which pipe is the run's output
SITE = "TWICE_SITE"  # the agent's way in, `agent/site`: for the path file of a virtual environment that twice made
STRICT = "TWICE_STRICT"  # "1": make deterministic whatever can be
VARIABLES = (LIVE, RUN, ROOT, SEED, PROCESS, TRACE, STARTED, OUTPUT, SITE, STRICT)

KINDS = (
    "process", "seeded", "unreached", "params", "param", "metric", "tag", "artifact", "open", "modules", "threads",
    "warning", "exit",
)  # fmt: skip

# Taken once: whatever a script or a test later puts in their place does not concern the journal.
_open, _write, _close, _fstat, _getpid, _now = os.open, os.write, os.close, os.fstat, os.getpid, time.time
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class Journal:
    """Appends the events of this process to its file.  For any thread, across fork, and silent about any failure."""

    def __init__(self, live: str) -> None:
        self.live = live
        self._file: Optional[Tuple[int, int, Tuple[int, int]]] = None  # pid, descriptor, (device, inode)
        self._torn = False

    def write(self, kind: str, **fields: Any) -> None:
        """Append one event, with the time of now."""
        try:
            line = f'{{"t":{_now():.6f},"kind":{_quote(kind)}'
            for name, value in fields.items():
                line += f",{_quote(name)}:{to_json(value)}"
            self._append((line + "}\n").encode("ascii"))
        except Exception:
            pass  # a full disk, a folder that is gone: the script matters more than what is told of it

    def close(self) -> None:
        """Close the file; a later write opens another."""
        file, self._file = self._file, None
        if file is not None and _is_same(file[1], file[2]):
            _close(file[1])

    def _append(self, line: bytes) -> None:
        file = self._file
        # A script may close every descriptor (daemons do) and then get ours for a file of its own: look before writing.
        if file is None or file[0] != _getpid() or not _is_same(file[1], file[2]):
            # No lock, which a fork could leave locked for ever: two threads may each open a file, and both are read.
            # Nor is the old one closed, which another thread may be about to write to.
            file = self._file = self._open()
        if self._torn:
            line = b"\n" + line
        self._torn = _write(file[1], line) < len(line)

    def _open(self) -> Tuple[int, int, Tuple[int, int]]:
        pid = _getpid()
        folder = os.path.join(self.live, "events")
        path = os.path.join(folder, f"{pid}-{os.urandom(4).hex()}.jsonl")
        try:
            descriptor = _open(path, _FLAGS, 0o666)
        except FileNotFoundError:
            make_folder(folder)
            descriptor = _open(path, _FLAGS, 0o666)
        self._torn = False
        state = _fstat(descriptor)
        return pid, descriptor, (state.st_dev, state.st_ino)


def make_folder(folder: str) -> None:
    """Make a folder of the live folder, unless another process just did.

    Raises FileNotFoundError when the live folder itself is gone: that run is over, and nothing is to be made again.
    """
    try:
        os.mkdir(folder)
    except FileExistsError:
        pass


def _is_same(descriptor: int, identity: Tuple[int, int]) -> bool:
    try:
        state = _fstat(descriptor)
    except OSError:
        return False
    return (state.st_dev, state.st_ino) == identity


def to_json(value: Any) -> str:
    """The value as json.dumps would write it; only for None, bool, int, float, str, lists, tuples and dicts."""
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, str):
        return str(_quote(value))
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        if value != value:
            return "NaN"
        return float.__repr__(value) if abs(value) != float("inf") else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join([to_json(item) for item in value]) + "]"
    if isinstance(value, dict):
        return "{" + ",".join([f"{_quote(str(name))}:{to_json(item)}" for name, item in value.items()]) + "}"
    raise TypeError(f"not plain: {type(value).__name__}")


def read_events(live: Any) -> Iterator[Event]:
    """The events of all processes of the run, merged by time; those of one process stay in the order they were written.

    Lines that were cut off, or that are no events, are left out. A folder that is not there has no events.
    """
    import heapq

    folder = os.path.join(live, "events")
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".jsonl"))
    except FileNotFoundError:
        return iter(())
    # Whole files in memory rather than open files to merge: a run may have more processes than a process may open files.
    streams: List[Iterator[Event]] = [_events_in(os.path.join(folder, name)) for name in names]
    return heapq.merge(*streams, key=lambda event: event["t"])


def first_process(live: Any) -> Optional[Event]:
    """The `process` event of the entry process; None while no Python process has reported in.

    A process reports itself first of all: only the first line of each file is read, however much follows.
    """
    import json

    folder = os.path.join(live, "events")
    found: List[Event] = []
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return None
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            line = file.readline()
        if b'"kind":"process"' in line and line.endswith(b"\n"):
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
    return min(found, key=lambda event: event["t"]) if found else None


def _events_in(path: str) -> Iterator[Event]:
    import json

    with open(path, "rb") as file:
        content = file.read()
    pid = os.path.basename(path).partition("-")[0]
    for line in content.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and isinstance(event.get("t"), float) and isinstance(event.get("kind"), str):
            event.setdefault("pid", int(pid) if pid.isdigit() else 0)
            yield event


_journal: Optional[Journal] = None
_run_id: Optional[str] = None


def run_journal() -> Optional[Journal]:
    """The journal of this process; None outside a run.  Remembered, for a script may empty its environment."""
    global _journal, _run_id
    if _journal is None:
        live = os.environ.get(LIVE)
        if live:
            _journal, _run_id = Journal(live), os.environ.get(RUN)
    return _journal


def run_id() -> Optional[str]:
    """The id of the run that this process belongs to; None outside a run."""
    return _run_id if run_journal() is not None else None
