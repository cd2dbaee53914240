"""Whatever is done to the files of a folder: with the cache it is what it is without; and the packed row is a table."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twice.capture import small_files
from twice.capture.folder_rows import FolderRow
from twice.capture.hash_cache import HashCache
from twice.capture.hashing import hash_files, hash_folder
from twice.capture.opened_files import stamp_of
from twice.capture.small_files import NO_STAMP

# ------------------------------------------------------------------------------------------------ files that change

NAMES = ("a", "b", "sub/a", "sub/b", "sub/c\nd")
OLD_NS = 1_000_000_000_123_456_789


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    os.utime(path, ns=(OLD_NS, OLD_NS))  # every file is as old as all others: mtime tells nothing


def swap(path: Path, other: Path) -> None:
    if path != other and path.exists() and other.exists():
        beside = path.with_name("beside")
        path.rename(beside)
        other.rename(path)
        beside.rename(other)


def replace(path: Path, content: bytes) -> None:
    beside = path.with_name("beside")
    write(beside, content)
    beside.replace(path)


def link(path: Path, other: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(other)


def hard_link(path: Path, other: Path) -> None:
    if other.is_file() and path != other:
        path.unlink(missing_ok=True)
        path.hardlink_to(other)


def copy_stamped(path: Path, other: Path) -> None:
    if path.is_file() and other.is_file():
        content, status = other.read_bytes(), path.stat()
        path.write_bytes(content)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def swap_folders(path: Path, other: Path) -> None:
    top = path.parent if path.parent.name != "sub" else path.parent.parent
    swap(top / "sub", top / "twin")


CHANGES: dict[str, Callable[[Path, Path, bytes], None]] = {
    "write": lambda path, _, content: write(path, content),
    "replace": lambda path, _, content: replace(path, content),
    "swap": lambda path, other, _: swap(path, other),
    "rename": lambda path, other, _: path.exists() and path.rename(other),  # type: ignore[dict-item, return-value]
    "remove": lambda path, _, __: path.unlink(missing_ok=True),
    "link": lambda path, other, _: link(path, other),
    "hard link": lambda path, other, _: hard_link(path, other),
    "copy": lambda path, other, _: copy_stamped(path, other),
    "mode": lambda path, _, __: path.exists() and path.chmod(0o600),  # type: ignore[dict-item, return-value]
    "swap folders": lambda path, other, _: swap_folders(path, other),
    "nothing": lambda *_: None,
}

steps = st.lists(
    st.tuples(
        st.sampled_from(sorted(CHANGES)),
        st.sampled_from(NAMES),
        st.sampled_from(NAMES),
        st.sampled_from([b"1", b"2", b"33"]),
        st.sampled_from(["folder", "files", "one"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


@given(steps)
@settings(max_examples=60, deadline=None)
def test_the_cache_says_what_the_files_say(steps: list[tuple[str, str, str, bytes, str, bool]]) -> None:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as work:
        # A tenth of the tick that is allowed for, and still five of those that there are: what is tested is remembered.
        patch.setattr(small_files, "_FINE_TICK_NS", 12_000_000)
        top, place = Path(work) / "top", Path(work) / "hashes"
        for name in (*NAMES, "twin/a", "twin/b"):
            (top / name).parent.mkdir(exist_ok=True, parents=True)
            write(top / name, b"0")
        for change, name, other, content, how, rests in steps:
            with contextlib.suppress(OSError):  # such as to write to a link that leads to itself
                CHANGES[change](top / name, top / other, content)
            if rests:
                time.sleep(0.015)
            with HashCache.open(place) as cache:
                if how == "folder":
                    assert hash_folder(top, cache) == hash_folder(top)
                else:
                    paths = [top / name for name in NAMES[: 1 if how == "one" else None]]
                    assert hash_files(paths, cache) == hash_files(paths)
        time.sleep(0.015)
        with HashCache.open(place) as cache:
            whole = hash_folder(top, cache)
        seen: list[int] = []
        with HashCache.open(place) as cache:
            assert hash_folder(top, cache, seen.append) == whole == hash_folder(top)
        assert seen == []  # and it is a cache: nothing was read


def test_a_file_that_is_gone_is_asked_for_without_being_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1")
    time.sleep(0.15)
    with HashCache.open(tmp_path / "hashes") as cache:
        known, stamp = hash_files([path], cache)[path], stamp_of(path.stat())
        path.unlink()
        assert hash_files([path], cache) == {}
        assert cache.get_stamped(path, stamp) == known.sha256


def test_what_is_no_more_in_a_folder_is_forgotten_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("stays", "goes"):
        (folder / name).write_bytes(b"1")
    time.sleep(0.15)
    with HashCache.open(tmp_path / "hashes") as cache:
        hash_folder(folder, cache)
        stays, goes = stamp_of((folder / "stays").stat()), stamp_of((folder / "goes").stat())
        assert cache.get_stamped(folder / "goes", goes) is not None
        (folder / "goes").unlink()
        (folder / "new").write_bytes(b"2")
        hash_folder(folder, cache)
        assert cache.get_stamped(folder / "goes", goes) is None
        assert cache.get_stamped(folder / "stays", stays) is not None


@pytest.mark.parametrize("column", ["path", "names", "stamps", "digests", "sha256"])
def test_a_row_with_pages_of_another_age_is_not_believed(tmp_path: Path, column: str) -> None:
    paths = []
    for number in range(50):
        paths.append(tmp_path / f"{number}")
        paths[-1].write_bytes(b"%d" % number)
    time.sleep(0.15)
    place = tmp_path / "cache" / "hashes"
    with HashCache.open(place) as cache:
        hash_files(paths, cache)
    connection = sqlite3.connect(place)
    with connection:
        connection.execute(f"UPDATE folders SET {column} = zeroblob(16) || substr({column}, 17)")
    connection.close()
    with HashCache.open(place) as cache:
        assert [cache.get(path, path.stat()) for path in paths] == [None] * 50


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs tmpfs")
def test_small_files_on_tmpfs_are_read_each_time(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as work:
        (Path(work) / "file").write_bytes(b"1")
        time.sleep(0.15)
        with HashCache.open(tmp_path / "hashes") as cache:
            for _ in range(2):
                seen: list[int] = []
                hash_folder(Path(work), cache, seen.append)
                assert seen == [1]


def test_names_that_no_file_can_have_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1")
    names = ["file", "nul\0byte", "\ud800", "", ".", "..", "nowhere/\0/file", "file/below"]
    with HashCache.open(tmp_path / "hashes") as cache:
        assert set(hash_files([f"{tmp_path}/{name}" for name in names], cache)) == {f"{tmp_path}/file"}


def test_one_file_by_several_names_is_told_by_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"1")
    monkeypatch.chdir(tmp_path)
    names = ["file", "./file", f"{tmp_path}/file", f"{tmp_path}//file", f"{tmp_path}/./file"]
    with HashCache.open(tmp_path / "hashes") as cache:
        assert list(hash_files(names, cache)) == names


def test_a_link_to_itself_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "itself").symlink_to("itself")
    assert hash_folder(tmp_path).unreadable == ("itself",)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_listed_is_named_and_one_that_can_be_entered_serves(tmp_path: Path) -> None:
    for mode in (0o000, 0o300):
        (tmp_path / f"{mode}").mkdir()
        (tmp_path / f"{mode}" / "file").write_bytes(b"1")
        (tmp_path / f"{mode}").chmod(mode)
    assert hash_folder(tmp_path).unreadable == (f"{0o000}", f"{0o300}")
    assert len(hash_files([tmp_path / f"{0o000}" / "file", tmp_path / f"{0o300}" / "file"])) == 1


# ----------------------------------------------------------------------------------------------------- packed rows

tables = st.dictionaries(
    st.binary(min_size=1, max_size=3).filter(lambda name: b"\0" not in name),
    st.tuples(st.integers(1, 3), st.integers(1, 255)),
    max_size=6,
)


def packed(table: dict[bytes, tuple[int, int]]) -> FolderRow:
    names = sorted(table)
    return FolderRow(
        names,
        b"".join(bytes([table[name][0]] * 32) for name in names),
        b"".join(bytes([table[name][1]] * 32) for name in names),
    )


def unpacked(row: FolderRow) -> dict[bytes, tuple[int, int]]:
    return {name: (row.stamps[32 * at], row.digests[32 * at]) for at, name in enumerate(row.names)}


@given(tables, tables)
def test_a_row_over_an_older_one_is_an_updated_table(
    new: dict[bytes, tuple[int, int]], old: dict[bytes, tuple[int, int]]
) -> None:
    assert unpacked(packed(new).over(packed(old))) == {**old, **new}


@given(tables, st.lists(st.binary(min_size=1, max_size=3).filter(lambda name: b"\0" not in name), unique=True))
def test_a_row_for_some_names_has_these_names(table: dict[bytes, tuple[int, int]], names: list[bytes]) -> None:
    row = packed(table).of(sorted(names))
    assert unpacked(row) == {name: table.get(name, (0, 0)) for name in names}
    assert unpacked(row.known()) == {name: table[name] for name in names if name in table}


@given(tables, st.binary(min_size=1, max_size=3), st.integers(1, 3))
def test_a_name_is_found_with_its_stamp_alone(table: dict[bytes, tuple[int, int]], name: bytes, stamp: int) -> None:
    digest = packed(table).find(name, bytes([stamp] * 32))
    assert digest == (bytes([table[name][1]] * 32) if name in table and table[name][0] == stamp else None)


def test_a_stamp_keeps_what_file_systems_have() -> None:
    stamps = small_files.pack_stamps([1, -2, 3, (1 << 64) - 1, 0, 0, 0, 0])
    assert len(stamps) == 64
    assert stamps[32:] == NO_STAMP
    assert small_files.pack_stamps([1, 2, 3, 1 << 100 | 7]) == small_files.pack_stamps([1, 2, 3, 7])
