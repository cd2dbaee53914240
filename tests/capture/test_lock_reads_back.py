"""A lock is deterministic text that says all that is needed to install again, and reads back whole."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twice.capture.lock import LockedRequirement, lock_text, locked_requirement, read_lock
from twice.errors import RecordError
from twice.record.model import Distribution, Interpreter, Origin, Packages

PYTHON = Interpreter(implementation="CPython", version="3.11.7", abi="cpython-311-x86_64-linux-gnu", kind="venv")


def packages(*distributions: Distribution) -> Packages:
    return Packages(interpreter=PYTHON, distributions=distributions)


def test_every_kind_of_line() -> None:
    digest = "ab" * 32
    origins = {
        "clean": Origin(kind="directory", url="file:///clean", commit="c4", dirty=False),
        "finder": Origin(kind="editable"),
        "lib": Origin(kind="editable", url="my libs/lib"),
        "local-zoo": Origin(kind="vcs", url="file:///zoo", vcs="git", commit="c2"),
        "mine": Origin(kind="editable", url="."),
        "mkl": Origin(kind="conda", url="https://c/mkl.conda", sha256=digest),
        "other": Origin(kind="editable", url="file:///other%20lib", commit="c3", dirty=True),
        "plain": Origin(kind="directory", url="libs/plain"),
        "wheel-in": Origin(kind="archive", url="w/wheel_in-1-py3-none-any.whl", sha256=digest),
        "wheel-out": Origin(kind="archive", url="https://h/w.whl", sha256=digest),
        "zoo": Origin(kind="vcs", url="https://h/zoo", vcs="git", commit="c1", subdirectory="py"),
    }
    text = lock_text(
        packages(
            *(Distribution(name=name, version="1", origin=origin) for name, origin in origins.items()),
            Distribution(name="numpy", version="2.4.1"),
            Distribution(name="torch", version="2.13.0+cpu", index="https://download.pytorch.org/whl/cpu"),
            Distribution(name="old", version="1.0-snapshot7x"),
        )
    )
    assert text.splitlines() == [
        "# Python 3.11.7 (CPython), cpython-311-x86_64-linux-gnu",
        "# To install, from the root of the repository: pip install --no-deps -r requirements.lock",
        "--extra-index-url https://download.pytorch.org/whl/cpu",
        "clean @ file:///clean  # clean==1, commit c4, no uncommitted changes",
        "# editable: finder==1",
        '-e "./my libs/lib"  # lib==1',
        "git+file:///zoo@c2  # local-zoo==1",
        "-e .  # mine==1",
        f"# conda: mkl==1, sha256 {digest} at https://c/mkl.conda",
        "numpy==2.4.1",
        "old===1.0-snapshot7x",
        "-e file:///other%20lib  # other==1, commit c3, uncommitted changes",
        "./libs/plain  # plain==1",
        "torch==2.13.0+cpu  # from https://download.pytorch.org/whl/cpu",
        f"./w/wheel_in-1-py3-none-any.whl  # wheel-in==1, sha256 {digest}",
        f"wheel-out @ https://h/w.whl#sha256={digest}  # wheel-out==1",
        "zoo @ git+https://h/zoo@c1#subdirectory=py  # zoo==1",
    ]


def test_a_path_in_any_alphabet_and_in_none() -> None:
    found = [Origin(kind="editable", url="bücher"), Origin(kind="directory", url=os.fsdecode(b"caf\xe9"))]
    one, two = (Distribution(name=f"n{i}", version="1", origin=origin) for i, origin in enumerate(found))
    text = lock_text(packages(one, two))
    assert text.encode("utf-8").splitlines()[0] == b"# -*- coding: utf-8 -*-"  # so that pip need not guess (PEP 263)
    assert text.splitlines()[-2:] == ["-e ./bücher  # n0==1", '# directory: n1==1 at "caf\\351"']
    assert read_lock(text) == (locked_requirement(one), locked_requirement(two))


def test_an_environment_without_distributions() -> None:
    assert read_lock(lock_text(packages())) == ()


def test_a_lock_that_people_wrote_is_read_too() -> None:
    text = """\
# pinned by hand
--index-url https://example.org/simple
Foo.Bar==1.0 --hash=sha256:aa --hash=sha256:bb   # because
baz >= 2 ; python_version > "3"
qux==1 \\
    --hash=sha256:cc
