"""When git cannot do its part: an error in words, no traceback, and nothing half-written that a ref points to."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from twice.errors import RepositoryError
from twice.git.repository import Repository
from twice.git.snapshot import scan, write_snapshot


def git(*words: str, cwd: Path) -> str:
    done = subprocess.run(["git", *words], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


SCRIPT = """
    import os, resource, signal, sys
    from pathlib import Path
    from twice.errors import RepositoryError
    from twice.git.repository import Repository
    from twice.git.checkout import add_worktree
    from twice.git.objects import FILE
    from twice.git.snapshot import scan, write_snapshot

    what, root, limit = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    with Repository.open(root, os.environ) as repository:
        head = repository.head().commit
        found = scan(repository)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that writing fails with EFBIG, as a full disk does with ENOSPC
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        try:
            if what == "snapshot":
                snapshot = write_snapshot(repository, found)
                repository.refs.create("refs/twice/pending/one", snapshot.commit)
            elif what == "objects":
                blob = repository.objects.write_blob(os.urandom(100_000))
            elif what == "ref":
                repository.refs.create("refs/twice/pending/one", head)
            elif what == "delete":
                repository.refs.delete("refs/tags/packed")
            elif what == "worktree":
                add_worktree(repository, head, root.parent / "ours")
        except RepositoryError as error:
            sys.exit(f"{error.message} | {' '.join(error.details)} | {error.hint}")
    print("done")
