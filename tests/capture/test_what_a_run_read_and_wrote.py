"""Inputs, outputs, code and noise told apart, with real files."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from twice.capture.data_files import FoundData, describe_data, fold
from twice.capture.hash_cache import HashCache
from twice.capture.noise import Noise
from twice.capture.opened_files import OpenedFile, event_fields, opened_from_events, stamp_of
from twice.record.model import DataFile


def sha256(content: bytes | str) -> str:
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


class Scene:
    """A repository `project` with neighbours, a home folder, and a run that starts when `start` is called."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "project"
        self.home = folder / "home"
        self.root.mkdir()
        self.home.mkdir()
        self.snapshot: dict[str, bytes] = {}
        self.opened: list[OpenedFile] = []
        self.started_at = datetime.now(timezone.utc)

    def write(self, path: str, content: bytes | str = "content", *, committed: bool = False) -> Path:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
        if committed:
            self.snapshot[path] = place.read_bytes()
        return place

    def start(self) -> None:
        time.sleep(0.02)  # more than a tick of the file system's clock
        self.started_at = datetime.now(timezone.utc)
        time.sleep(0.02)

    def reads(self, path: str | Path, *, stamp: bool = False, write: bool = False) -> None:
        place = self.root / path
        self.opened.append(
            OpenedFile(
                path=str(self.root / path),
                read=True,
                write=write,
                relative=not Path(path).is_absolute(),
                stamp=stamp_of(place.stat()) if stamp else None,
            )
        )

    def writes(self, path: str | Path, content: bytes | str | None = "written") -> None:
        if content is not None:
            self.write(str(path), content)
        self.opened.append(
            OpenedFile(path=str(self.root / path), read=False, write=True, relative=not Path(path).is_absolute())
        )

    def describe(self, **given: Any) -> FoundData:
        given.setdefault("in_snapshot", self.snapshot.__contains__)
        given.setdefault("read_snapshot", self.snapshot.get)
        noise = given.pop("noise", None) or Noise(str(self.root), home=str(self.home))
        return describe_data(self.opened, root=str(self.root), noise=noise, started_at=self.started_at, **given)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def paths(files: Iterable[DataFile]) -> list[str]:
    return [file.path for file in files]


# ------------------------------------------------------------------------------------------- inputs, outputs, code


def test_what_was_read_is_an_input_with_its_hash(scene: Scene) -> None:
    scene.write("data/train.csv", "1,2")
    scene.start()
    scene.reads("data/train.csv")
    found = scene.describe()
    assert found.data.inputs == (
        DataFile(path="data/train.csv", sha256=sha256("1,2"), size_bytes=3, found=("opened",)),
    )
    assert found.data.outputs == ()
    assert found.warnings == ()


def test_what_was_written_is_an_output_and_reading_it_afterwards_makes_it_no_input(scene: Scene) -> None:
    scene.start()
    scene.writes("out/model.pkl", "weights")
    scene.reads("out/model.pkl")
    found = scene.describe()
    assert paths(found.data.inputs) == []
    assert found.data.outputs == (
        DataFile(path="out/model.pkl", sha256=sha256("weights"), size_bytes=7, found=("opened",)),
    )


def test_code_of_the_snapshot_is_no_input_but_configuration_is_one_kept_in_git(scene: Scene) -> None:
    for name in ("train.py", "explore.ipynb", "prepare.sh", "config.yaml", "params.json", "pyproject.toml"):
        scene.write(name, committed=True)
    scene.write("ignored.py")
    scene.write("bin/tool", committed=True)
    scene.start()
    for name in [*scene.snapshot, "ignored.py"]:
        scene.reads(name)
    found = scene.describe(code=["bin/tool"])
    assert {file.path: file.stored for file in found.data.inputs} == {
        "config.yaml": "git",
        "ignored.py": None,  # no snapshot holds it: without it the run cannot be repeated
        "params.json": "git",
        "pyproject.toml": "git",
    }


def test_a_module_found_through_its_bytecode_is_read_too(scene: Scene) -> None:
    scene.write("../library/tools.py", "x = 1")
    scene.write("../library/__pycache__/tools.cpython-311.pyc", "bytecode")
    scene.start()
    scene.reads("../library/__pycache__/tools.cpython-311.pyc", stamp=True)
    found = scene.describe()
    assert [(file.path, file.sha256) for file in found.data.inputs] == [("../library/tools.py", sha256("x = 1"))]


