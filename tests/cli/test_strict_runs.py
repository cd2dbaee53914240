"""`run --strict` is recorded, and applied again by `reproduce`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from commands import Twice

SCRIPT = """\
import os
print("threads:", int(os.environ.get("OMP_NUM_THREADS", 0)))
print("sorted:", int(os.listdir("many") == sorted(os.listdir("many"))))
print("strict:", int(os.environ.get("TWICE_STRICT", 0)))
"""


def newest(twice: Twice) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(twice("show", "@", "--json").out)
    return found


def test_strict_once_is_strict_again(twice: Twice, repository: Path) -> None:
    (repository / "many").mkdir()
    for number in range(40):
        (repository / f"many/{(number * 7919) % 1000}").write_text("")
    (repository / "train.py").write_text(SCRIPT)
    done = twice("run", "--strict", "python", "train.py", env={"OMP_NUM_THREADS": "4"})
    assert done.out == "threads: 1\nsorted: 1\nstrict: 1\n"
    run = newest(twice)
    assert run["strict"] is True
    assert "listings" in run["seeds"]["processes"][0]["seeded"]
    assert run["environment"]["variables"]["OMP_NUM_THREADS"] == "1"
    assert "strict" in twice("show").out
    assert "reproduced" in twice("reproduce", "@", env={"OMP_NUM_THREADS": "4"}).out
    assert newest(twice)["strict"] is True
    twice("run", "python", "train.py", env={"OMP_NUM_THREADS": "4"})
    assert newest(twice)["strict"] is None
    assert newest(twice)["metrics"]["threads"]["last"] == 4
