"""What differs between two trees is what `git diff` says, with and without the executable."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ways import WAYS, environ_for

from twice.errors import RepositoryError
from twice.git.difference import changed_files, patch
from twice.git.repository import Repository


def git(*words: str, cwd: Path, stdin: bytes = b"") -> str:
    done = subprocess.run(["git", *words], cwd=cwd, input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return os.fsdecode(done.stdout)


LONG = [f"line {number}\n" for number in range(60)]


@pytest.fixture(params=["sha1", "sha256"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Two commits, `old` and `new`, with every kind of difference between them."""
    root = tmp_path / "work"
    (root / "src").mkdir(parents=True)
    (root / ".twice").mkdir()
    git("init", "-q", "-b", "main", f"--object-format={request.param}", cwd=root)

    def write(path: str, text: str | bytes, mode: int = 0o644) -> None:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        file.chmod(mode)

    write("same.py", "same\n")
    write("changed.py", "".join(LONG))
    write("gone.py", "one\ntwo\n")
    write("moved.py", "".join(LONG[:40]))
    write("moved-exactly.py", "".join(LONG[20:]))
    write("run.sh", "#!/bin/sh\n")
    write("becomes-link", "changed.py")
    write("becomes/folder", "x\n")
    write("data.bin", b"\0\1\2" * 100)
    write("no-end.txt", "without a line feed")
    write("crlf.txt", "one\r\ntwo\rthree\r\n")
    write("pluses.txt", "++ a\n-- b\n")
    write("with space.txt", "one\n")
    write("ünï.txt", "one\n")
    write(os.fsdecode(b"caf\xe9"), "one\n")
    write(".twice/run.yaml", "old: 1\n")
    git("add", "-A", cwd=root)
    git("commit", "-q", "-m", "old", cwd=root)
    git("tag", "old", cwd=root)
    write("changed.py", "".join([*LONG[:3], "new\n", "new\n", *LONG[5:50], *LONG[52:], "end\n"]))
    for path in ("gone.py", "moved.py", "moved-exactly.py", "becomes-link", "becomes/folder"):
        (root / path).unlink()
    (root / "becomes").rmdir()
    write("src/moved.py", "".join([*LONG[:20], "new\n", *LONG[20:40]]), 0o755)
    write("src/moved-exactly.py", "".join(LONG[20:]))
    write("becomes", "a file now\n")
    write("run.sh", "#!/bin/sh\n", 0o755)
    (root / "becomes-link").symlink_to("changed.py")
    write("data.bin", b"\0\1\3" * 100)
    write("no-end.txt", "without a line feed\nand more")
    write("crlf.txt", "one\r\nthree\r\n")
    write("pluses.txt", "++ b\n-- b\n++ c\n")
    write("with space.txt", "one\ntwo\n")
    write("ünï.txt", "two\n")
    write(os.fsdecode(b"caf\xe9"), "two\n")
    write("new/empty", "")
    write("new/file.py", "new\n")
    write(".twice/run.yaml", "new: 1\n")
    write(".twice/metrics.yaml", "new: 1\n")
    write(".twice-notes", "code, although its name is like it\n")
    git("add", "-A", cwd=root)
    commit = git("rev-parse", "old", cwd=root).strip()
    git("update-index", "--add", "--cacheinfo", f"160000,{commit},vendor", cwd=root)
    git("commit", "-q", "-m", "new", cwd=root)
    return root


@pytest.fixture(params=WAYS)
def opened(request: pytest.FixtureRequest, root: Path) -> Iterator[Repository]:
    environ = environ_for(request.param)
    with Repository.open(root, environ) as repository:
        yield repository


def trees(root: Path) -> tuple[str, str]:
    old, new = git("rev-parse", "old^{tree}", "HEAD^{tree}", cwd=root).split()
    return old, new


