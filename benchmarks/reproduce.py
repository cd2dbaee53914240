"""What does `twice reproduce` cost?  `python benchmarks/reproduce.py [--quick]`; README.md beside it says what each number is.

Beside plain git doing the least that it takes: a worktree of the code, the bare command in it, the worktree removed.
Standard library only; works in `benchmarks/.work/`.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from measuring import Timed, report, take_turns
from workplaces import WORK, environment, git, install_twice, make_dirty, make_repository, with_scripts

_SIZES = {"small": 100, "medium": 5000}
# What a run does: nothing at all; and the least that a Python program does, with a result to compare.
_COMMANDS = {"true": ("true",), "python": ("python", "result.py")}
_PROGRAM = """\
import json, pathlib
pathlib.Path("result.json").write_text(json.dumps({"accuracy": 0.75}))
print("accuracy: 0.75")
"""


def main() -> None:
    """Measure, print, and keep the figures in `.work/reproduce.json`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few rounds: does it work?")
    rounds = 3 if parser.parse_args().quick else 15
    WORK.mkdir(exist_ok=True)
    twice = install_twice()
    environ = with_scripts(environment(), twice)
    figures: dict[str, float] = {}
    for size, files in _SIZES.items():
        root = make_repository(f"{size}-reproduce", files)
        (root / "result.py").write_text(_PROGRAM, encoding="ascii")
        make_dirty(root)
        for name, words in _COMMANDS.items():
            overhead = _measure(root, f"{name}, {files} files", words, twice, environ, rounds)
            figures |= {f"reproduce_{name}_{size}_{key}": value for key, value in overhead.items()}
    (WORK / "reproduce.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="ascii")


def _measure(
    root: Path, title: str, words: tuple[str, ...], twice: Path, environ: Mapping[str, str], rounds: int
) -> dict[str, float]:
    program = str(twice / "twice")
    Timed("twice run", [program, "run", *words], root, environ).take_turn(counts=False)
    newest = ("for-each-ref", "--sort=-committerdate", "--count=1", "--format=%(refname)", "refs/experiments")
    ref = git(root, *newest)
    run_id = ref.rpartition("/")[2]
    target = WORK / "worktree"
    shutil.rmtree(target, ignore_errors=True)
    quoted = shlex.quote(str(target))
    script = (
        f"git worktree add -q --detach {quoted} {ref}^ && (cd {quoted} && {shlex.join(words)})"
        f" && git worktree remove --force {quoted}"
    )
    bare = Timed(shlex.join(words), words, root, environ)
    by_git = Timed("git worktree add, command, remove", ["sh", "-c", script], root, environ)
    again = Timed("twice reproduce", [program, "reproduce", run_id], root, environ)
    take_turns([bare, by_git, again], rounds)
    report(f"Running it again: {title}", [bare, by_git, again], floor=bare)
    return {
        "ms": again.median_ms,
        "over_git_ms": again.median_ms - by_git.median_ms,
        "ratio": again.median_ms / by_git.median_ms,
    }


if __name__ == "__main__":
    main()
