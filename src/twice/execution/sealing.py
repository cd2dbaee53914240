"""How does a run's live folder become its commit?  The same way after a normal end and after `kill -9`.

Objects first, the run's ref last, then the pending ref and the live folder go. Whatever goes wrong on the way is told and
leaves the folder as it is: `twice recover` tries again, and nothing that was captured is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from twice.agent.protocol import first_process, read_events
from twice.capture.after import Evidence, capture_after, entry_process, threads_event
from twice.capture.before import Before, FileState
from twice.capture.code import describe_tree, file_states
from twice.capture.hash_cache import HashCache
from twice.capture.machine import capture_machine, with_report
from twice.capture.other_trackers import recognise_trackers
from twice.capture.outcome import Outcome, cut_off
from twice.capture.request import Request
from twice.configuration import Configuration
from twice.errors import RepositoryError, TwiceError
from twice.execution.clock import Clock
from twice.execution.keeping import kept_data
from twice.execution.output import read_log
from twice.execution.pending import drop_pending
from twice.execution.worktrees import unbound
from twice.frozen import frozen
from twice.git.checkout import checked_out
from twice.git.repository import Repository
from twice.git.snapshot import scan
from twice.record import validation
from twice.record.model import Attachments, Environment, Machine, Packages, Run
from twice.record.plain import from_plain, to_plain
from twice.store.live_runs import LiveRun
from twice.store.run_index import RunIndex
from twice.store.run_store import PREFIX, RunStore


@frozen
class Sealed:
    """A sealed run and its commit; both None when it could not be sealed, and `problem` says why."""

    id: str
    run: Run | None = None
    commit: str | None = None
    problem: TwiceError | None = None
    attachments: Attachments | None = None  # of a run that was not to be kept


Amend = Callable[[Run, Attachments], Run]
"""Adds to a run what is found out after its command has ended."""


def prepare() -> None:
    """Load what sealing needs and importing this module does not load: the schemas and their validator."""
    validation.prepare()


def seal(
    live: LiveRun,
    repository: Repository,
    configuration: Configuration,
    clock: Clock,
    outcome: Outcome | None = None,
    amend: Amend | None = None,
) -> Sealed:
    """Make a live folder its run's commit.  Never raises; without an outcome the run was cut off.

    `amend` is given the run before it is sealed, and what it gives is sealed. The caller holds the folder's lock.
    """
    try:
        return _seal(live, repository, configuration, clock, outcome, amend)
    except TwiceError as error:
        return Sealed(id=live.id, problem=error)
    except Exception as error:
        problem = RepositoryError(
            f"run {live.id} could not be sealed: {type(error).__name__}: {error}",
            hint="nothing is lost: `twice recover` tries again (TWICE_DEBUG=1 shows where it failed)",
        )
        problem.__cause__ = error
        return Sealed(id=live.id, problem=problem)


def _seal(
    live: LiveRun,
    repository: Repository,
    configuration: Configuration,
    clock: Clock,
    outcome: Outcome | None,
    amend: Amend | None,
) -> Sealed:
    plain_request, plain_before = live.read("request"), live.read("before")
    if plain_request is None or plain_before is None:
        raise RepositoryError(f"run {live.id} was cut off before its command started: there is nothing to keep")
    request = from_plain(Request, plain_request, "request.json")
    before = from_plain(Before, plain_before, "before.json")
    ref = f"{PREFIX}{request.experiment}/{request.id}"
    sealed = repository.refs.read(ref)
    if sealed is not None:  # killed between the ref and the rest
        _clear(live, repository)
        return Sealed(id=live.id, run=RunStore(repository).read(sealed), commit=sealed)
    if outcome is None:
        known = live.read("outcome")
        outcome = from_plain(Outcome, known, "outcome.json") if known else _cut_off(live, before)
    live.write("outcome", to_plain(outcome, "outcome.json"))
    keep_environment(live, before, repository.environ, wait=False)
    evidence = _gather(live, before, repository)
    with HashCache.open(repository.state_dir / "hashes.sqlite3") as hashes:
        run, attachments = capture_after(request, before, outcome, evidence, configuration, hashes)
    if not request.kept:
        _clear(live, repository)
        return Sealed(id=live.id, run=run, attachments=attachments)
    run = _with_trackers(run, attachments, before, repository)
    if amend is not None:
        run = amend(run, attachments)
    with kept_data(run, attachments, request, before, configuration, repository) as (run, attachments):
        commit = RunStore(repository).add(run, attachments, clock.now())
    _clear(live, repository)
    with suppress(Exception), RunIndex.open(repository.state_dir) as index:  # the next reader does it, if this fails
        index.add(ref, commit, run)
    return Sealed(id=live.id, run=run, commit=commit)


def _clear(live: LiveRun, repository: Repository) -> None:
    """Let go of what kept the run until it had a commit."""
    drop_pending(repository, live.id)
    live.remove()


def _with_trackers(run: Run, attachments: Attachments, before: Before, repository: Repository) -> Run:
    """The run, with what git-lfs, git-annex and DVC know of its data."""
    data, warnings = recognise_trackers(
        run.data, attachments.manifests, Path(before.root), before.code.tree, repository
    )
    execution = replace(run.execution, warnings=(*run.execution.warnings, *warnings))
    return replace(run, data=data, execution=execution)


def _cut_off(live: LiveRun, before: Before) -> Outcome:
    return cut_off(max(0.0, live.last_sign_s() - before.started_at.timestamp()))


def keep_environment(live: LiveRun, before: Before, environ: Mapping[str, str], *, wait: bool) -> bool:
    """Capture packages and machine into the live folder, once; True when that is done.

    With `wait`, nothing is done until a Python process has reported where its packages are.
    """
    if live.read("environment") is not None:
        return True
    entry = first_process(live.folder)
    if entry is None and wait:
        return False
    packages: Packages | None = None
    warnings: tuple[str, ...] = ()
    if entry is not None:
        from twice.capture.packages import capture_packages  # not for a command that is no Python

        packages, warnings = capture_packages(
            entry,
            Path(before.root),
            live.folder.parent.parent / "cache",
            describe_tree=lambda folder: describe_tree(folder, environ),
            checkout_of=Path(before.repository),
        )
    live.write(
        "environment",
        {
            "packages": to_plain(packages, "packages") if packages else None,
            "machine": to_plain(capture_machine(before.variables), "machine"),
            "warnings": list(warnings),
        },
    )
    return True


def _gather(live: LiveRun, before: Before, repository: Repository) -> Evidence:
    events = list(read_events(live.folder))
    environment, warnings = _environment(live.read("environment"), before, events)
    changes: tuple[FileState, ...] = ()
    try:
        changes = _changes_now(before, repository)
    except TwiceError as error:
        warnings = (*warnings, f"what the run changed in the work tree is not known: {error.message}")

    def snapshot_blob(path: str) -> str | None:
        entry = repository.objects.find(before.code.tree, path)
        return None if entry is None else entry.id

    return Evidence(
        events=events,
        log=read_log(live.folder),
        environment=environment,
        changes=changes,
        snapshot_blob=snapshot_blob,
        in_snapshot=lambda path: snapshot_blob(path) is not None,
        read_snapshot=lambda path: checked_out(repository, before.code.tree, path),
        warnings=warnings,
    )


def _changes_now(before: Before, repository: Repository) -> tuple[FileState, ...]:
    """What `git status` says of the work tree that the command ran in, now that it has ended."""
    if before.root == str(repository.root):
        return file_states(scan(repository).changes)
    with Repository.open(Path(before.root), unbound(repository.environ)) as tree:
        return file_states(scan(tree).changes)


def _environment(
    plain: Mapping[str, Any] | None, before: Before, events: Sequence[Mapping[str, Any]]
) -> tuple[Environment, tuple[str, ...]]:
    if plain is None:
        raise RepositoryError("the environment of the run was not kept")
    packages, lock = None, None
    if plain["packages"]:
        from twice.capture.lock import lock_text

        packages = from_plain(Packages, plain["packages"], "environment.json")
        lock = lock_text(packages)
    machine = from_plain(Machine, plain["machine"], "environment.json")
    environment = Environment(
        packages=packages,
        lock=lock,
        machine=with_report(machine, before.variables, threads_event(events, entry_process(events))),
        variables=before.variables,
    )
    return environment, tuple(plain["warnings"])
