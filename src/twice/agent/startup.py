"""What does the agent switch on when a Python of a run starts, in which order?

Each part stands alone: one that fails is reported as a warning and the others go on. What is not needed in every process
(seeding, params, the API) is imported when the script first imports the library that it concerns.
"""

from __future__ import annotations

import os
import sys

from . import import_hooks, process_keys, protocol, reporting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Callable


def start() -> None:
    """Start all parts in this process; called once, by sitecustomize."""
    journal = protocol.run_journal()
    if journal is None:
        return
    environ = os.environ
    key = process_keys.begin(journal.live, environ, _command())
    parts: list[Callable[[], None]] = [
        lambda: reporting.report_process(journal, key, _command()),
        lambda: reporting.report_at_exit(journal, environ.get(protocol.ROOT) or os.getcwd()),
        lambda: reporting.show_output_at_once(environ, process_keys.is_entry(key)),
        import_hooks.install,
        process_keys.number_children,
        lambda: _hook_seeding(environ.get(protocol.SEED)),
        lambda: _be_strict(environ.get(protocol.STRICT)),
        lambda: _hook_params(key),
        lambda: _hook_opens(environ.get(protocol.TRACE)),
    ]
    for part in parts:
        try:
            part()
        except Exception as error:
            journal.write("warning", text=f"the agent in process {key}: {type(error).__name__}: {error}")


def _command() -> list[str]:
    """The words that started this process, options of Python included, as far as this Python and system tell."""
    words = getattr(sys, "orig_argv", None)  # Python 3.10
    if words:
        return list(words)
    try:
        with open("/proc/self/cmdline", "rb") as file:
            return [os.fsdecode(word) for word in file.read().split(b"\0")[:-1]]
    except OSError:
        return list(getattr(sys, "argv", ()))


def _hook_seeding(root_seed: str | None) -> None:
    if not root_seed:
        return
    seed = int(root_seed)

    def when_imported(name: str, act: str) -> None:
        def apply(module: ModuleType) -> None:
            from . import seeding

            seeding.begin(seed)
            getattr(seeding, act)(module)

        import_hooks.when_imported(name, apply)

    when_imported("random", "seed_random")
    when_imported("tempfile", "spare_tempfile")
    when_imported("numpy.random.bit_generator", "seed_numpy")
    when_imported("numpy.random._bit_generator", "seed_numpy")  # its name in numpy 1.18
    when_imported("torch", "seed_torch")
    when_imported("tensorflow", "seed_tensorflow")
    when_imported("polars", "seed_polars")


def _be_strict(wanted: str | None) -> None:
    if wanted != "1":
        return
    from . import strict

    strict.begin()


def _hook_params(key: str) -> None:
    if not process_keys.is_program(key):
        return

    def watch(act: str) -> Callable[[ModuleType], None]:
        def apply(module: ModuleType) -> None:
            from . import parameters

            getattr(parameters, act)(module)

        return apply

    import_hooks.when_imported("argparse", watch("watch_argparse"))
    import_hooks.when_imported("click.core", watch("watch_click"))


def _hook_opens(trace: str | None) -> None:
    if trace == "syscalls":
        from . import loading

        loading.pass_by()
    elif trace == "python":
        from . import opening

        opening.watch_opens()
        import_hooks.when_imported("sqlite3", opening.watch_sqlite)
