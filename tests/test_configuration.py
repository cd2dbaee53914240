from __future__ import annotations

from pathlib import Path

import pytest

from twice.configuration import Configuration, parse_size, read_configuration
from twice.errors import UsageError


def test_nothing_configured_gives_the_defaults(tmp_path: Path) -> None:
    assert read_configuration(tmp_path) == Configuration()


def test_twice_toml_and_pyproject_hold_the_same_keys(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.twice]\ncode.max_file_size = "2 MiB"\n')
    from_project = read_configuration(tmp_path)
    (tmp_path / "pyproject.toml").unlink()
    (tmp_path / "twice.toml").write_text('code.max_file_size = "2 MiB"\n')
    assert from_project == read_configuration(tmp_path)
    assert from_project.code_max_file_size_bytes == 2 * 2**20


def test_twice_toml_wins_over_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.twice]\ncompare.rtol = 0.5\n")
    (tmp_path / "twice.toml").write_text("compare.rtol = 0.25\n")
    assert read_configuration(tmp_path).compare_rtol == 0.25


def test_a_metric_name_may_hold_dots_and_slashes(tmp_path: Path) -> None:
    (tmp_path / "twice.toml").write_text('[compare.metrics]\n"val/loss.total" = {rtol = 1e-6}\n')
    assert read_configuration(tmp_path).compare_metrics == {"val/loss.total": (1e-6, 0.0)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("code.max_size = 3", "unknown key `code.max_size`"),
        ("compare.rtol = -1", "not negative"),
        ('compare.rtol = "a lot"', "not negative"),
        ("compare.rtol = nan", "not negative"),
        ('code.include = "x"', "list of texts"),
        ('code.max_file_size = "ten"', "expected a size"),
        ("compare.metrics.loss = 3", "expected a table"),
        ("this is not toml", "twice.toml"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "twice.toml").write_text(text)
    with pytest.raises(UsageError, match=words):
        read_configuration(tmp_path)


def test_an_unknown_key_hints_at_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "twice.toml").write_text("code.max_filesize = 3")
    with pytest.raises(UsageError) as raised:
        read_configuration(tmp_path)
    assert raised.value.hint == "did you mean `code.max_file_size`?"


@pytest.mark.parametrize(
    ("value", "size_bytes"),
    [(5, 5), ("5", 5), ("1.5 KiB", 1536), ("2GB", 2 * 10**9), ("3 GiB", 3 * 2**30), ("7 b", 7)],
)
def test_sizes(value: object, size_bytes: int) -> None:
    assert parse_size(value) == size_bytes


@pytest.mark.parametrize("value", ["", "MiB", "-1", True, -1, 1.5, "1 XB"])
def test_what_is_no_size(value: object) -> None:
    with pytest.raises(ValueError, match="expected a size"):
        parse_size(value)
