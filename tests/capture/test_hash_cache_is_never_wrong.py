"""The cache of hashes: what it remembers, what it must not, and what it survives."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

import twice
from twice.capture.hash_cache import HashCache
from twice.capture.hashing import hash_files
from twice.capture.opened_files import stamp_of

OLD_NS = time.time_ns() - 3_600_000_000_000
SHA = "ab" * 32


def aged(path: Path, content: bytes = b"content") -> Path:
    """A file written so long ago that its stamps can be trusted; ctime cannot be set, so the reader's clock is late."""
    path.write_bytes(content)
    os.utime(path, ns=(OLD_NS, OLD_NS))
    return path


def late() -> int:
    return time.time_ns() + 10_000_000_000


def test_a_known_file_is_not_read_again(tmp_path: Path) -> None:
    path = aged(tmp_path / "file")
    with HashCache.open(tmp_path / "cache" / "hashes") as cache:
        cache.put(path, path.stat(), SHA, began_ns=late())
        assert cache.get(path, path.stat()) == SHA
        assert hash_files([path], cache)[path].sha256 == SHA  # a lie, which only a second reading would find
    with HashCache.open(tmp_path / "cache" / "hashes") as cache:
        assert cache.get(path, path.stat()) == SHA


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_bytes(b"CONTENT"),
        lambda path: path.write_bytes(b"longer content"),
        lambda path: os.utime(path, ns=(OLD_NS + 1, OLD_NS + 1)),
        lambda path: (aged(path.with_name("new"), b"CONTENT"), path.with_name("new").replace(path)),
        lambda path: path.chmod(0o600),  # ctime alone: what changed cannot be told
    ],
    ids=["same size", "other size", "one nanosecond", "replaced by a file as old", "ctime"],
)
def test_a_changed_file_is_unknown(tmp_path: Path, change: object) -> None:
    path = aged(tmp_path / "file")
    with HashCache.open(tmp_path / "hashes") as cache:
        cache.put(path, path.stat(), SHA, began_ns=late())
        assert cache.get(path, path.stat()) == SHA
        time.sleep(0.02)  # more than a tick of the file system's clock
        change(path)  # type: ignore[operator]
        assert cache.get(path, path.stat()) is None


def test_a_file_younger_than_a_tick_of_its_file_system_is_not_remembered(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1")
    with HashCache.open(tmp_path / "hashes") as cache:
        first = hash_files([path], cache)[path]
        assert cache.get(path, path.stat()) is None
        status = path.stat()
        path.write_bytes(b"2")
        os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))
        assert hash_files([path], cache)[path].sha256 != first.sha256


def test_nor_is_one_that_is_older_than_a_write_and_younger_than_a_tick(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}").write_bytes(b"1")
    time.sleep(0.02)
    paths = [tmp_path / f"{number}" for number in range(3)]
    with HashCache.open(tmp_path / "hashes") as cache:
        began = time.monotonic()
        assert len(hash_files(paths, cache)) == 3
        known = [cache.get(path, path.stat()) for path in paths]
        assert known == [None] * 3 or time.monotonic() - began > 0.05  # on a machine that stood still in between


def test_what_is_put_one_by_one_is_known_together(tmp_path: Path) -> None:
    paths = [aged(tmp_path / name) for name in ("c", "a", "b")]
    with HashCache.open(tmp_path / "hashes") as cache:
        for path in paths:
            cache.put(path, path.stat(), SHA, began_ns=late())
        assert [cache.get(path, path.stat()) for path in paths] == [SHA] * 3
        cache.flush()
        one = aged(tmp_path / "bb")
        cache.put(one, one.stat(), SHA, began_ns=late())
        assert [cache.get(path, path.stat()) for path in (*paths, one)] == [SHA] * 4
    with HashCache.open(tmp_path / "hashes") as cache:
        assert [cache.get(path, path.stat()) for path in (*paths, one)] == [SHA] * 4


@pytest.mark.parametrize(
    ("ctime_ns", "age_ns", "is_kept"),
    [
        (1_000_000_000_123_456_789, 50_000_000, False),
        (1_000_000_000_123_456_789, 200_000_000, True),
        (1_000_000_000_000_000_000, 200_000_000, False),  # whole seconds: FAT, ext3
        (1_000_000_000_000_000_000, 2_100_000_000, True),
    ],
)
def test_the_tick_is_read_off_the_stamps(tmp_path: Path, ctime_ns: int, age_ns: int, is_kept: bool) -> None:
    path = aged(tmp_path / "file")
    plain = list(path.stat())
    status = os.stat_result(plain, {"st_mtime_ns": ctime_ns - 10**12, "st_ctime_ns": ctime_ns})
    with HashCache.open(tmp_path / "hashes") as cache:
        cache.put(path, status, SHA, began_ns=ctime_ns + age_ns)
        assert (cache.get(path, status) is not None) == is_kept


