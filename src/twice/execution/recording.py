"""How is a command run once, so that all that is needed to run it again is kept?

    record_run:   place (code, as a snapshot) → live folder, pending ref → the command → seal

Before the command starts, a problem stops the run with an error and leaves nothing behind; once it has started, nothing
may lose the user's result.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import twice.agent
from twice.agent.protocol import Journal
from twice.capture.before import Before, FileState
from twice.capture.code import capture_code, file_states
from twice.capture.metric_lines import MetricLines
from twice.capture.outcome import Outcome
from twice.capture.request import Request
from twice.capture.tracers import Choice, choose_tracer
from twice.capture.variables import capture_variables
from twice.configuration import Configuration
from twice.errors import TwiceError
from twice.execution.child_environment import child_environment
from twice.execution.clock import Clock
from twice.execution.pending import drop_pending, keep_pending
from twice.execution.process import find_program, run_process
from twice.frozen import frozen
from twice.git.repository import Repository
from twice.git.snapshot import scan_ahead
from twice.record.code import Code
from twice.record.plain import to_plain
from twice.store.live_runs import LiveRun, create_live_run

if TYPE_CHECKING:
    from twice.capture.syscall_tracer import SyscallTracer
    from twice.execution.sealing import Amend
    from twice.record.model import Attachments, Run


@frozen
class Place:
    """Where a command runs: a work tree (the user's own, or a fresh one), and the code that is in it."""

    tree: Repository
    code: Code
    changes: tuple[FileState, ...] = ()
    beside: Path | None = None  # the folder that holds a fresh work tree and the data put next to it
    warnings: tuple[str, ...] = ()


@frozen
class Recorded:
    """A run whose command has ended; `run` and `commit` are None when it could not be sealed: `problem` says why."""

    id: str
    exit_code: int
    run: Run | None = None
    commit: str | None = None
    problem: TwiceError | None = None
    told: tuple[str, ...] = ()  # warnings that the user has had before the start
    attachments: Attachments | None = None  # of a run that was not to be kept


def in_place(repository: Repository, configuration: Configuration) -> Place:
    """The user's own work tree, its code kept as a snapshot."""
    captured = capture_code(repository, configuration)
    return Place(
        tree=repository, code=captured.code, changes=file_states(captured.scan.changes), warnings=captured.warnings
    )


def record_run(
    request: Request,
    repository: Repository,
    place: Place,
    configuration: Configuration,
    clock: Clock,
    environ: Mapping[str, str],
    show_on: int = 1,
    amend: Amend | None = None,
) -> Recorded:
    """Run a command once and keep what is needed to run it again.

    `show_on` is the descriptor that the command's stdout is shown on; `amend` may add to the run before it is sealed. A
    request that is not `kept` gives a run without a commit. Raises TwiceError before the command starts, and
    never after.
    """
    if request.strict:
        from twice.execution.strictness import strict_variables

        environ = strict_variables(environ)
    program = find_program(request.words or request.command, place.tree.root / request.directory, environ)
    choice = choose_tracer(request.trace, program)
    before = _before(repository, place, configuration, choice, clock, environ)
    live = create_live_run(repository.state_dir, request.id)
    with live.held():
        try:
            live.write("request", to_plain(request, "request.json"))
            live.write("before", to_plain(before, "before.json"))
            if place.code.commit is not None:
                keep_pending(repository, request.id, place.code.commit)
            outcome = _execute(request, before, live, clock, environ, show_on)
        except TwiceError:
            drop_pending(repository, request.id)
            live.remove()
            raise
        if place.tree is repository:  # git looks at what has changed while Python loads what is not there yet
            scan_ahead(repository)
        from twice.execution.sealing import seal

        sealed = seal(live, repository, configuration, clock, outcome, amend)
    return Recorded(
        id=request.id,
        exit_code=outcome.exit_code if outcome.exit_code is not None else 1,
        run=sealed.run,
        commit=sealed.commit,
        problem=sealed.problem,
        told=place.warnings,
        attachments=sealed.attachments,
    )


def _before(
    repository: Repository,
    place: Place,
    configuration: Configuration,
    choice: Choice,
    clock: Clock,
    environ: Mapping[str, str],
) -> Before:
    agent = Path(twice.agent.__file__).parent
    return Before(
        code=place.code,
        changes=place.changes,
        root=str(place.tree.root),
        repository=str(repository.root),
        started_at=clock.now(),
        host=platform.node() or "localhost",
        user=environ.get("USER") or environ.get("USERNAME") or environ.get("LOGNAME") or _account(),
        tracer=choice.name,
        blind_spots=choice.blind_spots,
        noise=(str(repository.common_dir), str(place.tree.git_dir), str(agent)),
        data=() if place.beside is None else (str(place.beside),),
        variables=capture_variables(
            environ, configuration.environment_variables, root=repository.root, own_paths=[str(agent / "site")]
        ),
        warnings=place.warnings,
    )


def _account() -> str:
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        return "unknown"


def _execute(
    request: Request, before: Before, live: LiveRun, clock: Clock, environ: Mapping[str, str], show_on: int
) -> Outcome:
    journal = Journal(str(live.folder))
    root = Path(before.root)

    def found_metric(name: str, value: float | int, step: int | None) -> None:
        journal.write("metric", name=name, value=value, step=step, source="stdout")

    def meanwhile(has_ended: Callable[[float], bool]) -> None:
        # Slow imports that only sealing needs: while the command runs they cost the user nothing. After its first moments,
        # in which it opens most of its files: each waits for the tracer, which shares this interpreter.
        has_ended(0.02)
        from twice.execution import sealing

        sealing.prepare()
        pause_s = 0.02
        while not sealing.keep_environment(live, before, environ, wait=True) and not has_ended(pause_s):
            pause_s = min(0.5, pause_s * 1.2)

    tracer = _tracer(before, live) if before.tracer == "syscalls" else None
    fix_addresses = None
    if request.strict:
        from twice.execution.strictness import fixed_addresses

        fix_addresses = fixed_addresses()
        if fix_addresses is None:
            journal.write("warning", text="strict, but for addresses: this system does not let them be fixed")
    try:
        outcome = run_process(
            request.words or request.command,
            root / request.directory,
            child_environment(request, live.folder, root, before.started_at.timestamp(), before.tracer, environ),
            live.folder,
            clock,
            show_on=show_on,
            on_stdout=MetricLines(found_metric).feed,
            meanwhile=meanwhile,
            child_setup=_child_setup(tracer, fix_addresses),
        )
    finally:
        if tracer is not None:
            tracer.stop()
    if tracer is not None and tracer.problem is not None:
        return replace(outcome, tracer_problem=tracer.problem)
    if tracer is not None and tracer.unreadable:
        hidden = f"{tracer.unreadable} opens of files were not seen: the processes hide their memory"
        return replace(outcome, warnings=(*outcome.warnings, hidden))
    return outcome


def _child_setup(tracer: SyscallTracer | None, fix_addresses: Callable[[], None] | None) -> Callable[[], None] | None:
    """What the child does between fork and exec; the tracer's part last, for it watches all that comes after."""
    if tracer is None or fix_addresses is None:
        return fix_addresses if tracer is None else tracer.child_setup

    def set_up() -> None:
        fix_addresses()
        tracer.child_setup()

    return set_up


def _tracer(before: Before, live: LiveRun) -> SyscallTracer:
    """The tracer of system calls, ready for the command; what it sees goes into the live folder."""
    from twice.capture.noise import Noise
    from twice.capture.syscall_tracer import SyscallTracer

    noise = Noise(before.root, own=before.noise, data=before.data, variables=before.variables)
    tracer = SyscallTracer(live.folder / "events" / f"{os.getpid()}-tracer.jsonl", lambda path: not noise.holds(path))
    tracer.start()
    return tracer
