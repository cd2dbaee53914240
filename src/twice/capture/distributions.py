"""What does one installed distribution say of itself?  Its metadata on disk, read without importing anything.

In: the folders of an interpreter's path. Out: where metadata lies (`find_metadata`) and, one at a time, the
`Distribution` it describes. Specifications: "Recording installed projects" (PEP 376, 627), direct_url.json (PEP 610),
binary distribution format (PEP 427), normalised names (PEP 503), conda-meta as conda writes it.

Broken metadata is never an error here: what can be read is kept, and the rest becomes a warning.
"""

# ruff: noqa: PTH110, PTH113, PTH117, PTH118, PTH119, PTH123
# Paths are texts here: a walk looks at thousands of small files, and a Path for each costs more than the reading.

from __future__ import annotations

import csv
import hashlib
import itertools
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from twice.capture.origins import index_of, parse_direct_url, place
from twice.capture.secrets import cut_credentials
from twice.frozen import frozen
from twice.record.model import Distribution, Origin
from twice.textforms import normalise_name

_FOLDER_NAME = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*?)(?:-(?P<version>\d[^-]*)(?:-.*)?)?\.(?:dist-info|egg-info|egg)"
)
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+!_-]*")


@frozen
class Metadata:
    """Where the metadata of one distribution lies."""

    kind: Literal["dist-info", "egg-info", "develop", "conda"]
    path: str  # the metadata's folder, or the one file that it is
    location: str  # the folder that the paths in RECORD start from; of `develop`, the source tree

    def files(self) -> tuple[str, ...]:
        """The files that a `Distribution` is read from: when none of them changed, neither did it."""
        if self.kind == "dist-info":
            return tuple(os.path.join(self.path, name) for name in _READ)
        return (self.path, os.path.join(self.path, "PKG-INFO"))


_READ = ("METADATA", "RECORD", "WHEEL", "INSTALLER", "direct_url.json")


@frozen
class Reading:
    """A distribution, the raw Requires-Dist of its metadata, and what was wrong with it."""

    distribution: Distribution | None
    requires: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


# --------------------------------------------------------------------------------------------------- finding


def find_metadata(path: Sequence[str], prefix: str | None, root: Path) -> list[Metadata]:
    """All metadata along an interpreter's path, in its order; sorted by name within a folder.

    A `*.egg-info` that does not lie in a folder of installed packages is a source tree's own: outside `root` it is an
    editable install, inside it is the run's code and is passed over, unless an egg-link installed it.
    """
    found: list[Metadata] = []
    for folder in dict.fromkeys(path):
        if not os.path.isabs(folder):
            continue
        if folder.endswith(".egg"):
            found.append(Metadata(kind="egg-info", path=os.path.join(folder, "EGG-INFO"), location=folder))
        for name in _names(folder):
            found += _metadata_named(name, folder, root)
    if prefix is not None:
        folder = os.path.join(prefix, "conda-meta")
        found += [
            Metadata(kind="conda", path=os.path.join(folder, name), location=prefix)
            for name in _names(folder)
            if name.endswith(".json")
        ]
    return [metadata for metadata in found if os.path.exists(metadata.path)]


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:  # not there, not a folder (a zip file), not ours to read
        return []


def _metadata_named(name: str, folder: str, root: Path) -> Iterable[Metadata]:
    path = os.path.join(folder, name)
    if name.endswith(".dist-info"):
        yield Metadata(kind="dist-info", path=path, location=folder)
    elif name.endswith(".egg-info"):
        if os.path.basename(folder) in ("site-packages", "dist-packages"):
            yield Metadata(kind="egg-info", path=path, location=folder)
        elif not Path(folder).is_relative_to(root):
            yield Metadata(kind="develop", path=path, location=folder)
    elif name.endswith(".egg-link"):
        source = (_read(path) or b"").decode("utf-8", "surrogateescape").partition("\n")[0].strip()
        for inner in _names(source) if os.path.isabs(source) else []:
            if inner.endswith(".egg-info"):
                yield Metadata(kind="develop", path=os.path.join(source, inner), location=source)


# --------------------------------------------------------------------------------------------------- reading


def read_distribution(metadata: Metadata, root: Path) -> Reading:
    """The distribution that some metadata describes; local paths relative to `root` when inside."""
    if metadata.kind == "conda":
        return _read_conda(metadata)
    warnings: list[str] = []
    shown = os.path.basename(metadata.path)
    head = _read_head(metadata, warnings)
    by_name = _FOLDER_NAME.fullmatch(shown)
    name = head.get("name", [by_name["name"] if by_name else ""])[0]
    version = head.get("version", [(by_name and by_name["version"]) or ""])[0]
    if not _NAME.fullmatch(name) or not _VERSION.fullmatch(version):
        return Reading(distribution=None, warnings=(f"{shown}: does not say which distribution it is; left out",))
    name = normalise_name(name)
    origin = _origin(metadata, root, warnings)
    described = Distribution(
        name=name,
        version=version,
        origin=origin,
        index=index_of(name, version) if origin is None else None,
        installer=_first_line(_read(os.path.join(metadata.path, "INSTALLER"))),
        wheel_tags=wheel_tags((_read(os.path.join(metadata.path, "WHEEL")) or b"").decode("utf-8", "replace")),
        record_sha256=None if origin is not None and origin.kind == "editable" else _record_sha256(metadata, warnings),
    )
    requires = tuple(head.get("requires-dist", ()))
    return Reading(distribution=described, requires=requires, warnings=tuple(f"{shown}: {text}" for text in warnings))


