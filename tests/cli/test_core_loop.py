"""The main job, as a user does it: run, look, diff, reproduce, apply, branch; in a repository with work lying around."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from commands import Git, Twice

SCRIPT = """\
import argparse, json, random
import twice

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--steps", type=int, default=5)
args = parser.parse_args()
with open("settings.json") as file:
    scale = json.load(file)["scale"]
value = 1.0
for step in range(args.steps):
    value -= args.lr * random.random() * scale
    twice.log_metric("loss", value, step=step)
print("done")
with open("model.json", "w") as file:
    json.dump({"value": value}, file)
"""


@pytest.fixture
def work(repository: Path, git: Git) -> Path:
    """A repository with a script, a modified and an untracked file."""
    (repository / "train.py").write_text(SCRIPT)
    (repository / "settings.json").write_text('{"scale": 1}')
    git("add", "-A", cwd=repository)
    git("commit", "-q", "-m", "a script", cwd=repository)
    (repository / "train.py").write_text(SCRIPT.replace("done", "done at last"))
    (repository / "notes.txt").write_text("an untracked file\n")
    return repository


def newest(git: Git, work: Path) -> str:
    refs = git("for-each-ref", "--format=%(refname)", "refs/experiments", cwd=work).split()
    return max(refs, key=lambda ref: ref.rpartition("/")[2])


def test_a_run_is_recorded_and_its_output_passed_on(twice: Twice, work: Path, git: Git) -> None:
    done = twice("run", "-n", "first", "-t", "why=test", "-m", "a try", "python", "train.py", "--lr", "0.5")
    assert done.out == "done at last\n"
    assert "finished" in done.err and "loss" in done.err
    run = json.loads(twice("show", "--json").out)
    assert run["params"] == {"lr": 0.5, "steps": 5}
    assert run["param_sources"]["lr"] == "argparse"
    assert run["metrics"]["loss"]["count"] == 5
    assert (run["name"], run["tags"], run["message"]) == ("first", {"why": "test"}, "a try")
    assert [one["path"] for one in run["inputs"]] == ["settings.json"]
    assert [one["path"] for one in run["outputs"]] == ["model.json"]
    assert run["entry_point"] == "train.py"
    assert run["environment"]["packages"]["interpreter"]["version"] == ".".join(map(str, sys.version_info[:3]))
    assert {"hash", "random"} <= set(run["seeds"]["processes"][0]["seeded"])
    assert not git("status", "--porcelain", "--", "train.py", "notes.txt", cwd=work).startswith("D")


def test_every_plain_git_command_of_the_design(twice: Twice, work: Path, git: Git, tmp_path: Path) -> None:
    twice("run", "python", "train.py")
    twice("run", "python", "train.py", "--lr", "0.2")
    refs = git("for-each-ref", "--format=%(refname)", "refs/experiments", cwd=work).split()
    a, b = sorted(refs, key=lambda ref: git("log", "-1", "--format=%s", ref, cwd=work))  # both ids may be of one second
    shown = git("show", "--format=", "--name-only", b, cwd=work).split()
    assert shown and all(path.startswith(".twice/") for path in shown)
    code = git("show", "--format=", "--name-only", f"{b}^", cwd=work).split()
    assert {"train.py", "notes.txt"} <= set(code) and not any(path.startswith(".twice") for path in code)
    both = git("diff", "--name-only", a, b, cwd=work).split()
    assert ".twice/params.yaml" in both
    git("worktree", "add", "-q", str(tmp_path / "d"), f"{b}^", cwd=work)
    assert (tmp_path / "d/train.py").read_text() == (work / "train.py").read_text()
    git("worktree", "remove", "--force", str(tmp_path / "d"), cwd=work)
    base = git("rev-parse", "HEAD", cwd=work).strip()
    assert git(
        "for-each-ref", "--contains", base, "--format=%(refname)", "refs/experiments", cwd=work
    ).split() == sorted(refs)
    subject, *trailers = git("log", "-1", "--format=%s%n%(trailers)", b, cwd=work).splitlines()
    assert subject == "python train.py --lr 0.2"
    assert {line.partition(":")[0] for line in trailers if line} >= {
        "Run",
        "Experiment",
        "Status",
        "Code",
        "Twice-Format",
    }
    assert git("fsck", "--strict", "--no-dangling", cwd=work) == ""


def test_a_run_survives_amending_its_base_and_collecting_garbage(twice: Twice, work: Path, git: Git) -> None:
    twice("run", "python", "train.py")
    git("commit", "-q", "--amend", "-m", "another", cwd=work)
    git("reflog", "expire", "--expire=now", "--all", cwd=work)
    git("gc", "-q", "--prune=now", cwd=work)
    git("fsck", "--strict", cwd=work)
    assert "done at last" in twice("show", "@", "--code").out
    assert "reproduced" in twice("reproduce", "@").out


def test_a_clone_that_fetched_one_ref_reproduces_it(twice: Twice, work: Path, git: Git, tmp_path: Path) -> None:
    twice("run", "python", "train.py")
    ref = newest(git, work)
    git("init", "-q", "--bare", str(tmp_path / "remote"), cwd=work)
    git("push", "-q", str(tmp_path / "remote"), ref, cwd=work)
    git("init", "-q", str(tmp_path / "clone"), cwd=tmp_path)
    git("fetch", "-q", str(tmp_path / "remote"), f"{ref}:{ref}", cwd=tmp_path / "clone")
    done = twice("reproduce", "@", cwd=tmp_path / "clone")
    assert "identical" in done.out and "diverged" not in done.out
    verdict = json.loads(twice("reproduce", "@", "--json", cwd=tmp_path / "clone").out)
    assert verdict["outcome"] == "reproduced"
    assert [one["state"] for one in verdict["metrics"]] == ["bit-exact"]
    assert [one["state"] for one in verdict["outputs"]] == ["byte-identical"]


def everything_of_the_user(work: Path) -> dict[str, bytes | str]:
    """Work tree and git folder, less what `twice` may add: objects, its refs, its folder."""
    found: dict[str, bytes | str] = {}
    for folder, folders, files in os.walk(work):
        relative = os.path.relpath(folder, work)
        ours = (".git/refs/experiments", ".git/refs/notes", ".git/refs/twice", ".git/worktrees")
        if relative in (".git/objects", ".git/twice", *ours):
            folders.clear()
            continue
        for name in files:
            path = Path(folder, name)
            found[str(path)] = str(path.readlink()) if path.is_symlink() else path.read_bytes()
    return found


def test_the_users_repository_is_byte_identical_before_and_after(twice: Twice, work: Path, git: Git) -> None:
    git("stash", "push", "-q", "--", "train.py", cwd=work)
    git("stash", "apply", "-q", cwd=work)
    (work / "staged.txt").write_text("staged\n")
    git("add", "staged.txt", cwd=work)
    before = everything_of_the_user(work)
    twice("run", "python", "-c", "print('accuracy: 1')")
    twice("run", "--isolated", "python", "train.py")
    twice("ls")
    twice("show")
    twice("diff", "@~1", "@", expect=1)
    twice("reproduce", "@")
    assert everything_of_the_user(work) == before


def test_diff_shows_only_what_differs(twice: Twice, work: Path) -> None:
    twice("run", "--seed", "1", "python", "train.py", "--lr", "0.1")
    (work / "train.py").write_text(SCRIPT.replace("done", "really done"))
    twice("run", "--seed", "1", "python", "train.py", "--lr", "0.2")
    done = twice("diff", "@~1", "@", expect=1)
    assert "lr" in done.out and "train.py" in done.out and "loss" in done.out
    assert "steps" not in done.out and "settings.json" not in done.out
    assert "model.json" in done.out
    shape = json.loads(twice("diff", "@~1", "@", "--json", expect=1).out)
    states = {section["name"]: section["state"] for section in shape["sections"]}
    assert states["params"] == "differs" and states["data"] == "identical"
    assert states["environment"] != "differs"  # unknown, where `twice` itself is an editable install with changes
    patch = twice("diff", "@~1", "@", "--code", expect=1).out
    assert '-print("done at last")' in patch and '+print("really done")' in patch
    twice("diff", "@", "@")


def test_a_stale_output_in_the_work_tree_is_no_change_of_code(twice: Twice, work: Path) -> None:
    twice("run", "--seed", "1", "python", "train.py")
    twice("run", "--seed", "1", "python", "train.py")
    states = {section["name"]: section["state"] for section in json.loads(twice("diff", "--json").out)["sections"]}
    assert states["code"] == "identical"


def test_reproduce_says_what_diverged(twice: Twice, work: Path) -> None:
    (work / "train.py").write_text("import os\nprint('value:', int.from_bytes(os.urandom(4), 'big'))\n")
    twice("run", "python", "train.py")
    done = twice("reproduce", "@", expect=1)
    assert "diverged" in done.out and "value" in done.out
    runs = json.loads(twice("ls", "--json").out)["runs"]
    assert runs[-1]["reproduces"] == runs[-2]["id"]


def test_a_metric_within_tolerance_is_reproduced(twice: Twice, work: Path) -> None:
    (work / "train.py").write_text("import os\nprint('value:', 1 + os.urandom(1)[0] / 1e9 + os.getpid() / 1e12)\n")
    twice("run", "python", "train.py")
    done = twice("reproduce", "@", "--rtol", "1e-3")
    assert "--rtol" in done.out


def test_changed_data_is_an_error_unless_allowed(twice: Twice, work: Path, git: Git) -> None:
    (work / ".gitignore").write_text("data/\n")
    (work / "data").mkdir()
    (work / "data/x.txt").write_text("1")
    (work / "train.py").write_text("print('x:', open('data/x.txt').read())\n")
    twice("run", "python", "train.py")
    assert "reproduced" in twice("reproduce", "@").out
    (work / "data/x.txt").write_text("2")
    done = twice("reproduce", "@~1", expect=2)
    assert "data/x.txt" in done.err and "--allow-changed-data" in done.err
    done = twice("reproduce", "@~1", "--allow-changed-data", expect=1)
    assert "data" in done.out and "differs" in done.out
    (work / "data/x.txt").unlink()
    done = twice("reproduce", "@~2", expect=2)
    assert "not found" in done.err


def test_apply_brings_the_code_back_and_loses_nothing(twice: Twice, work: Path, git: Git) -> None:
    twice("run", "python", "train.py")
    then = {name: (work / name).read_bytes() for name in ("train.py", "notes.txt")}
    (work / "train.py").write_text("something else\n")
    (work / "notes.txt").unlink()
    (work / "new.txt").write_text("untracked, and not in the run\n")
    (work / "staged.txt").write_text("only here\n")
    git("add", "staged.txt", cwd=work)
    index = (work / ".git/index").read_bytes()
    done = twice("apply", "@")
    assert {name: (work / name).read_bytes() for name in then} == then
    assert (work / "new.txt").exists() and "new.txt" in done.err
    assert not (work / "staged.txt").exists()
    assert (work / ".git/index").read_bytes() == index
    saved = done.err.split("git diff ")[1].split(",")[0]
    assert git("show", f"{saved}:staged.txt", cwd=work) == "only here\n"
    assert git("show", f"{saved}:train.py", cwd=work) == "something else\n"
    assert "already" in twice("apply", "@").err


def test_apply_refuses_to_overwrite_what_git_does_not_keep(twice: Twice, work: Path) -> None:
    twice("run", "python", "train.py")
    (work / "notes.txt").unlink()
    (work / ".git/info/exclude").write_text("notes.txt\n")
    (work / "notes.txt").write_text("precious and ignored\n")
    done = twice("apply", "@", expect=2)
    assert "notes.txt" in done.err
    assert (work / "notes.txt").read_text() == "precious and ignored\n"


def test_branch_makes_a_branch_of_the_code(twice: Twice, work: Path, git: Git) -> None:
    twice("run", "python", "train.py")
    twice("branch", "@", "kept")
    assert git("show", "kept:notes.txt", cwd=work) == "an untracked file\n"
    assert "kept" in twice("branch", "@", "kept", expect=2).err


def test_an_isolated_run_does_not_write_here(twice: Twice, work: Path) -> None:
    twice("run", "--isolated", "-i", "settings.json", "python", "train.py")
    assert not (work / "model.json").exists()
    run = json.loads(twice("show", "--json").out)
    assert run["isolated"] is True
    assert [one["stored"] for one in run["outputs"]] == ["artifacts"]


def test_dry_run_runs_nothing(twice: Twice, work: Path, git: Git) -> None:
    done = twice("run", "--dry-run", "-p", "x=1", "python", "train.py")
    assert "train" in done.out and "x=1" in done.out
    assert not (work / "model.json").exists()
    assert git("for-each-ref", "refs/experiments", "refs/twice", cwd=work) == ""


def test_any_command_works(twice: Twice, work: Path) -> None:
    (work / "count.sh").write_text("echo words: 7\nwc -c <notes.txt >size.txt\n")
    twice("run", "-i", "notes.txt", "sh", "count.sh", "--top", "3")
    run = json.loads(twice("show", "--json").out)
    assert run["metrics"]["words"]["last"] == 7 and run["metrics"]["words"]["source"] == "stdout"
    assert (run["params"], run["param_sources"]) == ({"top": 3}, {"top": "command line"})
    assert [one["path"] for one in run["outputs"]] == ["size.txt"]
    assert run["environment"]["packages"] is None
    assert "reproduced" in twice("reproduce", "@").out


def test_a_run_in_a_subdirectory_and_in_a_linked_worktree(twice: Twice, work: Path, git: Git, tmp_path: Path) -> None:
    (work / "sub").mkdir()
    (work / "sub/go.py").write_text("print('x: 1')\n")
    twice("run", "python", "go.py", cwd=work / "sub")
    assert json.loads(twice("show", "--json", cwd=work / "sub").out)["directory"] == "sub"
    assert "reproduced" in twice("reproduce", "@", cwd=work / "sub").out
    git("worktree", "add", "-q", str(tmp_path / "linked"), cwd=work)
    twice("run", "-e", "linked", "python", "train.py", cwd=tmp_path / "linked")
    assert len(json.loads(twice("ls", "--json").out)["runs"]) == 3


def test_a_run_in_an_interpreter_that_does_not_have_twice(twice: Twice, work: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    python = tmp_path / "bare" / ("Scripts" if os.name == "nt" else "bin") / "python"
    twice("run", str(python), "train.py")
    run = json.loads(twice("show", "--json").out)
    assert run["python"] == str(python)
    assert run["environment"]["packages"].get("distributions", []) == []
    assert run["environment"]["packages"]["interpreter"]["kind"] == "venv"
    assert run["metrics"]["loss"]["count"] == 5


def test_a_run_on_an_unborn_branch(twice: Twice, tmp_path: Path, git: Git) -> None:
    work = tmp_path / "young"
    work.mkdir()
    git("init", "-q", cwd=work)
    (work / "go.py").write_text("print('x: 1')\n")
    twice("run", "python", "go.py", cwd=work)
    assert "+print('x: 1')" in twice("show", "--code", cwd=work).out
    assert "reproduced" in twice("reproduce", "@", cwd=work).out
    assert git("rev-list", "--count", newest(git, work), cwd=work).strip() == "2"


def test_inside_a_git_hook_the_worktree_is_not_taken_for_the_users(twice: Twice, work: Path, git: Git) -> None:
    """Git sets GIT_DIR, GIT_INDEX_FILE and the like while it runs a hook."""
    binding = {"GIT_DIR": str(work / ".git"), "GIT_WORK_TREE": str(work), "GIT_INDEX_FILE": str(work / ".git/index")}
    twice("run", "python", "train.py", env=binding)
    before = everything_of_the_user(work)
    verdict = json.loads(twice("reproduce", "@", "--json", env=binding).out)
    assert verdict["outcome"] == "reproduced"
    assert {row["part"]: row["state"] for row in verdict["rows"]}["code"] == "identical"
    assert everything_of_the_user(work) == before


def test_an_input_that_the_run_overwrote_is_known_by_what_was_read(twice: Twice, work: Path) -> None:
    (work / "train.py").write_text(
        "import json\nn = json.load(open('settings.json'))['scale']\n"
        "json.dump({'scale': n + 1}, open('settings.json', 'w'))\nprint('n:', n)\n"
    )
    content = (work / "settings.json").read_bytes()
    twice("run", "python", "train.py")
    run = json.loads(twice("show", "--json").out)
    (read,), (written,) = run["inputs"], run["outputs"]
    assert read["sha256"] == hashlib.sha256(content).hexdigest()
    assert written["sha256"] == hashlib.sha256((work / "settings.json").read_bytes()).hexdigest() != read["sha256"]
    assert "reproduced" in twice("reproduce", "@").out
