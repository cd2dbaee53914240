"""What does a report of two runs need?  Everything gathered once, for `report` and for `diff --md` and `--html`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from twice.cli.code_patch import patch_of_code
from twice.cli.groups import histories_of, replicates_of
from twice.cli.workplace import Workplace
from twice.comparison.differences import compare
from twice.comparison.directions import direction
from twice.comparison.gates import MetricValues, check_gate
from twice.comparison.noise import SeedNoise, seed_noise
from twice.comparison.sections import Comparison
from twice.comparison.values import is_number
from twice.record.model import Point, Run
from twice.reports.review import Review
from twice.store.known_runs import Runs
from twice.store.run_index import Row

_MOST_COURSES = 12


def review_of(
    place: Workplace, runs: Runs, a: tuple[Row, Run], b: tuple[Row, Run], conditions: Sequence[str] = (), key: str = ""
) -> Review:
    """Run `b` held against run `a`.  Raises UsageError for a condition that is none."""
    from twice.display.ids import shorten_ids
    from twice.git.difference import changed_files

    (row_a, run_a), (row_b, run_b) = a, b
    trees = (run_a.code.tree, run_b.code.tree)
    changes = changed_files(place.repository, *trees)
    commits = {run_a.id: row_a.commit, run_b.id: row_b.commit}

    def history(run_id: str, metric: str) -> tuple[Point, ...]:
        return runs.store.history(commits[run_id], metric)

    comparison = compare(run_a, run_b, changes, history)
    replicates = replicates_of(place, runs, run_a, run_b)
    noises = seed_noise(replicates, run_a, run_b)
    text = patch_of_code(place, run_a, run_b, changes)
    return Review(
        a=run_a,
        b=run_b,
        comparison=comparison,
        replicates=replicates,
        noises=noises,
        ids=shorten_ids([row.id for row in runs.index.rows()]),
        key=key or f"{run_a.experiment}..{run_b.experiment}",
        courses=_courses(runs, (row_a, run_a), (row_b, run_b)),
        patch=text.decode("utf-8", "replace"),
        gates=tuple(check_gate(each, metric_values(run_a, run_b, noises)) for each in conditions),
    )


def review_of_work_tree(place: Workplace, runs: Runs, run: Run, present: Run, comparison: Comparison) -> Review:
    """What is here now held against a run; both were compared as far as that can be done without running it."""
    from twice.comparison.replicates import Replicates
    from twice.display.ids import shorten_ids
    from twice.git.difference import changed_files

    text = patch_of_code(place, run, present, changed_files(place.repository, run.code.tree, present.code.tree))
    return Review(
        a=run,
        b=present,
        comparison=comparison,
        replicates=Replicates(a=(run,), b=(present,), same=False),
        noises={},
        ids={**shorten_ids([row.id for row in runs.index.rows()]), present.id: present.id},
        key=f"{run.experiment}..{present.id}",
        patch=text.decode("utf-8", "replace"),
        of_work_tree=True,
    )


def metric_values(a: Run, b: Run, noises: Mapping[str, SeedNoise]) -> dict[str, MetricValues]:
    """What a gate may ask: means where there are replicates, else last values."""
    found = {}
    for name in dict.fromkeys([*a.metrics, *b.metrics]):
        noise = noises.get(name)
        known = noise is not None and noise.margin is not None and not noise.same
        found[name] = MetricValues(
            value=noise.b.mean if noise is not None and known else _last(b, name),
            base=noise.a.mean if noise is not None and known else _last(a, name),
            noise=noise.margin if noise is not None else None,
        )
    return found


def _last(run: Run, name: str) -> float | None:
    value = run.metrics[name].last if name in run.metrics else None
    try:
        return float(value) if is_number(value) else None
    except OverflowError:
        return None


def _courses(
    runs: Runs, a: tuple[Row, Run], b: tuple[Row, Run]
) -> dict[str, tuple[tuple[Point, ...], tuple[Point, ...]]]:
    """The histories of the metrics that either run logged more than once; those with a direction first."""
    names = [
        name
        for name in dict.fromkeys([*a[1].metrics, *b[1].metrics])
        if any(name in run.metrics and run.metrics[name].count > 1 for _, run in (a, b))
    ]
    chosen = sorted(names, key=lambda name: direction(name) is None)[:_MOST_COURSES]
    logged = histories_of(runs, {row.id: row.commit for row, _ in (a, b)}, chosen)
    return {name: (logged[a[0].id].get(name, ()), logged[b[0].id].get(name, ())) for name in chosen}
