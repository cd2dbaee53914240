"""An environment is built once, by whoever comes first, and half of one is never taken for a whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from twice.environments.shared_cache import build_once, remove_unused

BUILDER = """
import sys, time
from pathlib import Path
from twice.environments.shared_cache import build_once, remove_unused
folder, pause_s = Path(sys.argv[1]), float(sys.argv[2])
def build(place):
    place.mkdir()
    with open(folder.parent / "built", "a") as log:
        log.write("x")
    (place / "first").write_text("")
    time.sleep(pause_s)
    (place / "last").write_text("")
place, cached = build_once(folder, lambda place: (place / "last").exists(), build, lambda text: print(text, file=sys.stderr))
print(place)
"""


def start(folder: Path, pause_s: float) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", BUILDER, str(folder), str(pause_s)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def make(place: Path) -> None:
    place.mkdir()
    (place / "last").write_text("")


def is_whole(place: Path) -> bool:
    return (place / "last").exists()


def fail(place: Path) -> None:
    raise AssertionError("built again")


def test_it_is_built_the_first_time_only(tmp_path: Path) -> None:
    first = build_once(tmp_path / "key", is_whole, make, lambda text: None)
    second = build_once(tmp_path / "key", is_whole, fail, lambda text: None)
    assert (first[0], first[1], second[1]) == (second[0], False, True)


def test_many_at_once_build_once(tmp_path: Path) -> None:
    processes = [start(tmp_path / "key", 0.4) for _ in range(4)]
    said = [process.communicate(timeout=60) for process in processes]
    assert (tmp_path / "built").read_text() == "x"
    assert len({out for out, _ in said}) == 1 and said[0][0].strip()
    assert any("waiting for it" in err for _, err in said)


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_killed_builder_leaves_nothing_that_is_used(tmp_path: Path) -> None:
    process = start(tmp_path / "key", 60)
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob("key/*/first")) and time.monotonic() < deadline:
        time.sleep(0.01)
    (half,) = tmp_path.glob("key/*/first")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    place, cached = build_once(tmp_path / "key", is_whole, make, lambda text: None)
    assert not cached and is_whole(place) and not half.exists()


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    def build(place: Path) -> None:
        make(place)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_once(tmp_path / "key", is_whole, build, lambda text: None)
    assert [path.name for path in (tmp_path / "key").iterdir()] == ["lock"]


def test_one_that_no_longer_works_is_built_again(tmp_path: Path) -> None:
    first, _ = build_once(tmp_path / "key", is_whole, make, lambda text: None)
    (first / "last").unlink()
    second, cached = build_once(tmp_path / "key", is_whole, make, lambda text: None)
    assert second != first and not cached and not first.exists()


def test_what_is_not_used_any_more_is_removed(tmp_path: Path) -> None:
    old, used, new = (tmp_path / name for name in ("old", "used", "new"))
    for folder in (old, used, new):
        build_once(folder, is_whole, make, lambda text: None)
    a_week_ago_s = time.time() - 7 * 86400
    for folder in (old, used):
        os.utime(folder / "finished", (a_week_ago_s, a_week_ago_s))
    build_once(used, is_whole, fail, lambda text: None)
    done = remove_unused(tmp_path, 86400, time.time())
    assert (done.environments, done.kept) == (1, 2)
    assert not (old / "finished").exists()
    assert build_once(used, is_whole, fail, lambda text: None)[1]
    assert not build_once(old, is_whole, make, lambda text: None)[1]
    assert remove_unused(tmp_path / "none", 0, time.time()).kept == 0


def test_one_that_is_being_built_stays(tmp_path: Path) -> None:
    builder = start(tmp_path / "key", 1.0)
    while not list(tmp_path.glob("key/*/first")):
        assert builder.poll() is None
        time.sleep(0.01)
    done = remove_unused(tmp_path, 0, time.time() + 60)
    assert (done.environments, done.kept) == (0, 1)
    assert is_whole(Path(builder.communicate(timeout=60)[0].strip()))
