"""Which process of the run is this, and what are its children called?

Each process has a key of its own, so that no two draw the same random numbers: one seed for all would silently halve the
sample of a simulation on two workers. The key says how the process came about, so it is the same when the run is repeated:

    main                     the entry process
    main/popen-2             the second child that it started by subprocess
    main/process-1           its first multiprocessing child (spawn, forkserver, loky; fork too)
    main/process-1/fork-3    the third os.fork in that one
    main/fork-1/child        a program that a forked child runs without either (os.exec…, os.system)
    main~2                   another process that came with the key `main`: a second Python in a shell script, a child
                             of os.system. The live folder's `keys/` holds the keys that are taken.
"""

from __future__ import annotations

import os
from _thread import get_ident
from itertools import count

from . import import_hooks
from .protocol import LIVE, PROCESS, make_folder, run_journal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Iterator, MutableMapping

_SITE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "site")

_key = "main"
_inherited = "main"  # what an unnumbered child gets in its environment; it then claims a key for itself
_counters: dict[str, Iterator[int]] = {}  # kind of child → the number of the next one
_starting: dict[int, str] = {}  # thread → key of the child that it is about to start
_forking: dict[int, str] = {}  # thread → key of the child that it is about to fork


def current() -> str:
    """The key of this process."""
    return _key


def is_entry(key: str) -> bool:
    """Whether this process was started by the run's command itself, or by a shell in it, and by no Python of the run."""
    return "/" not in key


def is_program(key: str) -> bool:
    """Whether this process runs a program of its own: started as a command, not forked, and no worker of a pool."""
    return all(part.startswith("popen-") for part in key.split("/")[1:])


def begin(live: str, environ: MutableMapping[str, str], command: list[str]) -> str:
    """Find out the key of this process, which has just started."""
    global _key, _inherited
    base = environ.get(PROCESS) or "main"
    words = " ".join(command)
    # Servants of multiprocessing and loky, started beside the worker and with the same variables: they draw nothing, but
    # could take the worker's key from it when both start at once.
    if "resource_tracker" in words or "semaphore_tracker" in words:
        _key = base + "/tracker"
    elif "forkserver" in words and "--multiprocessing-fork" not in words:
        _key = base + "/forkserver"
    else:
        _key = _claim(live, base)
    _inherited = _key if "/" in _key else base
    # Set now, while there is one thread: later changes replace the value in place, and never move the C library's table
    # of variables under a thread that reads it.
    environ[PROCESS] = _inherited
    return _key


def _claim(live: str, base: str) -> str:
    """The key, or the first of `base~2`, `base~3`, … that no process of the run has yet."""
    folder = os.path.join(live, "keys")
    for number in range(1, 100_000):
        key = base if number == 1 else f"{base}~{number}"
        name = "".join(letter if letter.isalnum() or letter in "-~" else "," for letter in key)[-200:]
        try:
            _take(folder, name)
        except FileExistsError:
            continue
        except OSError:
            return base  # the live folder is gone or full
        return key
    return base


def _take(folder: str, name: str) -> None:
    path = os.path.join(folder, name)
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
    try:
        descriptor = os.open(path, flags, 0o666)
    except FileNotFoundError:
        make_folder(folder)
        descriptor = os.open(path, flags, 0o666)
    os.close(descriptor)


