"""Both ways of taking a snapshot, with and without the git executable, held to what C git itself says.

Each case makes a repository and says which paths are changed, and how. For each way: the scan names exactly those, and
the paths that `git status` names; the tree is the one of `git add -A && git write-tree` in a private index; everything
in it was written; nothing of the user's has changed. Where a way cannot be exact it must refuse, with a hint.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from ways import WAYS, environ_for

from twice.errors import RepositoryError
from twice.git.repository import Repository
from twice.git.snapshot import scan, write_snapshot, write_tree


class Work:
    """A repository in the making."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "work"

    def git(
        self, *words: str, cwd: Path | None = None, env: Mapping[str, str] | None = None, fails_ok: bool = False
    ) -> str:
        done = subprocess.run(
            ["git", "-c", "protocol.file.allow=always", *words],
            cwd=cwd or self.root,
            env={**os.environ, **(env or {})},
            capture_output=True,
            check=False,
        )
        assert fails_ok or done.returncode == 0, f"git {' '.join(words)}: {done.stderr.decode()}"
        return os.fsdecode(done.stdout)

    def init(self, *options: str, root: Path | None = None) -> None:
        root = root or self.root
        root.mkdir(parents=True)
        self.git("init", "-q", "-b", "main", *options, cwd=root)

    def write(self, path: str, content: str | bytes = "text\n", mode: int | None = None) -> Path:
        file = Path(f"{self.root}/{path}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        if mode is not None:
            file.chmod(mode)
        return file

    def commit(self, *paths: str, message: str = "more", cwd: Path | None = None) -> None:
        self.git("add", *(("--", *paths) if paths else ("-A",)), cwd=cwd)
        self.git("commit", "-q", "--allow-empty", "-m", message, cwd=cwd)

    def start(self, *init_options: str) -> None:
        """Five files in three folders, committed."""
        self.init(*init_options)
        for path in ("train.py", "README", "src/model.py", "src/deep/layer.py", "data/table.csv"):
            self.write(path, f"{path}\n")
        self.commit(message="first")

    def link(self, path: str, target: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.symlink_to(target)


Changes = dict[str, str]


@dataclass(frozen=True)
class Case:
    build: Callable[[Work], Changes]
    oracle: tuple[tuple[str, ...], ...]
    refused_by_hand: bool
    status_says_the_same: bool


CASES: dict[str, Case] = {}


def case(
    *oracle: tuple[str, ...], refused_by_hand: bool = False, status_says_the_same: bool = True
) -> Callable[[Callable[[Work], Changes]], Callable[[Work], Changes]]:
    """Enter a function into the table; `oracle` is what git is told instead of `add -A`, where that would fail."""

    def enter(build: Callable[[Work], Changes]) -> Callable[[Work], Changes]:
        CASES[build.__name__] = Case(build, oracle or (("add", "-A"),), refused_by_hand, status_says_the_same)
        return build

    return enter


# ------------------------------------------------------------------------------------------------ plain changes


@case()
def clean(work: Work) -> Changes:
    work.start()
    return {}


@case()
def touched_but_equal(work: Work) -> Changes:
    work.start()
    os.utime(work.root / "train.py", ns=(1, 1))
    return {}


@case()
def modified(work: Work) -> Changes:
    work.start()
    work.write("src/deep/layer.py", "deeper\n")
    return {"src/deep/layer.py": "modified"}


@case()
def modified_to_the_same_size_at_once(work: Work) -> Changes:
    work.start()
    work.write("train.py", "TRAIN.PY\n")
    return {"train.py": "modified"}


@case()
def modified_to_the_same_size_with_the_same_time(work: Work) -> Changes:
    work.start()
    work.git("config", "core.trustctime", "false")
    file = work.root / "train.py"
    os.utime(file, ns=(10**18, 10**18))
    work.git("update-index", "--refresh")
    os.utime(work.root / ".git/index", ns=(10**18, 10**18))  # git must not trust entries as young as the index
    work.write("train.py", "TRAIN.PY\n")
    os.utime(file, ns=(10**18, 10**18))
    return {"train.py": "modified"}


@case()
def deleted(work: Work) -> Changes:
    work.start()
    (work.root / "src/deep/layer.py").unlink()
    (work.root / "README").unlink()
    return {"README": "deleted", "src/deep/layer.py": "deleted"}


@case()
def everything_deleted(work: Work) -> Changes:
    work.start()
    for name in ("src", "data"):
        shutil.rmtree(work.root / name)
    for name in ("train.py", "README"):
        (work.root / name).unlink()
    return dict.fromkeys(("README", "data/table.csv", "src/deep/layer.py", "src/model.py", "train.py"), "deleted")


@case()
def untracked(work: Work) -> Changes:
    work.start()
    work.write("new.py")
    work.write("deep/er/new.py", "")
    work.write("src/new.py", mode=0o755)
    work.link("latest", "src/new.py")
    work.link("dangling", "nowhere")
    work.link("to-folder", "src")
    (work.root / "empty/folder").mkdir(parents=True)
    paths = ("dangling", "deep/er/new.py", "latest", "new.py", "src/new.py", "to-folder")
    return dict.fromkeys(paths, "untracked")


@case()
def staged(work: Work) -> Changes:
    work.start()
    work.write("train.py", "staged\n")
    work.write("added.py")
    work.git("add", "-A")
    work.git("rm", "-q", "README")
    return {"README": "staged", "added.py": "staged", "train.py": "staged"}


@case()
def half_staged(work: Work) -> Changes:
    work.start()
    work.write("train.py", "staged\n")
    work.write("added.py")
    work.write("gone.py")
    work.git("add", "-A")
    work.write("train.py", "and changed again\n")
    work.write("added.py", "more\n")
    (work.root / "gone.py").unlink()
    return {"added.py": "modified", "gone.py": "deleted", "train.py": "modified"}


@case()
def staged_and_changed_back(work: Work) -> Changes:
    work.start()
    work.write("train.py", "staged\n")
    work.git("add", "-A")
    work.write("train.py", "train.py\n")
    return {"train.py": "modified"}


@case()
def removed_from_the_index_but_still_there(work: Work) -> Changes:
    work.start()
    work.git("rm", "-q", "--cached", "README")
    return {"README": "untracked"}


@case()
def removed_from_the_index_and_ignored(work: Work) -> Changes:
    work.start()
    work.git("rm", "-q", "--cached", "README")
    work.write(".git/info/exclude", "README\n")
    return {"README": "staged"}


@case()
def renamed(work: Work) -> Changes:
    work.start()
    work.git("mv", "train.py", "fit.py")
    (work.root / "README").rename(work.root / "README.md")
    return {"README": "deleted", "README.md": "untracked", "fit.py": "staged", "train.py": "staged"}


@case()
def intended_to_be_added(work: Work) -> Changes:
    work.start()
    work.write("soon.py")
    work.git("add", "-N", "soon.py")
    return {"soon.py": "untracked"}


@case()
def intended_to_be_added_and_deleted(work: Work) -> Changes:
    work.start()
    work.write("soon.py")
    work.git("add", "-N", "soon.py")
    (work.root / "soon.py").unlink()
    return {"soon.py": "deleted"}


# ------------------------------------------------------------------------------------------------ modes and types


@case()
def mode_only(work: Work) -> Changes:
    work.start()
    (work.root / "train.py").chmod(0o755)
    return {"train.py": "modified"}


@case()
def mode_not_trusted(work: Work) -> Changes:
    work.start()
    work.git("config", "core.fileMode", "false")
    (work.root / "train.py").chmod(0o755)
    work.write("README", "changed\n", mode=0o755)
    work.write("new.sh", mode=0o755)
    return {"README": "modified", "new.sh": "untracked"}


@case()
def symlink_retargeted(work: Work) -> Changes:
    work.start()
    work.link("latest", "train.py")
    work.commit()
    work.link("latest", "README")
    return {"latest": "modified"}


@case()
def file_became_symlink(work: Work) -> Changes:
    work.start()
    work.write("README", "train.py")
    work.commit()
    work.link("README", "train.py")
    return {"README": "type"}


@case()
def symlink_became_file(work: Work) -> Changes:
    work.start()
    work.link("latest", "train.py")
    work.commit()
    (work.root / "latest").unlink()
    work.write("latest", "train.py")
    return {"latest": "type"}


@case()
def file_became_folder(work: Work) -> Changes:
    work.start()
    (work.root / "README").unlink()
    work.write("README/part.md")
    return {"README": "deleted", "README/part.md": "untracked"}


@case()
def folder_became_file(work: Work) -> Changes:
    work.start()
    shutil.rmtree(work.root / "src")
    work.write("src", "a file\n")
    return {"src": "untracked", "src/deep/layer.py": "deleted", "src/model.py": "deleted"}


@case()
def folder_became_symlink_to_another_with_the_same_names(work: Work) -> Changes:
    work.start()
    (work.root / "src").rename(work.root / "lib")
    work.link("src", "lib")
    return {
        "lib/deep/layer.py": "untracked",
        "lib/model.py": "untracked",
        "src": "untracked",
        "src/deep/layer.py": "deleted",
        "src/model.py": "deleted",
    }


@case()
def symlink_became_folder(work: Work) -> Changes:
    work.start()
    work.link("lib", "src")
    work.commit()
    (work.root / "lib").unlink()
    work.write("lib/model.py")
    return {"lib": "deleted", "lib/model.py": "untracked"}


@case()
def names_that_sort_around_a_folder(work: Work) -> Changes:
    work.start()
    for path in ("a/inner", "a.txt", "a-b", "a0", "b/x/y"):
        work.write(path)
    work.commit()
    work.write("a/inner", "changed\n")
    work.write("a.py")
    work.write("b.c")
    return {"a.py": "untracked", "a/inner": "modified", "b.c": "untracked"}


@case()
def fifo_and_socket_among_the_untracked(work: Work) -> Changes:
    work.start()
    os.mkfifo(work.root / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(work.root)  # the path of a socket has 108 bytes at most
        try:
            listener.bind("socket")
        finally:
            os.chdir(here)
    work.write("new.py")
    return {"new.py": "untracked"}


@case(("rm", "-q", "--cached", "README"), ("add", "-A"))
def file_became_fifo(work: Work) -> Changes:
    work.start()
    (work.root / "README").unlink()
    os.mkfifo(work.root / "README")
    work.write("new.py")
    return {"README": "not a file", "new.py": "untracked"}


# ------------------------------------------------------------------------------------------------ what is ignored


@case()
def ignored(work: Work) -> Changes:
    work.start()
    work.write(".gitignore", "*.log\n/build/\n!keep.log\nnotes\n")
    work.write("src/.gitignore", "*.bin\n!deep/*.bin\n/only-here\n")
    work.commit()
    for path in (
        "a.log",
        "keep.log",
        "src/b.log",
        "src/keep.log",
        "build/out.o",
        "src/build/out.o",
        "notes/page",
        "src/x.bin",
        "src/deep/y.bin",
        "src/only-here",
        "only-here",
    ):
        work.write(path)
    paths = ("keep.log", "only-here", "src/build/out.o", "src/deep/y.bin", "src/keep.log")
    return dict.fromkeys(paths, "untracked")


@case()
def ignored_by_the_repository_and_by_the_user(work: Work) -> Changes:
    work.start()
    work.write(".git/info/exclude", "*.tmp\n!important.log\n")
    excludes = work.folder / "my excludes"
    excludes.write_text("*.log\n*.swp\n")
    work.git("config", "core.excludesFile", str(excludes))
    for path in ("a.tmp", "a.log", "important.log", "src/b.swp", "src/c.py"):
        work.write(path)
    return {"important.log": "untracked", "src/c.py": "untracked"}


@case()
def ignored_by_the_users_own_file_in_its_usual_place(work: Work) -> Changes:
    work.start()
    usual = Path(os.environ["HOME"], ".config/git/ignore")
    usual.parent.mkdir(parents=True)
    usual.write_text(".DS_Store\n")
    work.write(".DS_Store")
    work.write("new")
    return {"new": "untracked"}


@case()
def ignored_by_a_file_that_is_itself_new(work: Work) -> Changes:
    work.start()
    work.write(".gitignore", "*.log\n.gitignore\n")
    work.write("src/.gitignore", "*\n!*.py\n")
    work.write("a.log")
    work.write("src/b.txt")
    work.write("src/b.py")
    return {"src/b.py": "untracked"}


@case()
def tracked_files_in_an_ignored_folder(work: Work) -> Changes:
    work.start()
    work.write("out/kept.txt")
    work.write("out/other.txt")
    work.commit()
    work.write(".gitignore", "out/\n")
    work.commit(".gitignore")
    work.write("out/kept.txt", "changed\n")
    (work.root / "out/other.txt").unlink()
    work.write("out/new.txt")
    return {"out/kept.txt": "modified", "out/other.txt": "deleted"}


@case()
def staged_although_ignored(work: Work) -> Changes:
    work.start()
    work.write(".gitignore", "*.log\n")
    work.commit()
    work.write("a.log")
    work.git("add", "-f", "a.log")
    work.write("a.log", "changed\n")
    return {"a.log": "modified"}


# ------------------------------------------------------------------------------------------------ content


@case()
def line_ends_by_attributes(work: Work) -> Changes:
    work.start()
    work.write(".gitattributes", "* text=auto\n*.bat eol=crlf\n*.raw -text\n*.bin binary\n")
    work.write("src/.gitattributes", "*.txt text eol=lf\n")
    work.write("run.bat", "one\ntwo\n")
    work.commit()
    work.write("run.bat", "one\r\ntwo\r\nthree\r\n")
    for path in ("new.py", "raw.raw", "data.bin", "src/crlf.txt"):
        work.write(path, "one\r\ntwo\r\n")
    work.write("really-binary", b"\r\n\0\r\n")
    return {
        "data.bin": "untracked",
        "new.py": "untracked",
        "raw.raw": "untracked",
        "really-binary": "untracked",
        "run.bat": "modified",
        "src/crlf.txt": "untracked",
    }


@case()
def line_ends_only(work: Work) -> Changes:
    work.start()
    work.write(".gitattributes", "*.bat text eol=crlf\n")
    work.write("run.bat", "one\r\ntwo\r\n")
    work.commit()
    work.write("run.bat", "one\ntwo\n")  # the same blob; but another size, and git status looks no further
    return {"run.bat": "modified"}


@case()
def line_ends_by_configuration(work: Work) -> Changes:
    work.start()
    work.write("was-crlf.txt", "one\r\ntwo\r\n")
    work.commit()
    work.git("config", "core.autocrlf", "input")
    work.write("new.txt", "one\r\ntwo\r\n")
    work.write("was-crlf.txt", "one\r\ntwo\r\nthree\r\n")
    return {"new.txt": "untracked", "was-crlf.txt": "modified"}


@case()
def clean_filter(work: Work) -> Changes:
    work.start()
    work.git("config", "filter.shout.clean", "tr a-z A-Z")
    work.git("config", "filter.shout.smudge", "tr A-Z a-z")
    work.write(".gitattributes", "*.txt filter=shout\n")
    work.write("old.txt", "quiet\n")
    work.commit()
    work.write("old.txt", "still quiet\n")
    work.write("new.txt", "also quiet\n")
    return {"new.txt": "untracked", "old.txt": "modified"}


@case()
def ident(work: Work) -> Changes:
    work.start()
    work.write(".gitattributes", "*.txt ident\n")
    work.write("old.txt", "$Id$\n")
    work.commit()
    work.write("old.txt", "$Id: 0123456789012345678901234567890123456789 $\nchanged\n")
    return {"old.txt": "modified"}


@case(refused_by_hand=True)
def working_tree_encoding(work: Work) -> Changes:
    work.start()
    work.write(".gitattributes", "*.txt working-tree-encoding=UTF-16LE-BOM eol=lf\n")
    work.commit()
    work.write("new.txt", b"\xff\xfe" + "grün\n".encode("utf-16-le"))
    return {"new.txt": "untracked"}


@case()
def empty_files_and_large_ones(work: Work) -> Changes:
    work.start()
    work.write("train.py", "")
    work.write("empty", "")
    work.write("large.bin", bytes(range(256)) * 20_000)
    return {"empty": "untracked", "large.bin": "untracked", "train.py": "modified"}


@case()
def odd_names(work: Work) -> Changes:
    work.start()
    names = ["with space", "with\ttab", "with\nline break", 'quote"d', "back\\slash", "*star*", "[set]", "?", ":(top)x"]
    names += ["-n", "--all", "ünïcödé", "日本/語", " lead", "trail ", "#hash", "!bang", "~tilde", ".hidden", "a" * 200]
    names += [os.fsdecode(b"latin-\xe9"), os.fsdecode(b"\xff\xfe/\x80")]
    for name in names:
        work.write(name)
    work.commit()
    for name in names[::2]:
        work.write(name, "changed\n")
    for name in names[1::2]:
        Path(f"{work.root}/{name}").unlink()
        work.write(name + ".new")
    return {
        **dict.fromkeys(names[::2], "modified"),
        **dict.fromkeys(names[1::2], "deleted"),
        **dict.fromkeys([name + ".new" for name in names[1::2]], "untracked"),
    }


# ------------------------------------------------------------------------------------------------ submodules


def _with_submodule(work: Work) -> None:
    other = work.folder / "other"
    work.init(root=other)
    (other / "lib.py").write_text("library\n")
    work.commit(cwd=other)
    work.start()
    work.git("submodule", "add", "-q", str(other), "vendor/lib")
    work.commit()


@case()
def submodule_clean(work: Work) -> Changes:
    _with_submodule(work)
    work.write("train.py", "changed\n")
    return {"train.py": "modified"}


@case()
def submodule_moved(work: Work) -> Changes:
    _with_submodule(work)
    (work.root / "vendor/lib/lib.py").write_text("changed\n")
    work.commit(cwd=work.root / "vendor/lib")
    return {"vendor/lib": "submodule"}


@case()
def submodule_dirty(work: Work) -> Changes:
    _with_submodule(work)
    (work.root / "vendor/lib/lib.py").write_text("changed\n")
    (work.root / "vendor/lib/new.py").write_text("new\n")
    return {"vendor/lib": "submodule"}


@case()
def submodule_moved_although_to_be_ignored(work: Work) -> Changes:
    _with_submodule(work)
    work.git("config", "submodule.vendor/lib.ignore", "all")
    (work.root / "vendor/lib/lib.py").write_text("changed\n")
    work.commit(cwd=work.root / "vendor/lib")
    return {"vendor/lib": "submodule"}


@case()
def submodule_not_initialised(work: Work) -> Changes:
    _with_submodule(work)
    work.git("submodule", "deinit", "-q", "-f", "vendor/lib")
    work.write("new.py")
    return {"new.py": "untracked"}


@case()
def submodule_deleted(work: Work) -> Changes:
    _with_submodule(work)
    shutil.rmtree(work.root / "vendor")
    return {"vendor/lib": "deleted"}


@case()
def submodule_staged(work: Work) -> Changes:
    _with_submodule(work)
    work.git("submodule", "add", "-q", str(work.folder / "other"), "vendor/second")
    return {".gitmodules": "staged", "vendor/second": "staged"}


@case()
def nested_repository(work: Work) -> Changes:
    work.start()
    work.init(root=work.root / "nested")
    work.write("nested/file")
    work.commit(cwd=work.root / "nested")
    work.write("new.py")
    return {"nested": "nested repository", "new.py": "untracked"}


@case(("add", "-A", "--", ".", ":!nested"))
def nested_repository_without_a_commit(work: Work) -> Changes:
    work.start()
    work.init(root=work.root / "nested")
    work.write("nested/file")
    work.write("new.py")
    return {"nested": "nested repository", "new.py": "untracked"}


@case()
def linked_worktree_inside_the_work_tree(work: Work) -> Changes:
    work.start()
    work.git("worktree", "add", "-q", "trees/other")
    return {"trees/other": "nested repository"}


# ------------------------------------------------------------------------------------------------ kinds of repository


@case()
def unborn_and_empty(work: Work) -> Changes:
    work.init()
    return {}


@case()
def unborn_with_files(work: Work) -> Changes:
    work.init()
    work.write("train.py")
    work.write("src/model.py")
    return {"src/model.py": "untracked", "train.py": "untracked"}


@case()
def unborn_with_staged_files(work: Work) -> Changes:
    work.init()
    work.write("train.py")
    work.write("src/model.py")
    work.git("add", "train.py")
    return {"src/model.py": "untracked", "train.py": "staged"}


@case()
def empty_commit(work: Work) -> Changes:
    work.init()
    work.commit()
    return {}


@case()
def index_missing(work: Work) -> Changes:
    work.start()
    (work.root / ".git/index").unlink()
    return dict.fromkeys(("README", "data/table.csv", "src/deep/layer.py", "src/model.py", "train.py"), "untracked")


@case()
def detached_head(work: Work) -> Changes:
    work.start()
    work.git("checkout", "-q", "--detach")
    work.write("train.py", "changed\n")
    return {"train.py": "modified"}


@case()
def packed(work: Work) -> Changes:
    work.start()
    work.git("gc", "-q")
    work.write("train.py", "changed\n")
    return {"train.py": "modified"}


@case()
def linked_worktree(work: Work) -> Changes:
    main = work.folder / "main"
    work.root, linked = main, work.root
    work.start()
    work.git("worktree", "add", "-q", str(linked))
    work.root = linked
    work.write("train.py", "changed\n")
    work.write("new.py")
    return {"new.py": "untracked", "train.py": "modified"}


@case()
def worktree_of_a_bare_repository(work: Work) -> Changes:
    seed, worktree = work.folder / "seed", work.root
    work.root = seed
    work.start()
    work.git("clone", "-q", "--bare", str(seed), str(work.folder / "bare.git"))
    work.git("worktree", "add", "-q", str(worktree), "main", cwd=work.folder / "bare.git")
    work.root = worktree
    work.write("train.py", "changed\n")
    return {"train.py": "modified"}


@case()
def separate_git_directory(work: Work) -> Changes:
    work.init("--separate-git-dir", str(work.folder / "elsewhere.git"))
    work.write("train.py")
    work.commit()
    work.write("train.py", "changed\n")
    return {"train.py": "modified"}


@case()
def shallow_clone(work: Work) -> Changes:
    seed, clone = work.folder / "seed", work.root
    work.root = seed
    work.start()
    work.write("train.py", "second\n")
    work.commit()
    work.git("clone", "-q", "--depth=1", f"file://{seed}", str(clone))
    work.root = clone
    work.write("train.py", "changed\n")
    return {"train.py": "modified"}


@case()
def objects_borrowed_from_another_repository(work: Work) -> Changes:
    seed, clone = work.folder / "seed", work.root
    work.root = seed
    work.start()
    work.git("clone", "-q", "--shared", str(seed), str(clone))
    work.root = clone
    work.write("train.py", "changed\n")
    return {"train.py": "modified"}


@case()
def sparse_checkout_cone(work: Work) -> Changes:
    work.start()
    work.git("sparse-checkout", "set", "--cone", "src")
    work.write("src/model.py", "changed\n")
    work.write("src/new.py")
    return {"src/model.py": "modified", "src/new.py": "untracked"}


@case()
def sparse_checkout_patterns(work: Work) -> Changes:
    work.start()
    work.git("sparse-checkout", "set", "--no-cone", "/*", "!/data/")
    work.write("train.py", "changed\n")
    return {"train.py": "modified"}


@case(("add", "-A", "--sparse"))
def sparse_checkout_with_files_outside_of_it(work: Work) -> Changes:
    work.start()
    work.git("sparse-checkout", "set", "--cone", "src")
    work.write("data/table.csv", "present after all\n")
    work.write("data/new.csv")
    return {"data/new.csv": "untracked", "data/table.csv": "modified"}


@case(refused_by_hand=True)
def sparse_index(work: Work) -> Changes:
    work.start()
    work.git("sparse-checkout", "set", "--cone", "--sparse-index", "src")
    work.write("src/model.py", "changed\n")
    work.write("src/new.py")
    return {"src/model.py": "modified", "src/new.py": "untracked"}


@case(("add", "-A", "--sparse"), refused_by_hand=True)
def sparse_index_with_files_outside_of_it(work: Work) -> Changes:
    work.start()
    work.git("sparse-checkout", "set", "--cone", "--sparse-index", "src")
    work.write("data/table.csv", "present after all\n")
    return {"data/table.csv": "modified"}


@case(refused_by_hand=True)
def split_index(work: Work) -> Changes:
    work.start()
    work.git("update-index", "--split-index")
    work.write("train.py", "changed\n")
    work.git("add", "train.py")
    work.write("new.py")
    (work.root / "README").unlink()
    return {"README": "deleted", "new.py": "untracked", "train.py": "staged"}


@case()
def index_version_4(work: Work) -> Changes:
    work.start()
    work.git("update-index", "--index-version", "4")
    work.write("src/model.py", "changed\n")
    work.write("src/new.py")
    return {"src/model.py": "modified", "src/new.py": "untracked"}


@case()
def index_with_an_untracked_cache(work: Work) -> Changes:
    work.start()
    work.git("update-index", "--untracked-cache")
    work.git("status")
    work.write("src/new.py")
    return {"src/new.py": "untracked"}


@case()
def sha256(work: Work) -> Changes:
    work.start("--object-format=sha256")
    work.write("src/model.py", "changed\n")
    work.write("new.py")
    return {"new.py": "untracked", "src/model.py": "modified"}


@case()
def sha256_packed(work: Work) -> Changes:
    work.start("--object-format=sha256")
    work.git("gc", "-q")
    (work.root / "src/model.py").unlink()
    return {"src/model.py": "deleted"}


@case()
def merge_conflict(work: Work) -> Changes:
    work.start()
    work.git("checkout", "-q", "-b", "side")
    work.write("train.py", "theirs\n")
    work.write("README", "theirs\n")
    work.write("both.py", "theirs\n")
    work.write("fine.py")
    (work.root / "src/model.py").unlink()
    work.commit()
    work.git("checkout", "-q", "main")
    work.write("train.py", "ours\n")
    (work.root / "README").unlink()
    work.write("both.py", "ours\n")
    work.write("src/model.py", "ours\n")
    work.commit()
    work.git("merge", "side", fails_ok=True)
    return {
        "README": "unmerged",
        "both.py": "unmerged",
        "fine.py": "staged",
        "src/model.py": "unmerged",
        "train.py": "unmerged",
    }


@case()
def merge_conflict_with_the_file_deleted(work: Work) -> Changes:
    merge_conflict(work)
    (work.root / "train.py").unlink()
    work.write("new.py")
    unmerged = ("README", "both.py", "src/model.py", "train.py")
    return {**dict.fromkeys(unmerged, "unmerged"), "fine.py": "staged", "new.py": "untracked"}


@case()
def assumed_unchanged(work: Work) -> Changes:
    work.start()
    work.git("update-index", "--assume-unchanged", "train.py")
    work.write("train.py", "changed, but git was told not to look\n")
    work.write("README", "changed\n")
    return {"README": "modified"}


@case()
def skipped_in_the_work_tree(work: Work) -> Changes:
    work.start()
    work.git("update-index", "--skip-worktree", "train.py")
    (work.root / "train.py").unlink()
    work.write("README", "changed\n")
    return {"README": "modified"}


# ------------------------------------------------------------------------------------------------ the contract


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path)


def opened(work: Work, way: str) -> Repository:
    return Repository.open(work.root, environ_for(way))


def oracle_tree(work: Work, commands: tuple[tuple[str, ...], ...] = (("add", "-A"),)) -> str:
    """What git makes of the work tree, in an index and an object folder of its own."""
    index, objects = work.folder / "oracle-index", work.folder / "oracle-objects"
    objects.mkdir()
    theirs = (work.git("rev-parse", "--git-path", name).strip() for name in ("index", "objects"))
    their_index, their_objects = (work.root / path for path in theirs)
    if their_index.exists():
        shutil.copy2(their_index, index)
    env = {
        "GIT_INDEX_FILE": str(index),
        "GIT_OBJECT_DIRECTORY": str(objects),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(their_objects),
    }
    for words in commands:
        work.git("-c", "core.splitIndex=false", *words, env=env)
    return work.git("write-tree", env=env).strip()


def status_paths(work: Work) -> set[str]:
    words = ("status", "--porcelain", "-z", "-uall", "--no-renames", "--ignore-submodules=none")
    output = work.git("-c", "core.fsmonitor=false", *words, env={"GIT_OPTIONAL_LOCKS": "0"})
    return {entry[3:].rstrip("/") for entry in output.split("\0")[:-1]}


def everything_of_the_users(work: Work) -> dict[str, bytes]:
    """Each file of the git directory and the work tree, but for objects and what is twice's."""
    common = work.root / work.git("rev-parse", "--git-common-dir").strip()
    found = {}
    for top in (work.root, common):
        for folder, folders, files in os.walk(top):
            if Path(folder) == common:
                folders[:] = [name for name in folders if name not in ("objects", "twice")]
            for name in files:
                path = Path(folder, name)
                if path.is_file() and not path.is_symlink():
                    found[os.fspath(path)] = path.read_bytes()
    return found


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", CASES)
def test_the_tree_is_the_one_that_git_writes(work: Work, name: str, way: str) -> None:
    case = CASES[name]
    expected = case.build(work)
    before = everything_of_the_users(work)
    with opened(work, way) as repository:
        if way == "by_hand" and case.refused_by_hand:
            with pytest.raises(RepositoryError) as caught:
                write_tree(repository, scan(repository))
            assert caught.value.hint
            return
        found = scan(repository)
        tree = write_tree(repository, found)
    assert everything_of_the_users(work) == before
    assert {change.path: change.state for change in found.changes} == expected
    assert [change.path for change in found.changes] == sorted(expected)
    assert set(expected) == status_paths(work)
    work.git("rev-list", "--objects", tree)  # fails if anything in it is missing
    assert tree == oracle_tree(work, case.oracle)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "name",
    ["untracked", "removed_from_the_index_but_still_there", "intended_to_be_added", "unborn_with_files", "odd_names"],
)
def test_untracked_paths_can_be_left_out(work: Work, name: str, way: str) -> None:
    CASES[name].build(work)
    with opened(work, way) as repository:
        found = scan(repository)
        left_out = {change.path for change in found.changes if change.state == "untracked"}
        tree = write_tree(repository, found, left_out)
    assert tree == oracle_tree(
        work, (("add", "-u"), ("rm", "-q", "--cached", "-f", "--ignore-unmatch", "--", *left_out))
    )


@pytest.mark.parametrize("way", WAYS)
def test_a_staged_file_is_not_left_out(work: Work, way: str) -> None:
    CASES["staged"].build(work)
    with opened(work, way) as repository:
        tree = write_tree(repository, scan(repository), {"added.py"})
    assert tree == oracle_tree(work)


@pytest.mark.parametrize("way", WAYS)
def test_a_nested_repository_can_be_left_out(work: Work, way: str) -> None:
    CASES["nested_repository"].build(work)
    with opened(work, way) as repository:
        tree = write_tree(repository, scan(repository), {"nested"})
    assert tree == oracle_tree(work, (("add", "-A", "--", ".", ":!nested"),))


@pytest.mark.parametrize("way", WAYS)
def test_the_facts_of_a_change(work: Work, way: str) -> None:
    work.start()
    (work.root / "README").unlink()
    changed = work.write("train.py", "seven b", mode=0o755)
    os.utime(changed, ns=(5, 1_234_567_890_123_456_789))
    work.link("latest", "train.py")
    with opened(work, way) as repository:
        found = {change.path: change for change in scan(repository).changes}
    assert (found["README"].mode, found["README"].size_bytes, found["README"].mtime_ns) == (0, None, None)
    assert (found["train.py"].mode, found["train.py"].size_bytes) == (0o100755, 7)
    assert found["train.py"].mtime_ns == changed.stat().st_mtime_ns
    assert (found["latest"].mode, found["latest"].size_bytes) == (0o120000, len("train.py"))


@pytest.mark.parametrize("way", WAYS)
def test_head_is_named(work: Work, way: str) -> None:
    work.init()
    with opened(work, way) as repository:
        assert (scan(repository).head.commit, scan(repository).head.branch) == (None, "main")
        work.write("train.py")
        work.commit()
        commit = work.git("rev-parse", "HEAD").strip()
        assert (scan(repository).head.commit, scan(repository).head.branch) == (commit, "main")
        work.git("checkout", "-q", "-b", "topic/one")
        assert (scan(repository).head.commit, scan(repository).head.branch) == (commit, "topic/one")
        work.git("checkout", "-q", "--detach")
        assert (scan(repository).head.commit, scan(repository).head.branch) == (commit, None)


@pytest.mark.parametrize("way", WAYS)
def test_a_clean_work_tree_needs_no_commit(work: Work, way: str) -> None:
    work.start()
    with opened(work, way) as repository:
        snapshot = write_snapshot(repository, scan(repository))
    head = work.git("rev-parse", "HEAD").strip()
    assert (snapshot.commit, snapshot.base, snapshot.parent_commit) == (None, head, head)
    assert snapshot.tree == work.git("rev-parse", "HEAD^{tree}").strip()


@pytest.mark.parametrize("way", WAYS)
def test_changes_that_leave_the_tree_as_it_was_need_no_commit(work: Work, way: str) -> None:
    CASES["staged_and_changed_back"].build(work)
    with opened(work, way) as repository:
        assert write_snapshot(repository, scan(repository)).commit is None


@pytest.mark.parametrize("way", WAYS)
def test_a_snapshot_is_a_commit_on_top_of_head(work: Work, way: str) -> None:
    work.start()
    work.write("train.py", "changed\n")
    with opened(work, way) as repository:
        snapshot = write_snapshot(repository, scan(repository))
        again = write_snapshot(repository, scan(repository))
    assert snapshot.commit is not None
    assert snapshot == again  # the same code is the same commit
    head = work.git("rev-parse", "HEAD").strip()
    shown = work.git("show", "-s", "--format=%T|%P|%an <%ae>|%cn <%ce>|%s|%ct|%at", snapshot.commit).strip()
    time = work.git("show", "-s", "--format=%ct", "HEAD").strip()
    ada = "Ada <ada@example.org>"
    assert shown == f"{snapshot.tree}|{head}|{ada}|{ada}|Uncommitted changes on {head[:12]}|{time}|{time}"
    work.git("fsck", "--strict")


def test_both_ways_write_the_same_commit(work: Work) -> None:
    work.start()
    work.write("new.py")
    with opened(work, "by_git") as first, opened(work, "by_hand") as second:
        assert write_snapshot(first, scan(first)) == write_snapshot(second, scan(second))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["unborn_and_empty", "unborn_with_files"])
def test_a_snapshot_on_an_unborn_branch_has_no_parent(work: Work, name: str, way: str) -> None:
    CASES[name].build(work)
    with opened(work, way) as repository:
        snapshot = write_snapshot(repository, scan(repository))
    assert snapshot.commit is not None
    assert (snapshot.base, snapshot.parent_commit) == (None, snapshot.commit)
    assert work.git("show", "-s", "--format=%P|%ct|%s", snapshot.commit).strip() == "|0|Uncommitted changes"
    assert work.git("rev-parse", f"{snapshot.commit}^{{tree}}").strip() == oracle_tree(work)
    work.git("fsck", "--strict")