def expected(root: Path, old: str, new: str) -> dict[str, tuple[str | None, str, str, str]]:
    """Path → old path, letter, lines added, lines removed, as git prints them."""
    letters, paths = {}, {}
    fields = iter(git("diff", "-M", "--name-status", "-z", old, new, cwd=root).split("\0")[:-1])
    for letter in fields:
        old_path = next(fields) if letter[0] == "R" else None
        path = next(fields)
        letters[path], paths[path] = letter[0], old_path
    found: dict[str, tuple[str | None, str, str, str]] = {}
    for path in letters:
        before = paths[path] or path
        counts = git(
            "diff", "-M", "--numstat", "-z", old, new, "--", f":(literal){before}", f":(literal){path}", cwd=root
        )
        added, removed, _ = counts.split("\t", 2)
        if path != ".twice" and not path.startswith(".twice/"):
            found[path] = (paths[path], letters[path], added, removed)
    return found


LETTERS = {"added": "A", "deleted": "D", "modified": "M", "renamed": "R", "type": "T", "mode": "M"}


@pytest.mark.parametrize("backwards", [False, True])
def test_the_same_files_as_git(opened: Repository, root: Path, backwards: bool) -> None:
    old, new = trees(root)[:: -1 if backwards else 1]
    changes = changed_files(opened, old, new)
    assert [change.path for change in changes] == sorted(change.path for change in changes)
    wanted = expected(root, old, new)
    assert {change.path: (change.old_path, LETTERS[change.kind]) for change in changes} == {
        path: facts[:2] for path, facts in wanted.items()
    }
    for change in changes:
        counts = tuple("-" if number is None else str(number) for number in (change.added, change.removed))
        if change.path == "vendor":
            assert counts == ("-", "-")
        else:
            assert counts == wanted[change.path][2:], change.path


def test_the_facts_of_a_difference(opened: Repository, root: Path) -> None:
    old, new = trees(root)
    changes = {change.path: change for change in changed_files(opened, old, new)}
    assert changes["run.sh"].kind == "mode"
    assert (changes["run.sh"].old_mode, changes["run.sh"].new_mode) == (0o100644, 0o100755)
    assert changes["run.sh"].old_id == changes["run.sh"].new_id
    assert changes["becomes-link"].kind == "type"
    moved = changes["src/moved.py"]
    assert (moved.kind, moved.old_path, moved.new_mode) == ("renamed", "moved.py", 0o100755)
    assert moved.new_id == git("rev-parse", f"{new}:src/moved.py", cwd=root).strip()
    assert (changes["gone.py"].new_mode, changes["gone.py"].new_id) == (None, None)
    assert (changes["new/file.py"].old_mode, changes["new/file.py"].old_id) == (None, None)
    assert changes["vendor"].new_mode == 0o160000
    assert changes["data.bin"].added is None


def test_nothing_differs_from_itself_and_everything_from_nothing(opened: Repository, root: Path) -> None:
    _, new = trees(root)
    assert changed_files(opened, new, new) == ()
    assert patch(opened, new, new) == b""
    empty = opened.objects.write_tree({})
    added = changed_files(opened, empty, new)
    assert {change.kind for change in added} == {"added"}
    names = git("ls-tree", "-r", "-z", "--name-only", new, cwd=root).split("\0")[:-1]
    assert [change.path for change in added] == sorted(name for name in names if not name.startswith(".twice/"))
    assert {change.kind for change in changed_files(opened, new, empty)} == {"deleted"}


def test_a_commit_stands_for_its_tree(opened: Repository, root: Path) -> None:
    commits = git("rev-parse", "old", "HEAD", cwd=root).split()
    assert changed_files(opened, *commits) == changed_files(opened, *trees(root))
    assert patch(opened, *commits) == patch(opened, *trees(root))


