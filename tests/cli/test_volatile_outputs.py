"""An output that differs in the time it was made is the same content; one that differs in more is not."""

from __future__ import annotations

import json
from pathlib import Path

from commands import Twice

SCRIPT = """\
import gzip, os, time, zipfile
with zipfile.ZipFile("out.npz", "w") as file:
    moment = time.gmtime(10**9 + 10 * int.from_bytes(os.urandom(3), "big"))[:6]
    file.writestr(zipfile.ZipInfo("a.npy", moment), b"numbers" * {size})
os.makedirs("shards", exist_ok=True)
for number in range(3):
    with gzip.GzipFile(f"shards/{{number}}.gz", "wb", mtime=int.from_bytes(os.urandom(4), "big")) as file:
        file.write(b"rows")
with open("noise.bin", "wb") as file:
    file.write({noise})
"""


def states(twice: Twice, expect: int) -> dict[str, tuple[str, str]]:
    shape = json.loads(twice("reproduce", "@", "--json", expect=expect).out)
    return {one["path"]: (one["state"], one["note"]) for one in shape["outputs"]}


def test_outputs_kept_in_the_run(twice: Twice, repository: Path) -> None:
    (repository / "train.py").write_text(SCRIPT.format(size=3, noise='b"always"'))
    twice("run", "-o", "shards", "python", "train.py")
    found = states(twice, expect=0)
    assert found["out.npz"] == ("same content", "same members; not compared: their times")
    assert found["noise.bin"][0] == "byte-identical"
    assert {state for path, (state, _) in found.items() if path.startswith("shards")} == {"same content"}
    table = twice("reproduce", "@~1").out
    assert "out.npz same content: same members; not compared: their times" in table and "reproduced" in table


def test_outputs_too_large_for_the_run_are_read_where_they_lie(twice: Twice, repository: Path) -> None:
    (repository / "train.py").write_text(SCRIPT.format(size=400_000, noise="os.urandom(9)"))
    twice("run", "python", "train.py")
    found = states(twice, expect=1)
    assert (found["out.npz"][0], found["noise.bin"][0]) == ("same content", "differs")
    (repository / "out.npz").write_bytes(b"PK\x03\x04 something else")
    shape = json.loads(twice("reproduce", "@~1", "--json", expect=1).out)
    assert {one["path"]: one["state"] for one in shape["outputs"]}["out.npz"] == "differs"
