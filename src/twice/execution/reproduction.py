"""Does a run give the same result again?  Its code in a fresh worktree, its data, seeds and words; then the comparison.

    reproduce:   find code, interpreter, data → worktree → record_run → compare → judge

The user's work tree is not touched. What runs is recorded as a run of its own that `reproduces` the first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from twice.capture.code import file_states
from twice.capture.hash_cache import HashCache
from twice.capture.machine import usable_cores
from twice.capture.request import Request
from twice.capture.variables import capture_variables, restore_variables
from twice.comparison.differences import compare
from twice.comparison.tolerance import Tolerance
from twice.comparison.verdict import Verdict, judge
from twice.configuration import Configuration
from twice.environments.choosing import Chosen, Wish
from twice.execution.argv import Invocation
from twice.execution.environment import invoke_in_environment
from twice.execution.output_contents import OutputSource, find_same_content
from twice.execution.placing import check_inputs, find_inputs, levels_above, place_inputs
from twice.execution.process import Clock
from twice.execution.recording import Place, Recorded, record_run
from twice.execution.verdict_notes import note_verdict
from twice.execution.worktrees import Worktree, code_commit, fresh_worktree, unbound
from twice.git.difference import changed_files
from twice.git.repository import Repository
from twice.git.snapshot import scan, write_tree
from twice.record.model import Code, DataFile, Point, Run
from twice.store.content_sources import content_sources
from twice.store.run_store import RunStore

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """How a run is to be reproduced."""

    id: str  # of the run that this makes
    python: str | None = None
    environment: Wish = "auto"
    tolerance: Tolerance
    allow_changed_data: bool = False
    keep: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Reproduction:
    """The repeated run and the verdict; no verdict when the repeated run could not be recorded."""

    recorded: Recorded
    verdict: Verdict | None
    kept_at: Path | None = None


def reproduce_run(
    original: Run,
    commit: str,
    wishes: Wishes,
    repository: Repository,
    configuration: Configuration,
    clock: Clock,
    environ: Mapping[str, str],
    tell: Callable[[str], None],
) -> Reproduction:
    """Run the original's command again from its own code, and compare.

    Raises ReproductionError when something it needs is missing, before anything runs.
    """
    commit_of_code = code_commit(original, repository)
    with ExitStack() as stack:
        hashes = stack.enter_context(HashCache.open(repository.state_dir / "hashes.sqlite3"))
        data = _data_to_place(original)
        found = find_inputs(
            data,
            [repository.root, Path(original.execution.repository)],
            hashes,
            content_sources(repository),
            lambda folder: RunStore(repository).manifest(commit, folder),
        )
        for problem in check_inputs(found, wishes.allow_changed_data):
            tell(problem)
        worktree = stack.enter_context(
            fresh_worktree(repository, commit_of_code, wishes.id, environ, levels_above(data))
        )
        worktree.kept = wishes.keep
        code = _verified_code(original, worktree)
        place_inputs(found, worktree.root, {one.path for one in original.data.outputs})
        variables = _variables(original, worktree, configuration, environ)
        invocation, chosen = invoke_in_environment(
            original, wishes.environment, wishes.python, worktree, repository.root, variables, tell
        )
        # The data put there, and what an editable install left in the worktree, are no work of the run.
        changes = file_states(scan(worktree.repository).changes) if data or chosen.layered else ()
        tell(f"reproducing {original.id}: {' '.join(original.execution.command)}")
        recorded = record_run(
            _request(original, wishes.id, invocation),
            repository,
            Place(tree=worktree.repository, code=code, changes=changes),
            configuration,
            clock,
            variables | {"PATH": invocation.path},
            show_on=2,  # stdout is for the verdict
        )
        verdict = None
        if recorded.run is not None and recorded.commit is not None:
            was = OutputSource(
                run=original, commit=commit, roots=[repository.root, Path(original.execution.repository)]
            )
            now = OutputSource(run=recorded.run, commit=recorded.commit, roots=[worktree.root])
            verdict = _judge(was, now, wishes, repository, chosen)
            note_verdict(verdict, commit, recorded.run, repository, clock, tell)
    return Reproduction(recorded=recorded, verdict=verdict, kept_at=worktree.root if wishes.keep else None)


def _data_to_place(original: Run) -> list[DataFile]:
    """The inputs that the code's tree does not bring: files outside git, and those too large for the snapshot."""
    known = {one.path for one in original.data.inputs}
    large = [
        DataFile(path=one.path, sha256=one.sha256, size_bytes=one.size_bytes)
        for one in original.code.left_out
        if one.reason == "large" and one.path not in known and one.sha256 is not None
    ]
    return [one for one in original.data.inputs if one.stored != "git"] + large


def _verified_code(original: Run, worktree: Worktree) -> Code:
    """The original's code, after looking whether the worktree really holds it."""
    tree = write_tree(worktree.repository, scan(worktree.repository), ())
    return replace(original.code, tree=tree, changed_during_run=())


def _request(original: Run, run_id: str, invocation: Invocation) -> Request:
    execution = original.execution
    return Request(
        id=run_id,
        command=execution.command,
        words=invocation.words,
        directory=execution.directory,
        experiment=execution.experiment,
        entry_point=execution.entry_point,
        params={
            name: original.params.values[name] for name, source in original.params.sources.items() if source == "option"
        },
        inputs=tuple(one.path for one in original.data.inputs if "declared" in one.found),
        outputs=tuple(one.path for one in original.data.outputs if "declared" in one.found),
        seed=original.seeds.root,
        isolated=True,
        reproduces=original.id,
    )


def _variables(
    original: Run, worktree: Worktree, configuration: Configuration, environ: Mapping[str, str]
) -> dict[str, str]:
    """The present variables, with those that a record holds set (and unset) as they were then."""
    ours = capture_variables(environ, configuration.environment_variables)
    variables = {name: value for name, value in unbound(environ).items() if name not in ours}
    variables |= restore_variables(original.environment.variables, worktree.root)
    machine = original.environment.machine
    if machine is not None and machine.cores is not None and machine.cores != usable_cores():
        # Libraries start as many threads as there are cores, and sums depend on how many there are.
        for name in _THREAD_VARIABLES:
            variables.setdefault(name, str(machine.cores))
    return variables


def _judge(was: OutputSource, now: OutputSource, wishes: Wishes, repository: Repository, chosen: Chosen) -> Verdict:
    store = RunStore(repository)
    commits = {was.run.id: was.commit, now.run.id: now.commit}

    def history(run_id: str, metric: str) -> tuple[Point, ...]:
        return store.history(commits[run_id], metric)

    changes = changed_files(repository, was.run.code.tree, now.run.code.tree)
    return judge(
        was.run,
        now.run,
        compare(was.run, now.run, changes, history),
        wishes.tolerance,
        history,
        same_content=find_same_content(was, now, store),
        remarks={"environment": chosen.remark} if chosen.remark else None,
    )