def test_a_stamp_from_the_future_is_not_trusted(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1")
    os.utime(path, (time.time() + 1e6, time.time() + 1e6))
    with HashCache.open(tmp_path / "hashes") as cache:
        cache.put(path, path.stat(), SHA, began_ns=late())
        assert cache.get(path, path.stat()) is None


@pytest.mark.skipif(not Path("/dev/shm").is_dir() or sys.platform != "linux", reason="needs tmpfs")
def test_tmpfs_is_not_trusted_because_maps_leave_no_stamp_there(tmp_path: Path) -> None:
    path = Path("/dev/shm") / f"twice-test-{os.getpid()}"
    try:
        aged(path)
        with HashCache.open(tmp_path / "hashes") as cache:
            cache.put(path, path.stat(), SHA, began_ns=late())
            assert cache.get(path, path.stat()) is None
    finally:
        path.unlink()


def test_what_a_file_was_can_be_asked_after_it_is_gone(tmp_path: Path) -> None:
    path = aged(tmp_path / "file")
    with HashCache.open(tmp_path / "hashes") as cache:
        cache.put(path, path.stat(), SHA, began_ns=late())
        stamp = stamp_of(path.stat())
        path.unlink()
        assert cache.get_stamped(path, stamp) == SHA
        assert cache.get_stamped(path, (stamp[0] + 1, *stamp[1:])) is None


def _other_version(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()


def _other_table(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE folders")
        connection.execute("CREATE TABLE folders (x)")
    connection.close()


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"no database at all" * 100),
        lambda path: path.write_bytes(path.read_bytes()[:100]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:4096] + os.urandom(len(path.read_bytes()) - 4096)),
        _other_version,
        _other_table,
    ],
    ids=["not a database", "cut off", "empty", "pages overwritten", "newer version", "other table"],
)
def test_a_damaged_cache_is_rebuilt_without_a_word(tmp_path: Path, damage: object) -> None:
    path, place = aged(tmp_path / "file"), tmp_path / "hashes"
    with HashCache.open(place) as cache:
        cache.put(path, path.stat(), SHA, began_ns=late())
    damage(place)  # type: ignore[operator]
    with HashCache.open(place) as cache:
        assert cache.get(path, path.stat()) is None
        cache.put(path, path.stat(), SHA, began_ns=late())
        assert cache.get(path, path.stat()) == SHA


def test_where_nothing_can_be_written_it_works_without(tmp_path: Path) -> None:
    path = aged(tmp_path / "file")
    (tmp_path / "a file").write_text("not a folder")
    with HashCache.open(tmp_path / "a file" / "hashes") as cache:
        cache.put(path, path.stat(), SHA, began_ns=late())
        cache.flush()
        assert cache.get(path, path.stat()) == SHA
    assert (tmp_path / "a file").read_text() == "not a folder"


def test_a_cache_that_another_process_holds_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twice.capture.hash_cache._WAIT_S", 0.05)
    path, place = aged(tmp_path / "file"), tmp_path / "hashes"
    with HashCache.open(place) as cache:
        cache.put(path, path.stat(), SHA, began_ns=late())
    holder = sqlite3.connect(place)
    holder.execute("BEGIN EXCLUSIVE")
    with HashCache.open(place) as cache:
        assert cache.get(path, path.stat()) is None
        cache.put(path, path.stat(), SHA, began_ns=late())
        assert cache.get(path, path.stat()) == SHA
    holder.rollback()
    holder.close()
    with HashCache.open(place) as cache:
        assert cache.get(path, path.stat()) == SHA


def test_processes_share_it(tmp_path: Path) -> None:
    for number in range(40):
        aged(tmp_path / f"file{number}", b"%d" % number)
    program = """
import sys, time, pathlib
from twice.capture.hash_cache import HashCache
folder, first = pathlib.Path(sys.argv[1]), int(sys.argv[2])
for number in range(first, first + 10):
    with HashCache.open(folder / "hashes") as cache:
        path = folder / f"file{number}"
        cache.put(path, path.stat(), f"{number:064x}", began_ns=time.time_ns() + 10_000_000_000)
"""
    source = str(Path(twice.__file__).parents[1])
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path), str(first)], env={"PYTHONPATH": source})
        for first in (0, 10, 20, 30)
    ]
    assert [process.wait() for process in started] == [0, 0, 0, 0]
    with HashCache.open(tmp_path / "hashes") as cache:
        for number in range(40):
            path = tmp_path / f"file{number}"
            assert cache.get(path, path.stat()) == f"{number:064x}"


def test_names_that_are_no_text_are_keys_too(tmp_path: Path) -> None:
    path = aged(tmp_path / os.fsdecode(b"\xff\xfe"))
    with HashCache.open(tmp_path / "hashes") as cache:
        cache.put(path, path.stat(), SHA, began_ns=late())
        cache.flush()
        assert cache.get(path, path.stat()) == SHA
