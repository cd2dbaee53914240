"""How long does rebuilding an environment take, beside plain uv and plain pip?  `python benchmarks/environments.py [--quick]`

All build the same pinned distributions from the same index, in turn, whole: virtual environment and packages. Cold: nothing
in the installer's own cache or in twice's. Warm: the installer's cache is full. Cached: twice has built it before. And what
capturing an environment of 200 distributions costs, the first and the second time.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import Timed, report, take_turns, verdict
from workplaces import WORK, environment, install_twice

_PINS = ("numpy", "scikit-learn", "pandas")
_QUICK = ("idna", "click", "packaging")

REBUILD = """
import os, sys
from pathlib import Path
from twice.capture.packages import capture_packages
from twice.environments.interpreters import ask_interpreter
from twice.environments.rebuilding import Workshop, rebuild
from twice.environments.sources import Trees
original, cache, here = sys.argv[1], Path(sys.argv[2]), Path.cwd()
packages, _ = capture_packages(ask_interpreter(original, os.environ), here, None)
trees = Trees(snapshot=here, repository=here, recorded=here)
shop = Workshop(trees=trees, cache=cache, layer=here / "layer", environ=dict(os.environ), tell=lambda text: None)
done = rebuild(packages, original, None, shop)
assert not done.differences, done.differences
"""

CAPTURE = """
import sys, time
from pathlib import Path
from twice.capture.packages import capture_packages
report = {"path": [sys.argv[1]], "prefix": "/nowhere", "version": "3.11.7"}
cache = Path(sys.argv[2])
for _ in range(2):
    started = time.perf_counter()
    packages, _ = capture_packages(report, Path("/nowhere/at/all"), cache)
    print(len(packages.distributions), 1e3 * (time.perf_counter() - started))
"""


def main() -> None:
    """Measure, and print every figure beside that of the plain tool."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small packages, few rounds: does it work?")
    options = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    python = install_twice() / "python"
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    indexes = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_", "SSL_"))}
    environ = {**environment(), **indexes}
    print(f"{platform.platform()}, Python {platform.python_version()}, uv: {uv or 'none'}")
    with tempfile.TemporaryDirectory(dir=WORK, prefix="environments-") as folder:
        place = Path(folder)
        original, lock = _make_original(place, _QUICK if options.quick else _PINS, environ)
        if uv:
            environ["PATH"] = os.pathsep.join([environ["PATH"], str(Path(uv).parent)])
        for tool in ("uv", "pip") if uv else ("pip",):
            _measure(tool, uv, place, str(python), original, lock, environ, 2 if options.quick else 5)
        _measure_capture(place, str(python), environ)


def _make_original(place: Path, names: tuple[str, ...], environ: dict[str, str]) -> tuple[str, Path]:
    """An environment to rebuild, and its pins."""
    subprocess.run([sys.executable, "-m", "venv", str(place / "original")], check=True)
    python = str(place / "original" / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-compile", *names], env=environ, check=True)
    done = subprocess.run([python, "-m", "pip", "freeze"], env=environ, check=True, stdout=subprocess.PIPE, text=True)
    lock = place / "requirements.lock"
    lock.write_text(done.stdout, encoding="utf-8")
    return python, lock


def _measure(
    tool: str,
    uv: str | None,
    place: Path,
    twice: str,
    original: str,
    lock: Path,
    environ: dict[str, str],
    rounds: int,
) -> None:
    venv, cache, store = place / f"plain-{tool}", place / "cache", place / f"{tool}-store"
    variables = {**environ, "TWICE_INSTALLER": tool, "UV_CACHE_DIR": str(store), "PIP_CACHE_DIR": str(store)}
    if tool == "uv":
        install = (
            f"{uv} venv -q --clear -p {original} {venv} && {uv} pip install -q --no-deps -p {venv}/bin/python -r {lock}"
        )
    else:
        install = f"{original} -m venv {venv} && {venv}/bin/python -m pip install -q --no-deps -r {lock}"
    plain = ["sh", "-c", install]
    ours = [twice, "-c", REBUILD, original, str(cache)]

    def forget(*folders: Path) -> None:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)

    def timed(name: str, words: list[str], *folders: Path) -> Timed:
        return Timed(name, words, place, variables, before=lambda: forget(*folders))

    cold = [timed(f"{tool}, cold", plain, venv, store), timed("twice, cold", ours, cache, store)]
    take_turns(cold, max(1, rounds // 2))
    report(f"Rebuilding {len(lock.read_text().splitlines())} distributions with {tool}: cold", cold, cold[0])
    warm = [
        timed(f"{tool}, its cache full", plain, venv),
        timed("twice, the installer's cache full", ours, cache),
        timed("twice, cached", ours),
    ]
    take_turns(warm, rounds)
    report(f"with {tool}: again", warm, warm[0])
    print(f"  cold, twice : {tool} = {cold[1].median_ms / cold[0].median_ms:.2f}")
    print(f"  warm, twice : {tool} = {warm[1].median_ms / warm[0].median_ms:.2f}")
    print(f"  cached, twice : {tool} warm = {warm[2].median_ms / warm[0].median_ms:.2f}")
    verdict(
        f"a cached environment takes, of {tool}'s warm time, %",
        100 * warm[2].median_ms / warm[0].median_ms,
        "100",
        (warm[2].median_ms < warm[0].median_ms),
    )


def _measure_capture(place: Path, python: str, environ: dict[str, str]) -> None:
    """200 distributions of 150 files each: the first capture and the second."""
    site = place / "site-packages"
    for number in range(200):
        info = site / f"package{number}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: package{number}\nVersion: 1.0\n", encoding="ascii"
        )
        (info / "WHEEL").write_text("Wheel-Version: 1.0\nTag: py3-none-any\n", encoding="ascii")
        (info / "INSTALLER").write_text("pip\n", encoding="ascii")
        rows = (f"package{number}/module{file}.py,sha256={file:043},100\n" for file in range(150))
        (info / "RECORD").write_text("".join(rows), encoding="ascii")
    time.sleep(2.5)  # what has just been written is not trusted to a cache
    words = [python, "-c", CAPTURE, str(site), str(place / "readings")]
    said = subprocess.run(words, env=environ, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    (count, first), (_, second) = (line.split() for line in said)
    print(f"\nCapturing {count} distributions")
    verdict("first time, beside the running command, ms", float(first), "1000", float(first) < 1000)
    verdict("second time, ms", float(second), "20", float(second) < 20)


if __name__ == "__main__":
    main()
