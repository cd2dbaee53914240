"""Every name gets a file that git stores and any system can check out; two names never share one; names read back."""

from __future__ import annotations

import os
import subprocess
import unicodedata
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from record_strategies import paths, texts

from twice.errors import RecordError
from twice.record.file_names import artifact_path, history_path, manifest_path
from twice.record.histories import parse_history

near_names = st.text(alphabet='aA%~/. :gitGITévsTSVaux0éE\u0301"\\|\x00', max_size=9)
names = st.one_of(near_names, texts, st.text(max_size=8))
thorough = settings(max_examples=300, deadline=None)


def metric_of_history(path: str) -> str:
    """How anyone can read a metric's name off its file."""
    stem = path.removeprefix("metrics/").removesuffix(".tsv").partition("%~")[0]
    return "" if stem == "%" else unquote(stem)


def path_of_artifact(path: str) -> str:
    return unquote(path.removeprefix("artifacts/"), errors="surrogateescape")


def folded(path: str) -> str:
    """The path as a file system sees it that knows neither case nor normalisation."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())


@pytest.mark.parametrize(
    ("metric", "path"),
    [
        ("loss", "metrics/loss.tsv"),
        ("val/loss", "metrics/val/loss.tsv"),
        ("val_loss@0.5", "metrics/val_loss@0.5.tsv"),
        ("a b", "metrics/a b.tsv"),
        ("top-5 %", "metrics/top-5 %25.tsv"),
        ("", "metrics/%.tsv"),
        ("/", "metrics/%2F.tsv"),
        ("/abs//a/", "metrics/%2Fabs/%2Fa%2F.tsv"),
        ("../x", "metrics/%2E%2E/x.tsv"),
        (".", "metrics/%2E.tsv"),
        (".git/config", "metrics/%2Egit/config.tsv"),
        ("aux", "metrics/%61ux.tsv"),
        ("con.loss", "metrics/%63on.loss.tsv"),
        ("a:b*c?", "metrics/a%3Ab%2Ac%3F.tsv"),
        ("loss.tsv/a", "metrics/loss%2Etsv/a.tsv"),
        ("a./b /c", "metrics/a%2E/b%20/c.tsv"),
        ("Loss/train", "metrics/Loss/train%~5e1a0655.tsv"),
        ("損失", "metrics/損失%~a67e8505.tsv"),
    ],
)
def test_a_metric_has_the_file_people_would_look_for(metric, path):
    assert history_path(metric) == path
    assert metric_of_history(path) == metric


@thorough
@given(names)
def test_a_metrics_name_reads_back_from_its_file(name):
    assert metric_of_history(history_path(name)) == name


@thorough
@given(names, names)
def test_two_metrics_never_share_a_file_nor_one_the_others_folder(one, other):
    assume(one != other)
    first, second = folded(history_path(one)), folded(history_path(other))
    assert first != second
    assert not second.startswith(first + "/")


@pytest.mark.parametrize(("one", "other"), [("loss", "LOSS"), ("é", "e\u0301"), ("ß", "ss"), ("Loss/a", "loss/a")])
def test_names_that_some_systems_take_for_each_other_have_files_of_their_own(one, other):
    assert folded(history_path(one)) != folded(history_path(other))


def test_git_stores_every_name_and_finds_nothing_wrong_with_it(repository, git):
    found: set[str] = set()

    @settings(max_examples=200, deadline=None)
    @given(names, paths)
    def collect(name, path):
        found.update((history_path(name), manifest_path(path)))

    collect()
    for option in ("core.protectNTFS", "core.protectHFS"):
        git("config", option, "true", cwd=repository)
    assert _stored_by_git(found, repository) == found
    git("fsck", "--strict", cwd=repository)


def test_git_stores_every_artifact(repository):
    found: set[str] = set()

    @settings(max_examples=200, deadline=None)
    @given(st.one_of(names, paths).filter(bool))
    def collect(path):
        # Below a folder of its own: a path cannot be a file and a folder at once, but two examples can.
        found.add(artifact_path(f"{len(found)}/{path}"))

    collect()
    assert _stored_by_git(found, repository) == found


def _stored_by_git(found: set[str], repository: Path) -> set[str]:
    """The paths that git lists in a tree of these paths; bytes, for text would change line ends."""

    def git(*words: str, stdin: bytes = b"") -> bytes:
        return subprocess.run(["git", *words], cwd=repository, input=stdin, capture_output=True, check=True).stdout

    blob = git("rev-parse", "HEAD:README").decode().strip()
    index = "".join(f"100644 {blob}\t.twice/{path}\0" for path in found)
    git("update-index", "-z", "--add", "--index-info", stdin=os.fsencode(index))
    git("commit", "-q", "-m", "names")
    listed = os.fsdecode(git("ls-tree", "-r", "-z", "--name-only", "HEAD", ".twice"))
    return {path.removeprefix(".twice/") for path in listed.split("\0") if path}


@thorough
@given(paths)
def test_an_artifacts_path_reads_back(path):
    assert path_of_artifact(artifact_path(path)) == path


def test_an_artifact_keeps_its_own_path_where_git_allows_it():
    assert artifact_path("out/Plot 1.png") == "artifacts/out/Plot 1.png"
    assert artifact_path("/tmp/a") == "artifacts/%2Ftmp/a"
    assert artifact_path("../a/.GIT/b") == "artifacts/%2E%2E/a/%2EGIT/b"


@thorough
@given(paths, paths)
def test_two_folders_never_share_a_manifest(one, other):
    assume(one != other)
    assert folded(manifest_path(one)) != folded(manifest_path(other))


def test_a_manifest_is_named_after_its_folder():
    assert manifest_path("data/train") == "data/data-train-99ccaada8dad.sha256"
    assert manifest_path("") == "data/e3b0c44298fc.sha256"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "m.tsv: line 1: expected the columns"),
        (b"step\tvalue\n", "m.tsv: line 1: expected the columns"),
        (b"step\ttime_s\tvalue\n1\t2\t3\n1\t2\n", "m.tsv: line 3: expected three numbers"),
        (b"step\ttime_s\tvalue\n1\t2\tx\n", "m.tsv: line 2: expected three numbers"),
        (b"\xff", "m.tsv: not UTF-8 at byte 0"),
    ],
)
def test_a_history_that_is_none_is_named_with_its_line(content, message):
    with pytest.raises(RecordError) as caught:
        parse_history(content, "m.tsv")
    assert caught.value.message.startswith(message)


def test_columns_of_a_newer_history_are_passed_over():
    (point,) = parse_history(b"step\ttime_s\tvalue\tepoch\n1\t2.0\t-0.0\t7\n")
    assert (point.step, point.time_s, repr(point.value)) == (1, 2.0, "-0.0")
