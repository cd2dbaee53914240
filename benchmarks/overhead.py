"""What does twice cost?  `python benchmarks/overhead.py [--quick] [--no-dvc]`; README.md beside it says what each number is.

Standard library only. Everything it needs it makes in `benchmarks/.work/` (with pip, once) and leaves there.
"""

from __future__ import annotations

import argparse
import json
import platform
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import rival_dvc
from measuring import Timed, report, take_turns, verdict
from workplaces import (
    WORK,
    copy_repository,
    environment,
    git,
    install_dvc,
    install_twice,
    installed_size,
    make_dirty,
    make_repository,
    with_scripts,
)

_SIZES = {"small": 100, "medium": 5000}


def main() -> None:
    """Measure everything, print it beside the targets, and keep the figures in `.work/overhead.json`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few rounds and 100 runs: does it work?")
    parser.add_argument("--no-dvc", action="store_true", help="leave DVC out")
    options = parser.parse_args()
    rounds, runs = (3, 100) if options.quick else (15, 1000)

    WORK.mkdir(exist_ok=True)
    twice = install_twice()
    dvc = None if options.no_dvc else install_dvc()
    environ = with_scripts(environment(), twice)
    print(f"{platform.platform()}, Python {platform.python_version()}, {git(WORK, '--version')}")
    figures: dict[str, float] = {}
    _measure_start_up(twice, environ, rounds, figures)
    for size, files in _SIZES.items():
        clean = make_repository(size, files)
        rival = rival_dvc.prepare(clean, f"{size}-dvc", dvc, environ) if dvc else None
        chain = copy_repository(clean, f"{size}-chain")
        for root in (clean, chain, *([rival] if rival else [])):
            make_dirty(root)
        _measure_run(size, clean, chain, rival, twice, dvc, environ, rounds, figures)
        _measure_start(size, clean, twice, environ, rounds, figures)
    for size in _SIZES:
        _measure_list(size, twice, dvc, environ, runs, rounds, figures)
    _measure_size(figures)
    (WORK / "overhead.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="ascii")


def _measure_start_up(twice: Path, environ: Mapping[str, str], rounds: int, figures: dict[str, float]) -> None:
    python = str(twice / "python")
    bare = Timed("python -c pass", [python, "-c", "pass"], WORK, environ)
    imported = Timed("python -c 'import twice'", [python, "-c", "import twice"], WORK, environ)
    asked = Timed("twice --help", [str(twice / "twice"), "--help"], WORK, environ)
    take_turns([bare, imported, asked], rounds)
    report("Start-up", [bare, imported, asked], floor=bare)
    figures |= {"import_ms": imported.median_ms - bare.median_ms, "help_ms": asked.median_ms}
    verdict("twice --help, ms", asked.median_ms, "< 100", asked.median_ms < 100)


def _measure_run(
    size: str,
    clean: Path,
    chained: Path,
    rival: Path | None,
    twice: Path,
    dvc: Path | None,
    environ: Mapping[str, str],
    rounds: int,
    figures: dict[str, float],
) -> None:
    bare = Timed("true", ["true"], clean, environ)
    run = Timed("twice run true", [str(twice / "twice"), "run", "true"], clean, environ)
    run.take_turn(counts=False)  # so that there is a record whose files the chain can write
    chain = Timed("C git, the same objects", _chain(clean, chained), chained, environ)
    commands = [bare, run, chain]
    if rival and dvc:
        words = [str(dvc / "dvc"), "exp", "run"]
        commands.append(Timed("dvc exp run", words, rival, environ, before=rival_dvc.NextParam(rival)))
    take_turns(commands, rounds)
    report(f"A run of nothing, {_SIZES[size]} files", commands, floor=bare)
    overhead = run.median_ms - bare.median_ms
    figures[f"run_{size}_ms"] = overhead
    figures[f"run_{size}_over_git"] = overhead / (chain.median_ms - bare.median_ms)
    if size == "medium":
        verdict("twice run true over true, ms", overhead, "< 250", overhead < 250)
    if rival:
        ratio = (commands[-1].median_ms - bare.median_ms) / overhead
        figures[f"run_{size}_dvc_ratio"] = ratio
        verdict("less overhead than dvc exp run, times", ratio, ">= 8", ratio >= 8)


def _chain(recorded: Path, root: Path) -> Sequence[str]:
    """The shell script that writes a snapshot and the record of `recorded`'s latest run with git alone."""
    ref = git(recorded, "for-each-ref", "--sort=-committerdate", "--count=1", "--format=%(refname)", "refs/experiments")
    record = WORK / "record"
    shutil.rmtree(record, ignore_errors=True)
    record.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", ref, ".twice"], cwd=recorded, stdout=subprocess.PIPE, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(record), "--strip-components=1"], input=archive, check=True)
    files = sorted(path.relative_to(record).as_posix() for path in record.rglob("*") if path.is_file())
    folders = sorted({name.rpartition("/")[0] for name in files if "/" in name})
    lines = [
        "set -e",
        "cp -p .git/index .git/private-index",
        "export GIT_INDEX_FILE=.git/private-index",
        "git add -A",
        "code=$(git write-tree)",
        'snapshot=$(echo "Uncommitted changes" | git commit-tree -p HEAD $code)',
        f"set -- $(cd {shlex.quote(str(record))} && git --git-dir={shlex.quote(str(root / '.git'))}"
        f" hash-object -w --no-filters {shlex.join(files)})",
    ]
    lines += [f"blob{number}=$1; shift" for number in range(len(files))]
    for number, folder in enumerate(folders):
        lines.append(f"tree{number}=$(printf '{_entries(files, folder)}' | git mktree)")
    subtrees = "".join(f"040000 tree $tree{number}\\t{folder}\\n" for number, folder in enumerate(folders))
    lines += [
        f'record=$(printf "{_entries(files, "", quoted=False)}{subtrees}" | git mktree)',
        '{ git ls-tree $code; printf "040000 tree $record\\t.twice\\n"; } | git mktree > .git/private-tree',
        "run=$(echo true | git commit-tree -p $snapshot $(cat .git/private-tree))",
        "git update-ref refs/experiments/true/$run $run",
    ]
    return ["sh", "-c", "\n".join(lines)]


