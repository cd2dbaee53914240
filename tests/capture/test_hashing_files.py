"""sha256 of files and folders; sha256sum is the oracle."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twice.capture.hashing import hash_files, hash_folder
from twice.capture.manifests import describe_folder, read_manifest

needs_sha256sum = pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is not installed")


def sha256sum_check(folder: Path, manifest: bytes) -> tuple[int, str]:
    done = subprocess.run(
        ["sha256sum", "--strict", "-c", "-"], cwd=folder, input=manifest, capture_output=True, check=False
    )
    return done.returncode, os.fsdecode(done.stdout + done.stderr)


def test_files_of_every_size_around_the_block_are_hashed_whole(tmp_path: Path) -> None:
    paths = {}
    for size in (0, 1, 2047, 2048, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20):
        path = tmp_path / str(size)
        path.write_bytes(os.urandom(size))
        paths[path] = size
    found = hash_files(paths)
    assert {path: digest.size_bytes for path, digest in found.items()} == paths
    assert all(digest.stable for digest in found.values())
    for path, digest in found.items():
        assert digest.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_progress_counts_every_byte_once(tmp_path: Path) -> None:
    sizes = [3, 1 << 20, (2 << 20) + 5] * 4
    for number, size in enumerate(sizes):
        (tmp_path / str(number)).write_bytes(b"x" * size)
    seen: list[int] = []
    hash_files(tmp_path.iterdir(), progress=seen.append)
    assert sum(seen) == sum(sizes)


def test_what_is_no_regular_file_is_left_out_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "target").write_bytes(b"content")
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "to pipe").symlink_to("pipe")
    names = ["pipe", "folder", "dangling", "link", "to pipe", "absent", "nul\0byte"]
    found = hash_files([*(tmp_path / name for name in names), Path("/dev/zero")])
    assert {path.name for path in found} == {"link"}
    assert found[tmp_path / "link"].sha256 == hashlib.sha256(b"content").hexdigest()


def test_a_file_that_changes_while_it_is_read_is_marked(tmp_path: Path) -> None:
    path = tmp_path / "growing"
    path.write_bytes(b"x" * (2 << 20))

    def grow(_: int) -> None:
        with path.open("ab") as file:
            file.write(b"y")

    assert not hash_files([path], progress=grow)[path].stable


def test_a_file_that_changed_once_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "changing"
    path.write_bytes(b"old" * 500_000)
    once = iter([True])

    def replace(_: int) -> None:
        if next(once, False):
            (tmp_path / "other").write_bytes(b"new")
            (tmp_path / "other").replace(path)

    found = hash_files([path], progress=replace)[path]
    assert found.stable
    assert found.sha256 == hashlib.sha256(b"new").hexdigest()


def test_an_error_in_a_worker_reaches_the_caller(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / str(number)).write_bytes(b"x")

    def fail(_: int) -> None:
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        hash_files(tmp_path.iterdir(), progress=fail)
    assert threading.active_count() == before


@needs_sha256sum
def test_sha256sum_agrees_with_the_manifest_of_a_folder(tmp_path: Path) -> None:
    names = [
        b"plain",
        b"with space",
        b"back\\slash",
        b"line\nfeed",
        b"\\n",
        b"-dash",
        b"caf\xc3\xa9",
        b"\xff\xfe",
        b"a b/c",
    ]
    for name in names:
        path = tmp_path / os.fsdecode(name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name * 100)
    (tmp_path / "linked").symlink_to("plain")
    found = hash_folder(tmp_path)
    assert sha256sum_check(tmp_path, found.manifest)[0] == 0
    assert found.files == len(names) + 1
    assert found.sha256 == hashlib.sha256(found.manifest).hexdigest()
    lines = sorted([*names, b"linked"])
    printed = subprocess.run(["sha256sum", "--", *lines], cwd=tmp_path, capture_output=True, check=True).stdout
    assert found.manifest == printed
    (tmp_path / "plain").write_bytes(b"other")
    assert "plain: FAILED" in sha256sum_check(tmp_path, found.manifest)[1]


def test_a_folder_is_its_content_wherever_it_lies(tmp_path: Path) -> None:
    for name, order in (("one", (1, 2, 3)), ("two", (3, 1, 2))):
        for number in order:
            path = tmp_path / name / f"sub{number}" / "file"
            path.parent.mkdir(parents=True)
            path.write_bytes(bytes([number]))
    (tmp_path / "two" / ".git").mkdir()
    (tmp_path / "two" / ".git" / "HEAD").write_text("ref: refs/heads/main")
    assert hash_folder(tmp_path / "one") == hash_folder(tmp_path / "two")
    (tmp_path / "two" / "sub1" / "file").write_bytes(b"changed")
    assert hash_folder(tmp_path / "one").sha256 != hash_folder(tmp_path / "two").sha256


def test_folder_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_bytes(b"1")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to("../elsewhere")
    (tmp_path / "elsewhere" / "up").symlink_to("../folder")
    assert set(read_manifest(hash_folder(tmp_path / "folder").manifest)) == {"link/file"}


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1")
    (tmp_path / "dangling").symlink_to("nowhere")
    found = hash_folder(tmp_path)
    assert (found.files, found.unreadable) == (1, ("dangling",))


def test_an_empty_or_absent_folder_has_no_lines(tmp_path: Path) -> None:
    assert hash_folder(tmp_path).manifest == hash_folder(tmp_path / "absent").manifest == b""


names = st.lists(
    st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1, max_size=8).filter(
        lambda name: name not in (".", "..")
    ),
    min_size=1,
    unique=True,
)


@given(names)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
def test_a_manifest_reads_back_as_it_was_written(tmp_path: Path, names: list[str]) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1")
    digest = hash_files([path])[path]
    assert read_manifest(describe_folder(dict.fromkeys(names, digest)).manifest) == dict.fromkeys(names, digest.sha256)


@pytest.mark.parametrize("line", [b"abc  file", b"0" * 64 + b" file", b"0" * 64 + b"  "])
def test_a_line_of_another_form_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match="line 1 of the manifest"):
        read_manifest(line)
