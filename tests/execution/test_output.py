"""The command's output: unchanged, live, in a terminal where there is one, and kept head and tail."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from commands import Git, Twice
from twice.execution import output
from twice.execution.output import OutputLog, read_log


def test_a_log_that_fits_is_kept_whole(tmp_path: Path) -> None:
    log = OutputLog(tmp_path)
    log.write(b"one\n")
    log.write(b"\xff\x00two\r")
    log.close()
    assert read_log(tmp_path) == b"one\n\xff\x00two\r"


@pytest.mark.parametrize("chunk", [1, 7, 64, 1000])
def test_of_a_long_log_head_and_tail_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(output, "LOG_PART_BYTES", 64)
    data = b"".join(b"%05d\n" % number for number in range(100))
    log = OutputLog(tmp_path)
    for start in range(0, len(data), chunk):
        log.write(data[start : start + chunk])
    log.close()
    head, _, tail = read_log(tmp_path).partition(b"\n[... output left out")
    assert head == data[:64]
    kept = tail.partition(b"...]\n")[2]
    assert len(kept) == 64 and data.endswith(kept)


def test_nothing_is_left_out_of_a_log_of_head_and_part_of_a_tail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "LOG_PART_BYTES", 64)
    log = OutputLog(tmp_path)
    data = bytes(range(100))
    log.write(data)
    log.close()
    assert read_log(tmp_path) == data


def test_a_run_that_never_wrote_has_an_empty_log(tmp_path: Path) -> None:
    assert read_log(tmp_path) == b""


def test_bytes_pass_unchanged_and_streams_stay_apart(twice: Twice, repository: Path) -> None:
    script = "import os; os.write(1, bytes(range(256))); os.write(2, b'to stderr')"
    done = subprocess.run(
        [sys.executable, "-m", "twice", "run", sys.executable, "-c", script], cwd=repository, capture_output=True, check=True
    )  # fmt: skip
    assert done.stdout == bytes(range(256))
    assert done.stderr.startswith(b"to stderr")
    log = subprocess.run(
        [sys.executable, "-m", "twice", "show", "--log"], cwd=repository, capture_output=True, check=True
    ).stdout
    assert sorted(log) == sorted(bytes(range(256)) + b"to stderr")


def test_output_of_a_python_program_is_live_through_a_pipe(repository: Path) -> None:
    (repository / "train.py").write_text("import time\nprint('first')\ntime.sleep(30)\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "twice", "run", "python", "train.py"], cwd=repository, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"first\n"  # while the program sleeps
    assert process.poll() is None
    process.terminate()
    process.communicate()


def test_stdin_is_the_users(twice: Twice, repository: Path) -> None:
    assert twice("run", "cat", stdin="hello\n").out == "hello\n"


def test_in_a_terminal_the_command_sees_a_terminal_of_the_same_size(repository: Path) -> None:
    script = "import os, sys; print(sys.stdout.isatty(), sys.stderr.isatty(), os.get_terminal_size(1)); sys.stdout.write('x')"
    main, other = pty.openpty()
    import fcntl
    import struct
    import termios

    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "twice", "run", sys.executable, "-c", script], cwd=repository, stdout=other, stderr=other
    )
    os.close(other)
    seen = b""
    while True:
        try:
            data = os.read(main, 4096)
        except OSError:
            break
        if not data:
            break
        seen += data
    assert process.wait() == 0
    os.close(main)
    assert b"True True os.terminal_size(columns=77, lines=33)\r\nx" in seen


def test_a_background_process_that_keeps_the_output_open_is_not_waited_for(twice: Twice, repository: Path) -> None:
    began = time.monotonic()
    done = twice("run", "sh", "-c", "sleep 60 & echo started")
    assert done.out == "started\n"
    assert time.monotonic() - began < 50  # it did not wait for the sleeper, however slow this machine is


def test_the_run_goes_on_when_nobody_reads_its_output_any_more(twice: Twice, repository: Path, git: Git) -> None:
    (repository / "train.py").write_text("for n in range(20000): print('line', n)\nprint('loss: 3')\n")
    subprocess.run(
        ["bash", "-c", f"{sys.executable} -m twice run python train.py | head -n 1"],
        cwd=repository, capture_output=True, check=True,
    )  # fmt: skip
    assert "loss" in twice("ls").out
    assert twice("show", "--log").out.endswith("loss: 3\n")
