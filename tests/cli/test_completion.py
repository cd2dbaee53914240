"""What a shell offers after TAB: names of params and metrics, as the language writes them and as the shell takes them."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from click.shell_completion import BashComplete

from commands import Twice
from twice.cli.main import cli

Offered = Callable[..., list[str]]

SCRIPT = """\
import twice

twice.log_params({"lr": 0.1, "weight decay": 0.01, "weights": 1, "same": 1, "odd`name": 1, "model": {"layers": 2}})
twice.log_metrics({"loss": 0.5, "accuracy": 0.9, "val loss": 0.6, "same": 1}, step=1)
"""


@pytest.fixture
def work(repository: Path, twice: Twice) -> Path:
    (repository / "train.py").write_text(SCRIPT)
    twice("run", "-n", "first", "python", "train.py")
    (repository / "other.py").write_text("import twice\ntwice.log_metric('only here', 1)\n")
    twice("run", "-n", "second", "python", "other.py")
    twice("ls")
    return repository


@pytest.fixture
def offered(work: Path, monkeypatch: pytest.MonkeyPatch) -> Offered:
    """The words that click gives a shell for the last of some words."""
    monkeypatch.chdir(work)
    shell = BashComplete(cli, {}, "twice", "_TWICE_COMPLETE")

    def offer(*words: str) -> list[str]:
        return [item.value for item in shell.get_completions(list(words[:-1]), words[-1])]

    return offer


def test_names_in_filters(offered: Offered, twice: Twice) -> None:
    assert offered("ls", "-f", "met") == [
        "metrics.accuracy", "metrics.loss", "metrics.`only here`", "metrics.same", "metrics.`val loss`",
    ]  # fmt: skip
    assert offered("ls", "-f", "acc") == ["accuracy"]
    assert offered("best", "loss", "-f", "lr < 1 and weig") == ["lr < 1 and weights"]
    assert offered("compare", "-f", "(`we") == ["(`weight decay`"]
    assert offered("plot", "-f", "params.weight ") == []
    assert offered("plot", "-f", "params.`wei") == ["params.`weight decay`"]
    assert offered("report", "-f", "not params.o") == ['not params."odd`name"']
    assert offered("ls", "-f", "sam") == ["same("], "a bare `same` would be ambiguous"
    assert offered("ls", "-f", "params.same") == ["params.same"]
    assert offered("ls", "-f", "lr = ") == offered("ls", "-f", "lr in (") == []
    assert offered("ls", "-f", "same(") == []
    assert offered("ls", "-f", "status = f") == ["status = finished", "status = failed"]
    assert "env.python" in offered("ls", "-f", "env.p")
    names = [name for name in offered("ls", "-f", "") if not name.endswith("(")]
    assert len(names) > 30
    twice("ls", "-f", " or ".join(f"{name} IS NULL" for name in names))


def test_names_elsewhere(offered: Offered) -> None:
    assert offered("ls", "--sort", "l") == ["loss", "lr"]
    assert offered("ls", "--columns", "lr,l") == ["lr,loss"]
    assert offered("best", "val") == ["`val loss`"]
    assert offered("importance", "metrics.a") == ["metrics.accuracy"]
    assert offered("show", "first", "-m", "") == ["accuracy", "loss", "same", "val loss"]
    assert offered("show", "-m", "o") == ["only here"]
    assert offered("plot", "-m", "v") == ["val loss"]
    assert offered("plot", "-x", "w") == ["weight decay", "weights"]


def test_there_is_silence_where_nothing_is_known(
    tmp_path: Path, work: Path, twice: Twice, offered: Offered, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = work / ".git" / "twice" / "index.sqlite3"
    twice("run", "true")
    before = index.read_bytes()
    assert offered("best", "ac") == ["accuracy"] and index.read_bytes() == before
    index.write_bytes(b"damaged")
    assert offered("best", "ac") == []
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert offered("best", "a") == []


# -------------------------------------------------------------------------------------------------- in real shells


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash")
def test_bash_takes_it_as_one_word(work: Path, twice: Twice) -> None:
    script = work.parent / "completion.bash"
    script.write_text(twice("completion", "bash").out)
    for typed, argument in (
        ("twice ls -f 'params.weights\t", "params.weights"),
        ("twice ls -f 'params.`wei\t", "params.`weight decay`"),
        ('twice ls -f "params.\\`wei\t', "params.`weight decay`"),
        ("twice ls -f params.\\`wei\t", "params.`weight decay`"),
        ("twice ls -f 'lr < 1 and acc\t", "lr < 1 and accuracy"),
        ("twice ls --columns lr,acc\t", "lr,accuracy"),
        ("twice best val\t", "`val loss`"),
        ("twice show first -m val\t", "val loss"),
        ("twice repro\t", "reproduce"),
    ):
        assert argument_after_tab(work, script, typed) == argument


def argument_after_tab(work: Path, script: Path, typed: str) -> str:
    """What an interactive bash passes on as the last argument, once TAB has completed it."""
    seen = work.parent / "arguments"
    seen.unlink(missing_ok=True)
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(work)
        os.environ.update(TERM="dumb", HISTFILE="", INPUTRC="/dev/null", PS1="ready> ")
        os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
    # ^A goes to the line's start, ^E to its end
    for keys in (f". {script}\n", f"{typed}\x01printf '%s\\n' \x05 > {seen}\n", "exit\n"):
        wait_for(terminal, b"ready> ")
        os.write(terminal, keys.encode())
    wait_for(terminal, None)
    os.kill(child, signal.SIGKILL)  # nothing is left of it, unless it waits for more
    os.close(terminal)
    os.waitpid(child, 0)
    return seen.read_text().splitlines()[-1]


def wait_for(terminal: int, end: bytes | None) -> None:
    """Read until the text ends so, or there is no more."""
    text = b""
    with suppress(OSError):  # the end of a terminal, on Linux
        while (end is None or not text.endswith(end)) and select.select([terminal], [], [], 20)[0]:
            text += os.read(terminal, 4096)
