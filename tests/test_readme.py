"""What the README shows is what a user sees: its console block is run, its two commands are those of `.ci/run`."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from commands import Git, Twice

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def skeleton(line: str) -> str:
    """A line without what differs every time: numbers, ids, the sign of a change, and who knows the environment."""
    line = re.sub(r"^(\w{4}) → (\w{4}) ", "id → id ", line)
    line = re.sub(r"^twice: \w{4}  ", "twice: id  ", line)
    line = re.sub(r"same: .*", "same", line)
    line = re.sub(r"^environment .*", "environment", line)
    line = re.sub(r"[-+]?\d[\d.e-]*", "#", line)
    return re.sub(r"\s+|[▲▼]|better|worse", "", line)


def commands() -> list[tuple[str, list[str]]]:
    (block,) = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    return [(part.splitlines()[0], part.splitlines()[1:]) for part in parts]


def test_the_console_block_is_what_a_user_sees(twice: Twice, git: Git, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")
    work = tmp_path / "digits"
    shutil.copytree(ROOT / "examples" / "digits", work)
    git("init", "-q", cwd=work)
    git("add", "-A", cwd=work)
    git("commit", "-q", "-m", "digits", cwd=work)
    assert len(commands()) == 4
    for words, shown in commands():
        program, *rest = words.split()
        assert program == "twice"
        done = twice(*rest, cwd=work, expect=1 if rest[0] == "diff" else 0)
        real = iter([skeleton(line) for line in (done.err if rest[0] == "run" else done.out).splitlines()])
        for line in shown:
            if line != "…":
                assert skeleton(line) in real, f"$ {words}\n{line}\n{done.out}{done.err}"


def test_the_block_is_short_enough_to_be_read() -> None:
    (block,) = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    assert len(block.splitlines()) <= 25


def test_ci_runs_the_readmes_own_test_command() -> None:
    (command,) = re.findall(r"^    (pip install -e .*pytest.*)$", README, re.MULTILINE)[:1]
    assert command == "pip install -e '.[test]' && pytest -q"
    assert "README.md" in (ROOT / ".ci" / "run").read_text()


def test_every_command_is_in_the_readme() -> None:
    from twice.cli.main import COMMANDS

    missing = [name for name in COMMANDS if f"twice {name}" not in README]
    assert not missing
