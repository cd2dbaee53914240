"""Without a git executable no process is started at all, but for the filter commands that the user has configured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import twice

Git = Callable[..., str]

# Runs in an interpreter of its own: an audit hook cannot be taken away again.
SCRIPT = """
import json, sys
started = []
names = ("subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.startfile", "os.system")
sys.addaudithook(lambda event, args: started.append(str(args[:2])) if event in names else None)
from pathlib import Path
from twice.git.checkout import add_worktree, remove_worktree
from twice.git.repository import Repository
from twice.git.snapshot import scan, write_snapshot
environ = {"HOME": sys.argv[2], "PATH": "", "TWICE_GIT": sys.argv[3]}
with Repository.open(Path(sys.argv[1]), environ) as repository:
    found = scan(repository)
    snapshot = write_snapshot(repository, found)
    before = len(started)
    add_worktree(repository, snapshot.parent_commit, Path(sys.argv[1] + "-worktree"))
    remove_worktree(repository, Path(sys.argv[1] + "-worktree"))
print(json.dumps({
    "paths": [change.path for change in found.changes], "tree": snapshot.tree, "started": started,
    "modules": sorted(name for name in sys.modules if name.startswith("dulwich")),
}))
"""


def run_alone(root: Path, tmp_path: Path, twice_git: str) -> dict[str, object]:
    source = Path(twice.__path__[0]).parent
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(root), str(tmp_path), twice_git],
        env={"PATH": "", "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


def tree_of_git(root: Path, git: Git) -> str:
    git("add", "-A", cwd=root)
    return git("write-tree", cwd=root).strip()


def test_no_process_is_started(repository: Path, git: Git, tmp_path: Path) -> None:
    git("gc", "-q", cwd=repository)
    (repository / "train.py").write_text("changed\n")
    (repository / ".gitignore").write_text("*.log\n")
    (repository / "a.log").write_text("log\n")
    answer = run_alone(repository, tmp_path, "none")
    assert answer["started"] == []
    assert answer["paths"] == [".gitignore", "train.py"]
    assert "dulwich.porcelain" not in answer["modules"]  # type: ignore[operator]
    assert answer["tree"] == tree_of_git(repository, git)


def test_an_empty_path_is_no_git_either(repository: Path, git: Git, tmp_path: Path) -> None:
    (repository / "new").write_text("new\n")
    answer = run_alone(repository, tmp_path, "")
    assert answer["started"] == []
    assert answer["tree"] == tree_of_git(repository, git)


def test_only_a_configured_filter_is_started(repository: Path, git: Git, tmp_path: Path) -> None:
    tr = next(path for folder in os.defpath.split(os.pathsep) if (path := Path(folder, "tr")).exists())
    git("config", "filter.shout.clean", f"{tr} a-z A-Z", cwd=repository)
    git("config", "filter.shout.smudge", f"{tr} A-Z a-z", cwd=repository)
    (repository / ".gitattributes").write_text("*.txt filter=shout\n")
    (repository / "loud.txt").write_text("quiet\n")
    answer = run_alone(repository, tmp_path, "none")
    started = answer["started"]
    assert isinstance(started, list)
    assert [command for command in started if "tr a-z A-Z" not in command and "tr A-Z a-z" not in command] == []
    assert len(started) >= 2  # into git, and out of it again
    assert answer["tree"] == tree_of_git(repository, git)