-e git+https://h/r@v1#egg=Editable_One&subdirectory=py
./libs/thing
"""
    assert read_lock(text) == (
        LockedRequirement(name="foo-bar", version="1.0", hashes=("sha256:aa", "sha256:bb")),
        LockedRequirement(name="baz"),
        LockedRequirement(name="qux", version="1", hashes=("sha256:cc",)),
        LockedRequirement(
            name="editable-one", kind="editable", vcs="git", url="https://h/r", commit="v1", subdirectory="py"
        ),
        LockedRequirement(name="", kind="directory", url="libs/thing"),
    )
    assert [one.editable for one in read_lock(text)] == [False, False, False, True, False]


@pytest.mark.parametrize("line", ["two words", "name ==", "--no-such-option", '-e "unfinished'])
def test_a_line_that_is_no_requirement_is_named(line: str) -> None:
    with pytest.raises(RecordError, match=r"requirements\.lock is not valid") as caught:
        read_lock(f"numpy==1\n{line}\n")
    assert line.split()[0] in "".join(caught.value.details) or "line 2" in "".join(caught.value.details)


# --------------------------------------------------------------------------------------------------- the property

NAMES = st.from_regex(r"[a-z0-9]{1,4}(-[a-z0-9]{1,4}){0,2}", fullmatch=True)
VERSIONS = st.from_regex(
    r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}((a|rc|\.post|\.dev)[0-9])?(\+[a-z0-9]{1,6}(\.[a-z0-9]{1,6})?)?", fullmatch=True
)
ODD_VERSIONS = st.from_regex(r"[0-9A-Za-z][0-9A-Za-z.+!_-]{0,12}", fullmatch=True).filter(lambda text: "-e" not in text)
COMMITS = st.text("0123456789abcdef", min_size=40, max_size=40)
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
PARTS = st.one_of(
    st.from_regex(r"[A-Za-z0-9_+=@~][A-Za-z0-9_+=@~.,-]{0,6}", fullmatch=True),
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=6),
).filter(lambda part: part not in (".", ".."))
PATHS = st.one_of(st.just("."), st.lists(PARTS, min_size=1, max_size=3).map("/".join)).filter(
    lambda path: ":" not in path
)
FILE_URLS = st.lists(PARTS, min_size=1, max_size=3).map(lambda parts: "file:///" + "/".join(map(quote, parts)))
WEB_URLS = st.builds(
    "https://host.example{}/{}".format,
    st.sampled_from(["", ":8080"]),
    st.lists(PARTS, min_size=1, max_size=3).map(lambda parts: "/".join(map(quote, parts))),
)
DIRTY = st.sampled_from([None, True, False])


def local_tree(kind: Any) -> st.SearchStrategy[Origin]:
    return st.builds(Origin, kind=kind, url=st.one_of(PATHS, FILE_URLS), commit=st.none() | COMMITS, dirty=DIRTY)


def _is_archive(origin: Origin) -> bool:
    return PurePosixPath(origin.url or "").suffix in (".whl", ".zip", ".gz", ".tar")


ORIGINS = st.one_of(
    st.none(),
    local_tree(st.just("editable")),
    local_tree(st.just("directory")).filter(lambda origin: not _is_archive(origin)),
    st.builds(Origin, kind=st.just("editable")),
    st.builds(
        Origin,
        kind=st.just("vcs"),
        url=st.one_of(WEB_URLS, FILE_URLS, st.just("ssh://git@host/a.git")),
        vcs=st.sampled_from(["git", "hg"]),
        commit=COMMITS,
        subdirectory=st.none() | st.just("a/b"),
    ),
    st.builds(
        Origin,
        kind=st.just("archive"),
        url=st.one_of(PATHS.filter(lambda path: path != "."), FILE_URLS, WEB_URLS).map(
            lambda url: url + "/a-1-py3-none-any.whl"
        ),
        sha256=st.none() | DIGESTS,
    ),
    st.builds(Origin, kind=st.just("conda"), url=st.none() | WEB_URLS, sha256=st.none() | DIGESTS),
)


@st.composite
def distributions(draw: st.DrawFn) -> Distribution:
    origin = draw(ORIGINS)
    version = draw(VERSIONS if origin is None else st.one_of(VERSIONS, ODD_VERSIONS))
    index = draw(st.sampled_from([None, "https://download.pytorch.org/whl/cpu"])) if origin is None else None
    return Distribution(name=draw(NAMES), version=version, origin=origin, index=index)


@settings(deadline=None)
@given(st.lists(distributions(), max_size=6, unique_by=lambda one: one.name))
def test_a_lock_loses_nothing(found: list[Distribution]) -> None:
    text = lock_text(packages(*found))
    assert read_lock(text) == tuple(locked_requirement(one) for one in sorted(found, key=lambda one: one.name))
    assert lock_text(packages(*reversed(found))) == text
    assert text.endswith("\n") and len(text.splitlines()) == text.count("\n")


@settings(deadline=None)
@given(distributions(), distributions())
def test_two_distributions_differ_in_their_lines(first: Distribution, second: Distribution) -> None:
    same = locked_requirement(first) == locked_requirement(second)
    assert (lock_text(packages(first)) == lock_text(packages(second))) == same


def test_what_a_lock_leaves_to_packages_yaml() -> None:
    one = Distribution(name="a", version="1", installer="pip", wheel_tags=("py3-none-any",), record_sha256="00")
    assert lock_text(packages(one)) == lock_text(
        packages(replace(one, installer="uv", wheel_tags=(), record_sha256=None))
    )
