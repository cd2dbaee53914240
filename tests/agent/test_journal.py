"""The journal holds every event, whatever happens to the process, its descriptors and the folder."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twice.agent.protocol import KINDS, VARIABLES, Journal, read_events, run_journal, to_json

_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**400), 10**400) | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(_PLAIN)
def test_json_is_what_the_standard_library_writes(value: object) -> None:
    assert to_json(value) == json.dumps(value, separators=(",", ":"))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path))
    journal.write("metric", name="loss", value=0.1, step=None)
    journal.write("tag", name="käse \udcff", value="\n")
    first, second = read_events(tmp_path)
    assert (first["kind"], first["name"], first["value"], first["step"]) == ("metric", "loss", 0.1, None)
    assert (second["name"], second["value"], second["pid"]) == ("käse \udcff", "\n", os.getpid())
    journal.close()


def test_names_of_variables_and_kinds_are_distinct() -> None:
    assert len(set(VARIABLES)) == len(VARIABLES)
    assert len(set(KINDS)) == len(KINDS)


def test_outside_a_run_there_is_no_journal() -> None:
    assert run_journal() is None


def test_events_of_several_processes_come_by_time(tmp_path: Path) -> None:
    folder = tmp_path / "events"
    folder.mkdir()
    for pid, times in ((12, (1.0, 4.0)), (7, (2.0, 3.0, 4.0))):
        text = "".join(f'{{"t":{t},"kind":"exit"}}\n' for t in times)
        (folder / f"{pid}-0badcafe.jsonl").write_text(text)
    assert [(event["t"], event["pid"]) for event in read_events(tmp_path)] == [
        (1.0, 12), (2.0, 7), (3.0, 7), (4.0, 12), (4.0, 7),
    ]  # fmt: skip


def test_torn_and_foreign_lines_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "events"
    folder.mkdir()
    whole = '{"t":1.5,"kind":"exit"}'
    (folder / "1-aaaaaaaa.jsonl").write_bytes(
        f'[]\n{{}}\n{{"t":"x","kind":"exit"}}\n{whole}\n\xff\n{{"t":2.'.encode("latin-1")
    )
    (folder / "notes.txt").write_text("no journal\n")
    assert [event["t"] for event in read_events(tmp_path)] == [1.5]


def test_a_folder_that_is_not_there_has_no_events(tmp_path: Path) -> None:
    assert list(read_events(tmp_path / "nowhere")) == []


def test_threads_lose_nothing_and_do_not_tear_each_others_lines(tmp_path: Path) -> None:
    for attempt in range(20):
        journal = Journal(str(tmp_path / str(attempt)))
        (tmp_path / str(attempt)).mkdir()
        together = threading.Barrier(8)  # all of them find that the file has to be opened

        def write(number: int, journal: Journal = journal, together: threading.Barrier = together) -> None:
            together.wait()
            for step in range(20):
                journal.write("metric", name=f"of {number}" * 20, value=step, step=step)

        threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        journal.close()
        found = {(event["name"], event["step"]) for event in read_events(tmp_path / str(attempt))}
        assert len(found) == 8 * 20


def test_a_forked_child_writes_to_a_file_of_its_own(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path))
    journal.write("tag", name="parent", value="")
    child = os.fork()
    if child == 0:
        journal.write("tag", name="child", value="")
        os._exit(0)
    os.waitpid(child, 0)
    journal.write("tag", name="parent again", value="")
    journal.close()
    assert {(event["name"], event["pid"]) for event in read_events(tmp_path)} == {
        ("parent", os.getpid()),
        ("child", child),
        ("parent again", os.getpid()),
    }
    assert len(list((tmp_path / "events").iterdir())) == 2


def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        journal = Journal(str(tmp_path))
        for step in range(50):
            journal.write("metric", name="loss", value=1.0, step=step)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert [event["step"] for event in read_events(tmp_path)] == list(range(50))


def test_a_descriptor_that_the_script_took_over_is_not_written_to(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path))
    journal.write("tag", name="one", value="")
    (descriptor,) = [
        int(name)
        for name in os.listdir("/proc/self/fd")
        if os.path.realpath(f"/proc/self/fd/{name}").startswith(str(tmp_path))
    ]
    os.close(descriptor)
    with (tmp_path / "precious").open("wb") as own:
        assert own.fileno() == descriptor
        journal.write("tag", name="two", value="")
    assert (tmp_path / "precious").read_bytes() == b""
    journal.close()
    assert {event["name"] for event in read_events(tmp_path)} == {"one", "two"}


def test_a_folder_that_is_gone_is_neither_an_error_nor_made_again(tmp_path: Path) -> None:
    live = tmp_path / "live"
    Journal(str(live)).write("exit")
    assert not live.exists()


def test_a_full_disk_is_silent_and_the_next_line_is_whole(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        journal = Journal(str(tmp_path))
        journal.write("tag", name="first", value="")
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
        journal.write("tag", name="torn", value="x" * 200)
        journal.write("tag", name="lost", value="")
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        journal.write("tag", name="last", value="")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert [event["name"] for event in read_events(tmp_path)] == ["first", "last"]


def test_a_value_that_is_not_plain_is_no_event_and_no_error(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path))
    journal.write("param", name="x", value=object())
    journal.write("exit")
    journal.close()
    assert [event["kind"] for event in read_events(tmp_path)] == ["exit"]


@pytest.mark.parametrize("name", ["protocol", "logging_api", "startup"])
def test_importing_costs_no_heavy_library(name: str) -> None:
    code = f"import sys, twice.agent.{name}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not {"json", "re", "typing", "threading", "dataclasses", "enum", "random", "hashlib"} & set(loaded)
