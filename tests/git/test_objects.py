"""Objects are read as git wrote them, and git reads what is written here."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ways import WAYS, environ_for

from twice.errors import RepositoryError
from twice.git.objects import EXECUTABLE, FILE, GITLINK, SYMLINK, TREE
from twice.git.repository import Repository

FORMATS = ("sha1", "sha256")
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=timezone.utc)
ADA = "Ada <ada@example.org>"


def git(*words: str, cwd: Path, stdin: bytes = b"") -> str:
    done = subprocess.run(["git", *words], cwd=cwd, input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return os.fsdecode(done.stdout)


@pytest.fixture(params=FORMATS)
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    root = tmp_path / "work"
    root.mkdir()
    git("init", "-q", "-b", "main", f"--object-format={request.param}", cwd=root)
    return root


@pytest.fixture(params=WAYS)
def opened(request: pytest.FixtureRequest, root: Path) -> Iterator[Repository]:
    with Repository.open(root, environ_for(request.param)) as repository:
        yield repository


def write_history(root: Path) -> None:
    """Ten versions of a long file, so that packing makes deltas."""
    lines = [f"line {number}\n" for number in range(400)]
    (root / "deep/er").mkdir(parents=True)
    (root / "link").symlink_to("long.txt")
    for number in range(10):
        lines[number * 7] = f"changed {number}\n"
        (root / "long.txt").write_text("".join(lines))
        (root / f"deep/er/{number}.py").write_text(f"{number}\n")
        git("add", "-A", cwd=root)
        git("commit", "-q", "-m", f"version {number}\n\nwith a körper\n", cwd=root)


@pytest.mark.parametrize("packed", [False, True])
def test_reads_what_git_wrote(root: Path, opened: Repository, packed: bool) -> None:
    write_history(root)
    if packed:
        git("repack", "-q", "-a", "-d", "-f", "--depth=50", cwd=root)
        assert "chain length" in git(
            "verify-pack", "-v", *map(str, (root / ".git/objects/pack").glob("*.idx")), cwd=root
        )
    names = git("rev-list", "--objects", "--all", cwd=root).split("\n")
    for object_id in {line.split(" ")[0] for line in names if line}:
        kind = git("cat-file", "-t", object_id, cwd=root).strip()
        assert opened.objects.kind(object_id) == kind
        if kind == "blob":
            assert opened.objects.read_blob(object_id).decode() == git("cat-file", "blob", object_id, cwd=root)
        elif kind == "tree":
            listed = git("ls-tree", "-z", object_id, cwd=root).split("\0")[:-1]
            entries = opened.objects.read_tree(object_id)
            kinds = {TREE: "tree", GITLINK: "commit"}
            assert [f"{e.mode:06o} {kinds.get(e.mode, 'blob')} {e.id}\t{e.name}" for e in entries] == listed
        else:
            commit = opened.objects.read_commit(object_id)
            shown = git(
                "show", "-s", "--format=%T%x00%P%x00%an <%ae>%x00%at%x00%cn <%ce>%x00%ct%x00%B", object_id, cwd=root
            )
            assert (
                "\0".join(
                    (
                        commit.tree,
                        " ".join(commit.parents),
                        commit.author,
                        str(int(commit.author_time.timestamp())),
                        commit.committer,
                        str(int(commit.committer_time.timestamp())),
                        commit.message,
                    )
                )
                == shown.rstrip("\n") + "\n"
            )


def test_walks_and_finds(root: Path, opened: Repository) -> None:
    write_history(root)
    tree = git("rev-parse", "HEAD^{tree}", cwd=root).strip()
    listed = [line.split() for line in git("ls-tree", "-r", tree, cwd=root).splitlines()]
    assert [(path, f"{mode:06o}", id) for path, mode, id in opened.objects.walk(tree)] == [
        (path, mode, id) for mode, _, id, path in listed
    ]
    assert next(opened.objects.walk(tree, "below/"))[0] == "below/deep/er/0.py"
    found = opened.objects.find(tree, "deep/er/3.py")
    assert found is not None
    assert opened.objects.read_blob(found.id) == b"3\n"
    folder = opened.objects.find(tree, "deep")
    assert folder is not None
    assert folder.mode == TREE
    assert opened.objects.find(tree, "deep/er/nothing") is None
    assert opened.objects.find(tree, "long.txt/below") is None


def test_git_reads_what_is_written(root: Path, opened: Repository) -> None:
    objects = opened.objects
    blob, empty = objects.write_blob(b"content\n"), objects.write_blob(b"")
    tree = objects.write_tree(
        {
            "a/b/c.txt": (FILE, blob),
            "a.txt": (EXECUTABLE, blob),
            "a-b": (FILE, empty),
            "a0": (SYMLINK, objects.write_blob(b"a.txt")),
            os.fsdecode(b"caf\xe9"): (FILE, blob),
            "日本": (FILE, blob),
        }
    )
    first = objects.write_commit(
        tree=tree, author=ADA, author_time=NOON, committer=ADA, committer_time=NOON, message="grüße\n\nbody\n"
    )
    second = objects.write_commit(
        tree=objects.write_tree({}),
        parents=(first,),
        author=ADA,
        author_time=NOON,
        committer=ADA,
        committer_time=NOON,
        message="second\n",
    )
    opened.refs.create("refs/heads/main", second)
    git("fsck", "--strict", "--full", cwd=root)
    assert git("show", "-s", "--format=%B", first, cwd=root).strip() == "grüße\n\nbody"
    assert git("show", "-s", "--format=%aI", first, cwd=root).strip() == "2026-11-21T12:00:00+00:00"
    assert git("show", f"{first}:a/b/c.txt", cwd=root) == "content\n"
    assert objects.read_commit(second).parents == (first,)
    assert (
        objects.write_blob(b"content\n") == blob == git("hash-object", "--stdin", cwd=root, stdin=b"content\n").strip()
    )


def test_editing_a_tree(root: Path, opened: Repository) -> None:
    objects = opened.objects
    one, two = objects.write_blob(b"1"), objects.write_blob(b"2")
    base = objects.write_tree({"a/b": (FILE, one), "a/c": (FILE, one), "d": (FILE, one), "e/f/g": (FILE, one)})

    def edited(changes: dict[str, tuple[int, str] | None]) -> dict[str, str]:
        return {path: id for path, _, id in objects.walk(objects.write_tree(changes, base))}

    assert objects.write_tree({}, base) == base
    assert edited({"a/b": None}) == {"a/c": one, "d": one, "e/f/g": one}
    assert edited({"a/b": None, "a/c": None}) == {"d": one, "e/f/g": one}
    assert edited({"a": None, "d": None}) == {"e/f/g": one}
    assert edited({"d": None, "d/x": (FILE, two)}) == {"a/b": one, "a/c": one, "d/x": two, "e/f/g": one}
    assert edited({"d/x": (FILE, two), "d": None}) == {"a/b": one, "a/c": one, "d/x": two, "e/f/g": one}
    assert edited({"a": (FILE, two), "a/b": None, "a/c": None}) == {"a": two, "d": one, "e/f/g": one}
    assert edited({"e/f/g": None, "new/deep/x": (FILE, two)}) == {"a/b": one, "a/c": one, "d": one, "new/deep/x": two}
    assert edited({"nothing/here": None, "d/below": None}) == {"a/b": one, "a/c": one, "d": one, "e/f/g": one}
    folder = objects.write_tree({"x": (FILE, two)})
    assert edited({"a": (TREE, folder)}) == {"a/x": two, "d": one, "e/f/g": one}
    assert edited(dict.fromkeys(("a", "d", "e"))) == {}
    with pytest.raises(RepositoryError, match="not a path"):
        objects.write_tree({"a/../b": (FILE, one)})
    with pytest.raises(RepositoryError, match="not a path"):
        objects.write_tree({".GIT/config": (FILE, one)})


NAMES = st.lists(st.sampled_from(["a", "a.b", "a-b", "a0", "ab", "b", "Z", "é"]), min_size=1, max_size=3).map("/".join)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(paths=st.sets(NAMES, max_size=8))
def test_a_tree_is_the_one_that_git_makes_of_the_same_paths(
    tmp_path_factory: pytest.TempPathFactory, paths: set[str]
) -> None:
    kept = {path for path in paths if not any(other.startswith(path + "/") for other in paths)}
    root = tmp_path_factory.mktemp("tree")
    git("init", "-q", cwd=root)
    with Repository.open(root, os.environ) as repository:
        blob = repository.objects.write_blob(b"x")
        tree = repository.objects.write_tree(dict.fromkeys(kept, (FILE, blob)))
    for path in kept:
        git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", cwd=root)
    assert tree == git("write-tree", cwd=root).strip()


def test_missing_wrong_and_malformed_ids(root: Path, opened: Repository) -> None:
    objects = opened.objects
    blob = objects.write_blob(b"x")
    missing = "12" * (len(blob) // 2)
    assert not objects.has(missing)
    assert objects.has(blob)
    assert objects.kind("HEAD") is None
    for read in (objects.read_blob, objects.read_tree, objects.read_commit):
        with pytest.raises(RepositoryError, match="cannot be read"):
            read(missing)
    with pytest.raises(RepositoryError, match="is a blob, not a tree"):
        objects.read_tree(blob)
    with pytest.raises(RepositoryError, match="not an object id"):
        objects.read_blob("--batch-check")


@pytest.mark.parametrize("damage", ["cut", "garbage", "empty"])
def test_a_damaged_object_is_an_error_with_a_hint(root: Path, opened: Repository, damage: str) -> None:
    blob = opened.objects.write_blob(b"some content that matters\n" * 50)
    file = root / f".git/objects/{blob[:2]}/{blob[2:]}"
    whole = file.read_bytes()
    file.chmod(0o644)
    file.write_bytes({"cut": whole[:20], "garbage": b"garbage", "empty": b""}[damage])
    with pytest.raises(RepositoryError, match=blob) as caught:
        opened.objects.read_blob(blob)
    assert "git fsck" in (caught.value.hint or "")


def test_a_damaged_pack_is_an_error_and_not_the_end(root: Path, opened: Repository) -> None:
    write_history(root)
    git("repack", "-q", "-a", "-d", "-f", cwd=root)
    (pack,) = (root / ".git/objects/pack").glob("*.pack")
    lines = git("verify-pack", "-v", str(pack), cwd=root).splitlines()
    blob, _, _, _, offset = next(line.split()[:5] for line in lines if " blob " in line)
    pack.chmod(0o644)
    data = bytearray(pack.read_bytes())
    data[int(offset) + 4 : int(offset) + 40] = b"\xff" * 36
    pack.write_bytes(data)
    with pytest.raises(RepositoryError, match=blob):
        opened.objects.read_blob(blob)
    assert opened.objects.read_commit(opened.head().commit or "").message.startswith("version 9")


def test_objects_that_git_packs_meanwhile_are_still_found(root: Path, opened: Repository) -> None:
    write_history(root)
    head = opened.head().commit or ""
    tree = opened.objects.read_commit(head).tree
    assert opened.objects.find(tree, "long.txt")
    git("gc", "-q", "--prune=now", cwd=root)
    assert [path for path, _, _ in opened.objects.walk(tree)][-1] == "long.txt"
    for _, _, blob in opened.objects.walk(tree):
        opened.objects.read_blob(blob)


def test_a_reader_that_was_killed_is_started_again(root: Path) -> None:
    """Ctrl-C goes to every process of the terminal, and a run is still to be sealed after it."""
    write_history(root)
    git("repack", "-q", "-a", "-d", cwd=root)
    head = git("rev-parse", "HEAD", cwd=root).strip()
    with Repository.open(root, os.environ) as repository:
        tree = repository.objects.read_commit(head).tree
        children = git_children()
        assert len(children) == 1
        os.kill(children[0], signal.SIGINT)
        assert repository.objects.find(tree, "long.txt")
        assert git_children() not in ([], children)
    assert git_children() == []


def git_children() -> list[int]:
    """The processes `git cat-file` that this one has started and that run."""
    listing = subprocess.run(
        ["ps", "-ww", "-o", "pid=,stat=,args=", "--ppid", str(os.getpid())], capture_output=True, check=True
    )
    lines = (line.split(None, 2) for line in listing.stdout.decode().splitlines())
    return [int(pid) for pid, state, args in lines if "cat-file" in args and not state.startswith("Z")]


@pytest.mark.parametrize("way", WAYS)
def test_odd_commits(tmp_path: Path, way: str) -> None:
    root = tmp_path / "work"
    root.mkdir()
    git("init", "-q", cwd=root)
    tree = git("write-tree", cwd=root).strip()
    people = b"author Ada <ada@x> 99999999999999 +0000\ncommitter no one at all\n"
    raw = b"tree " + tree.encode() + b"\n" + people + b"encoding ISO-8859-1\ngpgsig -----\n more\n\ncaf\xe9\n"
    commit = git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", cwd=root, stdin=raw).strip()
    with Repository.open(root, environ_for(way)) as repository:
        read = repository.objects.read_commit(commit)
    assert (read.author, read.author_time.year, read.committer) == ("Ada <ada@x>", 1970, "no one at all")
    assert read.message == "café\n"
