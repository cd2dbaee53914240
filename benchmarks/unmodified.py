"""Do scripts that nobody here wrote come out again?  `python benchmarks/unmodified.py PYTHON FOLDER [--count 25]`

FOLDER holds scripts, such as the `examples` of an unpacked source distribution of scikit-learn; PYTHON is an interpreter that
has what they import. Each script is run twice bare, which tells what is random in it; recorded by `twice run` in a
repository with work lying about; and reproduced in a fresh clone of that one ref with an empty home, the first repository
being gone. Figures are saved by a backend of matplotlib, so that nothing in the scripts is touched. Nothing that `twice`
says is believed: files are hashed here, and what was printed is compared here.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

_NETWORK = re.compile(r"fetch_|urlopen|requests\.|load_sample_image|download")
_SEED = re.compile(r"(random_state ?= ?|RandomState\(|default_rng\(|random\.seed\(|\bseed ?= ?)\d+\b")
_BACKEND = '''\
"""Saves the figures that a script shows, and at its end those that it never did."""

import atexit

from matplotlib.backend_bases import Gcf
from matplotlib.backends.backend_agg import FigureCanvasAgg as FigureCanvas  # noqa: F401

_shown = 0


def show(*args, **kwargs):
    global _shown
    for manager in Gcf.get_all_fig_managers():
        _shown += 1
        manager.canvas.figure.savefig(f"figure-{_shown}.png")
    Gcf.destroy_all()


atexit.register(show)
'''
_LIMIT_S = 60


def main() -> int:
    """Take the scripts one by one; the exit code says whether a claim was false."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("python", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=25)
    parser.add_argument("--pattern", default="plot_*.py")
    parser.add_argument("--seed", type=int, default=0, help="which scripts are taken, and in which order")
    parser.add_argument("--unseed", action="store_true", help="take the seeds out of the scripts: the one modification")
    options = parser.parse_args()
    scripts = [path for path in sorted(options.folder.rglob(options.pattern)) if not _NETWORK.search(path.read_text())]
    random.Random(options.seed).shuffle(scripts)
    found: dict[str, list[str]] = {"exact": [], "cause named": [], "failed": [], "FALSE": []}
    for script in scripts:
        if sum(map(len, found.values())) >= options.count:
            break
        with tempfile.TemporaryDirectory(prefix="unmodified-") as folder:
            try:
                said, kind = judge(taken(script, Path(folder), options.unseed), Path(folder), options.python)
            except (subprocess.TimeoutExpired, NotRunning) as error:
                print(f"  left out  {script.stem}: {type(error).__name__} {error}"[:160], flush=True)
                continue
        found[kind].append(script.stem)
        print(f"{kind:>11}  {script.stem}: {said}", flush=True)
    total = sum(map(len, found.values()))
    print(f"{total} scripts: " + ", ".join(f"{len(names)} {kind}" for kind, names in found.items()))
    return 1 if found["FALSE"] else 0


def taken(script: Path, folder: Path, unseed: bool) -> Path:
    """The script, or a copy without the seeds that it sets."""
    if not unseed:
        return script
    text = _SEED.sub(lambda found: found[1] + "None", script.read_text())
    copy = folder / script.name
    copy.write_text(text)
    return copy


class NotRunning(Exception):
    """The script itself does not run here."""


