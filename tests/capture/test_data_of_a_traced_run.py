"""From a command under the tracer to the data of its record: journal, events, inputs and outputs."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest

from twice.agent.protocol import read_events
from twice.capture.before import Before
from twice.capture.data_files import FoundData, find_data
from twice.capture.hash_cache import HashCache
from twice.capture.hashing import hash_files
from twice.capture.request import Request
from twice.record.model import Code

if sys.platform != "linux":
    pytest.skip("Linux only", allow_module_level=True)

from twice.capture.syscall_tracer import SyscallTracer, problem_with

pytestmark = pytest.mark.skipif(problem_with() is not None, reason=f"no tracing here: {problem_with()}")

SCRIPT = """
import pathlib, sqlite3, subprocess
import helper
rows = pathlib.Path("../data/rows.csv").read_text()
config = open("config.yaml").read()
state = pathlib.Path("out/checkpoint").read_text()
pathlib.Path("out/tmp").write_text(state + "+")
pathlib.Path("out/tmp").replace("out/checkpoint")
subprocess.run("sort ../data/rows.csv > out/sorted.csv", shell=True, check=True)
store = sqlite3.connect("out/store.db")
store.execute("create table t (x)")
store.commit()
open("scratch", "w").close()
pathlib.Path("scratch").unlink()
"""


def sha256(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


@pytest.fixture
def traced(tmp_path: Path, git: object) -> FoundData:
    root, live = tmp_path / "repository", tmp_path / "live"
    for name, content in {
        "train.py": SCRIPT,
        "helper.py": "x = 1\n",
        "config.yaml": "lr: 0.1\n",
        "out/checkpoint": "epoch 1",
        "../data/rows.csv": "b\na\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    time.sleep(0.15)  # the cache of hashes trusts what is older than a tick
    with HashCache.open(tmp_path / "hashes") as hashes:
        hash_files([root / "out/checkpoint"], hashes)  # as the run that wrote it did
        started_at = datetime.now(timezone.utc)
        tracer = SyscallTracer(live / "events" / "0-opens.jsonl")
        tracer.start()
        subprocess.run([sys.executable, "train.py"], cwd=root, preexec_fn=tracer.child_setup, check=True)
        tracer.stop()
        assert tracer.problem is None
        events = [
            {"t": 0.0, "kind": "process", "pid": 1, "prefix": sys.prefix, "base_prefix": sys.base_prefix},
            *read_events(live),
        ]
        request = Request(
            id="20261121-142233-k7q2m9", command=("python", "train.py"), experiment="train", entry_point="train.py"
        )
        before = Before(
            code=Code(tree="0" * 40),
            changes=(),
            root=str(root),
            repository=str(root),
            started_at=started_at,
            host="host",
            user="ada",
            tracer="syscalls",
            noise=(str(live), str(tmp_path / "home")),
        )
        snapshot = {"train.py", "helper.py", "config.yaml"}
        return find_data(events, request, before, [], snapshot.__contains__, hashes, home=str(tmp_path / "home"))


def test_inputs_are_what_was_read_as_it_was(traced: FoundData) -> None:
    assert [(one.path, one.sha256, one.stored) for one in traced.data.inputs] == [
        ("../data/rows.csv", sha256("b\na\n"), None),
        ("config.yaml", sha256("lr: 0.1\n"), "git"),
        ("out/checkpoint", sha256("epoch 1"), None),
    ]


def test_outputs_are_what_was_written_and_is_there(traced: FoundData) -> None:
    outputs = {one.path: one.sha256 for one in traced.data.outputs}
    assert outputs.pop("out/store.db") is not None
    assert outputs == {"out/checkpoint": sha256("epoch 1+"), "out/sorted.csv": sha256("a\nb\n")}


def test_nothing_is_left_to_say(traced: FoundData) -> None:
    assert traced.warnings == ()
