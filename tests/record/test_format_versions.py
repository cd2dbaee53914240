"""The format is read first: a newer one is refused, an older one is upgraded in memory, step by step."""

from __future__ import annotations

import pytest

from twice.errors import RecordError
from twice.record.files import read_documents, read_run, to_files
from twice.record.model import FORMAT, Attachments
from twice.record.upgrades import STEPS, format_of, upgrade


def test_a_newer_format_is_refused_before_anything_else_is_looked_at():
    files = {"run.yaml": b"format: 2\nshape: unheard of\n", "metrics.yaml": b"\xff"}
    with pytest.raises(RecordError) as caught:
        read_run(files.get)
    assert caught.value.message == "the record was made by a newer twice"
    assert caught.value.details == ("its format is 2; this twice reads formats up to 1",)
    assert caught.value.hint == "upgrade twice: `pip install --upgrade twice`"


@pytest.mark.parametrize("content", [b"", b"a: 1\n", b"format: one\n", b"format: true\n", b"format: 0\n", b"- 1\n"])
def test_a_file_without_a_format_is_no_record(content):
    with pytest.raises(RecordError) as caught:
        read_run({"run.yaml": content}.get)
    assert caught.value.message == "run.yaml: format: expected a whole number of at least 1"


def test_a_commit_without_a_record_is_no_run():
    with pytest.raises(RecordError, match=r"^not a run: it has no \.twice/run\.yaml$"):
        read_run({}.get)


def test_every_older_format_has_a_step():
    assert sorted(STEPS) == list(range(1, FORMAT))


def test_steps_are_applied_in_turn_and_change_nothing_they_are_given():
    def rename(documents):
        run = dict(documents["run"])
        run["experiment"] = run.pop("group")
        return {**documents, "run": run}

    def split(documents):
        return {**documents, "seeds": {"root": documents["run"]["seed"]}}

    old = {"run": {"format": 1, "group": "train", "seed": 3}}
    assert upgrade(old, steps={1: rename, 2: split}, newest=3) == {
        "run": {"format": 3, "seed": 3, "experiment": "train"},
        "seeds": {"root": 3},
    }
    assert old == {"run": {"format": 1, "group": "train", "seed": 3}}


def test_todays_format_needs_no_step(example_run):
    documents = read_documents(to_files(example_run, Attachments()).get)
    assert format_of(documents["run"]) == FORMAT
    assert upgrade(documents) == documents


def test_a_lock_that_is_not_text_is_named(example_run):
    files = {**to_files(example_run, Attachments()), "environment/requirements.lock": b"\xff"}
    with pytest.raises(RecordError, match=r"^environment/requirements\.lock: not UTF-8 at byte 0$"):
        read_run(files.get)
