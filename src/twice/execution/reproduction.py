"""Does a run give the same result again?  Its code in a fresh worktree, its data, seeds and words; then the comparison.

    reproduce:   find code, interpreter, data → worktree → record_run → compare → judge
    derive:      the same with a change in the command, and without a verdict

The user's work tree is not touched. What runs is recorded as a run of its own that `reproduces` the first, or is
`derived_from` it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from twice.capture.code import file_states
from twice.capture.hash_cache import HashCache
from twice.capture.request import Request
from twice.comparison.differences import compare
from twice.comparison.printed import compare_printed
from twice.comparison.sections import Comparison
from twice.comparison.tolerance import Tolerance
from twice.comparison.verdict import Verdict, judge
from twice.configuration import Configuration
from twice.environments.choosing import Chosen, Wish
from twice.execution.clock import Clock
from twice.execution.derivation import Change, derive
from twice.execution.environment import invoke_in_environment
from twice.execution.output_contents import find_same_content, recorded_outputs
from twice.execution.placing import Found, check_inputs, levels_above, place_inputs
from twice.execution.preparation import find_data, manifests_of, request_again, variables_again
from twice.execution.recording import Place, Recorded, record_run
from twice.execution.verdict_notes import note_verdict
from twice.execution.worktrees import Worktree, code_commit, fresh_worktree
from twice.frozen import frozen
from twice.git.difference import changed_files
from twice.git.objects import EXECUTABLE, FILE
from twice.git.repository import Repository
from twice.git.snapshot import scan, write_tree
from twice.record.model import Code, DataFile, Point, Run
from twice.store.run_store import RunStore


@frozen
class Wishes:
    """How a run is to be run again."""

    id: str  # of the run that this makes
    python: str | None = None
    environment: Wish = "auto"
    tolerance: Tolerance
    allow_changed_data: bool = False
    keep: bool = False


@frozen
class Reproduction:
    """The repeated run and the verdict; no verdict when the repeated run could not be recorded."""

    recorded: Recorded
    verdict: Verdict | None
    kept_at: Path | None = None


@frozen
class Derivation:
    """The changed run and what differs from the original; no comparison when it could not be recorded."""

    recorded: Recorded
    comparison: Comparison | None
    kept_at: Path | None = None


@frozen
class Surroundings:
    """What a run is run again with: the repository and its settings, the clocks, the user's variables, and an ear."""

    repository: Repository
    configuration: Configuration
    clock: Clock
    environ: Mapping[str, str]
    tell: Callable[[str], None]


def reproduce_run(original: Run, commit: str, wishes: Wishes, around: Surroundings) -> Reproduction:
    """Run the original's command again from its own code, and compare; `commit` is the original's.

    Raises ReproductionError when something it needs is missing, before anything runs.
    """
    verdict = None
    with _run_again(original, original, commit, wishes, around) as done:
        again = done.recorded.run
        if again is not None and done.recorded.commit is not None:
            verdict = _judge(original, commit, done, wishes, around.repository)
            note_verdict(verdict, commit, again, around.repository, around.clock, around.tell)
    return Reproduction(recorded=done.recorded, verdict=verdict, kept_at=done.root if wishes.keep else None)


def derive_run(original: Run, commit: str, change: Change, wishes: Wishes, around: Surroundings) -> Derivation:
    """Run the original's command with a change from its own code, and say what differs; `commit` is the original's.

    Raises UsageError when the change makes no sense, ReproductionError when something is missing, before anything runs.
    """
    changed = wanted_run(original, change, around.repository)
    with _run_again(original, changed, commit, wishes, around) as done:
        pass
    comparison = None
    if done.recorded.run is not None and done.recorded.commit is not None:
        comparison = _compare(original, commit, done.recorded.run, done.recorded.commit, around.repository)
    return Derivation(recorded=done.recorded, comparison=comparison, kept_at=done.root if wishes.keep else None)


def wanted_run(original: Run, change: Change | None, repository: Repository) -> Run:
    """The run to be run: the original itself, or with a change in its command.  Raises UsageError."""
    return original if change is None else derive(original, change, _entry_text(original, repository))


@frozen
class _Done:
    recorded: Recorded
    root: Path  # of the worktree that it ran in, there as long as the caller is not
    chosen: Chosen


@contextmanager
def _run_again(original: Run, wanted: Run, commit: str, wishes: Wishes, around: Surroundings) -> Iterator[_Done]:
    """Run `wanted`, which is the original or has another command, as the original was run, and record it."""
    manifest = manifests_of(commit, around.repository)
    with made_ready(original, wanted, manifest, wishes, around) as ready:
        around.tell(
            f"{'reproducing' if wanted is original else 'from'} {original.id}: {' '.join(ready.request.command)}"
        )
        recorded = record_run(
            ready.request,
            around.repository,
            ready.place,
            around.configuration,
            around.clock,
            ready.variables,
            show_on=2,  # stdout is for the verdict
        )
        yield _Done(recorded=recorded, root=ready.place.tree.root, chosen=ready.chosen)


