"""What does hashing cost, the first time and again?  `twice` beside `sha256sum` on all cores, and beside `find`.

    python benchmarks/hashing.py            # 2 GiB in 64 files, and 100,000 small files; some minutes
    python benchmarks/hashing.py --quick    # 256 MiB and 5,000 files: whether it works, not how fast

First: every file is read. `find -print0 | xargs -0 -P <cores> sha256sum` does the same; `-n` is chosen in its favour.
Again: nothing has changed. What has to be done for that is to stat every file: `find -printf` of size, times and inode does
it in C (fts) and says what it saw, `du` in C without a word, `python` with os.scandir. All three use one core; we use all.
Whole processes, in turn (A B A B …), files in the page cache. Ratios are of the medians; where the machine has other work,
look at the least and at CPU time, which has all processes in it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from measuring import Timed, report, take_turns

SOURCE = Path(__file__).parents[1] / "src"

HASH = """
import sys
from pathlib import Path
from twice.capture.hash_cache import HashCache
from twice.capture.hashing import hash_folder
with HashCache.open(Path(sys.argv[2])) as cache:
    print(hash_folder(Path(sys.argv[1]), cache).sha256)
"""

STAT = """
import os, sys
def walk(folder):
    for entry in os.scandir(folder):
        if entry.is_dir():
            walk(entry.path)
        else:
            entry.stat()
walk(sys.argv[1])
"""


def main() -> None:
    """Measure both kinds of data, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where to write the files (default: the temporary folder)")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="twice-hashing-", dir=options.folder))
    try:
        large, small = (4, 5_000) if options.quick else (32, 100_000)
        rounds = 2 if options.quick else options.rounds
        print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, medians of {rounds} turns")
        measure("large files", write_large(work / "large", large), work, rounds, at_once=1)
        measure("small files", write_small(work / "small", small), work, rounds, at_once=500)
    finally:
        shutil.rmtree(work)


def write_large(folder: Path, megabytes: int) -> Path:
    """64 files of so many MiB."""
    folder.mkdir()
    block = os.urandom(2**20)
    for number in range(64):
        with (folder / f"{number}.bin").open("wb") as file:
            for part in range(megabytes):
                file.write(number.to_bytes(4, "big") + part.to_bytes(4, "big") + block[8:])
    return folder


def write_small(folder: Path, files: int) -> Path:
    """So many files of 2 KiB, 1,000 in a folder."""
    for number in range(files):
        path = folder / str(number // 1000) / f"{number}.txt"
        if number % 1000 == 0:
            path.parent.mkdir(parents=True)
        path.write_bytes(f"{number:08} ".encode() * 228)
    return folder


def measure(title: str, folder: Path, work: Path, rounds: int, *, at_once: int) -> None:
    """Print how `twice` compares, first and again."""
    environ = {**os.environ, "PYTHONPATH": str(SOURCE), "LC_ALL": "C"}
    forgotten, kept = work / f"{folder.name}-forgotten.sqlite3", work / f"{folder.name}-kept.sqlite3"
    cores = str(os.cpu_count())
    sums = f"find {folder} -type f -print0 | xargs -0 -P {cores} -n {at_once} sha256sum"
    finding = ("find", str(folder), "-type", "f", "-printf", "%s %T@ %C@ %i\\n")
    first = Timed(
        "twice, first",
        [sys.executable, "-c", HASH, str(folder), str(forgotten)],
        work,
        environ,
        before=lambda: forgotten.unlink(missing_ok=True),
    )
    again = Timed("twice, again", [sys.executable, "-c", HASH, str(folder), str(kept)], work, environ)
    nothing = Timed("python, nothing", [sys.executable, "-c", ""], work, environ)
    sha256sum = Timed("sha256sum", ["sh", "-c", sums], work, environ)
    find = Timed("find, stat", finding, work, environ)
    du = Timed("du, stat", ["du", "-s", str(folder)], work, environ)
    python = Timed("python, stat", [sys.executable, "-c", STAT, str(folder)], work, environ)
    again.take_turn(counts=False)
    commands = [first, sha256sum, again, find, du, python, nothing]
    take_turns(commands, rounds)
    count = sum(len(names) for _, _, names in os.walk(folder))
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    report(f"{title}: {count:,} of {size / 2**20:,.0f} MiB together", commands)
    print(f"  {'':<24}{'wall':>8}{'least':>8}{'CPU':>8}")
    compare("first / sha256sum", first, sha256sum)
    for peer in (find, du, python):
        compare(f"again / {peer.name}", again, peer)


def compare(title: str, one: Timed, other: Timed) -> None:
    """Print how many times the other's time one takes."""
    wall, least = one.median_ms / other.median_ms, min(one.wall_ms) / min(other.wall_ms)
    cpu = statistics.median(one.cpu_ms) / statistics.median(other.cpu_ms)
    print(f"  {title:<24}{wall:>8.2f}{least:>8.2f}{cpu:>8.2f}")


if __name__ == "__main__":
    main()