def test_paths_are_relative_inside_and_as_the_run_named_them_outside(scene: Scene) -> None:
    inside = scene.write("data/in.csv")
    scene.write("../shared/relative.csv")
    outside = scene.write("../shared/absolute.csv").resolve()
    (scene.root / "linked").symlink_to("../shared")
    (scene.root.parent / "alias").symlink_to("project")
    scene.start()
    scene.reads(inside)
    scene.reads("../shared/relative.csv")
    scene.reads(outside)
    scene.reads("linked/relative.csv")
    scene.reads("linked/../shared/relative.csv")  # not what it looks like: `..` of where the link leads
    scene.reads(scene.root.parent / "alias" / "data" / "in.csv")
    found = scene.describe()
    assert paths(found.data.inputs) == sorted(
        [str(outside), "../shared/relative.csv", "data/in.csv", "linked/relative.csv"]
    )


def test_a_file_that_was_read_and_not_changed_though_opened_for_both_is_an_input_only(scene: Scene) -> None:
    scene.write("store.sqlite")
    scene.write("other.h5")
    scene.start()
    scene.reads("store.sqlite", write=True)
    scene.reads("other.h5", write=True, stamp=True)
    found = scene.describe()
    assert paths(found.data.inputs) == ["other.h5", "store.sqlite"]
    assert found.data.outputs == ()


def test_a_file_opened_for_appending_to_which_nothing_was_written_is_no_output(scene: Scene) -> None:
    place = scene.write("train.log")
    scene.start()
    scene.opened.append(OpenedFile(path=str(place), read=False, write=True, stamp=stamp_of(place.stat())))
    assert scene.describe().data.outputs == ()


def test_what_is_gone_is_neither_and_what_is_no_file_neither(scene: Scene) -> None:
    scene.start()
    scene.writes("scratch.tmp")
    (scene.root / "scratch.tmp").unlink()
    os.mkfifo(scene.root / "pipe")
    scene.reads("pipe")
    (scene.root / "folder").mkdir()
    scene.reads("folder")
    scene.reads("never-was.csv")
    found = scene.describe()
    assert (found.data.inputs, found.data.outputs, found.warnings) == ((), (), ())


def test_what_git_saw_changed_is_an_output_but_not_code_that_somebody_edits(scene: Scene) -> None:
    scene.write("results.csv", committed=True)
    scene.write("train.py", committed=True)
    scene.start()
    scene.write("results.csv", "new")
    scene.write("train.py", "edited")
    scene.writes("seen.csv", "x")
    scene.write("notes/new.txt", "y")
    found = scene.describe(changed=["results.csv", "train.py", "seen.csv", "notes/new.txt", "deleted.csv"])
    assert {file.path: (file.found, file.stored) for file in found.data.outputs} == {
        "notes/new.txt": (("git",), None),
        "results.csv": (("git",), None),
        "seen.csv": (("opened", "git"), None),
    }


def test_an_output_as_the_snapshot_has_it_is_in_git(scene: Scene) -> None:
    scene.write("report.txt", "same", committed=True)
    scene.start()
    scene.writes("report.txt", "same")
    assert [file.stored for file in scene.describe(changed=[]).data.outputs] == ["git"]


def test_a_product_that_only_its_reading_was_seen_of_is_an_output(scene: Scene) -> None:
    scene.start()
    scene.write("model.pt", "by native code")
    scene.reads("model.pt")
    found = scene.describe()
    assert (paths(found.data.inputs), paths(found.data.outputs)) == ([], ["model.pt"])


# ------------------------------------------------------------------------------------ read first, then overwritten


def test_a_file_of_the_snapshot_read_and_overwritten_is_both_each_with_its_own_hash(scene: Scene) -> None:
    scene.write("table.csv", "old", committed=True)
    scene.start()
    scene.reads("table.csv", stamp=True)
    scene.writes("table.csv", "new one")
    found = scene.describe(changed=["table.csv"])
    assert [(file.sha256, file.size_bytes, file.stored) for file in found.data.inputs] == [(sha256("old"), 3, "git")]
    assert [(file.sha256, file.size_bytes, file.stored) for file in found.data.outputs] == [
        (sha256("new one"), 7, None)
    ]
    assert found.warnings == ()


