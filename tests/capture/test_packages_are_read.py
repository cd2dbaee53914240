"""The distributions of an interpreter, read from real environments that pip and uv made."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from real_environments import needs_hashes_of_archives
from twice.capture.distributions import record_digest, wheel_tags
from twice.capture.origins import index_of, local_path, parse_direct_url
from twice.capture.package_cache import Stamp, load_cached, save_cached
from twice.capture.packages import capture_packages
from twice.record.model import Distribution, Origin
from twice.textforms import normalise_name

Make = Callable[..., Any]

BOOTSTRAP = {"pip", "setuptools", "wheel", "distribute"}


def report_of(*folders: Path, **facts: object) -> dict[str, Any]:
    """What the agent would report of an interpreter with this path."""
    prefix = str(folders[0])
    report = {"prefix": prefix, "base_prefix": prefix, "version": "3.11.7", "implementation": "CPython"}
    return {**report, "path": [str(folder) for folder in folders], **facts}


def own_report() -> dict[str, Any]:
    """What the agent would report of the interpreter that runs these tests."""
    return {
        "prefix": sys.prefix,
        "base_prefix": sys.base_prefix,
        "version": sys.version,
        "implementation": "CPython",
        "cache_tag": sys.implementation.cache_tag,
        "soabi": sysconfig.get_config_var("SOABI"),
        "path": sys.path,
    }


def write_info(site: Path, folder: str, metadata: bytes | str | None = None, **files: str) -> Path:
    info = site / folder
    info.mkdir(parents=True)
    if metadata is not None:
        info.joinpath("METADATA").write_bytes(metadata if isinstance(metadata, bytes) else metadata.encode())
    for name, text in files.items():
        info.joinpath(name.replace("_json", ".json")).write_text(text)
    return info


def names(distributions: tuple[Distribution, ...]) -> list[str]:
    return [f"{one.name} {one.version}" for one in distributions]


# ------------------------------------------------------------------------------------------ the standard library asked


def test_the_distributions_are_those_importlib_metadata_finds(tmp_path: Path) -> None:
    packages, warnings = capture_packages(own_report(), tmp_path, None)
    expected: dict[str, str] = {}
    for one in importlib.metadata.distributions():
        expected.setdefault(normalise_name(one.name), one.version)
    assert {one.name: one.version for one in packages.distributions if one.name not in BOOTSTRAP} == {
        name: version for name, version in expected.items() if name not in BOOTSTRAP
    }
    assert warnings == ()
    assert packages.interpreter.version == sys.version.split()[0]
    assert packages.interpreter.abi == sysconfig.get_config_var("SOABI")
    assert packages.interpreter.kind == ("system" if sys.prefix == sys.base_prefix else "venv")


# ---------------------------------------------------------------------------------------------------- pip and uv asked


def test_the_digest_of_a_wheel_does_not_depend_on_who_installed_it_or_where(
    make_wheel: Make, make_environment: Make, tmp_path: Path
) -> None:
    make_wheel(
        "alpha-tool",
        "1.0",
        {
            "alpha_data/table, one.csv": "a,b\n",
            "{info}/entry_points.txt": "[console_scripts]\nalpha = alpha_tool:main\n",
            "{data}/scripts/alpha-shell": "#!python\nprint(1)\n",
            "{data}/scripts/alpha-program": "\x7fELF not really\n",
            "{data}/data/share/alpha/notes.txt": "notes\n",
            "{info}/licenses/LICENSE": "free\n",
        },
        tag="py2.py3-none-any",
    )
    by_pip, by_uv, elsewhere = (make_environment(name) for name in ("by-pip", "by-uv", "somewhere/else entirely"))
    by_pip.install("alpha-tool")
    by_uv.install("alpha-tool", tool="uv")
    elsewhere.install("alpha-tool")
    found = [capture_packages(one.report(), tmp_path, None)[0] for one in (by_pip, by_uv, elsewhere)]
    assert [one.installer for packages in found for one in packages.distributions] == ["pip", "uv", "pip"]
    assert found[0] == found[2]
    ((first,), (second,)) = found[0].distributions, found[1].distributions
    assert replace(first, installer=None) == replace(second, installer=None)
    assert first.wheel_tags == ("py2-none-any", "py3-none-any")
    assert first.record_sha256 is not None

    # The oracle is the pair of texts itself: they do differ, and the digest sees a change of content.
    records = [next(one.folder.rglob("RECORD")).read_text() for one in (by_pip, by_uv)]
    assert sorted(records[0].splitlines()) != sorted(records[1].splitlines())
    site = next(by_pip.folder.rglob("RECORD")).parent.parent
    for changed in ("alpha_data/table, one.csv", "bin/alpha-program"):
        lines = records[0].splitlines()
        (line,) = [line for line in lines if changed in line]
        lines[lines.index(line)] = line.replace("sha256=", "sha256=A")
        assert record_digest("\n".join(lines), str(site)) != first.record_sha256
    (script,) = [line for line in records[0].splitlines() if "bin/alpha-shell" in line]
    assert record_digest(records[0].replace(script, ""), str(site)) == first.record_sha256


def test_every_kind_of_origin(
    make_wheel: Make, make_project: Make, make_environment: Make, git: Make, repository: Path, tmp_path: Path
) -> None:
    needs_hashes_of_archives()
    make_wheel("from-index", "1.0", tag="py3-none-any")
    wheel = make_wheel("vendored", "0.3")
    inside = repository / "vendor" / wheel.name
    inside.parent.mkdir()
    wheel.rename(inside)
    make_project(repository / "libs" / "features", "features", "1.1")
    make_project(repository / "libs" / "plain", "plain", "1.2")
    make_project(tmp_path / "outside lib", "outside", "1.3")
    zoo = tmp_path / "zoo"
    make_project(zoo / "python", "zoo", "2.0")
    git("init", "-q", cwd=zoo)
    git("add", "-A", cwd=zoo)
    git("commit", "-q", "-m", "zoo", cwd=zoo)
    commit = git("rev-parse", "HEAD", cwd=zoo).strip()

    environment = make_environment("environment")
    environment.install("from-index", str(inside), "-e", "./libs/features", "./libs/plain", cwd=repository)
    environment.install("-e", str(tmp_path / "outside lib"), f"git+{zoo.as_uri()}@{commit}#subdirectory=python")
    asked: list[Path] = []

    def describe_tree(folder: Path) -> tuple[str | None, bool | None]:
        asked.append(folder)
        return "c" * 40, True

    packages, warnings = capture_packages(environment.report(), repository, None, describe_tree)
    assert warnings == ()
    origins = {one.name: one.origin for one in packages.distributions}
    outside = (tmp_path / "outside lib").as_uri()
    archive = origins.pop("vendored")
    assert archive is not None and archive.sha256 is not None
    assert replace(archive, sha256=None) == Origin(kind="archive", url=f"vendor/{wheel.name}")
    assert origins == {
        "features": Origin(kind="editable", url="libs/features"),
        "from-index": None,
        "outside": Origin(kind="editable", url=outside, commit="c" * 40, dirty=True),
        "plain": Origin(kind="directory", url="libs/plain"),
        "zoo": Origin(kind="vcs", url=zoo.as_uri(), vcs="git", commit=commit, subdirectory="python"),
    }
    assert asked == [tmp_path / "outside lib"]  # what lies inside the repository is in the snapshot
    digests = {one.name: one.record_sha256 is not None for one in packages.distributions}
    assert digests == {
        "features": False,
        "from-index": True,
        "outside": False,
        "plain": True,
        "vendored": True,
        "zoo": True,
    }


def test_a_repository_inside_the_repository_is_described(repository: Path, tmp_path: Path, git: Make) -> None:
    nested = repository / "nested"
    nested.mkdir()
    git("init", "-q", cwd=nested)
    site = tmp_path / "site-packages"
    url = json.dumps({"url": (nested / "python").as_uri(), "dir_info": {"editable": True}})
    write_info(site, "n-1.dist-info", "Name: n\nVersion: 1\n", direct_url_json=url)
    packages, _ = capture_packages(report_of(site), repository, None, lambda folder: (folder.name, False))
    assert packages.distributions[0].origin == Origin(
        kind="editable", url="nested/python", commit="python", dirty=False
    )


# --------------------------------------------------------------------------------------------------- older forms


def test_the_first_on_the_path_wins_and_names_are_normalised(tmp_path: Path) -> None:
    first, second = tmp_path / "a" / "site-packages", tmp_path / "b" / "site-packages"
    write_info(first, "Foo.Bar-1.0.dist-info", "Name: Foo.Bar\nVersion: 1.0\n")
    write_info(second, "foo_bar-2.0.dist-info", "Name: foo_bar\nVersion: 2.0\n")
    write_info(second, "only-3.0.dist-info", "Name: only\nVersion: 3.0\n")
    path = report_of(first, second, tmp_path / "absent", tmp_path / "a.zip", first)
    path["path"] += ["", "relative"]
    assert names(capture_packages(path, tmp_path / "repository", None)[0].distributions) == ["foo-bar 1.0", "only 3.0"]


def test_eggs_and_development_installs(tmp_path: Path) -> None:
    root, site = tmp_path / "repository", tmp_path / "lib" / "dist-packages"
    site.mkdir(parents=True)
    site.joinpath("debian_file-1.0.egg-info").write_text("Metadata-Version: 1.0\nName: debian-file\nVersion: 1.0\n")
    for folder, name in (
        (site / "folder-2.0.egg-info", "folder"),
        (site / "zipped-2.1-py3.11.egg" / "EGG-INFO", "zipped"),
        (root / "src" / "mine.egg-info", "mine"),
        (root / "linked" / "linked.egg-info", "linked"),
        (tmp_path / "other" / "other.egg-info", "other"),
    ):
        folder.mkdir(parents=True)
        folder.joinpath("PKG-INFO").write_text(f"Name: {name}\nVersion: 2.0\n")
    site.joinpath("linked.egg-link").write_text(f"{root / 'linked'}\n.")
    report = report_of(root / "src", site, site / "zipped-2.1-py3.11.egg", root / "linked", tmp_path / "other")
    packages, warnings = capture_packages(report, root, None)
    assert warnings == ()
    assert {one.name: one.origin for one in packages.distributions} == {
        "debian-file": None,
        "folder": None,
        "zipped": None,
        "linked": Origin(kind="editable", url="linked"),
        "other": Origin(kind="editable", url=(tmp_path / "other").as_uri()),
    }


def test_an_install_says_more_than_the_source_trees_own_metadata(tmp_path: Path) -> None:
    root, site = tmp_path / "repository", tmp_path / "site-packages"
    other = tmp_path / "other"
    other.joinpath("other.egg-info").mkdir(parents=True)
    other.joinpath("other.egg-info", "PKG-INFO").write_text("Name: other\nVersion: 0.0\n")
    url = json.dumps({"url": other.as_uri(), "dir_info": {"editable": True}})
    write_info(site, "other-1.0.dist-info", "Name: other\nVersion: 1.0\n", INSTALLER="pip\n", direct_url_json=url)
    packages, _ = capture_packages(report_of(other, site), root, None)
    assert packages.distributions == (
        Distribution(name="other", version="1.0", installer="pip", origin=Origin(kind="editable", url=other.as_uri())),
    )


def test_an_editable_install_without_a_direct_url(tmp_path: Path) -> None:
    root, site = tmp_path / "repository", tmp_path / "site-packages"
    record = "__editable__.old-1.0.pth,sha256=x,1\nold-1.0.dist-info/RECORD,,\n"
    write_info(site, "old-1.0.dist-info", "Name: old\nVersion: 1.0\n", RECORD=record)
    pth = site / "__editable__.old-1.0.pth"
    pth.write_text(f"{root / 'src'}\n")
    assert capture_packages(report_of(site), root, None)[0].distributions[0].origin == Origin(
        kind="editable", url="src"
    )
    pth.write_text("import __editable___old_finder; __editable___old_finder.install()\n")
    assert capture_packages(report_of(site), root, None)[0].distributions[0].origin == Origin(kind="editable")


def test_conda_and_pip_side_by_side(tmp_path: Path) -> None:
    prefix = tmp_path / "conda"
    site = prefix / "lib" / "python3.11" / "site-packages"
    for name, installer in (("numpy", "conda"), ("torch", "conda"), ("rich", "pip"), ("clash", "pip")):
        write_info(site, f"{name}-1.0.dist-info", f"Name: {name}\nVersion: 1.0\n", INSTALLER=f"{installer}\n")
    meta = prefix / "conda-meta"
    meta.mkdir()
    for name in ("numpy", "pytorch", "mkl", "clash", "pip"):
        url = f"https://me:pw@conda.example.org/linux-64/{name}-1.0-h1.conda"
        facts = {"name": name, "version": "1.0", "url": url, "sha256": "ab" * 32}
        meta.joinpath(f"{name}-1.0-h1.json").write_text(json.dumps(facts))
    meta.joinpath("history").write_text("")
    meta.joinpath("broken-1.json").write_text("{")
    packages, warnings = capture_packages(report_of(site, prefix=str(prefix), base_prefix=str(prefix)), tmp_path, None)
    assert warnings == ("conda-meta/broken-1.json: cannot be read; left out",)
    assert packages.interpreter.kind == "conda"

    def conda(name: str) -> Origin:
        url = f"https://conda.example.org/linux-64/{name}-1.0-h1.conda"
        return Origin(kind="conda", url=url, sha256="ab" * 32)

    assert {one.name: (one.installer, one.origin) for one in packages.distributions} == {
        "clash": ("pip", None),
        "mkl": ("conda", conda("mkl")),
        "numpy": ("conda", conda("numpy")),
        "pytorch": ("conda", conda("pytorch")),
        "rich": ("pip", None),
        "torch": ("conda", Origin(kind="conda")),
    }


# ------------------------------------------------------------------------------------------------- what is left out


@pytest.mark.parametrize(
    ("requires", "kept"),
    [
        ("", []),
        ("Requires-Dist: setuptools\n", ["setuptools"]),
        ("Requires-Dist: Pip (>=20)\nRequires-Dist: wheel>=0.4\n", ["pip", "wheel"]),
        ("Requires-Dist: setuptools ; python_version >= '3.12'\n", []),
        ("Requires-Dist: setuptools ; python_version >= '3.11'\n", ["setuptools"]),
        ("Requires-Dist: setuptools ; extra == 'test'\n", []),
        ("Requires-Dist: setuptools ; not a marker\n", ["setuptools"]),
        ("Requires-Dist: setuptools-scm\n", []),
    ],
)
def test_the_tools_of_a_fresh_environment_stay_out_unless_required(
    requires: str, kept: list[str], tmp_path: Path
) -> None:
    for name in ("pip", "setuptools", "wheel"):
        write_info(tmp_path, f"{name}-1.dist-info", f"Name: {name}\nVersion: 1\nRequires-Dist: wheel\n")
    write_info(tmp_path, "torch-1.dist-info", f"Name: torch\nVersion: 1\n{requires}\nRequires-Dist: pip\n")
    packages, _ = capture_packages(report_of(tmp_path), tmp_path / "repository", None)
    assert [one.name for one in packages.distributions if one.name != "torch"] == kept


# ------------------------------------------------------------------------------------------------- broken metadata


def test_broken_metadata_is_a_warning(tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    write_info(site, "nothing_inside-1.0.dist-info")
    write_info(site, "bad_bytes-1.0.dist-info", b"Name: bad-bytes\nVersion: 1.0\nAuthor: \xff\xfe\n\n\xff description")
    write_info(site, "fine-1.0.dist-info", b"Name: fine\r\nVersion: 1.0\r\n\r\nVersion: 9 \xff")
    write_info(site, "~umpy-1.0.dist-info")
    write_info(site, "no_version.dist-info", "Name: no-version\n")
    write_info(site, "bad_url-1.0.dist-info", "Name: bad-url\nVersion: 1.0\n", direct_url_json="[]")
    bad_record = write_info(site, "bad_record-1.0.dist-info", "Name: bad-record\nVersion: 1.0\n")
    bad_record.joinpath("RECORD").write_bytes(b"caf\xe9.py,sha256=x,1\n")
    site.joinpath("a_file-1.0.dist-info").write_text("")
    packages, warnings = capture_packages(report_of(site), tmp_path / "repository", None)
    assert names(packages.distributions) == [
        "a-file 1.0",
        "bad-bytes 1.0",
        "bad-record 1.0",
        "bad-url 1.0",
        "fine 1.0",
        "nothing-inside 1.0",
    ]
    assert [text.partition(":")[0] for text in warnings] == [
        "a_file-1.0.dist-info",
        "bad_bytes-1.0.dist-info",
        "bad_record-1.0.dist-info",
        "bad_url-1.0.dist-info",
        "no_version.dist-info",
        "nothing_inside-1.0.dist-info",
        "~umpy-1.0.dist-info",
    ]


# ------------------------------------------------------------------------------------------------------ small parts


def test_tags_are_written_out() -> None:
    wheel = "Wheel-Version: 1.0\nTag: cp39.cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64\nTag: broken\n"
    assert wheel_tags(wheel) == (
        "cp310-abi3-manylinux2014_x86_64",
        "cp310-abi3-manylinux_2_17_x86_64",
        "cp39-abi3-manylinux2014_x86_64",
        "cp39-abi3-manylinux_2_17_x86_64",
    )


@pytest.mark.parametrize(
    ("name", "version", "index"),
    [
        ("torch", "2.13.0+cpu", "https://download.pytorch.org/whl/cpu"),
        ("torchvision", "0.20.1+cu124", "https://download.pytorch.org/whl/cu124"),
        ("torch", "2.5.0+rocm6.2", "https://download.pytorch.org/whl/rocm6.2"),
        ("torch", "2.13.0", None),
        ("torch", "2.13.0+git3c1e0a5", None),
        ("mine", "1.0+cpu", None),
    ],
)
def test_a_local_label_needs_its_index(name: str, version: str, index: str | None) -> None:
    assert index_of(name, version) == index


@pytest.mark.parametrize(
    ("direct_url", "origin"),
    [
        (
            {"url": "https://me:pw@host/a.git", "vcs_info": {"vcs": "git", "commit_id": "ab", "requested_revision": "v1"}},
            Origin(kind="vcs", url="https://host/a.git", vcs="git", commit="ab"),
        ),
        (
            {"url": "https://host/a.whl#sha256=00", "archive_info": {"hash": "sha256=ab", "hashes": {"sha256": "ab"}}},
            Origin(kind="archive", url="https://host/a.whl", sha256="ab"),
        ),
        (
            {"url": "file:///a.whl", "archive_info": {"hash": "sha256=ab"}},
            Origin(kind="archive", url="file:///a.whl", sha256="ab"),
        ),
        ({"url": "file:///a.whl", "archive_info": {"hash": "md5=ab"}}, Origin(kind="archive", url="file:///a.whl")),
        ({"url": "https://host/a.whl", "archive_info": {}}, Origin(kind="archive", url="https://host/a.whl")),
        ({"url": "file:///root", "dir_info": {"editable": True}}, Origin(kind="editable", url=".")),
        ({"url": "file:///root/a%20b", "dir_info": {}}, Origin(kind="directory", url="a b")),
        ({"url": "file:///rootless", "dir_info": {}}, Origin(kind="directory", url="file:///rootless")),
        ({"url": "file://localhost/root/x", "dir_info": {}}, Origin(kind="directory", url="x")),
    ],
)  # fmt: skip
@pytest.mark.skipif(os.name == "nt", reason="POSIX paths")
def test_a_direct_url_becomes_an_origin(direct_url: dict[str, Any], origin: Origin) -> None:
    assert parse_direct_url(direct_url, Path("/root")) == origin


def test_a_repository_reached_through_a_link_is_the_same_repository(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    editable = {"dir_info": {"editable": True}}
    assert parse_direct_url({"url": (real / "lib").as_uri(), **editable}, link).url == "lib"
    assert parse_direct_url({"url": (link / "lib").as_uri(), **editable}, real).url == "lib"


def test_a_path_survives_being_a_url(tmp_path: Path) -> None:
    for name in ("plain", "with space", "ünï#?%41", "semi;colon"):
        assert local_path((tmp_path / name).as_uri()) == tmp_path / name
    assert local_path("https://host/x") is None


# ------------------------------------------------------------------------------------------------------- the cache


def test_a_cached_reading_is_used_and_a_damaged_one_is_not(tmp_path: Path) -> None:
    root, cache = tmp_path / "repository", tmp_path / "cache"
    fresh = capture_packages(own_report(), root, None)
    assert capture_packages(own_report(), root, cache) == fresh
    (file,) = cache.iterdir()
    assert capture_packages(own_report(), root, cache) == fresh

    content = json.loads(file.read_text())
    content["distributions"], content["warnings"] = content["distributions"][:1], ["from the cache"]
    file.write_text(json.dumps(content))
    packages, warnings = capture_packages(own_report(), root, cache)
    assert (packages.distributions, warnings) == (fresh[0].distributions[:1], ("from the cache",))

    for damage in (
        "",
        "[]",
        "{}",
        json.dumps({**content, "distributions": [{"name": 1}]}),
        '{"key": "other"}',
        "\udcff",
    ):
        file.write_text(damage, errors="surrogateescape")
        assert capture_packages(own_report(), root, cache) == fresh
    assert [one.name for one in cache.iterdir()] == [file.name]


def test_the_cache_is_optional(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    fresh = capture_packages(own_report(), tmp_path, None)
    assert capture_packages(own_report(), tmp_path, blocked / "cache") == fresh


def test_a_stamp_changes_with_every_file_read(tmp_path: Path) -> None:
    file = tmp_path / "RECORD"
    files = [str(file), str(tmp_path / "absent")]
    file.write_text("one")
    before = Stamp(files).key
    assert Stamp(files).key == before
    assert Stamp(files, "context").key != before
    file.write_text("three")
    changed = Stamp(files).key
    assert changed != before
    tmp_path.joinpath("absent").write_text("")
    assert Stamp(files).key not in (before, changed)
    assert Stamp(files[:1]).key not in (before, changed)


def test_what_changed_a_moment_ago_is_not_trusted_to_a_cache(tmp_path: Path) -> None:
    file, young = tmp_path / "cache.json", tmp_path / "young"
    young.write_text("")
    one = Distribution(name="a", version="1", wheel_tags=("py3-none-any",), origin=Origin(kind="editable", url="x"))
    save_cached(file, Stamp([str(young)]), [one], ["w"])
    assert load_cached(file, Stamp([str(young)])) is None
    assert [path.name for path in tmp_path.iterdir()] == ["young"]
    settled = Stamp([os.__file__])
    save_cached(file, settled, [one], ["w"])
    assert load_cached(file, settled) == ((one,), ("w",))


def test_an_upgrade_is_seen_through_the_cache(make_wheel: Make, make_environment: Make, tmp_path: Path) -> None:
    environment, cache = make_environment("environment"), tmp_path / "cache"
    for version in ("1.0", "1.1"):
        make_wheel("alpha", version)
        environment.install(f"alpha=={version}")
        packages, _ = capture_packages(environment.report(), tmp_path / "repository", cache)
        assert names(packages.distributions) == [f"alpha {version}"]


def test_nothing_is_imported_for_it(tmp_path: Path) -> None:
    code = (
        "import sys; before = set(sys.modules); import twice.capture.packages, twice.capture.variables, "
        "twice.capture.secrets, twice.capture.machine; print(*sorted(set(sys.modules) - before))"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    loaded = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    heavy = {
        "pip_requirements_parser",
        "packaging",
        "yaml",
        "dulwich",
        "jsonschema",
        "importlib.metadata",
        "email",
        "platform",
    }
    assert not heavy & set(loaded.stdout.split())