def _entries(files: Sequence[str], folder: str, *, quoted: bool = True) -> str:
    """What mktree reads of the files of one folder, with the shell's variables for their ids."""
    found = [(number, name) for number, name in enumerate(files) if name.rpartition("/")[0] == folder]
    mark = "'\"$blob{}\"'" if quoted else "$blob{}"
    return "".join(f"100644 blob {mark.format(number)}\\t{name.rpartition('/')[2]}\\n" for number, name in found)


def _measure_start(
    size: str, root: Path, twice: Path, environ: Mapping[str, str], rounds: int, figures: dict[str, float]
) -> None:
    """From Enter to the command's first step: a program that writes the clock, with and without twice."""
    clock = [sys.executable, "-I", "-S", "-c", "import time; print(time.time())"]
    found: dict[str, list[float]] = {"bare": [], "twice run": []}
    for turn in range(rounds + 1):
        for name, words in (("bare", clock), ("twice run", [str(twice / "twice"), "run", *clock])):
            entered = time.time()
            done = subprocess.run(
                words, cwd=root, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
            )
            if turn:
                found[name].append(1e3 * (float(done.stdout) - entered))
    delay = statistics.median(found["twice run"]) - statistics.median(found["bare"])
    least = min(found["twice run"]) - min(found["bare"])
    limit = {"small": 100, "medium": 150}[size]
    print(f"  from Enter to the command, over the command alone: {delay:.1f} ms (least {least:.1f})")
    verdict(f"the command starts, {_SIZES[size]} files, ms", delay, f"< {limit}", delay < limit)
    figures[f"start_{size}_ms"] = delay


def _measure_list(
    size: str,
    twice: Path,
    dvc: Path | None,
    environ: Mapping[str, str],
    runs: int,
    rounds: int,
    figures: dict[str, float],
) -> None:
    root = make_repository(f"{size}-runs", _SIZES[size])
    maker = Path(__file__).with_name("many_runs.py")
    subprocess.run(
        [str(twice / "python"), str(maker), str(root), str(runs)], env=environ, check=True, stdout=subprocess.DEVNULL
    )
    git(root, "pack-refs", "--all")
    make_dirty(root)

    def forget_index() -> None:
        for path in (root / ".git" / "twice").glob("index.sqlite3*"):
            path.unlink()

    words = [str(twice / "twice"), "ls", "-n", str(runs)]
    warm = Timed("twice ls, all rows", words, root, environ)
    short = Timed("twice ls, as it comes", words[:2], root, environ)
    table = Timed("twice ls --json, all", [*words, "--json"], root, environ)
    refs = Timed("git for-each-ref", ["git", "for-each-ref", "refs/experiments"], root, environ)
    listed = [refs, short, warm, table]
    take_turns(listed, rounds)
    cold = Timed("twice ls, no index yet", words, root, environ, before=forget_index)
    rivals = [cold]
    if dvc:
        rival = rival_dvc.prepare(root, f"{size}-runs-dvc", dvc, environ)
        rival_dvc.add_experiments(rival, runs)

        def forget_experiments() -> None:
            rival_dvc.forget_experiments(rival)

        show = [str(dvc / "dvc"), "exp", "show", "--no-pager"]
        rivals.append(Timed("dvc exp show, cold", show, rival, environ, before=forget_experiments))
        rivals.append(Timed("dvc exp show, again", show, rival, environ))
    take_turns(rivals, 1, warm_up=False)  # minutes
    report(f"The table of {runs} runs, {_SIZES[size]} files", listed)
    report("  the slow ones", rivals)
    figures |= {f"ls_{size}_ms": warm.median_ms, f"ls_{size}_cold_ms": cold.median_ms}
    verdict(f"twice ls of {runs} runs, ms", warm.median_ms, "< 200", warm.median_ms < 200)
    if dvc:
        ratio = rivals[1].median_ms / warm.median_ms
        figures[f"ls_{size}_dvc_ratio"] = ratio
        verdict("faster than a cold dvc exp show, times", ratio, ">= 20", ratio >= 20)


def _measure_size(figures: dict[str, float]) -> None:
    distributions, megabytes = installed_size()
    print("\nWhat `pip install` of the core adds to a fresh environment")
    verdict("distributions", distributions, "<= 20", distributions <= 20)
    verdict("MB, bytecode included", megabytes, "<= 40", megabytes <= 40)
    figures |= {"distributions": distributions, "installed_mb": megabytes}


if __name__ == "__main__":
    main()
