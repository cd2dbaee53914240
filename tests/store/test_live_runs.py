from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from twice.errors import RepositoryError
from twice.store.live_runs import create_live_run, live_runs

RUN = "20261121-142233-k7q2m9"


def test_parts_are_written_whole_and_read_back(tmp_path: Path) -> None:
    live = create_live_run(tmp_path, RUN)
    assert live.read("request") is None
    live.write("request", {"command": ["python", "\udcff"], "x": float("inf")})
    assert live.read("request") == {"command": ["python", "\udcff"], "x": float("inf")}
    assert [one.id for one in live_runs(tmp_path)] == [RUN]
    live.remove()
    assert live_runs(tmp_path) == []


def test_a_part_that_was_cut_off_reads_as_absent(tmp_path: Path) -> None:
    live = create_live_run(tmp_path, RUN)
    (live.folder / "before.json").write_text('{"code": ')
    assert live.read("before") is None


def test_a_run_is_alive_as_long_as_its_process(tmp_path: Path) -> None:
    live = create_live_run(tmp_path, RUN)
    assert not live.is_alive()
    script = textwrap.dedent(
        f"""
        import sys, pathlib
        from twice.store.live_runs import LiveRun
        with LiveRun(pathlib.Path({str(live.folder)!r})).held():
            print("held", flush=True)
            sys.stdin.read()
        """
    )
    holder = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert live.is_alive()
    with pytest.raises(RepositoryError, match="another process"), live.held():
        pass
    holder.kill()
    holder.communicate()
    assert not live.is_alive()


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "live").write_text("in the way")
    with pytest.raises(RepositoryError, match="cannot write"):
        create_live_run(tmp_path, RUN)


def test_what_is_no_live_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "live" / "notes").mkdir(parents=True)
    assert live_runs(tmp_path) == []
