"""Many small files: processes that read them agree with one that reads alone, whatever becomes of them."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import twice
from twice.capture import reader_processes
from twice.capture.hash_cache import HashCache
from twice.capture.hashing import hash_files, hash_folder
from twice.capture.manifests import FolderDigest, read_manifest

SOURCE = str(Path(twice.__file__).parents[1])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Some hundred files in folders within folders, with names that are no text and folders that sort between files."""
    top = tmp_path / "data"
    for number in range(20):
        below = top / f"a{number % 7}" / os.fsdecode(b"\xff%d" % number)
        below.mkdir(parents=True)
        for name in range(number):
            (below / f"{name}\n{number}").write_bytes(b"%d %d" % (number, name) * 50)
        (top / f"a{number % 7}.{number}").write_bytes(b"beside")
    flat = top / "flat"
    flat.mkdir()
    for number in range(300):
        (flat / f"{number:05}").write_bytes(b"%d" % number)
    (flat / "large").write_bytes(b"x" * (1 << 20))
    (flat / "dangling").symlink_to("nowhere")
    return top


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """Processes from the first batch on, on however small a machine; the ones that were started."""
    processes = []

    class Noted(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, words: list[str], **options: object) -> None:
            super().__init__(words, **options)  # type: ignore[call-overload]
            processes.append(self)

    monkeypatch.setattr("subprocess.Popen", Noted)
    monkeypatch.setattr(reader_processes, "_ALONE_BATCHES", 0)
    monkeypatch.setattr(reader_processes, "workers", lambda: 4)
    monkeypatch.setattr("twice.capture.hashing.BATCH_FILES", 50)
    return processes


def by_hand(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> FolderDigest:
    with monkeypatch.context() as patch:
        patch.setattr(reader_processes, "workers", lambda: 1)
        return hash_folder(folder)


def test_processes_find_what_one_finds_alone(
    folder: Path, started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = hash_folder(folder)
    assert len(started) == 3
    assert all(process.returncode is not None for process in started)
    assert found == alone(folder, monkeypatch)
    assert read_manifest(found.manifest) == by_hand(folder)
    assert found.unreadable == ("flat/dangling",)
    assert found.files == len(by_hand(folder))


def test_lines_are_in_the_order_of_whole_paths(folder: Path) -> None:
    names = [os.fsencode(name) for name in read_manifest(hash_folder(folder).manifest)]
    assert names == sorted(names)


def test_single_paths_are_read_by_processes_too(folder: Path, started: list[subprocess.Popen[bytes]]) -> None:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    seen: list[int] = []
    found = hash_files([str(path) for path in paths], progress=seen.append)
    assert len(started) == 3
    assert {name: digest.sha256 for name, digest in found.items()} == {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths
    }
    assert sum(seen) == sum(path.stat().st_size for path in paths)


def test_the_second_time_nothing_is_read(folder: Path, tmp_path: Path, started: list[subprocess.Popen[bytes]]) -> None:
    time.sleep(0.2)  # so that the stamps of the files vouch for them
    with HashCache.open(tmp_path / "hashes") as cache:
        first = hash_folder(folder, cache)
    seen: list[int] = []
    with HashCache.open(tmp_path / "hashes") as cache:
        assert hash_folder(folder, cache, seen.append) == first
        assert len(hash_files(list((folder / "flat").iterdir()), cache, seen.append)) == 301
        assert cache.get(folder / "flat" / "large", (folder / "flat" / "large").stat()) is not None
    assert seen == []
    (folder / "flat" / "00007").write_bytes(b"8")
    with HashCache.open(tmp_path / "hashes") as cache:
        assert read_manifest(hash_folder(folder, cache, seen.append).manifest) == by_hand(folder)
    assert seen == [1]
    assert started


def test_what_a_process_had_when_it_died_is_read_here(
    folder: Path, started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(_: int) -> None:
        for process in started:
            process.kill()

    found = hash_folder(folder, progress=kill)
    assert any(process.returncode == -signal.SIGKILL for process in started)
    assert found == alone(folder, monkeypatch)


@pytest.mark.parametrize(
    "program",
    [
        None,
        "#!/nowhere/python\n",
        "#!/bin/sh\nexit 1\n",
        "#!/bin/sh\necho this is no answer at all, and looks like a very long one\ncat >/dev/null\n",
        "#!/bin/sh\nprintf '\\1\\0\\0\\0\\0\\0\\0\\0N'\ncat >/dev/null\n",  # marshal's None, 1 byte long
    ],
    ids=["absent", "does not start", "ends at once", "babbles", "answers something else"],
)
def test_without_a_python_that_answers_files_are_read_here(
    program: str | None,
    folder: Path,
    tmp_path: Path,
    started: list[subprocess.Popen[bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = tmp_path / "python3"
    if program:
        place.write_text(program)
        place.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(place))
    assert read_manifest(hash_folder(folder).manifest) == by_hand(folder)
    assert all(process.returncode is not None for process in started)


def test_another_program_that_embeds_python_is_not_started(
    folder: Path, tmp_path: Path, started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "blender"))
    assert read_manifest(hash_folder(folder).manifest) == by_hand(folder)
    assert started == []


def test_an_error_while_processes_read_leaves_none_behind(folder: Path, started: list[subprocess.Popen[bytes]]) -> None:
    seen = []

    def fail(size: int) -> None:
        seen.append(size)
        if len(seen) == 5:
            raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        hash_folder(folder, progress=fail)
    assert threading.active_count() == before
    assert all(process.returncode is not None for process in started)


def test_an_error_of_the_caller_while_listing_reaches_it(folder: Path, started: list[subprocess.Popen[bytes]]) -> None:
    def leave_out(path: str) -> bool:
        if path.endswith("00290"):
            raise LookupError
        return False

    with pytest.raises(LookupError):
        hash_folder(folder, leave_out=leave_out)
    assert all(process.returncode is not None for process in started)


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_ctrl_c_ends_it_at_once_and_without_a_word_of_its_processes(folder: Path) -> None:
    program = """
import sys
from pathlib import Path
from twice.capture import hashing, reader_processes
reader_processes._ALONE_BATCHES, reader_processes.cores, hashing.BATCH_FILES = 0, lambda: 4, 50
print("ready", flush=True)
try:
    while True:
        hashing.hash_folder(Path(sys.argv[1]))
except KeyboardInterrupt:
    print("interrupted")
"""
    words = [sys.executable, "-c", program, str(folder)]
    with subprocess.Popen(
        words, env={"PYTHONPATH": SOURCE}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.3)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: everything in the foreground
        output, errors = process.communicate(timeout=20)  # they hold no pipe of ours: it comes to an end
    assert (output, errors, process.returncode) == (b"interrupted\n", b"", 0)


def test_a_file_that_is_written_to_all_the_time_is_one_or_the_other(
    folder: Path, tmp_path: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    path, contents = folder / "flat" / "busy", [b"old" * 1000, b"new" * 1000]
    path.write_bytes(contents[0])
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            for content in contents:
                beside = path.with_name("beside")
                beside.write_bytes(content)
                os.utime(beside, ns=(1, 1))
                beside.replace(path)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with HashCache.open(tmp_path / "hashes") as cache:
            found = [read_manifest(hash_folder(folder, cache).manifest).get("flat/busy") for _ in range(5)]
    finally:
        stop.set()
        writer.join()
    assert set(found) <= {hashlib.sha256(content).hexdigest() for content in contents} | {None}
    with HashCache.open(tmp_path / "hashes") as cache:
        assert read_manifest(hash_folder(folder, cache).manifest) == by_hand(folder)
    assert started
