"""What a corpus of real programs found: each of these once came out wrong in a fresh clone with an empty home."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from commands import Git, Twice


@pytest.fixture
def elsewhere(repository: Path, git: Git, twice: Twice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Record a script, lose the repository, and reproduce the run in a clone of its ref: the verdict, as JSON."""

    def run(script: str, *command: str) -> dict[str, Any]:
        (repository / "script.py").write_text(script)
        twice("run", *(command or ("python", "script.py")))
        ref = git("for-each-ref", "--format=%(refname)", "refs/experiments").strip()
        clone = tmp_path / "clone"
        git("init", "-q", str(clone), cwd=tmp_path)
        git("fetch", "-q", str(repository), f"{ref}:{ref}", cwd=clone)
        repository.rename(tmp_path / "gone")
        (tmp_path / "empty").mkdir()
        monkeypatch.setenv("HOME", str(tmp_path / "empty"))
        verdict: dict[str, Any] = json.loads(twice("reproduce", "@", "--json", cwd=clone, expect=None).out)
        verdict["row"] = {row["part"]: row for row in verdict["rows"]}
        return verdict

    return run


def test_data_beside_the_repository_is_data_in_the_cache_folder_too(elsewhere: Any, tmp_path: Path) -> None:
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "values.txt").write_text("1\n2\n")
    verdict = elsewhere("print('sum:', sum(map(float, open('../beside/values.txt'))))\n")
    assert verdict["row"]["data"]["text"] == "identical (1 input)"
    assert verdict["outcome"] == "reproduced"


@pytest.mark.parametrize("target", ["{outside}", "../outside", "inner"])
def test_data_behind_a_symbolic_link(elsewhere: Any, repository: Path, tmp_path: Path, target: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "values.txt").write_text("1\n2\n")
    (repository / "inner").symlink_to("../outside")
    (repository / "data").symlink_to(target.format(outside=outside))
    verdict = elsewhere("print('sum:', sum(map(float, open('data/values.txt'))))\n")
    assert verdict["row"]["data"]["text"] == "identical (1 input)"
    assert verdict["outcome"] == "reproduced"


def test_a_package_run_by_m_has_not_changed(elsewhere: Any, repository: Path) -> None:
    (repository / "package").mkdir()
    (repository / "package" / "__main__.py").write_text("print('value: 3')\n")
    verdict = elsewhere("", "python", "-m", "package")
    assert verdict["row"]["code"]["state"] == "identical"


def test_printed_output_is_the_result_of_a_run_without_any_other(elsewhere: Any) -> None:
    verdict = elsewhere("import random, time\nprint('Scores', random.random())\nprint(f'took {time.time()} s')\n")
    assert (
        verdict["row"]["results"]["text"] == "equivalent: printed output, 2 lines: times and the like are not compared"
    )
    assert verdict["outcome"] == "reproduced"


def test_other_printed_output_is_a_divergence_with_its_cause(elsewhere: Any) -> None:
    verdict = elsewhere("import os\nprint('Key', os.urandom(4).hex())\n")
    assert verdict["outcome"] == "diverged"
    assert verdict["row"]["results"]["text"].startswith("differs: printed output, line 1: `Key ")
    assert verdict["causes"] == ["the script depends on the system's entropy (line 2)"]