def _read_head(metadata: Metadata, warnings: list[str]) -> dict[str, list[str]]:
    """Lower-case field → values, from the header of METADATA or PKG-INFO; the description after it is skipped."""
    folder = metadata.path
    if os.path.isfile(folder):  # Debian's single-file egg-info
        content = _read(folder)
    else:
        content = _read(os.path.join(folder, "METADATA" if metadata.kind == "dist-info" else "PKG-INFO"))
    head = re.split(rb"\r?\n\r?\n", content or b"", maxsplit=1)[0]
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError:
        warnings.append("its metadata is not UTF-8")
        text = head.decode("utf-8", "replace")
    fields: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon and not key[:1].isspace():
            fields.setdefault(key.lower(), []).append(value.strip())
    if not fields.keys() >= {"name", "version"}:
        warnings.append("its metadata is not readable; name and version are those of its folder")
    return fields


def wheel_tags(wheel: str) -> tuple[str, ...]:
    """The tags in the text of a WHEEL file, sorted, compressed sets written out: `py2.py3-none-any` is two."""
    tags: set[str] = set()
    for line in wheel.splitlines():
        key, _, value = line.partition(":")
        if key.strip().lower() == "tag" and value.count("-") == 2:
            sets = (part.split(".") for part in value.strip().split("-"))
            tags.update("-".join(parts) for parts in itertools.product(*sets))
    return tuple(sorted(tags))


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def _first_line(content: bytes | None) -> str | None:
    words = (content or b"").decode("utf-8", "replace").split()
    return words[0] if words else None


# ---------------------------------------------------------------------------------------------------- RECORD

_BY_THE_INSTALLER = frozenset({"INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json", "uv_build.json"})


def _record_sha256(metadata: Metadata, warnings: list[str]) -> str | None:
    content = _read(os.path.join(metadata.path, "RECORD"))
    if content is None:
        return None
    try:
        return record_digest(content.decode("utf-8"), metadata.location)
    except (UnicodeDecodeError, csv.Error):
        warnings.append("its RECORD cannot be read; its files have no digest")
        return None


def record_digest(record: str, location: str) -> str:
    """sha256 over what a RECORD says of the wheel's own content, the same whichever tool installed the wheel.

    One line `path,hash` a file, sorted, `/` in paths. Left out, because installers write them each in their own way:
    INSTALLER, REQUESTED, direct_url.json, uv's notes and RECORD itself; byte code (`*.pyc`); and the scripts in the
    environment's bin (`Scripts`) folder that start with `#!` or are Windows launchers, for they hold the
    environment's path. A real program there (as the `ruff` wheel has) counts. Sizes are left out: the hash says more.
    """
    rows = []
    for row in csv.reader(record.splitlines()):
        if len(row) < 2:
            continue
        path = row[0].replace("\\", "/")
        folder, _, name = path.rpartition("/")
        if path.endswith(".pyc") or (name in _BY_THE_INSTALLER and folder.endswith(".dist-info")):
            continue
        if folder.endswith(("/bin", "/Scripts")) and path.startswith(("../", "/")) and _is_script(path, location):
            continue
        rows.append(f"{path},{row[1]}\n")
    return hashlib.sha256("".join(sorted(rows)).encode("utf-8", "surrogateescape")).hexdigest()


def _is_script(path: str, location: str) -> bool:
    if path.lower().endswith(".exe"):
        return True
    try:
        with open(os.path.join(location, path), "rb") as file:
            return file.read(2) == b"#!"
    except OSError:
        return True  # removed or unreadable: a script more likely than not


# ---------------------------------------------------------------------------------------------------- origins


def _origin(metadata: Metadata, root: Path, warnings: list[str]) -> Origin | None:
    if metadata.kind == "develop":
        return Origin(kind="editable", url=place(Path(metadata.location), root))
    content = _read(os.path.join(metadata.path, "direct_url.json"))
    if content is None:
        return _editable_without_url(metadata, root)
    try:
        return parse_direct_url(json.loads(content), root)
    except (ValueError, TypeError, AttributeError, KeyError):
        warnings.append("its direct_url.json cannot be read; where it came from is not known")
        return None


def _editable_without_url(metadata: Metadata, root: Path) -> Origin | None:
    """An editable install of an older tool: no direct_url.json, but a path file that RECORD lists."""
    record = (_read(os.path.join(metadata.path, "RECORD")) or b"").decode("utf-8", "replace")
    match = re.search(r"^(__editable__[^,/\n]*\.pth),", record, re.MULTILINE)
    if match is None:
        return None
    source = _first_text_line(_read(os.path.join(metadata.location, match[1])))
    return Origin(kind="editable", url=place(Path(source), root) if os.path.isabs(source) else None)


def _first_text_line(content: bytes | None) -> str:
    return (content or b"").decode("utf-8", "surrogateescape").partition("\n")[0].strip()


# ------------------------------------------------------------------------------------------------------ conda


def _read_conda(metadata: Metadata) -> Reading:
    shown = f"conda-meta/{os.path.basename(metadata.path)}"
    try:
        package = json.loads(_read(metadata.path) or b"")
        url = package.get("url")
        origin = Origin(kind="conda", url=cut_credentials(url) if url else None, sha256=package.get("sha256"))
        described = Distribution(name=normalise_name(package["name"]), version=package["version"], origin=origin)
    except (ValueError, TypeError, AttributeError, KeyError):
        return Reading(distribution=None, warnings=(f"{shown}: cannot be read; left out",))
    return Reading(distribution=replace(described, installer="conda"))