@frozen
class Ready:
    """All that `record_run` needs to run a run again, in a worktree that is there as long as the caller is not done."""

    request: Request
    place: Place
    variables: Mapping[str, str]
    chosen: Chosen


@contextmanager
def made_ready(
    original: Run, wanted: Run, manifest: Callable[[str], bytes | None], wishes: Wishes, around: Surroundings
) -> Iterator[Ready]:
    """Put code, data and environment of the original in place for `wanted`; `manifest` as for `find_data`.

    Raises ReproductionError when something is missing.
    """
    repository, tell = around.repository, around.tell
    commit_of_code = code_commit(original, repository)
    with HashCache.open(repository.state_dir / "hashes.sqlite3") as hashes:
        found = find_data(original, manifest, repository, hashes)
    for problem in check_inputs(found, wishes.allow_changed_data):
        tell(problem)
    found += _named(wanted, original, repository)
    data = [one.data for one in found]
    with fresh_worktree(repository, commit_of_code, wishes.id, around.environ, levels_above(data)) as worktree:
        worktree.kept = wishes.keep
        code = _verified_code(original, worktree)
        place_inputs(found, worktree.root, {one.path for one in original.data.outputs})
        variables = variables_again(original, worktree.root, around.configuration, around.environ)
        invocation, chosen = invoke_in_environment(
            wanted, wishes.environment, wishes.python, worktree, repository.root, variables, tell
        )
        # The data put there, and what an editable install left in the worktree, are no work of the run.
        changes = file_states(scan(worktree.repository).changes) if data or chosen.layered else ()
        request = request_again(wanted, wishes.id, invocation.words)
        if wanted is not original:
            request = replace(request, reproduces=None, derived_from=original.id)
        yield Ready(
            request=request,
            place=Place(tree=worktree.repository, code=code, changes=changes, beside=worktree.top),
            variables=variables | {"PATH": invocation.path},
            chosen=chosen,
        )


def _verified_code(original: Run, worktree: Worktree) -> Code:
    """The original's code, after looking whether the worktree really holds it."""
    tree = write_tree(worktree.repository, scan(worktree.repository), ())
    return replace(original.code, tree=tree, changed_during_run=())


def _entry_text(original: Run, repository: Repository) -> str:
    """The text of the script or module that the command names; empty when it names none that the code holds."""
    name = original.execution.entry_point
    if not name:
        return ""
    below = name.replace(".", "/")
    for candidate in (name, f"{below}.py", f"{below}/__main__.py"):  # `python -m package.module`, `python -m package`
        path = Path(original.execution.directory, candidate).as_posix()
        entry = repository.objects.find(original.code.tree, path)
        if entry is not None and entry.mode in (FILE, EXECUTABLE):
            return repository.objects.read_blob(entry.id).decode("utf-8", "replace")
    return ""


def _named(wanted: Run, original: Run, repository: Repository) -> list[Found]:
    """The files and folders that words of a changed command name here, and that its code does not bring."""
    directory = Path(wanted.execution.directory)
    known = {one.path for one in original.data.inputs}
    found = {}
    for word in _values(set(wanted.execution.command) - set(original.execution.command)):
        path = (directory / word).as_posix()
        place = repository.root / path
        inside = not Path(word).is_absolute() and ".." not in place.parts
        if (
            inside
            and path not in known
            and place.exists()
            and repository.objects.find(original.code.tree, path) is None
        ):
            found[path] = Found(data=DataFile(path=path, kind="folder" if place.is_dir() else "file"), place=place)
    return list(found.values())


def _values(words: Sequence[str] | set[str]) -> Iterator[str]:
    for word in sorted(words):
        value = word.partition("=")[2] if "=" in word else word
        if value and not value.startswith("-"):
            yield value


def _judge(original: Run, commit: str, done: _Done, wishes: Wishes, repository: Repository) -> Verdict:
    again, commit_again = done.recorded.run, done.recorded.commit
    if again is None or commit_again is None:
        raise ValueError("a run that was not recorded cannot be judged")
    store = RunStore(repository)
    places = [repository.root, Path(original.execution.repository)]
    return judge(
        original,
        again,
        _compare(original, commit, again, commit_again, repository),
        wishes.tolerance,
        _histories(store, {original.id: commit, again.id: commit_again}),
        same_content=find_same_content(
            recorded_outputs(original, commit, places, store), recorded_outputs(again, commit_again, [done.root], store)
        ),
        remarks={"environment": done.chosen.remark} if done.chosen.remark else None,
        printed=compare_printed(
            store.log(commit), store.log(commit_again), [(original.execution.repository, str(done.root))]
        ),
        script=_entry_text(original, repository),
    )


def _compare(a: Run, commit_a: str, b: Run, commit_b: str, repository: Repository) -> Comparison:
    changes = changed_files(repository, a.code.tree, b.code.tree)
    return compare(a, b, changes, _histories(RunStore(repository), {a.id: commit_a, b.id: commit_b}))


def _histories(store: RunStore, commits: Mapping[str, str]) -> Callable[[str, str], tuple[Point, ...]]:
    return lambda run_id, metric: store.history(commits[run_id], metric)
