"""Data that comes back: kept with the run, put into worktrees, restored to its place, dropped; nothing lost on the way."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from commands import Git, Twice

SCRIPT = """\
import os, sys
with open("data/train.csv") as file:
    rows = file.read().split()
names = sorted(os.listdir("images"))
total = sum(len(open(f"images/{name}").read()) for name in names)
os.makedirs("models", exist_ok=True)
with open("models/model.bin", "wb") as file:
    file.write(b"w" * (1_500_000 + len(rows)))
print(f"rows: {len(rows)}")
print(f"total: {total}")
print(f"writable: {int(os.stat('data/train.csv').st_mode & 0o200 != 0)}")
"""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def work(repository: Path, git: Git) -> Path:
    """A script with data that git ignores: a file, and a folder."""
    (repository / "train.py").write_text(SCRIPT)
    (repository / ".gitignore").write_text("data/\nimages/\nmodels/\n")
    git("add", "-A", cwd=repository)
    git("commit", "-q", "-m", "a script")
    (repository / "data").mkdir()
    (repository / "data/train.csv").write_text("1 2 3\n")
    (repository / "images").mkdir()
    for number in range(5):
        (repository / f"images/{number}.txt").write_text("x" * number)
    return repository


def run_of(twice: Twice, selector: str = "@") -> dict:
    return json.loads(twice("show", "--json", selector).out)


def stored(twice: Twice, selector: str = "@") -> dict[str, str | None]:
    run = run_of(twice, selector)
    return {one["path"]: one.get("stored") for one in (*run["inputs"], *run["outputs"])}


def where(twice: Twice, selector: str = "@") -> dict[str, list[str]]:
    return {one["path"]: one["where"] for one in json.loads(twice("data", "ls", selector, "--json").out)}


def test_a_run_without_its_data_is_reproduced_from_the_store(twice: Twice, work: Path) -> None:
    done = twice("run", "--keep-data", "-i", "images", "python", "train.py")
    assert "is not kept" not in done.err
    assert stored(twice) == {"data/train.csv": "lfs", "images": "lfs", "models/model.bin": "lfs"}
    for name in ("data", "images", "models"):
        shutil.rmtree(work / name)
    done = twice("reproduce", "@", "--keep", expect=None)
    assert "data/train.csv comes from the data store" in done.err
    assert "data         identical (2 inputs)" in done.out
    kept_at = Path(done.err.partition("worktree kept: ")[2].split("\n")[0])
    assert (kept_at / "data/train.csv").stat().st_mode & 0o777 == 0o444
    assert (kept_at / "models/model.bin").stat().st_mode & 0o200
    assert not (work / "data").exists(), "the user's work tree is not touched"


def test_what_is_kept_is_what_the_patterns_say(twice: Twice, work: Path) -> None:
    (work / "twice.toml").write_text('keep = ["data/**", "*.txt", "!images/3.txt"]\n')
    twice("run", "-i", "images", "python", "train.py")
    assert stored(twice) == {"data/train.csv": "lfs", "images": None, "models/model.bin": None}
    twice("data", "verify")
    objects = {path.name for path in (work / ".git/lfs/objects").rglob("*") if path.is_file()}
    assert objects == {sha256(b"x" * number) for number in (0, 1, 2, 4)} | {sha256(b"1 2 3\n")}


def test_nothing_is_kept_unasked(twice: Twice, work: Path) -> None:
    twice("run", "python", "train.py")
    assert set(stored(twice).values()) == {None}
    assert not (work / ".git/lfs").exists()


def test_large_outputs_are_lfs_pointers_that_plain_git_checks_out(
    twice: Twice, work: Path, git: Git, tmp_path: Path
) -> None:
    (work / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    twice("run", "--keep-data", "python", "train.py")
    ref = git("for-each-ref", "--format=%(refname)", "refs/experiments").strip()
    content = (work / "models/model.bin").read_bytes()
    pointer = git("show", f"{ref}:.twice/artifacts/models/model.bin")
    assert pointer == f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256(content)}\nsize {len(content)}\n"
    git("worktree", "add", "-q", str(tmp_path / "plain"), ref)
    assert (tmp_path / "plain/.twice/artifacts/models/model.bin").read_text() == pointer
    assert git("status", "--porcelain", cwd=tmp_path / "plain") == ""
    git("fsck", "--strict", "--no-dangling")


def test_the_same_data_is_kept_once(twice: Twice, work: Path) -> None:
    twice("run", "--keep-data", "python", "train.py")
    before = {path: path.stat().st_mtime_ns for path in (work / ".git/lfs/objects").rglob("*") if path.is_file()}
    twice("run", "--keep-data", "python", "train.py")
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert {path for path in (work / ".git/lfs/objects").rglob("*") if path.is_file()} == before.keys()


def test_where_data_is(twice: Twice, work: Path) -> None:
    twice("run", "--keep-data", "-i", "images", "python", "train.py")
    assert where(twice) == {
        "data/train.csv": ["work tree", "store"],
        "images": ["work tree", "store"],
        "models/model.bin": ["work tree", "store"],
    }
    (work / "images/2.txt").unlink()
    (work / "data/train.csv").write_text("changed")
    assert where(twice)["images"] == ["store"] and where(twice)["data/train.csv"] == ["store"]
    shutil.rmtree(work / ".git/lfs")
    shutil.rmtree(work / ".git/twice/data")
    assert where(twice) == {"data/train.csv": ["changed"], "images": ["changed"], "models/model.bin": ["work tree"]}
    shutil.rmtree(work / "data")
    assert where(twice)["data/train.csv"] == ["missing"]
    listed = twice("data", "ls").out.splitlines()
    assert listed[0].split() == ["path", "size", "files", "role", "where"]
    assert listed[1].split() == ["data/train.csv", "6", "B", "-", "input", "missing"]


def test_restore_brings_everything_back_to_its_place(twice: Twice, work: Path) -> None:
    twice("run", "--keep-data", "-i", "images", "python", "train.py")
    model = (work / "models/model.bin").read_bytes()
    for name in ("data", "images", "models"):
        shutil.rmtree(work / name)
    done = twice("data", "restore", "@")
    assert "restored 7 files" in done.err
    assert (work / "data/train.csv").read_text() == "1 2 3\n"
    assert (work / "models/model.bin").read_bytes() == model
    assert sorted(path.name for path in (work / "images").iterdir()) == [f"{number}.txt" for number in range(5)]
    (work / "data/train.csv").write_text("mine to write again")
    assert "the data store" not in twice("data", "verify").err


def test_restore_of_a_path_seen_from_a_folder(twice: Twice, work: Path) -> None:
    twice("run", "--keep-data", "-i", "images", "python", "train.py")
    shutil.rmtree(work / "images")
    (work / "images").mkdir()
    twice("data", "restore", "@", "3.txt", cwd=work / "images")
    assert [path.name for path in (work / "images").iterdir()] == ["3.txt"]
    assert "no data at" in twice("data", "restore", "@", "9.txt", cwd=work / "images", expect=2).err


def test_restore_never_overwrites_and_force_sets_aside(twice: Twice, work: Path) -> None:
    twice("run", "--keep-data", "python", "train.py")
    shutil.rmtree(work / "models")
    (work / "data/train.csv").write_text("precious")
    done = twice("data", "restore", "@", expect=2)
    assert "  data/train.csv\n" in done.err and "--force" in done.err
    assert (work / "data/train.csv").read_text() == "precious"
    assert not (work / "models").exists(), "nothing is written when something is in the way"
    twice("data", "restore", "@", "--force")
    assert (work / "data/train.csv").read_text() == "1 2 3\n"
    assert (work / "data/train.csv.~1~").read_text() == "precious"
    (work / "data/train.csv").write_text("precious too")
    twice("data", "restore", "@", "--force")
    assert (work / "data/train.csv.~2~").read_text() == "precious too"


def test_restore_elsewhere(twice: Twice, work: Path, tmp_path: Path) -> None:
    beside = tmp_path / "beside"
    beside.mkdir()
    (beside / "more.csv").write_text("more")
    (work / "train.py").write_text(SCRIPT + "open('../beside/more.csv').read()\n")
    twice("run", "--keep-data", "python", "train.py")
    shutil.rmtree(work / "data")
    (beside / "more.csv").unlink()
    twice("data", "restore", "@", "--to", str(tmp_path / "look"))
    assert (tmp_path / "look/data/train.csv").read_text() == "1 2 3\n"
    assert (tmp_path / "look/_/beside/more.csv").read_text() == "more"
    twice("data", "restore", "@")
    assert not (beside / "more.csv").exists(), "outside the repository only what is named"
    twice("data", "restore", "@", "../beside/more.csv")
    assert (beside / "more.csv").read_text() == "more"


def test_an_input_that_the_run_overwrote_comes_back_as_the_run_left_it(twice: Twice, work: Path, git: Git) -> None:
    (work / "train.py").write_text(
        "with open('data/train.csv', 'r+') as file:\n    file.read()\n    file.write('4 5 6')\n"
    )
    done = twice("run", "--keep-data", "-i", "data/train.csv", "python", "train.py")
    after = (work / "data/train.csv").read_bytes()
    assert after == b"1 2 3\n4 5 6"
    assert "data/train.csv" in done.err, "the user is told that what was read is gone"
    shutil.rmtree(work / "data")
    twice("data", "restore", "@")
    assert (work / "data/train.csv").read_bytes() == after


def test_what_the_run_removed_is_said_not_invented(twice: Twice, work: Path) -> None:
    twice("run", "python", "train.py")
    shutil.rmtree(work / "data")
    done = twice("data", "restore", "@", expect=1)
    assert "nowhere to be had: data/train.csv" in done.err
    done = twice("reproduce", "@", expect=2)
    assert "data/train.csv: not found" in done.err and "nor is it in the data store" in done.err


def test_drop_frees_what_no_other_run_needs(twice: Twice, work: Path) -> None:
    twice("run", "--keep-data", "python", "train.py")
    (work / "train.py").write_text(SCRIPT.replace('b"w"', 'b"v"'))
    twice("run", "--keep-data", "python", "train.py")
    shared = sha256(b"1 2 3\n")
    first = twice("data", "drop", "@~1").err
    assert "dropped 1 object, 1.43 MiB freed" in first and "needed by other runs: 6" in first
    twice("data", "drop", "@", "@~1")
    assert not [path for path in (work / ".git/lfs/objects").rglob("*") if path.is_file()]
    assert not list((work / ".git/twice/data").rglob(shared))
    assert run_of(twice)["inputs"], "the run itself stays"


def test_drop_leaves_to_git_lfs_what_a_branch_points_to(twice: Twice, work: Path, git: Git) -> None:
    twice("run", "--keep-data", "python", "train.py")
    content = (work / "data/train.csv").read_bytes()
    (work / "pointed").write_text(
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256(content)}\nsize {len(content)}\n"
    )
    git("add", "pointed", cwd=work)
    git("commit", "-q", "-m", "the same data, in LFS")
    done = twice("data", "drop", "@")
    assert "needed by git-lfs: 1" in done.err
    objects = [path.name for path in (work / ".git/lfs/objects").rglob("*") if path.is_file()]
    assert objects == [sha256(content)]


def test_verify_names_what_is_damaged_or_missing(twice: Twice, work: Path) -> None:
    twice("run", "--keep-data", "python", "train.py")
    oid = sha256(b"1 2 3\n")
    path = work / ".git/lfs/objects" / oid[:2] / oid[2:4] / oid
    path.chmod(0o644)
    path.write_text("1 2 4\n")
    assert twice("data", "verify", expect=1).out == f"damaged  {path}\n"
    shutil.rmtree(work / "data")
    done = twice("reproduce", "@", expect=2)
    assert "does not have the content that it should have" in done.err
    assert "damaged" in twice("data", "restore", "@", expect=2).err and not (work / "data/train.csv").exists()
    path.unlink()
    (work / ".git/twice/data" / oid[:2] / oid[2:4] / oid).unlink()
    twice("data", "verify")
    assert twice("data", "verify", "@", expect=1).out == f"missing  {oid}\n"


def test_a_run_that_was_cut_off_keeps_its_data_when_it_is_recovered(twice: Twice, work: Path) -> None:
    (work / "train.py").write_text(SCRIPT + "import time\nprint('read', flush=True)\ntime.sleep(60)\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "twice", "run", "--keep-data", "python", "train.py"],
        cwd=work,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    while process.stdout.readline() != "read\n":
        pass
    time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    twice("recover")
    assert stored(twice)["data/train.csv"] == "lfs"
    shutil.rmtree(work / "data")
    twice("data", "restore", "@", "data")
    assert (work / "data/train.csv").read_text() == "1 2 3\n"


def test_an_isolated_run_that_keeps_its_outputs_needs_no_worktree(twice: Twice, work: Path) -> None:
    done = twice("run", "--isolated", "--keep-data", "-i", "data/train.csv", "-i", "images", "python", "train.py")
    assert "worktree is kept" not in done.err
    assert stored(twice)["models/model.bin"] == "lfs"
    assert not (work / "models").exists()
    twice("data", "restore", "@", "models")
    assert (work / "models/model.bin").stat().st_size == 1_500_003


def test_a_full_disk_loses_data_but_never_the_run(twice: Twice, work: Path) -> None:
    (work / "train.py").write_text(SCRIPT.replace("1_500_000", "3_000_000"))
    limited = (
        "import resource, runpy, sys\n"
        "sys.argv = ['twice', 'run', '--keep-data', 'sh', '-c', 'cat data/big | wc -c']\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "runpy.run_module('twice', run_name='__main__')\n"
    )
    (work / "data/big").write_bytes(b"b" * 500_000)
    done = subprocess.run(
        [sys.executable, "-c", limited.replace("'sh'", "'-i', 'data/big', 'sh'")],
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "not all data could be kept" in done.stderr
    assert stored(twice) == {"data/big": None}
    assert not [path for path in (work / ".git/lfs").rglob("*") if path.is_file()]


def test_a_folder_keeps_only_what_the_manifest_lists_and_assembles_it(twice: Twice, work: Path) -> None:
    twice("run", "--keep-data", "-i", "images", "python", "train.py")
    (work / "images/1.txt").write_text("changed")
    (work / "images/new.txt").write_text("was not there")
    done = twice("reproduce", "@", expect=None)
    assert "images comes from the data store" in done.err
    assert "data         identical" in done.out
    assert "total: 10\n" in done.err, "the run sees the recorded files and no others"


def test_data_has_commands_with_examples(twice: Twice, repository: Path) -> None:
    for words in ((), ("ls",), ("verify",), ("restore",), ("drop",)):
        assert "Example: twice data" in twice("data", *words, "--help").out


def test_changed_data_is_taken_as_it_is_when_that_is_allowed(twice: Twice, repository: Path) -> None:
    (repository / ".git/info/exclude").write_text("data/\n")
    (repository / "data/many").mkdir(parents=True)
    for number in range(3):
        (repository / f"data/many/{number}").write_text("1")
    (repository / "data/x").write_text("1")
    script = "import os\nprint('x:', open('data/x').read())\n"
    script += "print('many:', sum(int(open(f'data/many/{name}').read()) for name in os.listdir('data/many')))\n"
    (repository / "train.py").write_text(script)
    twice("run", "-i", "data/many", "python", "train.py")
    (repository / "data/x").write_text("2")
    (repository / "data/many/1").write_text("5")
    twice("reproduce", "@", "--allow-changed-data", expect=1)
    metrics = json.loads(twice("show", "@", "--json").out)["metrics"]
    assert (metrics["x"]["last"], metrics["many"]["last"]) == (2, 7)
