"""What does a process report of itself: which Python it is, at its start; what it loaded, at its end?

Also the one thing the user should see at once rather than at the end: its output.
"""

from __future__ import annotations

import atexit
import os
import stat
import sys

from .protocol import OUTPUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, MutableMapping

    from .protocol import Journal

_FLAGS = (
    "debug", "inspect", "interactive", "optimize", "dont_write_bytecode", "no_user_site", "no_site", "ignore_environment",
    "verbose", "bytes_warning", "quiet", "hash_randomization", "isolated", "dev_mode", "utf8_mode", "warn_default_encoding",
    "safe_path", "int_max_str_digits",
)  # fmt: skip


def report_process(journal: Journal, key: str, command: list[str]) -> None:
    """Write the `process` event."""
    flags = {name: int(getattr(sys.flags, name)) for name in _FLAGS if hasattr(sys.flags, name)}
    journal.write(
        "process",
        pid=os.getpid(),
        ppid=os.getppid(),
        key=key,
        executable=sys.executable,
        prefix=sys.prefix,
        base_prefix=sys.base_prefix,
        version=sys.version.split()[0],
        implementation=sys.implementation.name,
        cache_tag=sys.implementation.cache_tag,
        soabi=_soabi(),
        path=[entry for entry in sys.path if isinstance(entry, str)],
        orig_argv=command,
        flags=flags,
        hash_seed=os.environ.get("PYTHONHASHSEED"),
        cwd=_working_directory(),
    )


def _soabi() -> str | None:
    """The platform tag of extension modules, `cpython-311-x86_64-linux-gnu`; sysconfig would cost 3 ms to say it."""
    import _imp

    suffixes = _imp.extension_suffixes()
    parts = suffixes[0].split(".") if suffixes else []
    return parts[1] if len(parts) == 3 else None


def _working_directory() -> str | None:
    try:
        return os.getcwd()
    except OSError:
        return None


def show_output_at_once(environ: MutableMapping[str, str], is_entry: bool) -> None:
    """Write stdout line by line, as to a terminal, where it goes into the run's own pipe.

    Only there: a child whose output the script itself reads keeps its block buffer, which is faster.
    """
    stream = sys.stdout
    if stream is None or not hasattr(stream, "reconfigure"):
        return
    try:
        state = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return
    if not (stat.S_ISFIFO(state.st_mode) or stat.S_ISSOCK(state.st_mode)):
        return
    pipe = f"{state.st_dev}:{state.st_ino}"
    if is_entry and OUTPUT not in environ:
        environ[OUTPUT] = pipe
    if environ.get(OUTPUT) == pipe and not stream.line_buffering:
        stream.reconfigure(line_buffering=True)


def report_at_exit(journal: Journal, root: str) -> None:
    """Arrange that the end of the process is reported, after all exit functions of the script."""
    started_in = _working_directory() or root

    def report() -> None:
        for write in (_write_modules, _write_threads):
            try:
                write(journal, root, started_in)
            except Exception as error:
                journal.write("warning", text=f"at exit: {type(error).__name__}: {error}")
        journal.write("exit")

    atexit.register(report)


def _write_modules(journal: Journal, root: str, started_in: str) -> None:
    journal.write("modules", files=loaded_files(root, started_in))


def loaded_files(root: str, started_in: str) -> list[str]:
    """The files below the root that hold loaded modules, `__main__` included, sorted; not those of installed packages."""
    roots = tuple({os.path.join(folder, "") for folder in (root, os.path.realpath(root))})
    installed = _installed_below(root)
    found = set()
    for module in list(sys.modules.values()):
        name = _file_of(module)
        if name is None:
            continue
        path = os.path.normpath(os.path.join(started_in, name))
        if path.startswith(roots) and not path.startswith(installed) and not _is_installed(path):
            found.add(path)
    return sorted(found)


def _file_of(module: Any) -> str | None:
    try:
        facts = object.__getattribute__(module, "__dict__")  # not getattr, which would load a lazily loaded module
        name = facts.get("__file__")
        if name is None and facts.get("__name__") == "__main__":
            name = getattr(facts.get("__loader__"), "path", None)  # Python deletes a script's __file__ when it has run
    except Exception:
        return None
    return name if isinstance(name, str) else None


def _installed_below(root: str) -> tuple[str, ...]:
    """The interpreter's own folders, where they are not the root itself or above it."""
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix}
    inside = os.path.join(root, "")
    return tuple(os.path.join(prefix, "") for prefix in prefixes if prefix != root and prefix.startswith(inside))


def _is_installed(path: str) -> bool:
    parts = path.replace("\\", "/")
    return "/site-packages/" in parts or "/dist-packages/" in parts


def _write_threads(journal: Journal, root: str, started_in: str) -> None:
    """Write thread counts, asked only of libraries that the script itself has imported."""
    threads: dict[str, Any] = {}
    blas: list[str] = []
    cuda = None
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_num_threads"):
        threads["torch"] = int(torch.get_num_threads())
        cuda = getattr(getattr(torch, "version", None), "cuda", None)
    threadpoolctl = sys.modules.get("threadpoolctl")
    if threadpoolctl is not None and hasattr(threadpoolctl, "threadpool_info"):
        for pool in threadpoolctl.threadpool_info():
            name = str(pool.get("internal_api"))
            threads["openmp" if pool.get("user_api") == "openmp" else name] = int(pool.get("num_threads") or 0)
            if pool.get("user_api") == "blas":
                words = (name, pool.get("version"), pool.get("architecture"))
                blas.append(" ".join(str(word) for word in words if word))
    if threads or blas:
        journal.write("threads", threads=threads, blas=sorted(set(blas)), cuda=cuda)
