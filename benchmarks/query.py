"""How long does finding take?  `python benchmarks/query.py [--quick] [--no-dvc] [--no-mlflow]`; README.md says what is what.

Standard library only. Everything it needs it makes in `benchmarks/.work/` (with pip, once) and leaves there; making 100,000
runs takes minutes, so they are used again for as long as many_runs.py, which makes them, is the same.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import rival_dvc
import rival_mlflow
from measuring import Timed, report, take_turns, verdict
from workplaces import (
    WORK,
    environment,
    git,
    install_dvc,
    install_mlflow,
    install_twice,
    make_repository,
    with_scripts,
)

_PARAMS = _METRICS = 20
_SHOWN = 100  # the rows of a table of `twice ls`; as many are asked of MLflow
_FILTER = "metrics.accuracy > 0.9 AND params.optimizer = 'adam' AND metrics.metric_3 < 0.5"
_MAKER = Path(__file__).with_name("many_runs.py")
_SEARCHES: Mapping[str, tuple[Sequence[str], Mapping[str, Any]]] = {
    "ls": (["ls"], {"max_results": _SHOWN}),
    "best": (["best", "accuracy"], {"order_by": ["metrics.accuracy DESC"], "max_results": 1}),
    "filter": (["ls", "-f", _FILTER], {"filter_string": _FILTER, "max_results": _SHOWN}),
}
"""What is searched for: the words after `twice`, and what MLflow's `search_runs` is asked."""

# The searches alone, in a process that has done them before; each refreshes the index, as each command does.
_WARM = """
import json, statistics, sys, time
from twice.cli.listing import Listing
from twice.cli.metrics import metric_runs
from twice.cli.runs import known_runs
from twice.cli.workplace import workplace
def find(name, words):
    with known_runs(place) as runs:
        if name == "best":
            return runs.index.summaries_of(metric_runs(place, runs, words[1], None, None).keys[:1])
        listing = Listing(place, runs, None)
        return listing.summaries(listing.find((), words[2] if words[2:] else None, ())[:100])
def timed(name, words):
    started = time.perf_counter()
    find(name, words)
    return 1e3 * (time.perf_counter() - started)
asked = json.loads(sys.argv[1])
with workplace() as place:
    print(json.dumps({name: statistics.median([timed(name, words) for _ in range(6)][1:]) for name, words in asked.items()}))
"""

Figures = dict[str, float]