def number_children() -> None:
    """From now on give each child of this process a key."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before_fork, after_in_child=_after_fork)
    import_hooks.when_imported("subprocess", _number_popen)
    import_hooks.when_imported("multiprocessing.process", _number_processes)
    import_hooks.when_imported("multiprocess.process", _number_processes)  # the same with dill


def _next(kind: str) -> str:
    return f"{_key}/{kind}-{next(_counters.setdefault(kind, count(1)))}"


def _before_fork() -> None:
    thread = get_ident()
    _forking[thread] = _starting.get(thread) or _next("fork")


def _after_fork() -> None:
    global _key, _inherited
    _key = _forking.get(get_ident(), _key)
    _inherited = _key + "/child"
    _counters.clear()
    _starting.clear()
    _forking.clear()
    if LIVE in os.environ:
        os.environ[PROCESS] = _inherited


def _number_popen(module: ModuleType) -> None:
    original: Any = module.Popen._execute_child
    position = original.__code__.co_varnames.index("env") - 1

    def _execute_child(self: Any, *words: Any) -> Any:
        try:
            key = _next("popen")
            _report_unreached(words[0], words[position], key)
            env = environment_of_child(words[position], key)
        except Exception:
            return original(self, *words)
        if env is not None:
            return original(self, *words[:position], env, *words[position + 1 :])
        if LIVE not in os.environ:
            return original(self, *words)
        # In the environment itself: a copy of os.environ would lack what libraries have set behind Python's back.
        os.environ[PROCESS] = key
        try:
            return original(self, *words)
        finally:
            os.environ[PROCESS] = _inherited

    module.Popen._execute_child = import_hooks.look_like(_execute_child, original)


def _report_unreached(command: Any, env: Any, key: str) -> None:
    """Write an `unreached` event for a child that is a Python and will not take what the run hands over."""
    words = [os.fsdecode(word) for word in ([command] if isinstance(command, (str, bytes)) else command)]
    program = os.path.basename(words[0])
    if not program.startswith("python"):
        return
    options = ignoring_options(words[1:])
    if options:
        reason = f"{program} -{options} does not take the run's variables"
    elif env is not None and LIVE not in env and os.fsencode(LIVE) not in env:
        reason = f"{program} was started with variables of its own, without the run's"
    else:
        return
    journal = run_journal()
    if journal is not None:
        journal.write("unreached", key=key, reason=reason)


def ignoring_options(words: list[str]) -> str:
    """Those of -E, -I and -S that a Python is given in the words behind its name, as in `-IS script.py`: "IS"."""
    found = ""
    rest = iter(words)
    for word in rest:
        if not word.startswith("-") or word in ("-", "--") or word.startswith("--"):
            break
        for position, letter in enumerate(word[1:], 2):
            if letter in "EIS" and letter not in found:
                found += letter
            elif letter in "cm":  # the program follows
                return found
            elif letter in "WX":  # a value follows, in this word or in the next
                if position == len(word):
                    next(rest, None)
                break
    return found


def environment_of_child(env: Any, key: str) -> Any:
    """The variables for a child that was to get `env`, with its key and with our folder on PYTHONPATH.

    None when the child is to inherit those of this process, and these need no more than the key. A script that hands over
    variables without those of the run wants a child that is no part of it: it gets what was asked for.
    """
    given: Any = os.environ if env is None else env
    words: Any = (PROCESS, key, "PYTHONPATH", _SITE, os.pathsep)
    if LIVE not in given:
        words = [os.fsencode(word) for word in words]  # POSIX takes variables as bytes, too
        if os.fsencode(LIVE) not in given:
            return env
    process, key, pythonpath, site, separator = words
    entries = given[pythonpath].split(separator) if pythonpath in given else []
    if env is None and site in entries:
        return None
    changed = dict(given)
    changed[process] = key
    if site not in entries:  # replaced by the script: a child without us would be neither seeded nor recorded
        changed[pythonpath] = separator.join([site, *entries])
    return changed


def _number_processes(module: ModuleType) -> None:
    original: Any = module.BaseProcess.start

    def start(self: Any) -> Any:
        thread = get_ident()
        _starting[thread] = key = f"{_key}/process-{self._identity[-1]}"
        if LIVE in os.environ:
            os.environ[PROCESS] = key
        try:
            return original(self)
        finally:
            _starting.pop(thread, None)
            if LIVE in os.environ:
                os.environ[PROCESS] = _inherited

    module.BaseProcess.start = import_hooks.look_like(start, original)
