"""The page on reviewing is true: its commands are run, and its pieces for CI are those of the examples."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import yaml

from commands import Git, Twice

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "reviewing.md").read_text(encoding="utf-8")
SCRIPT = """\
import argparse, random
import twice

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
args = parser.parse_args()
for step in range(3):
    twice.log_metric("accuracy", 0.9 + args.lr / 10 + random.random() / 1000 + step / 1000, step=step)
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_its_commands_work(repository: Path, twice: Twice, git: Git) -> None:
    (repository / "train.py").write_text(SCRIPT)
    (repository / "README.md").write_text("".join(blocks("markdown")))
    git("add", "-A")
    git("commit", "-q", "-m", "a script")
    twice("run", "-n", "main", "--seed", "1", "python", "train.py")
    for lr in ("0.1", "0.2"):
        twice("run", "--seed", "2", "python", "train.py", "--lr", lr)
    (repository / "train.py").write_text(SCRIPT + "# later\n")
    twice("run", "--seed", "3", "python", "train.py", "--lr", "0.2")
    commands = [shlex.split(line, comments=True) for block in blocks("sh") for line in block.splitlines()]
    assert len(commands) > 8
    for program, *words in commands:
        assert program == "twice"
        done = twice(*words, expect=None)
        may_be = {0, 1} if words[0] == "diff" else {int(words[0] == "claims" and "--fix" not in words)}
        assert done.exit_code in may_be, f"{words}\n{done.out}{done.err}"
        if "-o" not in words and "--plot" not in words and words[0] != "claims":
            assert done.out
    assert (repository / "best.html").exists() and (repository / "report.html").exists()
    assert "twice: best:accuracy accuracy -->0.9713" not in (repository / "README.md").read_text()


def test_every_word_after_twice_is_a_command_or_an_option_of_it(twice: Twice, repository: Path) -> None:
    from twice.cli.main import COMMANDS

    assert {name for name in re.findall(r"`?twice ([a-z]+)", PAGE) if name not in ("run", "report")} <= COMMANDS.keys()
    help_text = twice("report", "--help").out
    for option in re.findall(r"^\| `(--[a-z]+)`", PAGE, re.MULTILINE):
        assert option in help_text


def test_its_pieces_for_ci_are_those_of_the_examples() -> None:
    github, gitlab = (yaml.safe_load(block) for block in blocks("yaml"))
    action = yaml.safe_load((ROOT / "examples/ci/github/action.yml").read_text())
    assert github["steps"][-1]["uses"] == "./examples/ci/github"
    assert github["steps"][-1]["with"].keys() <= action["inputs"].keys()
    template = yaml.safe_load((ROOT / "examples/ci/gitlab/twice.gitlab-ci.yml").read_text())
    assert gitlab["review"]["extends"] in template
    assert gitlab["review"]["variables"].keys() <= template[".twice-review"]["variables"].keys()
    for target in re.findall(r"\]\((?!http)([^)]+)\)", PAGE):
        assert (ROOT / "docs" / target).exists()
