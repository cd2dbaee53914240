"""Which recorded runs are replicates of those that a command is about?  The index asked, git asked about stale outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twice.cli.workplace import Workplace
from twice.comparison.code import compare_code
from twice.comparison.noise import group_samples
from twice.comparison.replicates import (
    Replicates,
    conditions,
    group_replicates,
    is_seed,
    pair_replicates,
)
from twice.comparison.side_by_side import Group
from twice.record.model import Point, Run
from twice.store.known_runs import Runs
from twice.store.similar_runs import similar_refs

_MOST_CANDIDATES = 50  # of one run, the newest: enough to know a spread


def same_code(place: Workplace) -> Callable[[Run, Run], bool]:
    """Whether the code of two runs is the same, outputs that lay around in the work tree apart."""
    known: dict[tuple[str, str], bool] = {}

    def ask(a: Run, b: Run) -> bool:
        from twice.git.difference import changed_files

        key = (a.code.tree, b.code.tree)
        if key not in known:
            changes = changed_files(place.repository, *key)
            known[key] = compare_code(a, b, changes).state != "differs"
        return known[key]

    return ask


def candidates_for(runs: Runs, wanted: Sequence[Run]) -> list[Run]:
    """The newest finished runs that may be replicates of one of these; and these themselves."""
    ids = {run.id for run in wanted}
    found: dict[str, None] = {}
    known: list[Run] = []
    for run in wanted:
        if not any(_may_be_replicates(run, one) for one in known):
            found.update(dict.fromkeys(similar_refs(runs.index, run.id, is_seed, _MOST_CANDIDATES)))
        known.append(run)
    refs = [ref for ref in found if ref.rpartition("/")[2] not in ids]
    return [*wanted, *runs.index.runs(refs).values()]


def _may_be_replicates(a: Run, b: Run) -> bool:
    """Whether whoever has looked for the replicates of one has found those of the other."""
    return a.experiment == b.experiment and conditions(a) == conditions(b)


def replicates_of(place: Workplace, runs: Runs, a: Run, b: Run) -> Replicates:
    """The replicates of both runs."""
    return pair_replicates(a, b, candidates_for(runs, [a, b]), same_code(place))


def groups_of(place: Workplace, runs: Runs, wanted: Sequence[Run]) -> list[Group]:
    """The groups of replicates that these runs form, with all their recorded replicates."""
    ask = same_code(place)
    found = []
    for group in group_replicates(wanted, candidates_for(runs, wanted), ask):
        names = list(dict.fromkeys(name for run in group for name in run.metrics))
        samples = {name: one for name, (one,) in group_samples([group], names).items() if one is not None}
        own = conditions(group[0])
        members = tuple(run.id for run in wanted if conditions(run) == own and _is_in(run, group, ask))
        found.append(Group(runs=members, n=len(group), metrics=samples))
    return found


def _is_in(run: Run, group: Sequence[Run], ask: Callable[[Run, Run], bool]) -> bool:
    return run.code.tree == group[0].code.tree or ask(group[0], run)


def histories_of(runs: Runs, commits: dict[str, str], names: Sequence[str]) -> dict[str, dict[str, tuple[Point, ...]]]:
    """Run id → metric → its logged values, where a history was kept."""
    return {
        run_id: {name: points for name in names if (points := runs.store.history(commit, name))}
        for run_id, commit in commits.items()
    }