@pytest.mark.parametrize("backwards", [False, True])
def test_git_applies_the_patch(opened: Repository, root: Path, tmp_path: Path, backwards: bool) -> None:
    old, new = trees(root)[:: -1 if backwards else 1]
    text = patch(opened, old, new)
    # What a patch does not hold: the record, content that is not text, submodules (their commit is not in the index).
    left_out = {"data.bin", "vendor"}
    sections = re.split(rb"(?m)^(?=diff --git )", text)
    usable = b"".join(
        section for section in sections if not any(f"/{name}\n".encode() in section[:60] for name in left_out)
    )
    git("worktree", "add", "-q", "--detach", str(tmp_path / "applied"), "HEAD" if backwards else "old", cwd=root)
    git("apply", "--index", cwd=tmp_path / "applied", stdin=usable)
    result = git("write-tree", cwd=tmp_path / "applied").strip()
    remaining = git("diff", "--name-only", result, new, cwd=root).split()
    assert set(remaining) == {"data.bin", "vendor", ".twice/run.yaml", ".twice/metrics.yaml"}


def test_the_patch_reads_as_gits(opened: Repository, root: Path) -> None:
    old, new = trees(root)
    paths = ["changed.py", "gone.py", "run.sh", "new", "no-end.txt", "data.bin"]
    ours = patch(opened, old, new, paths)
    words = ("diff-tree", "-r", "-M", "-p", old, new, "--", *paths)
    gits = git("-c", "diff.noprefix=true", *words, cwd=root)
    for text in ("index ", "@@"):  # ids are cut and functions named as git likes
        gits = re.sub(rf"(?m)^{text}.*$", text, gits)
        ours = re.sub(rf"(?m)^{text}.*$".encode(), text.encode(), ours)
    assert ours.decode() == gits
    assert patch(opened, old, new, ["nothing"]) == b""
    assert patch(opened, old, new, ["*.py"]) == b""  # a name, not a pattern


def test_the_record_is_not_code(opened: Repository, root: Path) -> None:
    text = patch(opened, *trees(root))
    assert b".twice/" not in text
    assert b".twice-notes" in text


def test_colours_are_only_added(opened: Repository, root: Path) -> None:
    plain, coloured = patch(opened, *trees(root)), patch(opened, *trees(root), colour=True)
    assert b"\x1b[32m+new" in coloured.replace(b"\x1b[32m+\x1b[m\x1b[32m", b"\x1b[32m+")
    assert b"\x1b[31m-one" in coloured
    assert re.sub(rb"\x1b\[[0-9;]*[mK]", b"", coloured) == plain


def test_the_users_diff_settings_do_not_count(root: Path) -> None:
    with Repository.open(root, os.environ) as opened:
        plain = patch(opened, *trees(root))
        for key, value in (
            ("diff.external", "false"),
            ("diff.renames", "false"),
            ("diff.noprefix", "true"),
            ("diff.x.textconv", "false"),
        ):
            git("config", key, value, cwd=root)
        (root / ".git/info/attributes").write_text("*.py diff=x\n")
    with Repository.open(root, {**os.environ, "GIT_EXTERNAL_DIFF": "false"}) as opened:
        assert patch(opened, *trees(root)) == plain
        assert any(change.kind == "renamed" for change in changed_files(opened, *trees(root)))


def test_a_tree_that_is_not_there(opened: Repository, root: Path) -> None:
    old, _ = trees(root)
    for call in (changed_files, patch):
        with pytest.raises(RepositoryError):
            call(opened, old, "12" * (len(old) // 2))


def test_in_a_bare_repository(root: Path, tmp_path: Path) -> None:
    git("clone", "-q", "--bare", str(root), str(tmp_path / "bare.git"), cwd=tmp_path)
    old, new = trees(root)
    with (
        Repository.open(root, os.environ) as full,
        Repository.open(tmp_path / "bare.git", os.environ, bare_ok=True) as bare,
    ):
        assert changed_files(bare, old, new) == changed_files(full, old, new)
        assert patch(bare, old, new, ["new"]) == patch(full, old, new, ["new"])