def test_a_hash_that_is_gone_is_not_invented(scene: Scene) -> None:
    scene.write("checkpoint.bin", "old")
    scene.start()
    scene.reads("checkpoint.bin", stamp=True)
    scene.writes("checkpoint.bin", "new one")
    found = scene.describe()
    assert [(file.path, file.sha256, file.size_bytes) for file in found.data.inputs] == [("checkpoint.bin", None, None)]
    assert [file.sha256 for file in found.data.outputs] == [sha256("new one")]
    assert found.warnings == (
        "checkpoint.bin was read and then changed while the run went on: what was read is not known",
    )


def test_the_cache_knows_what_was_overwritten(scene: Scene, tmp_path: Path) -> None:
    place = scene.write("checkpoint.bin", "old")
    with HashCache.open(tmp_path / "hashes") as cache:
        cache.put(place, place.stat(), sha256("old"), began_ns=time.time_ns() + 10_000_000_000)
        scene.start()
        scene.reads("checkpoint.bin", stamp=True)
        scene.writes("checkpoint.bin", "new one")
        found = scene.describe(cache=cache)
    assert [(file.sha256, file.size_bytes) for file in found.data.inputs] == [(sha256("old"), 3)]
    assert found.warnings == ()


def test_an_input_that_the_run_removed_is_known_by_the_snapshot(scene: Scene) -> None:
    scene.write("inbox/job.json", "{}", committed=True)
    scene.write("inbox/other.json", "[]")
    scene.start()
    scene.reads("inbox/job.json", stamp=True)
    scene.reads("inbox/other.json", stamp=True)
    shutil.rmtree(scene.root / "inbox")
    found = scene.describe()
    assert [(file.path, file.sha256) for file in found.data.inputs] == [
        ("inbox/job.json", sha256("{}")),
        ("inbox/other.json", None),
    ]
    assert len(found.warnings) == 1


def test_another_program_changing_an_input_outside_is_told(scene: Scene) -> None:
    scene.write("../feed.csv", "old")
    scene.start()
    scene.reads("../feed.csv", stamp=True)
    scene.write("../feed.csv", "grown since")
    found = scene.describe()
    assert [file.sha256 for file in found.data.inputs] == [None]
    assert "../feed.csv" in found.warnings[0]


def test_a_new_mode_is_no_new_content(scene: Scene) -> None:
    place = scene.write("data.csv", "same")
    scene.start()
    scene.reads("data.csv", stamp=True)
    place.chmod(0o444)
    found = scene.describe()
    assert [file.sha256 for file in found.data.inputs] == [sha256("same")]
    assert found.warnings == ()


# -------------------------------------------------------------------------------------------------------- declared


def test_what_was_declared_is_there_even_when_nobody_saw_it_opened(scene: Scene) -> None:
    scene.write("data.csv", "1")
    absolute = scene.write("../absolute.csv", "2").resolve()
    scene.start()
    scene.reads("data.csv")
    scene.write("model.bin", "3")
    found = scene.describe(
        declared_inputs=["data.csv", str(absolute), "absent.csv"], declared_outputs=["model.bin", "no.bin"]
    )
    assert [(file.path, file.sha256, file.found) for file in found.data.inputs] == [
        (str(absolute), sha256("2"), ("declared",)),
        ("absent.csv", None, ("declared",)),
        ("data.csv", sha256("1"), ("declared", "opened")),
    ]
    assert [(file.path, file.sha256, file.found) for file in found.data.outputs] == [
        ("model.bin", sha256("3"), ("declared",)),
        ("no.bin", None, ("declared",)),
    ]
    assert found.warnings == ("the input absent.csv is not there", "the output no.bin is not there")


def test_a_declared_folder_is_one_entry_with_a_manifest_that_sha256sum_agrees_with(scene: Scene) -> None:
    for number in range(5):
        scene.write(f"data/part/{number}.bin", bytes([number]))
    scene.start()
    scene.reads("data/part/3.bin")
    scene.writes("data/by-the-run.bin")
    found = scene.describe(declared_inputs=["data"])
    (folder,) = found.data.inputs
    assert (folder.path, folder.kind, folder.files, folder.size_bytes) == ("data", "folder", 5, 5)
    assert folder.found == ("declared", "opened")
    assert folder.sha256 == sha256(found.manifests["data"])
    assert paths(found.data.outputs) == ["data/by-the-run.bin"]
    if shutil.which("sha256sum"):
        subprocess.run(
            ["sha256sum", "--strict", "--quiet", "-c"],
            input=found.manifests["data"],
            cwd=scene.root / "data",
            check=True,
        )


