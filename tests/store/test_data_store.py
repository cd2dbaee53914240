"""The data store: whole objects or none, in Git LFS's layout, whatever happens beside it."""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from twice.errors import RepositoryError
from twice.git.repository import Repository
from twice.store.data_store import DataStore


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def store(repository: Path) -> Iterator[DataStore]:
    with Repository.open(repository, dict(os.environ)) as opened:
        yield DataStore.of(opened)


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_an_object_lies_where_git_lfs_looks_for_it_and_cannot_be_written(
    store: DataStore, repository: Path, tmp_path: Path
) -> None:
    content = b"a,b\n1,2\n" * 100_000
    source = tmp_path / "x.csv"
    source.write_bytes(content)
    oid = sha256(content)
    assert not store.has(oid)
    assert store.put(source, oid)
    path = repository / ".git/lfs/objects" / oid[:2] / oid[2:4] / oid
    assert files_below(repository / ".git/lfs") == {f"objects/{oid[:2]}/{oid[2:4]}/{oid}"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    checked = subprocess.run(["sha256sum", "-c"], input=f"{oid}  {path}\n", text=True, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert store.has(oid) and store.size(oid) == len(content) and store.verify(oid)
    with store.open(oid) as file:
        assert file.read() == content
    assert path.stat().st_ino != source.stat().st_ino, "the user may write through the source"
    source.write_bytes(b"other")
    assert store.verify(oid)


def test_lfs_storage_is_where_the_configuration_says(repository: Path, git, tmp_path: Path) -> None:
    git("config", "lfs.storage", str(tmp_path / "elsewhere"))
    source = tmp_path / "x"
    source.write_bytes(b"x")
    with Repository.open(repository, dict(os.environ)) as opened:
        assert DataStore.of(opened).put(source, sha256(b"x"))
    assert files_below(tmp_path / "elsewhere") == {f"objects/2d/71/{sha256(b'x')}"}
    assert not (repository / ".git/lfs").exists()


def test_a_file_with_another_content_is_refused_and_nothing_is_left(
    store: DataStore, repository: Path, tmp_path: Path
) -> None:
    source = tmp_path / "x"
    source.write_bytes(b"new")
    unkept = store.put_all([(source, sha256(b"old")), (tmp_path / "gone", sha256(b"?")), (tmp_path, sha256(b"!"))])
    assert {(one.path.name, one.reason) for one in unkept} == {
        ("x", "it has changed since it was hashed"),
        ("gone", "it cannot be read: No such file or directory"),
        (tmp_path.name, "it cannot be read: not a regular file"),
    }
    assert files_below(repository / ".git/lfs") == set()


def test_what_git_lfs_prunes_comes_back(store: DataStore, repository: Path, tmp_path: Path) -> None:
    source = tmp_path / "x"
    source.write_bytes(b"x")
    oid = sha256(b"x")
    store.put(source, oid)
    store.path(oid).unlink()  # as `git lfs prune` does: no branch refers to it
    source.unlink()
    assert store.has(oid) and store.verify(oid)
    assert store.put(source, oid), "the second name is enough"
    assert store.path(oid).read_bytes() == b"x"


def test_a_damaged_object_is_found(store: DataStore, tmp_path: Path) -> None:
    source = tmp_path / "x"
    source.write_bytes(b"content")
    oid = sha256(b"content")
    store.put(source, oid)
    store.path(oid).chmod(0o644)
    store.path(oid).write_bytes(b"contemt")
    assert store.has(oid) and not store.verify(oid)
    with pytest.raises(RepositoryError, match="not in the data store"):
        store.open("0" * 64)


def test_a_full_disk_is_an_error_and_leaves_nothing_half(store: DataStore, repository: Path, tmp_path: Path) -> None:
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(b"s" * 1000)
    large.write_bytes(os.urandom(100_000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(RepositoryError, match="cannot be written: File too large"):
            store.put_all([(small, sha256(small.read_bytes())), (large, sha256(large.read_bytes()))])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not store.has(sha256(large.read_bytes()))
    for name in files_below(repository / ".git/lfs"):
        assert sha256((repository / ".git/lfs" / name).read_bytes()) == Path(name).name
    assert store.put(large, sha256(large.read_bytes()))


PUT = """
import hashlib, os, sys
from pathlib import Path
from twice.git.repository import Repository
from twice.store.data_store import DataStore
root, folder = map(Path, sys.argv[1:3])
files = [(path, hashlib.sha256(path.read_bytes()).hexdigest()) for path in sorted(folder.iterdir())]
with Repository.open(root, dict(os.environ)) as repository:
    store = DataStore.of(repository)
    print("ready", flush=True)
    unkept = store.put_all(files)
print(len(unkept), flush=True)
"""


def test_writers_of_the_same_files_do_not_meet(repository: Path, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(60):
        (folder / str(number)).write_bytes(os.urandom(50_000))
    writers = [
        subprocess.Popen([sys.executable, "-c", PUT, str(repository), str(folder)], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert [writer.communicate()[0] for writer in writers] == ["ready\n0\n"] * 4
    objects = files_below(repository / ".git/lfs")
    assert {Path(name).name for name in objects} == {sha256(path.read_bytes()) for path in folder.iterdir()}


def test_a_killed_writer_leaves_whole_objects_only(store: DataStore, repository: Path, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(30):
        (folder / str(number)).write_bytes(os.urandom(1_000_000))
    writer = subprocess.Popen(
        [sys.executable, "-c", PUT, str(repository), str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
    deadline = time.monotonic() + 10
    while not list((repository / ".git/lfs").glob("tmp/*")) and time.monotonic() < deadline:
        time.sleep(0.001)
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    left = files_below(repository / ".git/lfs")
    assert left, "it was killed while it copied"
    for name in left:
        if name.startswith("objects/"):
            assert sha256((repository / ".git/lfs" / name).read_bytes()) == Path(name).name
        else:
            oid, _, rest = Path(name).name.partition("-")
            assert len(oid) == 64 and rest, "git-lfs's clean-up knows temporary files by this form"
    files = [(path, sha256(path.read_bytes())) for path in folder.iterdir()]
    assert store.put_all(files) == []
    assert all(store.verify(oid) for _, oid in files)


def test_dropping_frees_both_names_and_says_how_much(store: DataStore, repository: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(name.encode() * 500)
        store.put(tmp_path / name, sha256(name.encode() * 500))
    a, b = sha256(b"a" * 500), sha256(b"b" * 500)
    assert set(store.objects()) == {a, b}
    assert store.drop([a]) == 500
    assert set(store.objects()) == {b}
    assert files_below(repository / ".git/twice/data") == {f"{b[:2]}/{b[2:4]}/{b}"}
    store.release([b])
    assert store.has(b) and files_below(repository / ".git/twice/data") == set()


def test_removing_waits_for_those_who_seal(store: DataStore, tmp_path: Path) -> None:
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom twice.store.data_store import DataStore\n"
        "store = DataStore(Path(sys.argv[1]), Path(sys.argv[2]))\nprint('waiting', flush=True)\n"
        "with store.held(to_remove=True):\n    print(Path(sys.argv[3]).exists(), flush=True)\n"
    )
    mark = tmp_path / "sealed"
    lfs, names = store._objects.parent, store._names
    with store.held(), store.held():
        remover = subprocess.Popen(
            [sys.executable, "-c", script, str(lfs), str(names), str(mark)], stdout=subprocess.PIPE, text=True
        )
        assert remover.stdout is not None and remover.stdout.readline() == "waiting\n"
        time.sleep(0.1)
        mark.write_text("")
    assert remover.communicate()[0] == "True\n"
