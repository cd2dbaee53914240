"""Where system calls are traced, installed modules are loaded past the tracer, and everything is loaded as without it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from interpreters import Runner

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="system calls are traced on Linux only")

OPENS = """
import os, sys
flagged = []
def note(event, words):
    if event == "open" and (words[2] or 0) & os.O_ASYNC:
        flagged.append(os.path.basename(words[0]))
sys.addaudithook(note)
import colorsys, own, installed
print(*sorted({name.split(".")[0] for name in flagged}))
print(own.VALUE, installed.VALUE, own.__spec__.loader.get_data(own.__file__))
try:
    installed.__spec__.loader.get_data(installed.__file__ + "/gone.py")
except OSError as error:
    print(type(error).__name__)
"""


@pytest.mark.parametrize(("trace", "flagged"), [("syscalls", "colorsys installed"), ("off", "")])
def test_installed_modules_alone_are_opened_so_that_the_tracer_is_not_asked(
    run: Runner, tmp_path: Path, python: str, trace: str, flagged: str
) -> None:
    packages = tmp_path / "lib" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "installed.py").write_text("VALUE = 1\n")
    (tmp_path / "own.py").write_text("VALUE = 2\n")
    script = f"import sys; sys.path[:0] = [{str(packages)!r}, {str(tmp_path)!r}]\n" + OPENS
    ran = run(script, python=python, trace=trace)
    assert ran.output.splitlines() == [
        flagged,
        "2 1 b'VALUE = 2\\n'",
        "NotADirectoryError",
    ]


def test_the_flag_says_nothing_to_the_kernel(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_bytes(b"text")
    descriptor = os.open(tmp_path / "module.py", os.O_RDONLY | os.O_ASYNC)
    try:
        assert os.read(descriptor, 10) == b"text"
    finally:
        os.close(descriptor)