def test_a_folder_that_is_read_from_and_written_to_lists_what_was_written(scene: Scene) -> None:
    scene.write("work/in.txt", "1")
    scene.start()
    scene.writes("work/out.txt", "2")
    found = scene.describe(declared_inputs=["work"], declared_outputs=["work"])
    assert [(file.path, file.files) for file in found.data.inputs] == [("work", 1)]
    assert paths(found.data.outputs) == ["work/out.txt"]
    assert b"in.txt" in found.manifests["work"]


def test_an_artifact_that_the_run_named_is_an_output(scene: Scene) -> None:
    scene.start()
    place = scene.write("figure.png", "png")
    found = scene.describe(artifacts=[str(place)])
    assert [(file.path, file.found) for file in found.data.outputs] == [("figure.png", ("declared",))]


# ---------------------------------------------------------------------------------------------------------- folding


@pytest.mark.parametrize(
    ("counts", "folded"),
    [
        ({"/d/train": 3}, {}),
        ({"/d/train": 5}, {"/d/train": 5}),
        ({"/d/train": 5, "/d/val": 2}, {"/d/train": 5}),
        ({"/d/train": 5, "/d/val": 5}, {"/d": 10}),
        ({"/d/train/cat": 3, "/d/train/dog": 3, "/d": 1}, {"/d/train": 6}),
        ({"/d/train/cat": 5, "/d/train/dog": 5, "/d/train/emu": 5, "/d/other": 1}, {"/d/train": 15}),
        ({"/repo": 9}, {}),
        ({"/repo/a": 5, "/repo/b": 5}, {"/repo/a": 5, "/repo/b": 5}),
        ({"/x": 5, "/repo/b": 5}, {"/x": 5, "/repo/b": 5}),
        ({"/repo/a": 3, "/repo/b": 3}, {}),
    ],
)
def test_folders_stand_for_many_files(counts: dict[str, int], folded: dict[str, int]) -> None:
    files = [f"{folder}/{number}.jpg" for folder, count in counts.items() for number in range(count)]
    found = fold(files, 3, never=("/", "/repo"))
    assert {folder: len(inside) for folder, inside in found.items()} == folded
    for folder, inside in found.items():
        assert all(path.startswith(folder + "/") for path in inside)


def test_many_opened_files_become_one_entry_of_those_files(scene: Scene) -> None:
    for number in range(12):
        scene.write(f"images/{number}.jpg", bytes([number]), committed=True)
    scene.start()
    for number in range(10):
        scene.reads(f"images/{number}.jpg")
    found = scene.describe(limit=8)
    (folder,) = found.data.inputs
    assert (folder.path, folder.kind, folder.files, folder.stored) == ("images", "folder", 10, "git")
    assert found.manifests["images"].count(b"\n") == 10
    assert sha256(found.manifests["images"]) == folder.sha256


def test_one_folder_never_has_two_manifests(scene: Scene) -> None:
    for number in range(5):
        scene.write(f"images/{number}.jpg", bytes([number]))
    scene.start()
    for number in range(5):
        scene.reads(f"images/{number}.jpg")
        scene.writes(f"images/{number}.png", bytes([number]))
    found = scene.describe(limit=3)
    assert [(file.path, file.files) for file in found.data.inputs] == [("images", 5)]
    assert paths(found.data.outputs) == [f"images/{number}.png" for number in range(5)]


# ------------------------------------------------------------------------------------------------------------ noise