def judge(script: Path, folder: Path, python: Path) -> tuple[str, str]:
    """Run, record, carry away and reproduce one script; what came of it, and which kind of end that is."""
    environ = {
        "PATH": f"{python.parent}:{os.environ['PATH']}",
        "HOME": str(folder / "home"),
        "MPLBACKEND": "module://figures",
        "LC_ALL": "C.UTF-8",
        "PYTHONWARNINGS": "ignore",
    }
    (folder / "home").mkdir()
    work = folder / "work"
    lay_out(script, work, environ)
    bare = [run_bare(script, work, folder / f"bare{number}", environ) for number in range(2)]
    is_random = bare[0] != bare[1]
    done = run([*twice(), "run", "python", script.name], work, environ)
    if done.returncode:
        return f"recorded with exit code {done.returncode}: {done.stderr[-300:]}", "failed"
    shown = json.loads(run([*twice(), "show", "--json"], work, environ).stdout)
    was = figures(work)
    recorded = {one["path"]: one["sha256"] for one in shown["outputs"] if one.get("kind", "file") == "file"}
    if not was.items() <= recorded.items():
        return f"recorded {recorded}, on disk {was}", "FALSE"
    ref = run(["git", "for-each-ref", "--format=%(refname)", "refs/experiments"], work, environ).stdout.strip()
    clone = folder / "clone"
    run(["git", "init", "-q", str(clone)], folder, environ)
    run(["git", "fetch", "-q", str(work), f"{ref}:{ref}"], clone, environ)
    work.rename(folder / "gone")
    environ["HOME"] = str(folder / "empty")
    (folder / "empty").mkdir()
    again = run([*twice(), "reproduce", "@", "--json", "--keep"], clone, environ)
    if again.returncode not in (0, 1):
        return f"could not be reproduced: {again.stderr[-300:]}", "failed"
    verdict = json.loads(again.stdout)
    kept = Path(re.findall(r"kept[^/]*(/\S+)", again.stderr)[-1])
    said, kind = compare(verdict, recorded, kept, done.stdout, again.stderr)
    if kind != "exact":
        # The same seed on the same machine in the same place: what differs now is decided by no seed.
        (folder / "gone").rename(work)
        seed = str(shown["seeds"]["root"])
        once_more = run([*twice(), "run", "--seed", seed, "python", script.name], work, environ)
        is_same = (once_more.stdout, figures(work)) == (done.stdout, was)
        said += f" (repeated in place: {'the same' if is_same else 'differs too'})"
    return f"{'random' if is_random else 'not random'}, {said}", kind


def compare(verdict: dict, recorded: dict[str, str], kept: Path, printed: str, told: str) -> tuple[str, str]:
    """The verdict against what is true."""
    for one in verdict["outputs"]:
        path = kept / one["path"]
        same = path.is_file() and sha256(path) == recorded.get(one["path"])
        if same != (one["state"] == "byte-identical"):
            return f"{one['path']} is said to be {one['state']}", "FALSE"
    rows = {row["part"]: row for row in verdict["rows"]}
    lines = [line for line in printed.splitlines() if line]
    same_print = all(line in told for line in lines)
    said = f"{len(lines)} lines {'' if same_print else 'NOT '}as before; "
    said += f"{rows['results']['text']} | " + " | ".join(
        f"{part} {row['text']}" for part, row in rows.items() if part != "results" and row["state"] != "identical"
    )
    if verdict["outcome"] == "reproduced" and rows["results"]["state"] in ("identical", "equivalent"):
        printed_again = (verdict["printed"] or {}).get("state")
        if printed_again == "identical" and not same_print:
            return f"{said}: said to be printed again", "FALSE"
        return said, "exact"
    named = [cause for cause in verdict["causes"] if "nothing that is recorded differs" not in cause]
    return f"{said}; causes: {'; '.join(verdict['causes'])}", "cause named" if named else "failed"


def lay_out(script: Path, work: Path, environ: dict[str, str]) -> None:
    """A repository with the script not tracked yet, and other work lying about."""
    run(["git", "init", "-q", str(work)], work.parent, environ)
    for name in ("user.name", "user.email"):
        run(["git", "config", name, "ada@example.org"], work, environ)
    (work / "notes.txt").write_text("notes\n")
    run(["git", "add", "-A"], work, environ)
    run(["git", "commit", "-q", "-m", "first"], work, environ)
    (work / "notes.txt").write_text("changed\n")
    (work / "figures.py").write_text(_BACKEND)
    shutil.copy(script, work)


def run_bare(script: Path, work: Path, copy: Path, environ: dict[str, str]) -> tuple[str, dict[str, str]]:
    """What the script prints and draws without `twice`."""
    shutil.copytree(work, copy)
    done = run(["python", script.name], copy, environ)
    if done.returncode:
        raise NotRunning(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else done.returncode)
    return done.stdout, figures(copy)


def run(words: list[str], cwd: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A finished process, its output as text."""
    return subprocess.run(words, cwd=cwd, env=environ, capture_output=True, text=True, timeout=_LIMIT_S, check=False)


def twice() -> list[str]:
    """This checkout's command, by the Python that runs this script."""
    return [sys.executable, "-m", "twice"]


def figures(folder: Path) -> dict[str, str]:
    """Name → sha256 of the figures that the script has shown."""
    return dict(hashes(folder))


def hashes(folder: Path) -> Iterator[tuple[str, str]]:
    """The names and hashes of the figures in a folder."""
    for path in sorted(folder.glob("figure-*.png")):
        yield path.name, sha256(path)


def sha256(path: Path) -> str:
    """The hash of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
