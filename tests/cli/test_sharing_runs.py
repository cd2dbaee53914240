"""Runs and verdicts travel by push and pull, both ways, and nothing else does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands import Git, Twice


@pytest.fixture
def remote(repository: Path, git: Git, tmp_path: Path) -> Path:
    git("init", "-q", "--bare", "-b", "main", str(tmp_path / "remote"))
    git("remote", "add", "origin", str(tmp_path / "remote"))
    git("push", "-q", "origin", "main")
    return tmp_path / "remote"


@pytest.fixture
def friend(remote: Path, git: Git, tmp_path: Path) -> Path:
    git("clone", "-q", str(remote), str(tmp_path / "friend"))
    return tmp_path / "friend"


def refs(git: Git, where: Path) -> list[str]:
    return git("for-each-ref", "--format=%(refname)", cwd=where).split()


def ids(twice: Twice, where: Path) -> list[str]:
    return [run["id"] for run in json.loads(twice("ls", "--json", cwd=where).out)["runs"]]


def test_there_and_back(twice: Twice, repository: Path, remote: Path, friend: Path, git: Git) -> None:
    (repository / "new.txt").write_text("uncommitted\n")
    git("tag", "v1")
    git("branch", "other")
    twice("run", "python", "train.py")
    twice("reproduce", "@")
    done = twice("push")
    assert "pushed 2 runs to origin, with notes" in done.err
    experiments = [ref for ref in refs(git, repository) if ref.startswith("refs/experiments")]
    assert set(refs(git, remote)) == {*experiments, "refs/heads/main", "refs/notes/experiments"}
    before = refs(git, friend)
    assert "pulled 2 runs from origin, with notes" in twice("pull", cwd=friend).err
    assert set(refs(git, friend)) == {*before, *experiments, "refs/notes/experiments"}
    assert ids(twice, friend) == ids(twice, repository)
    assert "✓1" in twice("ls", cwd=friend).out
    assert "reproduced" in twice("reproduce", "@~1", cwd=friend).out
    twice("push", cwd=friend)
    assert "pulled 1 run from origin (2 here already), with notes" in twice("pull").err
    assert "✓2" in twice("ls").out
    assert git("fsck", "--strict", "--no-dangling", cwd=friend) == ""


def test_doing_it_again_does_nothing(twice: Twice, repository: Path, remote: Path) -> None:
    assert "pushed 0 runs to origin" in twice("push").err
    assert "pulled 0 runs from origin" in twice("pull").err
    twice("run", "python", "train.py")
    twice("reproduce", "@")
    twice("push")
    assert "pushed 0 runs to origin (2 there already)\n" in twice("push").err
    assert "pulled 0 runs from origin (2 here already)\n" in twice("pull").err


def test_two_people_say_something_of_one_run(
    twice: Twice, repository: Path, remote: Path, friend: Path, git: Git
) -> None:
    twice("run", "python", "train.py")
    twice("push")
    twice("pull", cwd=friend)
    original = ids(twice, repository)[0]
    twice("reproduce", original)
    twice("reproduce", original, cwd=friend)
    twice("push")
    assert "with notes" in twice("push", cwd=friend).err
    twice("pull")
    for where in (repository, friend):
        assert "✓2" in twice("ls", cwd=where).out
        assert not [ref for ref in refs(git, where) if ref.startswith("refs/twice")]
    tips = {git("rev-parse", "refs/notes/experiments", cwd=where) for where in (repository, friend, remote)}
    assert len(tips) == 1
    assert len(git("log", "--merges", "--format=%H", "refs/notes/experiments").split()) == 1


def test_only_the_runs_that_are_named(twice: Twice, repository: Path, remote: Path, friend: Path, git: Git) -> None:
    for number in range(3):
        twice("run", "-n", f"run{number}", "python", "train.py")
    first, second, third = ids(twice, repository)
    twice("push", "origin", "run0", "@")
    assert {ref.rpartition("/")[2] for ref in refs(git, remote) if "experiments/train" in ref} == {first, third}
    twice("pull", "origin", first[-6:], cwd=friend)
    assert ids(twice, friend) == [first]
    assert "no run" in twice("pull", "origin", second, cwd=friend, expect=2).err


def test_a_configured_prune_takes_nobodys_runs(twice: Twice, repository: Path, remote: Path, git: Git) -> None:
    git("config", "fetch.prune", "true")
    git("config", "remote.origin.prune", "true")
    git("config", "remote.origin.fetch", "+refs/*:refs/*")
    twice("run", "python", "train.py")
    heads = git("rev-parse", "main")
    twice("pull")
    assert len(ids(twice, repository)) == 1
    assert git("rev-parse", "main") == heads


def test_another_run_under_the_same_name_is_never_overwritten(
    twice: Twice, repository: Path, remote: Path, friend: Path, git: Git
) -> None:
    twice("run", "python", "train.py")
    twice("push")
    ref = next(ref for ref in refs(git, repository) if ref.startswith("refs/experiments"))
    theirs = git("rev-parse", ref)
    git("update-ref", ref, "HEAD")
    assert "other ones on origin" in twice("push", expect=2).err
    assert "other ones here" in twice("pull", expect=2).err
    assert (git("rev-parse", ref, cwd=remote), git("rev-parse", ref)) == (theirs, git("rev-parse", "HEAD"))


def test_a_remote_that_is_not_there(twice: Twice, repository: Path, git: Git) -> None:
    assert "no remote" in twice("push", expect=2).err
    git("remote", "add", "gone", str(repository / "nowhere"))
    done = twice("pull", expect=2)
    assert "gone" in done.err and "nowhere" in done.err and "hint" in done.err
    git("remote", "add", "other", str(repository))
    assert "which remote?" in twice("push", expect=2).err
    assert "not a remote" in twice("push", "--", "--upload-pack=touch x", expect=2).err


def test_a_remote_that_refuses_says_so(twice: Twice, repository: Path, remote: Path, git: Git) -> None:
    hook = remote / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho no experiments here >&2\nexit 1\n")
    hook.chmod(0o755)
    twice("run", "python", "train.py")
    done = twice("push", expect=2)
    assert "no experiments here" in done.err and "pre-receive hook declined" in done.err
