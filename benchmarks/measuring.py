"""How long does a command take, compared with another?  Commands are run in turn (A B A B …), so that what else the
machine does falls on all of them alike; medians are given, and ratios within the same run.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Timed:
    """A command to time; `before` is called before each of its turns and is not timed."""

    name: str
    words: Sequence[str]
    cwd: Path
    environ: Mapping[str, str]
    before: Callable[[], None] = lambda: None
    wall_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    def take_turn(self, *, counts: bool = True) -> bytes:
        """Run it once, whole process: from fork to the end of the last of its children that it waited for."""
        self.before()
        started = time.perf_counter()
        with subprocess.Popen(
            self.words, cwd=self.cwd, env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            assert process.stdout is not None
            output = process.stdout.read()
            _, status, used = os.wait4(process.pid, 0)
            wall = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise SystemExit(f"{self.name}: exit code {process.returncode}\n{output.decode(errors='replace')}")
        if counts:
            self.wall_ms.append(1e3 * wall)
            self.cpu_ms.append(1e3 * (used.ru_utime + used.ru_stime))
        return output

    @property
    def median_ms(self) -> float:
        """The median of its turns, wall clock."""
        return statistics.median(self.wall_ms)


def take_turns(commands: Sequence[Timed], rounds: int, *, warm_up: bool = True) -> None:
    """Run all of them in turn, so many times; once more before that, uncounted, so that all find warm caches."""
    for command in commands if warm_up else ():
        command.take_turn(counts=False)
    for _ in range(rounds):
        for command in commands:
            command.take_turn()


def report(title: str, commands: Sequence[Timed], floor: Timed | None = None) -> None:
    """Print the medians; with a floor, also what each takes over it."""
    print(f"\n{title}  (median of {len(commands[0].wall_ms)}, in turn)")
    print(f"  {'':<34}{'wall ms':>10}{'least':>10}{'CPU ms':>10}" + (f"{'over floor':>12}" if floor else ""))
    for one in commands:
        cpu = statistics.median(one.cpu_ms)
        over = f"{one.median_ms - floor.median_ms:12.0f}" if floor else ""
        print(f"  {one.name:<34}{one.median_ms:>10.1f}{min(one.wall_ms):>10.1f}{cpu:>10.0f}{over}")


def verdict(what: str, value: float, target: str, holds: bool) -> None:
    """Print a figure beside its target."""
    print(f"  {'ok  ' if holds else 'MISS'} {what}: {value:.1f} (target {target})")