DROPPED = """
/proc/self/maps /sys/devices/x /dev/null /dev/shm/psm_1 /etc/ssl/openssl.cnf /usr/lib/python3/x.txt
/lib64/libc.so.6 /usr/share/zoneinfo/UTC /opt/conda/share/x.json /data/lib/libcustom.so.1.2
/home/ada/.local/lib/python3.11/site-packages/a/b.json /home/ada/.cache/matplotlib/fontlist-v390.json
/home/ada/.cache/pip/x /home/ada/.netrc /home/ada/.config/wandb/settings /home/ada/.cache/huggingface/token
/home/ada/.cache/huggingface/hub/.locks/m/x.lock /fonts/a.ttf /home/ada/work/project/.git/index
/home/ada/work/project/.git/twice/live/x/output.log /opt/twice/agent/sitecustomize.py
/home/ada/work/project/.venv/pyvenv.cfg /home/ada/work/project/.venv/share/x.csv
/home/ada/work/project/pkg/__pycache__/m.cpython-311.pyc /home/ada/work/project/.gitignore
/home/ada/work/project/pkg.egg-info/PKG-INFO /home/ada/work/project/.pytest_cache/v/x
/home/ada/work/other/.git/HEAD /data/python3.12/lib/python3.12/json/__init__.py /tmp/torchinductor_ada/x/y.py
"""
KEPT = """
/home/ada/work/project/data/train.csv /home/ada/work/project/libfast.so /home/ada/work/project/.env-data/x.bin
/home/ada/data/x.csv /data/imagenet/x.jpg /tmp/table.csv /library/books.csv
/home/ada/scikit_learn_data/covtype.pkz
/home/ada/.cache/huggingface/hub/models--x/snapshots/1/model.safetensors
/home/ada/.cache/torch/hub/checkpoints/r.pth /home/ada/.keras/datasets/mnist.npz
/big/.hidden/hf/datasets/x.arrow /usr/share/nltk_data/corpora/brown.zip /mnt/huggingface/x.lock
/home/ada/work/project/wandb/run.json
"""


def test_noise_is_told_from_data() -> None:
    home, root = "/home/ada", "/home/ada/work/project"
    noise = Noise(
        root,
        own=(f"{root}/.git", "/opt/twice/agent"),
        prefixes=(f"{root}/.venv", "/opt/conda", "/usr"),
        home=home,
        variables={"HF_HOME": "/big/.hidden/hf"},
    )
    assert [path for path in DROPPED.split() if not noise.holds(path)] == []
    assert [path for path in KEPT.split() if noise.holds(path)] == []


def test_a_download_into_a_cache_is_an_input(scene: Scene) -> None:
    scene.start()
    place = scene.write("../home/.cache/huggingface/hub/model.bin", "weights")
    scene.writes(str(place.resolve()), None)
    scene.reads(str(place.resolve()))
    found = scene.describe()
    assert [file.sha256 for file in found.data.inputs] == [sha256("weights")]
    assert found.data.outputs == ()


# ----------------------------------------------------------------------------------------------------------- events


def test_events_become_opened_files_and_back() -> None:
    events: list[dict[str, Any]] = [
        {"kind": "process", "pid": 1},
        {"kind": "open", "path": "a.csv", "read": True, "write": False, "cwd": "/work/sub"},
        {"kind": "open", "path": "b.csv", "read": True, "write": False},
        {"kind": "open", "path": "/abs.csv", "read": False, "write": True, "cwd": "/work"},
        {"kind": "open", "path": "b.csv", "read": True, "write": False},
        {"kind": "open", "path": 7, "read": True, "write": False},
        {"kind": "open"},
    ]
    opened = opened_from_events(events, "/work")
    assert opened == (
        OpenedFile(path="/work/sub/a.csv", read=True, write=False, relative=True),
        OpenedFile(path="/work/b.csv", read=True, write=False, relative=True),
        OpenedFile(path="/abs.csv", read=False, write=True),
    )
    stamped = OpenedFile(path="/x", read=True, write=True, relative=True, stamp=(1, 2, 3, 4))
    assert opened_from_events([{"kind": "open", **event_fields(one)} for one in (*opened, stamped)]) == (
        *opened,
        stamped,
    )


def test_files_are_hashed_once(scene: Scene, tmp_path: Path) -> None:
    place = scene.write("data.csv", "1")
    os.utime(place, (1, 1))
    time.sleep(0.2)  # the cache does not trust what is younger
    with HashCache.open(tmp_path / "hashes") as cache:
        scene.start()
        scene.reads("data.csv")
        read: list[int] = []
        first = scene.describe(cache=cache, progress=read.append)
        assert scene.describe(cache=cache, progress=read.append) == first
        assert sum(read) == 1
