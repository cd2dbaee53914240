"""Data that Git LFS, DVC or git-annex track: recognised, recorded under their name too, and found in their stores.

None of the three is installed: what they would have made is written here by hand, after their documentation.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from commands import Git, Twice
from twice.store.content_sources import annex_hash_folders


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def entries(twice: Twice) -> dict[str, dict]:
    run = json.loads(twice("show", "--json", "@").out)
    return {one["path"]: one for one in (*run["inputs"], *run["outputs"])}


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


READ = "import sys\nprint('length:', sum(len(open(name, 'rb').read()) for name in sys.argv[1:]))\n"


@pytest.fixture
def work(repository: Path) -> Path:
    (repository / "train.py").write_text(READ)
    return repository


# ------------------------------------------------------------------------------------------------------------- git-lfs

CONTENT = b"weights" * 1000
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256(CONTENT)}\nsize {len(CONTENT)}\n".encode()


@pytest.fixture
def lfs(work: Path, git: Git) -> Path:
    """`big.dat` as git-lfs has it: a pointer in git, the content in the work tree and in the LFS store."""
    clean = f'printf "version https://git-lfs.github.com/spec/v1\\noid sha256:%s\\nsize %s\\n" {sha256(CONTENT)} {len(CONTENT)}'
    git("config", "filter.lfs.clean", f"sh -c 'cat >/dev/null; {clean}'")
    (work / ".gitattributes").write_text("*.dat filter=lfs -text\n")
    write(work / "big.dat", CONTENT)
    oid = sha256(CONTENT)
    write(work / f".git/lfs/objects/{oid[:2]}/{oid[2:4]}/{oid}", CONTENT)
    git("add", "-A")
    git("commit", "-q", "-m", "data in LFS")
    assert git("show", "HEAD:big.dat").encode() == POINTER
    return work


def test_lfs_data_is_recognised_and_comes_back_where_git_lfs_is_not_installed(
    twice: Twice, lfs: Path, git: Git
) -> None:
    twice("run", "python", "train.py", "big.dat")
    assert entries(twice)["big.dat"]["tracked_by"] == "git-lfs"
    assert "stored" not in entries(twice)["big.dat"] or entries(twice)["big.dat"]["stored"] is None
    (lfs / "big.dat").unlink()
    done = twice("reproduce", "@")
    assert "big.dat comes from the data store" in done.err
    assert "length: 7000\n" in done.err, "the worktree had the pointer; the run must see the content"
    assert "data         identical (1 input)" in done.out


def test_what_git_lfs_needs_is_never_dropped(twice: Twice, lfs: Path) -> None:
    twice("run", "--keep-data", "python", "train.py", "big.dat")
    assert entries(twice)["big.dat"]["stored"] == "lfs"
    assert "needed by git-lfs: 1" in twice("data", "drop", "@").err
    oid = sha256(CONTENT)
    assert (lfs / f".git/lfs/objects/{oid[:2]}/{oid[2:4]}/{oid}").read_bytes() == CONTENT


def test_a_run_that_read_a_pointer_is_told(twice: Twice, work: Path, git: Git) -> None:
    write(work / "big.dat", POINTER)
    git("add", "-A")
    git("commit", "-q", "-m", "not fetched")
    done = twice("run", "python", "train.py", "big.dat")
    assert "big.dat is a Git LFS pointer" in done.err


# ----------------------------------------------------------------------------------------------------------------- dvc


def dvc_project(work: Path) -> Path:
    write(work / ".dvc/config", b"[core]\n    autostage = true\n['remote \"storage\"']\n    url = s3://bucket\n")
    return work / ".dvc/cache/files/md5"


def test_a_file_added_to_dvc_is_known_by_its_md5_and_found_in_the_cache(twice: Twice, work: Path, git: Git) -> None:
    cache = dvc_project(work)
    content = b"a,b\n1,2\n"
    write(work / "data/x.csv", content)
    write(
        work / "data/x.csv.dvc",
        f"outs:\n- md5: {md5(content)}\n  size: {len(content)}\n  hash: md5\n  path: x.csv\n".encode(),
    )
    write(work / "data/.gitignore", b"/x.csv\n")
    write(cache / md5(content)[:2] / md5(content)[2:], content)
    write(work / ".dvc/.gitignore", b"/cache\n")
    twice("run", "python", "train.py", "data/x.csv")
    assert entries(twice)["data/x.csv"]["tracked_by"] == f"dvc md5 {md5(content)}"
    (work / "data/x.csv").unlink()
    done = twice("reproduce", "@")
    assert "data/x.csv comes from DVC's cache" in done.err and "data         identical" in done.out
    assert any("DVC's cache" in words for words in json.loads(twice("data", "ls", "@~1", "--json").out)[0]["where"])
    twice("data", "restore", "@~1")
    assert (work / "data/x.csv").read_bytes() == content
    (cache / md5(content)[:2] / md5(content)[2:]).write_bytes(b"a,b\n1,3\n")
    (work / "data/x.csv").unlink()
    assert "does not have the content" in twice("reproduce", "@~1", expect=2).err


def test_a_file_changed_since_dvc_add_is_not_what_dvc_knows(twice: Twice, work: Path) -> None:
    dvc_project(work)
    added = b"a,b\n1,2\n"
    changed = {"same_size.csv": b"a,b\n1,9\n", "other_size.csv": b"a,b\n1,22\n"}
    for name, content in changed.items():
        write(work / name, content)
        write(work / f"{name}.dvc", f"outs:\n- md5: {md5(added)}\n  size: {len(added)}\n  path: {name}\n".encode())
    (work / ".gitignore").write_text("*.csv\n")
    twice("run", "python", "train.py", *changed)
    assert {name: entry.get("tracked_by") for name, entry in entries(twice).items()} == dict.fromkeys(changed)


def test_a_folder_of_dvc_and_the_files_in_it(twice: Twice, work: Path) -> None:
    cache = dvc_project(work)
    files = {f"{number}.txt": b"x" * number for number in range(4)}
    for name, content in files.items():
        write(work / "images" / name, content)
        write(cache / md5(content)[:2] / md5(content)[2:], content)
    listing = json.dumps([{"md5": md5(content), "relpath": name} for name, content in files.items()]).encode()
    folder = md5(listing) + ".dir"
    write(cache / folder[:2] / folder[2:], listing)
    write(
        work / "images.dvc", f"outs:\n- md5: {folder}\n  size: 6\n  nfiles: 4\n  hash: md5\n  path: images\n".encode()
    )
    (work / ".gitignore").write_text("/images\n/.dvc/cache\n")
    twice("run", "python", "train.py", "images/2.txt", "images/3.txt")
    assert {path: one["tracked_by"] for path, one in entries(twice).items()} == {
        "images/2.txt": f"dvc md5 {folder} 2.txt",
        "images/3.txt": f"dvc md5 {folder} 3.txt",
    }
    twice("run", "-i", "images", "python", "train.py", "images/2.txt")
    assert entries(twice)["images"]["tracked_by"] == f"dvc md5 {folder}"
    shutil.rmtree(work / "images")
    for selector in ("@", "@~2"):
        done = twice("reproduce", selector)
        assert "comes from DVC's cache" in done.err and "data         identical" in done.out


def test_the_stages_of_a_pipeline(twice: Twice, work: Path) -> None:
    dvc_project(work)
    content = b"model"
    write(work / "sub/out/model.bin", content)
    (work / ".gitignore").write_text("model.bin\n")
    write(
        work / "sub/dvc.yaml",
        b"stages:\n  train:\n    cmd: python train.py\n    wdir: out\n    outs:\n    - model.bin\n",
    )
    write(
        work / "sub/dvc.lock",
        "schema: '2.0'\nstages:\n  train:\n    cmd: python train.py\n    outs:\n    - path: model.bin\n"
        f"      hash: md5\n      md5: {md5(content)}\n      size: {len(content)}\n".encode(),
    )
    twice("run", "python", "train.py", "sub/out/model.bin")
    assert entries(twice)["sub/out/model.bin"]["tracked_by"] == f"dvc md5 {md5(content)}"


def test_a_dvc_file_that_makes_no_sense_tracks_nothing(twice: Twice, work: Path) -> None:
    dvc_project(work)
    texts = [b"", b"\xff", b"outs: 3\n", b"outs:\n- md5: 7\n  path: x.csv\n", b"outs:\n- path: [x]\n", b"a: &b\n  *b\n"]
    folders = [f"{number}" for number in range(len(texts))]
    for folder, text in zip(folders, texts, strict=True):
        write(work / folder / "x.csv", b"1")
        write(work / folder / "x.csv.dvc", text)
    (work / ".gitignore").write_text("x.csv\n")
    twice("run", "python", "train.py", *(f"{folder}/x.csv" for folder in folders))
    found = {path: entry.get("tracked_by") for path, entry in entries(twice).items()}
    assert found == {f"{folder}/x.csv": None for folder in folders}


# ----------------------------------------------------------------------------------------------------------- git-annex


@pytest.mark.parametrize("layout", [0, 1], ids=["mixed case", "lower case"])
def test_an_annexed_file_is_known_by_its_key_and_its_content_comes_back(
    twice: Twice, work: Path, git: Git, layout: int
) -> None:
    content = b"1,2,3\n" * 100
    key = f"SHA256E-s{len(content)}--{sha256(content)}.csv"
    folder = list(annex_hash_folders(key))[layout]
    write(work / ".git/annex/objects" / folder / key / key, content)
    (work / "data").mkdir()
    (work / "data/x.csv").symlink_to(f"../.git/annex/objects/{folder}/{key}/{key}")
    git("add", "-A")
    git("commit", "-q", "-m", "annexed")
    twice("run", "python", "train.py", "data/x.csv")
    assert entries(twice)["data/x.csv"]["tracked_by"] == f"git-annex {key}"
    (work / "data/x.csv").unlink()
    done = twice("reproduce", "@")
    assert "data/x.csv comes from git-annex's objects" in done.err
    assert "length: 600\n" in done.err, "in a worktree the link leads nowhere; the run must see the content"
    assert "data         identical" in done.out


def test_an_unlocked_annexed_file(twice: Twice, work: Path, git: Git) -> None:
    content = b"content"
    key = f"SHA256E-s{len(content)}--{sha256(content)}"
    (work / ".git/annex").mkdir()
    write(work / "x", f"/annex/objects/{key}\n".encode())
    git("config", "filter.annex.clean", f"sh -c 'cat >/dev/null; echo /annex/objects/{key}'")
    (work / ".gitattributes").write_text("x filter=annex\n")
    git("add", "-A")
    git("commit", "-q", "-m", "unlocked")
    write(work / "x", content)
    twice("run", "python", "train.py", "x")
    assert entries(twice)["x"]["tracked_by"] == f"git-annex {key}"


def test_the_folders_of_annex_keys_are_those_of_its_documentation() -> None:
    """`f87/4d5` is its example; `pX/ZJ` is where git-annex has the empty file."""
    key = "SHA256E-s0--e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    mixed, lower = annex_hash_folders(key)
    assert lower == "f87/4d5"
    assert mixed == "pX/ZJ"
