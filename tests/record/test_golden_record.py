"""A record of each format stays readable for ever: today's code writes these bytes, and reads these facts from them.

When the format changes, `format-1` is left as it is (its record must still be read) and `format-2` stands beside it.
"""

from __future__ import annotations

from pathlib import Path

from record_strategies import comparable

from twice.record.files import LOG_PATH, history_path, parse_history, read_run, to_files
from twice.record.model import FORMAT

GOLDEN = Path(__file__).parent / "golden"


def _files(format_version: int) -> dict[str, bytes]:
    folder = GOLDEN / f"format-{format_version}"
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_the_newest_format_is_written_to_the_byte(example_run, example_attachments):
    written = to_files(example_run, example_attachments)
    golden = _files(FORMAT)
    assert sorted(written) == sorted(golden)
    for path, content in golden.items():
        assert written[path] == content, path


def test_format_1_reads_back_as_the_run_it_was(example_run, example_attachments):
    golden = _files(1)
    assert comparable(read_run(golden.get)) == comparable(example_run)
    for metric, history in example_attachments.histories.items():
        assert parse_history(golden[history_path(metric)]) == history
    assert golden[LOG_PATH] == example_attachments.log
