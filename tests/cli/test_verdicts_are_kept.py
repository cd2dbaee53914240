"""A verdict stays with the run: in its note, in the list and on its page."""

from __future__ import annotations

import json
from pathlib import Path

from commands import Git, Twice


def test_a_verdict_shows_in_the_list_and_on_the_page(twice: Twice, repository: Path, git: Git) -> None:
    (repository / "train.py").write_text("print('value: 1')\n")
    twice("run", "python", "train.py")
    assert "verified" not in twice("ls").out
    twice("reproduce", "@")
    original, again = json.loads(twice("ls", "--json").out)["runs"]
    assert (original["reproduced"], original["diverged"], again["reproduced"]) == (1, 0, 0)
    assert "✓1" in twice("ls").out
    twice("reproduce", original["id"])
    assert "✓2" in twice("ls").out
    page = twice("show", original["id"]).out
    assert page.count("✓ reproduced") == 2 and again["id"] in page and "Ada" in page
    verdict = json.loads(twice("show", original["id"], "--json").out)["verdicts"][0]
    assert (verdict["outcome"], verdict["run"], verdict["by"]) == ("reproduced", again["id"], "Ada <ada@example.org>")
    assert verdict["parts"]["code"] == "identical"
    assert verdict["results"].startswith("identical: 1 of 1 metric")
    commit = git("rev-parse", f"refs/experiments/train/{original['id']}").strip()
    lines = git("notes", "--ref=experiments", "show", commit).splitlines()
    assert [json.loads(line)["op"] for line in lines] == ["verdict", "verdict"]


def test_a_divergence_is_kept_too(twice: Twice, repository: Path) -> None:
    (repository / "train.py").write_text("import os\nprint('value:', int.from_bytes(os.urandom(6), 'big'))\n")
    twice("run", "python", "train.py")
    twice("reproduce", "@", expect=1)
    assert "✗1" in twice("ls").out
    assert "✗ diverged" in twice("show", "@~1").out


def test_notes_that_change_or_go_are_seen(twice: Twice, repository: Path, git: Git) -> None:
    twice("run", "python", "train.py")
    twice("reproduce", "@")
    assert "✓1" in twice("ls").out
    git("update-ref", "-d", "refs/notes/experiments")
    assert "verified" not in twice("ls").out


def test_the_tolerance_says_where_it_comes_from(twice: Twice, repository: Path) -> None:
    (repository / "train.py").write_text(
        "import os\nprint('value:', 1 + int.from_bytes(os.urandom(4), 'big') / 2**52)\n"
    )
    twice("run", "python", "train.py")
    assert "within tolerance (rtol 0.001, from --rtol)" in twice("reproduce", "@", "--rtol", "1e-3").out
    assert "beyond atol 1e-18, from --atol" in twice("reproduce", "@~1", "--atol", "1e-18", expect=1).out
    (repository / "twice.toml").write_text("[compare.metrics.value]\nrtol = 0.01\n")
    assert "from twice.toml" in twice("reproduce", "@~2").out