def main() -> None:
    """Measure everything, print it beside the targets, and keep the figures in `.work/query.json`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few rounds and few runs: does it work?")
    parser.add_argument("--no-dvc", action="store_true", help="leave DVC out")
    parser.add_argument("--no-mlflow", action="store_true", help="leave MLflow out")
    options = parser.parse_args()
    rounds = 3 if options.quick else 11
    many, most = (300, 1000) if options.quick else (10_000, 100_000)

    WORK.mkdir(exist_ok=True)
    twice = install_twice()
    dvc = None if options.no_dvc else install_dvc()
    mlflow = None if options.no_mlflow else install_mlflow()
    environ = with_scripts(environment(), twice)
    print(f"{platform.platform()}, Python {platform.python_version()}, {git(WORK, '--version')}")
    figures: Figures = {}
    root = _repository(many, twice, environ)
    _measure_index(root, many, twice, environ, min(rounds, 3), figures)
    _measure_refresh(root, many, twice, environ, rounds, figures)
    searches = _measure_searches(root, many, twice, environ, rounds, 200, figures)
    if mlflow:
        _compare_with_mlflow(root, many, twice, mlflow, environ, min(rounds, 5), searches, figures)
    if dvc:
        _compare_with_dvc(many, dvc, environ, (5, 10) if options.quick else (50, 150), searches, figures)
    _measure_searches(_repository(most, twice, environ), most, twice, environ, rounds, 1000, figures)
    _measure_diff(500 if options.quick else 50_000, twice, environ, rounds, figures)
    (WORK / "query.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="ascii")


# ------------------------------------------------------------------------------------------------------ repositories


def _repository(count: int, twice: Path, environ: Mapping[str, str]) -> Path:
    """A repository of so many runs on 20 commits, packed, as a clone is; one made earlier is used again."""

    def fill(root: Path) -> None:
        for number in range(20):
            (root / "train.py").write_text(f"print('accuracy: 0.{number}')\n", encoding="ascii")
            (root / "model.py").write_text(f"LAYERS = {number // 5}\n", encoding="ascii")
            git(root, "add", "-A")
            git(root, "commit", "-q", "-m", f"step {number}")
        _add_runs(root, count, twice, environ)

    return _kept(f"query-{count}", fill)


def _large_repository(files: int, twice: Path, environ: Mapping[str, str]) -> Path:
    """A repository of so many files in folders of 50, and two runs: between them one file in a thousand has changed."""

    def fill(root: Path) -> None:
        git(root, "fast-import", "--quiet", stdin=b"".join(_two_commits(files)))
        _add_runs(root, 2, twice, environ)

    return _kept(f"query-files-{files}", fill)


def _two_commits(files: int) -> Iterator[bytes]:
    def path(number: int) -> str:
        return f"part{number // 50:04d}/module{number:05d}.py"

    everything = {path(number): f"value = {number}\n" for number in range(files)}
    some = {path(number): f"changed = {number}\n" for number in range(7, files, 1000)}
    for when, contents in ((1_795_000_000, everything), (1_795_000_060, some)):
        yield b"commit refs/heads/main\ncommitter Ada <ada@example.org> %d +0000\ndata 4\ncode\n" % when
        for name, content in contents.items():
            yield f"M 100644 inline {name}\ndata {len(content)}\n{content}\n".encode()


def _kept(name: str, fill: Callable[[Path], None]) -> Path:
    root = WORK / name
    maker = hashlib.sha256(_MAKER.read_bytes()).hexdigest()
    mark = root / ".git" / "made-by"
    if not mark.exists() or mark.read_text(encoding="ascii") != maker:
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        git(root, "init", "-q")
        fill(root)
        mark.write_text(maker, encoding="ascii")
    _forget_index(root)
    return root


def _add_runs(root: Path, count: int, twice: Path, environ: Mapping[str, str]) -> None:
    words = [str(twice / "python"), str(_MAKER), str(root), str(count), str(_PARAMS), str(_METRICS)]
    subprocess.run(words, env=environ, check=True, stdout=subprocess.DEVNULL)


def _forget_index(root: Path) -> None:
    for path in (root / ".git" / "twice").glob("index.sqlite3*"):
        path.unlink()


# ------------------------------------------------------------------------------------------------------------- twice


def _measure_index(
    root: Path, count: int, twice: Path, environ: Mapping[str, str], rounds: int, figures: Figures
) -> None:
    cold = Timed(
        "twice ls, no index yet", [str(twice / "twice"), "ls"], root, environ, before=lambda: _forget_index(root)
    )
    take_turns([cold], rounds, warm_up=False)
    report(f"The index of {count} runs, made from git", [cold])
    megabytes = (root / ".git" / "twice" / "index.sqlite3").stat().st_size / 1e6
    print(f"  {megabytes:.1f} MB")
    figures[f"cold_{count}_ms"] = cold.median_ms
    verdict(f"the index of {count} fetched runs, s", cold.median_ms / 1e3, "< 8", cold.median_ms < 8000)


def _measure_refresh(
    root: Path, count: int, twice: Path, environ: Mapping[str, str], rounds: int, figures: Figures
) -> None:
    """How much longer `twice ls` takes when a run has come: in a new process, so with all that it loads for this."""
    words = [str(twice / "twice"), "ls"]
    for state, is_loose in (("packed", False), ("loose", True)):
        arrivals = _Arrivals(root, words, environ, rounds + 1, is_loose=is_loose)
        known = Timed("twice ls, nothing new", words, root, environ, before=arrivals.settle)
        new = Timed("twice ls, one new run", words, root, environ, before=arrivals.next)
        take_turns([known, new], rounds)
        git(root, "pack-refs", "--all")
        report(f"One new run, {count} refs {state}", [known, new], floor=known)
        over = new.median_ms - known.median_ms
        figures[f"refresh_{state}_ms"] = over
        verdict("refresh after one new run, ms", over, "< 50", over < 50)


class _Arrivals:
    """The latest runs of a repository come one by one, each some time after the one before."""

    def __init__(
        self, root: Path, ls: Sequence[str], environ: Mapping[str, str], count: int, *, is_loose: bool
    ) -> None:
        self._root, self._ls, self._environ = root, ls, environ
        listed = [line.split() for line in git(root, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()]
        runs = [(name, commit) for name, commit in listed if name.startswith("refs/experiments/")]
        self._waiting = sorted(runs, key=lambda run: run[0].rpartition("/")[2])[-count:]
        _update_refs(root, [f"delete {name}" for name, _ in self._waiting])
        if is_loose:
            (root / ".git" / "packed-refs").unlink()
            for name, commit in listed:
                path = root / ".git" / name
                if (name, commit) not in self._waiting:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(f"{commit}\n", encoding="ascii")

    def next(self) -> None:
        """The next run comes."""
        self.settle()
        name, commit = self._waiting.pop(0)
        _update_refs(self._root, [f"create {name} {commit}"])

    def settle(self) -> None:
        """Make the refs look as if none had changed for a minute, and have the index know them."""
        folder, now = self._root / ".git", time.time()
        for path in (folder / "packed-refs", folder / "refs", *(folder / "refs").rglob("*")):
            if path.exists() and path.stat().st_mtime > now - 30:
                moment = now - (60 if path.is_dir() else 120)
                os.utime(path, (moment, moment))
        subprocess.run(self._ls, cwd=self._root, env=self._environ, check=True, capture_output=True)


def _update_refs(root: Path, commands: Sequence[str]) -> None:
    git(root, "update-ref", "--stdin", stdin="".join(f"{one}\n" for one in commands).encode())


def _measure_searches(
    root: Path, count: int, twice: Path, environ: Mapping[str, str], rounds: int, limit: float, figures: Figures
) -> list[Timed]:
    searches = [
        Timed(f"twice {name}", [str(twice / "twice"), *words], root, environ) for name, (words, _) in _SEARCHES.items()
    ]
    take_turns(searches, rounds)
    report(f"Finding among {count} runs of {_PARAMS} params and {_METRICS} metrics", searches)
    for name, one in zip(_SEARCHES, searches, strict=True):
        figures[f"{name}_{count}_ms"] = one.median_ms
        verdict(f"{one.name}, {count} runs, ms", one.median_ms, f"< {limit:.0f}", one.median_ms < limit)
    return searches


def _measure_diff(files: int, twice: Path, environ: Mapping[str, str], rounds: int, figures: Figures) -> None:
    root = _large_repository(files, twice, environ)
    words = [str(twice / "twice"), "diff", "--no-exit-code", "@~1", "@"]
    diff = Timed("twice diff", words, root, environ)
    plain = Timed(
        "git diff-tree -r --numstat", ["git", "diff-tree", "-r", "--numstat", "HEAD~1", "HEAD"], root, environ
    )
    take_turns([plain, diff], rounds)
    report(f"Two runs with {files} files each, {len(range(7, files, 1000))} changed", [plain, diff])
    figures["diff_ms"] = diff.median_ms
    verdict(f"twice diff of two runs with {files} files, ms", diff.median_ms, "< 300", diff.median_ms < 300)


# ------------------------------------------------------------------------------------------------------------ rivals


def _compare_with_mlflow(
    root: Path,
    count: int,
    twice: Path,
    mlflow: Path,
    environ: Mapping[str, str],
    rounds: int,
    ours: Sequence[Timed],
    figures: Figures,
) -> None:
    said = subprocess.run(
        [str(twice / "twice"), "ls", "--json"], cwd=root, env=environ, check=True, stdout=subprocess.PIPE
    ).stdout
    folder = rival_mlflow.prepare(f"query-{count}-mlflow", mlflow, environ, json.loads(said)["runs"])
    theirs = [
        Timed(f"MLflow {name}", rival_mlflow.words(mlflow, rival_mlflow.ONCE, facts), folder, environ)
        for name, (_, facts) in _SEARCHES.items()
    ]
    bare = Timed("python -c 'import mlflow'", [str(mlflow / "python"), "-c", "import mlflow"], folder, environ)
    take_turns([bare, *theirs], rounds)
    report(f"The same in MLflow's default store, whole processes, {count} runs", [bare, *theirs])
    _check_agreement(root, twice, environ, theirs)
    warm = _output(
        [str(twice / "python"), "-c", _WARM, json.dumps({n: w for n, (w, _) in _SEARCHES.items()})], root, environ
    )
    warm_words = rival_mlflow.words(mlflow, rival_mlflow.WARM, {name: facts for name, (_, facts) in _SEARCHES.items()})
    their_warm = _output(warm_words, folder, environ)
    print(f"\nThe searches alone, in a process that has done them before, {count} runs")
    print(f"  {'ms':<34}{'twice':>10}{'MLflow':>10}{'times':>10}")
    for name in _SEARCHES:
        print(f"  {name:<34}{warm[name]:>10.1f}{their_warm[name]:>10.1f}{their_warm[name] / warm[name]:>10.0f}")
    for name, one, other in zip(_SEARCHES, ours, theirs, strict=True):
        whole, alone = other.median_ms / one.median_ms, their_warm[name] / warm[name]
        figures |= {f"{name}_mlflow_ratio": whole, f"{name}_mlflow_warm_ratio": alone}
        verdict(f"{name}: faster than MLflow, whole process, times", whole, ">= 10", whole >= 10)
        verdict(f"{name}: faster than MLflow, search alone, times", alone, ">= 10", alone >= 10)


def _check_agreement(root: Path, twice: Path, environ: Mapping[str, str], theirs: Sequence[Timed]) -> None:
    """Both must have found the same runs, or the comparison means nothing."""
    for (name, (words, _)), other in zip(_SEARCHES.items(), theirs, strict=True):
        limit = ["-n", "1" if name == "best" else str(_SHOWN)]
        ours = _output([str(twice / "twice"), *words, "--json", *limit], root, environ)["runs"]
        found = json.loads(other.take_turn(counts=False).splitlines()[-1])
        if {one["id"] for one in ours} != set(found):
            raise SystemExit(f"{name}: twice and MLflow have found different runs")


def _output(words: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> Any:
    done = subprocess.run(words, cwd=cwd, env=environ, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return json.loads(done.stdout)


def _compare_with_dvc(
    count: int,
    dvc: Path,
    environ: Mapping[str, str],
    sizes: tuple[int, int],
    ours: Sequence[Timed],
    figures: Figures,
) -> None:
    """A table of so many experiments would take DVC an hour: two small ones are timed, and a line drawn through them."""
    clean = make_repository("query-dvc-clean", 20)
    shows = []
    for size in sizes:
        rival = rival_dvc.prepare(clean, "query-dvc", dvc, environ)
        rival_dvc.add_experiments(rival, size)
        rival_dvc.forget_experiments(rival)
        show = Timed(
            f"dvc exp show, {size} experiments", [str(dvc / "dvc"), "exp", "show", "--no-pager"], rival, environ
        )
        show.take_turn()
        shows.append(show)
    report("dvc exp show, cold, of 5 params and 3 metrics", shows)
    small, large = sizes
    each = (shows[1].median_ms - shows[0].median_ms) / (large - small)
    expected = shows[1].median_ms + each * (count - large)
    print(f"  {each:.0f} ms an experiment; {expected / 1e3:.0f} s for {count}, if it goes on like that (not measured)")
    slowest = max(one.median_ms for one in ours)
    figures |= {"dvc_each_ms": each, "dvc_ratio": expected / slowest}
    verdict(
        "faster than a cold dvc exp show (extrapolated), times", expected / slowest, ">= 100", expected / slowest >= 100
    )


if __name__ == "__main__":
    main()
