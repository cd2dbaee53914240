"""Refs are listed, made, moved and deleted as git would, beside git itself and beside other writers."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from twice.errors import RepositoryError
from twice.git.refs import RefExists, RefMoved, is_ref_name
from twice.git.repository import Repository


class Oracle:
    """C git in one repository."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __call__(self, *words: str, stdin: str | None = None, ok: tuple[int, ...] = (0,)) -> str:
        done = subprocess.run(["git", *words], cwd=self.root, input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode in ok, done.stderr
        return done.stdout

    def refs(self, prefix: str = "refs/") -> dict[str, str]:
        lines = self("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        found = dict(line.split(" ") for line in lines)
        return {name: id for name, id in found.items() if name.startswith(prefix)}

    def commits(self, count: int) -> list[str]:
        tree = self("write-tree").strip()
        return [self("commit-tree", tree, "-m", f"commit {number}").strip() for number in range(count)]


@pytest.fixture(params=["sha1", "sha256"])
def oracle(request: pytest.FixtureRequest, tmp_path: Path) -> Oracle:
    root = tmp_path / "work"
    root.mkdir()
    oracle = Oracle(root)
    oracle("init", "-q", "-b", "main", f"--object-format={request.param}")
    return oracle


@pytest.fixture
def opened(oracle: Oracle) -> Iterator[Repository]:
    with Repository.open(oracle.root, os.environ) as repository:
        yield repository


def fill(oracle: Oracle, *names: str, commit: str) -> None:
    oracle("update-ref", "--stdin", stdin="".join(f"create {name} {commit}\n" for name in names))


NAMES = (
    *(f"refs/experiments/train/2026112{day}-10{minute:02}00-abcdef" for day in range(5) for minute in range(0, 60, 7)),
    "refs/experiments/train-2/x",
    "refs/experiments/train.x",
    "refs/experiments/tra",
    "refs/heads/main",
    "refs/heads/ünï",
    "refs/notes/experiments",
    "refs/tags/v1",
    "refs/zebra",
)
PREFIXES = (
    "refs/",
    "refs/experiments/",
    "refs/experiments/train",
    "refs/experiments/train/",
    "refs/h",
    "refs/zebra",
    "refs/none/",
)


@pytest.mark.parametrize("packed", ["no", "all", "some"])
def test_lists_what_git_lists(oracle: Oracle, opened: Repository, packed: str) -> None:
    first, second = oracle.commits(2)
    fill(oracle, *NAMES, commit=first)
    oracle("tag", "-a", "-m", "annotated", "v2", first)
    oracle("tag", "-a", "-m", "annotated", "a-first", first)
    if packed != "no":
        oracle("pack-refs", "--all")
    if packed == "some":
        fill(oracle, "refs/experiments/train/new", "refs/experiments/other/new", "refs/a", commit=second)
        oracle("update-ref", NAMES[3], second)
        oracle("update-ref", "-d", NAMES[5])
    for prefix in PREFIXES:
        assert opened.refs.list(prefix) == oracle.refs(prefix)
        assert list(opened.refs.list(prefix)) == sorted(oracle.refs(prefix))
    for name, commit in oracle.refs().items():
        assert opened.refs.read(name) == commit
    for name in (
        "refs/experiments/train",
        "refs/experiments/train/",
        "refs/zebr",
        "refs/zebra2",
        "refs/0",
        "refs/zz/z",
    ):
        assert opened.refs.read(name) is None


def test_packed_refs_that_are_not_sorted(oracle: Oracle, opened: Repository) -> None:
    (commit,) = oracle.commits(1)
    text = "".join(f"{commit} {name}\n" for name in ("refs/z", "refs/a", "refs/m"))
    (oracle.root / ".git/packed-refs").write_text(text)
    assert opened.refs.list("refs/") == oracle.refs()
    assert opened.refs.read("refs/a") == commit


def test_symbolic_and_broken_refs(oracle: Oracle, opened: Repository) -> None:
    (commit,) = oracle.commits(1)
    fill(oracle, "refs/heads/main", commit=commit)
    oracle("symbolic-ref", "refs/remotes/origin/HEAD", "refs/heads/main")
    oracle("symbolic-ref", "refs/remotes/origin/gone", "refs/heads/gone")
    (oracle.root / ".git/refs/heads/empty").write_text("")
    (oracle.root / ".git/refs/heads/odd").write_text("not an id\n")
    (oracle.root / ".git/refs/heads/left.lock").write_text(commit)
    assert opened.refs.list("refs/") == {"refs/heads/main": commit, "refs/remotes/origin/HEAD": commit}
    assert opened.refs.read("HEAD") == opened.refs.read("refs/remotes/origin/HEAD") == commit
    assert opened.refs.target("HEAD") == "refs/heads/main"
    with pytest.raises(RepositoryError, match="refs/heads/odd is damaged"):
        opened.refs.read("refs/heads/odd")
    oracle("symbolic-ref", "refs/heads/loop", "refs/heads/loop")
    with pytest.raises(RepositoryError, match="loop"):
        opened.refs.read("refs/heads/loop")
    with pytest.raises(RepositoryError, match="symbolic"):
        opened.refs.update("refs/remotes/origin/HEAD", commit, commit)


@pytest.mark.parametrize("packed", [False, True])
def test_create_update_delete(oracle: Oracle, opened: Repository, packed: bool) -> None:
    first, second = oracle.commits(2)
    name = "refs/experiments/train/one"
    refs = opened.refs

    def pack() -> None:
        if packed:
            oracle("pack-refs", "--all")

    fill(oracle, "refs/experiments/train/other", "refs/tags/z", commit=first)
    oracle("tag", "-a", "-m", "annotated", "experiments", first)
    refs.create(name, first)
    pack()
    assert oracle("rev-parse", name).strip() == first
    with pytest.raises(RefExists):
        refs.create(name, second)
    with pytest.raises(RefMoved):
        refs.update(name, second, second)
    with pytest.raises(RefMoved):
        refs.update("refs/experiments/train/none", second, first)
    refs.update(name, second, first)
    assert oracle("rev-parse", name).strip() == second
    pack()
    with pytest.raises(RefMoved):
        refs.delete(name, first)
    before = oracle.refs()
    refs.delete(name, second)
    refs.delete(name)  # gone already: nothing happens
    assert oracle.refs() == {other: id for other, id in before.items() if other != name}
    oracle("fsck", "--strict")
    oracle("rev-parse", "experiments^{commit}")  # the packed tag still knows what it points to
    refs.create(name, first)
    assert refs.read(name) == first
    assert not list(oracle.root.glob(".git/**/*.lock"))


def test_deleting_the_last_ref_of_a_folder_leaves_no_folder(oracle: Oracle, opened: Repository) -> None:
    (commit,) = oracle.commits(1)
    opened.refs.create("refs/twice/pending/20261121-142233-k7q2m9", commit)
    opened.refs.delete("refs/twice/pending/20261121-142233-k7q2m9", commit)
    assert not (oracle.root / ".git/refs/twice/pending").exists()
    opened.refs.create("refs/twice/pending", commit)


@pytest.mark.parametrize("packed", [False, True])
def test_a_name_is_not_also_a_folder(oracle: Oracle, opened: Repository, packed: bool) -> None:
    (commit,) = oracle.commits(1)
    opened.refs.create("refs/experiments/train", commit)
    opened.refs.create("refs/experiments/eval/x/y", commit)
    if packed:
        oracle("pack-refs", "--all")
    for name in (
        "refs/experiments/train/one",
        "refs/experiments/train/a/b",
        "refs/experiments/eval",
        "refs/experiments/eval/x",
    ):
        with pytest.raises(RepositoryError, match="beside"):
            opened.refs.create(name, commit)
        assert oracle("update-ref", name, commit, ok=(128,)) == ""
    opened.refs.delete("refs/experiments/train")
    opened.refs.create("refs/experiments/train/one", commit)
    opened.refs.delete("refs/experiments/eval/x/y")
    opened.refs.create("refs/experiments/eval", commit)
    assert oracle.refs() == opened.refs.list("refs/")


def test_refs_of_a_linked_worktree(oracle: Oracle, opened: Repository, tmp_path: Path) -> None:
    (commit,) = oracle.commits(1)
    fill(oracle, "refs/heads/main", commit=commit)
    oracle("worktree", "add", "-q", "--detach", str(tmp_path / "other"))
    with Repository.open(tmp_path / "other", os.environ) as other:
        other.refs.create("refs/experiments/train/one", commit)
        other.refs.create("refs/worktree/mine", commit)
        assert opened.refs.read("refs/experiments/train/one") == commit
        assert opened.refs.read("refs/worktree/mine") is None
        assert other.refs.read("refs/worktree/mine") == commit
        assert other.head().commit == commit
    assert Oracle(tmp_path / "other")("rev-parse", "refs/worktree/mine").strip() == commit
    assert opened.refs.target("HEAD") == "refs/heads/main"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(
        st.sampled_from("ab./@{}~^:?*[\\ -_é\x7f\x01") | st.characters(exclude_characters="\0\n", codec="utf-8"),
        max_size=8,
    )
)
@example("a.lock")
@example("a.lock/b")
@example("@")
@example("a/@")
@example("a@{b")
@example("-")
@example(".a")
@example("a..b")
@example("a.")
@example("a//b")
@example("a/")
@example("a\tb")
@example("\udcff")
def test_names_are_those_that_git_allows(tail: str) -> None:
    name = f"refs/{tail}"
    done = subprocess.run(["git", "check-ref-format", os.fsencode(name)], check=False)
    assert is_ref_name(name) == (done.returncode == 0)


def test_only_names_below_refs_are_written(oracle: Oracle, opened: Repository) -> None:
    (commit,) = oracle.commits(1)
    for name in ("HEAD", "main", "heads/main", "refs", "refs/../HEAD", "/refs/a", ""):
        with pytest.raises(RepositoryError, match="not a name"):
            opened.refs.create(name, commit)
    with pytest.raises(RepositoryError, match="not an object id"):
        opened.refs.create("refs/a", commit[:-1])


def test_a_lock_is_waited_for(oracle: Oracle, opened: Repository) -> None:
    (commit,) = oracle.commits(1)
    lock = oracle.root / ".git/refs/experiments/train.lock"
    lock.parent.mkdir()
    lock.write_text("")
    timer = threading.Timer(0.2, lock.unlink)
    timer.start()
    opened.refs.create("refs/experiments/train", commit)
    timer.join()
    assert oracle.refs() == {"refs/experiments/train": commit}


def test_a_lock_that_stays_is_named(oracle: Oracle, opened: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twice.git.refs._PATIENCE_S", 0.05)
    (commit,) = oracle.commits(1)
    lock = oracle.root / ".git/refs/train.lock"
    lock.write_text("")
    with pytest.raises(RepositoryError, match="is locked") as caught:
        opened.refs.create("refs/train", commit)
    assert caught.value.details == (str(lock),)
    assert lock.exists()  # it is somebody else's


WRITER = """
import os, sys
from pathlib import Path
from twice.git.refs import RefMoved
from twice.git.repository import Repository
from twice.git.objects import FILE

root, me, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
with Repository.open(root, os.environ) as repository:
    refs, commit = repository.refs, sys.argv[4]
    for number in range(count):
        refs.create(f"refs/twice/pending/{me}-{number}", commit)
        refs.create(f"refs/experiments/train/{me}-{number}", commit)
        refs.delete(f"refs/twice/pending/{me}-{number}", commit)
        assert refs.read(f"refs/experiments/train/{me}-{number}") == commit
        while True:  # a counter that all of them move, each step a commit on top of the one before
            old = refs.read("refs/notes/experiments")
            tree = repository.objects.read_commit(commit).tree
            person = {"author": "A <a@b>", "committer": "A <a@b>"}
            when = repository.objects.read_commit(commit).author_time
            new = repository.objects.write_commit(
                tree=tree, parents=(old,) if old else (), author_time=when, committer_time=when,
                message=f"{me} {number}", **person,
            )
            try:
                refs.update("refs/notes/experiments", new, old)
                break
            except RefMoved:
                continue
"""


def test_four_writers_beside_git_pack_refs_lose_nothing(tmp_path: Path) -> None:
    root = tmp_path / "work"
    root.mkdir()
    oracle = Oracle(root)
    oracle("init", "-q", "-b", "main")
    (commit,) = oracle.commits(1)
    fill(oracle, "refs/heads/main", *(f"refs/old/{number}" for number in range(50)), commit=commit)
    script = tmp_path / "writer.py"
    script.write_text(textwrap.dedent(WRITER))
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    count = 40
    writers = [
        subprocess.Popen(
            [sys.executable, str(script), str(root), f"w{me}", str(count), commit], env=environ, stderr=subprocess.PIPE
        )
        for me in range(4)
    ]
    missed = 0
    with Repository.open(root, os.environ) as repository:
        while any(writer.poll() is None for writer in writers):
            # Beside a writer that deletes packed refs, git may find packed-refs locked: that is git's to try again.
            subprocess.run(["git", "pack-refs", "--all"], cwd=root, capture_output=True, check=False)
            missed += len(repository.refs.list("refs/old/")) != 50 or repository.head().commit != commit
    for writer in writers:
        _, errors = writer.communicate()
        assert writer.returncode == 0, errors.decode()
    assert missed == 0
    expected = {f"refs/experiments/train/w{me}-{number}" for me in range(4) for number in range(count)}
    assert set(oracle.refs("refs/experiments/")) == expected
    assert oracle.refs("refs/twice/") == {}
    assert oracle("rev-list", "--count", "refs/notes/experiments").strip() == str(4 * count)
    assert len(oracle.refs("refs/old/")) == 50
    oracle("fsck", "--strict")
    assert not list(root.glob(".git/**/*.lock"))