"""


def every_file(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "work"
    root.mkdir()
    git("init", "-q", "-b", "main", cwd=root)
    for number in range(60):
        (root / f"file-{number}.py").write_text(f"{number}\n" * 50)
    (root / "large.bin").write_bytes(os.urandom(200_000))
    git("add", "-A", cwd=root)
    git("commit", "-q", "-m", "first", cwd=root)
    git("tag", "packed", cwd=root)
    git("tag", "other", cwd=root)
    git("pack-refs", "--all", cwd=root)
    (root / "file-1.py").write_text("changed\n")
    (root / "new.bin").write_bytes(os.urandom(50_000))
    return root


@pytest.mark.skipif(sys.platform == "win32", reason="no RLIMIT_FSIZE")
@pytest.mark.parametrize(
    ("what", "limit"),
    [
        ("snapshot", 0),
        ("snapshot", 1000),
        ("snapshot", 20_000),
        ("objects", 1000),
        ("ref", 10),
        ("delete", 20),
        ("worktree", 5000),
    ],
)
def test_a_full_disk(root: Path, tmp_path: Path, environ: dict[str, str], what: str, limit: int) -> None:
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    refs, git_files = git("for-each-ref", cwd=root), every_file(root / ".git")
    path = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, str(script), what, str(root), str(limit)],
        env={**environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    by_git = "TWICE_GIT" not in environ
    if not (by_git and what == "worktree"):  # there the limit kills a child of git, which keeps that to itself
        assert "None" not in done.stderr.rpartition("|")[2]  # there is a hint
    assert git("for-each-ref", cwd=root) == refs
    git("fsck", "--strict", cwd=root)
    assert not (tmp_path / "ours").exists()
    left = every_file(root / ".git").keys() - git_files.keys()
    assert {name for name in left if "/objects/" not in name} == set()
    # A git that is killed leaves what it was writing; `git prune` knows it by its name.
    assert by_git or {name for name in left if "tmp_obj" in name} == set()
    assert {name: content for name, content in every_file(root / ".git").items() if name in git_files} == git_files


def test_no_space_is_left(tmp_path: Path, environ: dict[str, str]) -> None:
    """The same with a file system that really is full."""
    root = tmp_path / "small"
    root.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(root)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root can mount a small file system")
    try:
        git("init", "-q", cwd=root)
        (root / "data").write_bytes(os.urandom(300_000))
        git("add", "-A", cwd=root)
        git("commit", "-q", "-m", "first", cwd=root)
        (root / "new").write_bytes(os.urandom(100_000))
        with Repository.open(root, environ) as repository, (root / "filler").open("wb", buffering=0) as filler:
            found = scan(repository)
            try:
                while filler.write(b"x" * 4096):
                    pass
            except OSError:
                pass
            with pytest.raises(RepositoryError) as caught:
                write_snapshot(repository, found)
            assert "No space left on device" in " ".join((caught.value.message, *caught.value.details))
            assert caught.value.hint
            with pytest.raises(RepositoryError, match="No space left on device"):
                repository.refs.create("refs/twice/pending/one", repository.head().commit or "")
            (root / "filler").unlink()
        git("fsck", "--strict", cwd=root)
        assert list((root / ".git/refs").rglob("one*")) == []
        assert list((root / ".git").rglob("tmp_obj*")) == []
    finally:
        subprocess.run(["umount", "-l", str(root)], check=True)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs permissions as POSIX has them")
@pytest.mark.parametrize("clean", [True, False])
def test_a_git_directory_that_cannot_be_written(root: Path, environ: dict[str, str], clean: bool) -> None:
    """A clean work tree can still be looked at; for another one there is an error that names the place."""
    if os.geteuid() == 0:
        pytest.skip("nothing is read-only for root")
    if clean:
        git("stash", "-u", cwd=root)
    folders = [root / ".git", *(path for path in (root / ".git").rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        with Repository.open(root, environ) as repository:
            found = scan(repository)
            if clean:
                assert write_snapshot(repository, found).commit is None
            else:
                with pytest.raises(RepositoryError, match="cannot be written") as caught:
                    write_snapshot(repository, found)
                assert caught.value.hint
            with pytest.raises(RepositoryError, match="cannot be written"):
                repository.refs.create("refs/twice/pending/one", repository.head().commit or "")
    finally:
        for folder in folders:
            folder.chmod(0o755)


def test_a_state_folder_that_cannot_be_made(root: Path, environ: dict[str, str]) -> None:
    """As root, too: something else is where twice keeps its state."""
    (root / ".git/twice").write_text("")
    (root / ".git/refs/twice").write_text("")
    with Repository.open(root, environ) as repository:
        with pytest.raises(RepositoryError):
            repository.refs.create("refs/twice/pending/one", repository.head().commit or "")
        if repository.git is not None:
            with pytest.raises(RepositoryError, match="cannot be written") as caught:
                write_snapshot(repository, scan(repository))
            assert caught.value.details
            assert caught.value.hint


def test_a_damaged_index(root: Path, environ: dict[str, str]) -> None:
    index = root / ".git/index"
    index.write_bytes(b"DIRC" + b"\xff" * 100)
    with Repository.open(root, environ) as repository, pytest.raises(RepositoryError) as caught:
        scan(repository)
    assert "index" in " ".join((caught.value.message, *caught.value.details))
    assert index.read_bytes().startswith(b"DIRC\xff")


def test_a_tree_of_head_is_missing(root: Path, environ: dict[str, str]) -> None:
    tree = git("rev-parse", "HEAD^{tree}", cwd=root)
    (root / f".git/objects/{tree[:2]}/{tree[2:]}").unlink()
    with Repository.open(root, environ) as repository, pytest.raises(RepositoryError) as caught:
        write_snapshot(repository, scan(repository))
    assert caught.value.hint


def test_a_file_that_vanishes_or_cannot_be_read_after_the_scan(root: Path, environ: dict[str, str]) -> None:
    with Repository.open(root, environ) as repository:
        found = scan(repository)
        (root / "new.bin").unlink()
        snapshot = write_snapshot(repository, found)
        assert snapshot.commit is not None
        assert repository.objects.find(snapshot.tree, "new.bin") is None


def test_an_index_locked_by_somebody_else_does_not_matter(root: Path, environ: dict[str, str]) -> None:
    (root / ".git/index.lock").write_text("")
    with Repository.open(root, environ) as repository:
        assert write_snapshot(repository, scan(repository)).commit is not None
    assert (root / ".git/index.lock").exists()
