"""twice demo: a small repository in a folder, and every main command run in it, shown with its output."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from twice.errors import TwiceError, UsageError
from twice.git.starting import start_repository

_CHECKOUT_EXAMPLES = Path(__file__).parents[3] / "examples"
_PACKAGED_EXAMPLES = Path(__file__).parents[1] / "examples"

STEPS = (
    ("A run of the script as it is:", "run python train.py"),
    ("Another, with a changed param, in a work tree with uncommitted changes:", "run -m faster python train.py --lr 0.1"),
    ("Which runs are there?", "ls"),
    ("What is known of the latest?", "show @"),
    ("What differs between the two?", "diff @~1 @"),
    ("Does it give the same result again, from its own code in a fresh worktree?", "reproduce @"),
    ("Back to the code of the first run (what is here now is kept):", "apply @~2"),
    ("And as a git branch:", "branch @~2 first-try"),
)  # fmt: skip


@click.command("demo", epilog="Example: twice demo /tmp/digits")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
def command(folder: Path | None) -> int:
    """See it all on a small example

    Builds a repository in FOLDER (default: a new temporary one): scikit-learn's digits where scikit-learn is installed,
    else a script of the standard library. Each command is shown before its output.
    """
    top = Path(tempfile.mkdtemp(prefix="twice-demo-")) if folder is None else folder.absolute()
    if folder is not None and top.exists() and any(top.iterdir()):
        raise UsageError(f"{folder} is not empty", hint="name a folder that is not there yet")
    example = "digits" if importlib.util.find_spec("sklearn") is not None else "standard"
    build_repository(top, _examples() / example)
    click.echo(f"A repository with the example `{example}` is in {top}\n")
    for position, (text, words) in enumerate(STEPS):
        if position == 1:
            _lay_changes_around(top)
        click.echo(f"# {text}\n$ twice {words}", nl=True)
        code = _run(shlex.split(words), top)
        if code != 0 and not (words.startswith("diff") and code == 1):
            raise TwiceError(f"`twice {words}` ended with exit code {code}", hint=f"look around in {top}")
        click.echo("")
    click.echo(f"The runs are git commits: try `git log --all --oneline` in {top}")
    return 0


def build_repository(top: Path, example: Path) -> None:
    """A new repository with the example's files in one commit."""
    top.mkdir(parents=True, exist_ok=True)
    for path in sorted(example.iterdir()):
        if path.is_file():
            shutil.copy(path, top / path.name)
    start_repository(top, dict(os.environ), message="The example")


def _lay_changes_around(top: Path) -> None:
    """What work in progress looks like: a modified file and an untracked one."""
    with (top / "train.py").open("a", encoding="utf-8") as file:
        file.write("\n# an uncommitted thought\n")
    (top / "notes.txt").write_text("try a higher learning rate\n", encoding="utf-8")


def _run(words: list[str], top: Path) -> int:
    sys.stdout.flush()
    folder = str(Path(sys.executable).parent)
    path = os.pathsep.join([folder, os.environ.get("PATH", os.defpath)])
    environ = {**os.environ, "PATH": path, "TWICE_PAGER": "cat"}
    return subprocess.run([sys.executable, "-m", "twice", *words], cwd=top, env=environ, check=False).returncode


def _examples() -> Path:
    for folder in (_PACKAGED_EXAMPLES, _CHECKOUT_EXAMPLES):
        if folder.is_dir():
            return folder
    raise TwiceError("the examples are not installed", hint="run it from a checkout, or install twice again")
