"""The environment of a run as other tools install it; hashes from a real index, served here."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from commands import Git, Twice
from real_environments import needs_hashes_of_archives, uv
from twice.capture.distributions import record_digest
from twice.capture.packages import capture_packages
from twice.environments.exporting import export_environment, match_all
from twice.environments.indexes import configured_indexes
from twice.environments.matching import wheel_digest
from twice.environments.web import Web
from twice.errors import ReproductionError
from twice.record.model import Distribution, Interpreter, Origin, Packages

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Make = Callable[..., Any]


class Index:
    """A package index over a folder of files: the simple API as JSON or HTML, files with or without ranges."""

    def __init__(self, folder: Path, *, json_pages: bool, ranges: bool) -> None:
        self.folder, self.json_pages, self.ranges = folder, json_pages, ranges
        self.sent_bytes = 0
        self.logins: set[str | None] = set()
        index = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                index.logins.add(self.headers.get("Authorization"))
                found = index.answer(self.path, self.headers.get("Range"))
                self.send_response(found[0])
                for name, value in found[1].items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(found[2])))
                self.end_headers()
                self.wfile.write(found[2])

            def log_message(self, *words: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        self.url = f"http://{self.host}/simple"

    def answer(self, path: str, wanted: str | None) -> tuple[int, dict[str, str], bytes]:
        if path.startswith("/simple/"):
            return self.page(path.split("/")[2])
        content = (self.folder / Path(path).name).read_bytes()
        if wanted is None or not self.ranges:
            self.sent_bytes += len(content)
            return 200, {}, content
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        begin = int(first) if first else max(0, len(content) - int(last))
        end = min(int(last), len(content) - 1) if first else len(content) - 1
        self.sent_bytes += end + 1 - begin
        return 206, {"Content-Range": f"bytes {begin}-{end}/{len(content)}"}, content[begin : end + 1]

    def page(self, name: str) -> tuple[int, dict[str, str], bytes]:
        files = [path for path in sorted(self.folder.iterdir()) if path.name.startswith(name.replace("-", "_") + "-")]
        if not files:
            return 404, {}, b""
        digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
        if self.json_pages:
            entries = [
                {"filename": each, "url": f"/files/{each}", "hashes": {"sha256": sha256}}
                for each, sha256 in digests.items()
            ]
            content = {"meta": {"api-version": "1.0"}, "name": name, "files": entries}
            return 200, {"Content-Type": "application/vnd.pypi.simple.v1+json"}, json.dumps(content).encode()
        links = [f'<a href="../../files/{each}#sha256={sha256}">{each}</a>' for each, sha256 in digests.items()]
        return 200, {"Content-Type": "text/html"}, "\n".join(links).encode()


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Index]]:
    """Serve `tmp_path/wheelhouse`, and configure pip with it."""
    running: list[Index] = []

    def start(*, json_pages: bool = True, ranges: bool = True) -> Index:
        index = Index(tmp_path / "wheelhouse", json_pages=json_pages, ranges=ranges)
        threading.Thread(target=index.server.serve_forever, daemon=True).start()
        running.append(index)
        for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("PIP_INDEX_URL", index.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        return index

    yield start
    for index in running:
        index.server.shutdown()
        index.server.server_close()


@pytest.fixture
def installed(make_wheel: Make, make_environment: Make, repository: Path) -> Packages:
    """The packages of an environment with two wheels, one of them with files in every place a wheel can have."""
    make_wheel(
        "plain-one",
        "1.0",
        {
            "{data}/scripts/tool": "#!python\nprint(1)\n",
            "{data}/scripts/program": "\x7fELF not really",
            "{data}/data/share/x.txt": "x",
            "{data}/purelib/plain_extra.py": "y = 1\n",
            "{data}/headers/plain.h": "int x;\n",
            "{info}/entry_points.txt": "[console_scripts]\nplain = plain_one:main\n",
            "plain_data.bin": "0123456789abcdef" * 20_000,
        },
    )
    make_wheel("plain-one", "1.1")
    make_wheel("other-one", "2.0+local.1")
    environment = make_environment("first")
    environment.install("plain-one==1.0", "other-one")
    return capture_packages(environment.report(), repository, None)[0]


@pytest.mark.parametrize(("json_pages", "ranges"), [(True, True), (False, False)])
def test_each_installed_wheel_is_found_by_its_content(
    json_pages: bool, ranges: bool, installed: Packages, serve: Callable[..., Index], tmp_path: Path
) -> None:
    serve(json_pages=json_pages, ranges=ranges)
    matches = match_all(installed, configured_indexes(os.environ), os.environ, lambda text: None)
    wheels = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / "wheelhouse").iterdir()}
    assert {name: match.offer.sha256 for name, match in matches.items()} == {
        "plain-one": wheels["plain_one-1.0-py3-none-any.whl"],
        "other-one": wheels["other_one-2.0+local.1-py3-none-any.whl"],
    }


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_the_digest_of_a_wheel_is_that_of_its_installation(
    tool: str, installed: Packages, make_environment: Make, tmp_path: Path
) -> None:
    other = make_environment("other")
    other.install("plain-one==1.0", tool=tool)
    (record,) = (tmp_path / "other").glob("lib/python*/site-packages/plain_one-1.0.dist-info/RECORD")
    with (tmp_path / "wheelhouse" / "plain_one-1.0-py3-none-any.whl").open("rb") as wheel:
        expected = wheel_digest(wheel, "plain-one", sys.version.split()[0])
    assert record_digest(record.read_text(), str(record.parents[1])) == expected


def test_only_parts_of_a_large_file_are_fetched(make_wheel: Make, serve: Callable[..., Index], tmp_path: Path) -> None:
    path = make_wheel("large", "1.0", {f"part{number}.txt": os.urandom(50_000).hex() for number in range(20)})
    index = serve()
    with Web({}).file(f"http://{index.host}/files/{path.name}") as file:
        assert wheel_digest(file, "large", "3.11.7") is not None  # type: ignore[arg-type]
        assert file.size_bytes == path.stat().st_size
    assert index.sent_bytes < path.stat().st_size / 4
    with (
        zipfile.ZipFile(path) as one,
        Web({}).file(f"http://{index.host}/files/{path.name}") as file,
        zipfile.ZipFile(file) as two,  # type: ignore[type-var]
    ):
        assert [one.read(name) for name in one.namelist()] == [two.read(name) for name in two.namelist()]


def test_a_password_is_used_and_not_written(
    installed: Packages, serve: Callable[..., Index], monkeypatch: pytest.MonkeyPatch, make_run: Callable[..., Any]
) -> None:
    index = serve()
    monkeypatch.setenv("PIP_INDEX_URL", f"http://user:word@{index.host}/simple")
    text = export_environment(make_run(installed), "pylock", os.environ, lambda text: None)
    assert "Basic dXNlcjp3b3Jk" in index.logins
    assert "word" not in text


@pytest.fixture
def make_run() -> Callable[..., Any]:
    """A run with these packages."""
    from sample_runs import make_run as sample
    from twice.record.model import Environment

    def make(packages: Packages) -> Any:
        return replace(sample(), environment=Environment(packages=packages))

    return make


def test_a_changed_installation_has_no_hash(installed: Packages, serve: Callable[..., Index]) -> None:
    serve()
    changed = tuple(replace(one, record_sha256="0" * 64) for one in installed.distributions)
    with pytest.raises(ReproductionError) as raised:
        match_all(
            replace(installed, distributions=changed), configured_indexes(os.environ), os.environ, lambda text: None
        )
    assert [line.partition(":")[0] for line in raised.value.details] == ["other-one 2.0+local.1", "plain-one 1.0"]


def test_what_was_built_on_its_machine_is_named_by_its_source(
    installed: Packages, serve: Callable[..., Index], tmp_path: Path
) -> None:
    serve()
    source = tmp_path / "wheelhouse" / "plain_one-1.0.tar.gz"
    source.write_bytes(b"a source distribution")
    built = [
        replace(one, wheel_tags=("cp311-cp311-linux_x86_64",))
        for one in installed.distributions
        if one.name == "plain-one"
    ]
    told: list[str] = []
    packages = replace(installed, distributions=tuple(built))
    match = match_all(packages, configured_indexes(os.environ), os.environ, told.append)["plain-one"]
    assert match.built and match.offer.sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    assert any("was built on its machine" in text for text in told)


def test_no_index_is_an_error_that_names_what_has_no_hash(
    installed: Packages, make_run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(ReproductionError) as raised:
        export_environment(make_run(installed), "pylock", os.environ, lambda text: None)
    assert [line.partition(":")[0] for line in raised.value.details] == ["other-one 2.0+local.1", "plain-one 1.0"]
    assert "--format requirements" in (raised.value.hint or "")


def test_the_command_writes_what_uv_installs(
    twice: Twice,
    repository: Path,
    git: Git,
    make_wheel: Make,
    make_project: Make,
    make_environment: Make,
    serve: Callable[..., Index],
    tmp_path: Path,
) -> None:
    needs_hashes_of_archives()
    make_wheel("plain-one", "1.0")
    zoo = make_project(tmp_path / "zoo", "zoo", "2.0")
    git("init", "-q", cwd=zoo)
    git("add", "-A", cwd=zoo)
    git("commit", "-q", "-m", "zoo", cwd=zoo)
    make_project(repository / "libs", "features", "1.1")
    vendored = make_wheel("vendored", "0.3").rename(repository / "vendored-0.3-py3-none-any.whl")
    first = make_environment("first")
    first.install("plain-one", "-e", "./libs", f"./{vendored.name}", f"git+{zoo.as_uri()}", cwd=repository)
    twice("run", str(first.python), "train.py")
    shutil.rmtree(first.folder)

    requirements = twice("env", "export", "@").out
    assert "plain-one==1.0\n" in requirements and "-e ./libs" in requirements
    serve()
    twice("env", "export", "@", "--format", "pylock", "-o", "pylock.toml")
    table = tomllib.loads((repository / "pylock.toml").read_text())
    assert (table["lock-version"], table["created-by"]) == ("1.0", "twice")
    by_name = {one["name"]: one for one in table["packages"]}
    assert by_name["features"]["directory"] == {
        "path": "libs",
        "editable": True,
    }
    assert by_name["zoo"]["vcs"]["commit-id"] == git("rev-parse", "HEAD", cwd=zoo).strip()
    assert by_name["vendored"]["archive"]["hashes"]["sha256"] == hashlib.sha256(vendored.read_bytes()).hexdigest()
    second = make_environment("second")
    subprocess.run(
        [uv(), "pip", "sync", "-q", "--python", str(second.python), "pylock.toml"], cwd=repository, check=True
    )
    again = json.loads(twice("show", "@", "--json").out)["environment"]["packages"]
    found, _ = capture_packages(second.report(), repository, None)
    assert [(one.name, one.version, one.record_sha256) for one in found.distributions] == [
        (one["name"], one["version"], one.get("record_sha256")) for one in again["distributions"]
    ]


def test_conda_gets_its_explicit_list(make_run: Callable[..., Any]) -> None:
    mkl = Origin(kind="conda", url="https://conda.example.org/linux-64/mkl-2024.0-0.conda", sha256="a" * 64)
    python = Interpreter(implementation="cpython", version="3.11.7")
    packages = Packages(
        interpreter=python,
        distributions=(Distribution(name="mkl", version="2024.0", origin=mkl), Distribution(name="one", version="1.0")),
    )
    lines = export_environment(make_run(packages), "conda", {}, print).splitlines()
    assert lines[1:] == ["@EXPLICIT", f"{mkl.url}#sha256:{mkl.sha256}", "# pip: one==1.0"]
    with pytest.raises(ReproductionError, match="installed by conda"):
        export_environment(make_run(packages), "pylock", {}, print)
    with pytest.raises(ReproductionError, match="not made by conda"):
        export_environment(make_run(replace(packages, distributions=())), "conda", {}, print)
