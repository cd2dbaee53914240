"""Which file of an index is the one that is installed?  A distribution and its index's offers in, the file and its hash out.

An installed environment knows no archive hash, only the RECORD of what was in it. Each wheel on an index holds its own
RECORD: read from the end of the remote file by ranges, and put where an installer would put its files, it must give the
digest that was recorded. Equal: that file *is* what was installed. Nothing is guessed by name and version.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from typing import IO

from twice.environments.simple_index import Offer
from twice.environments.web import RemoteFile, Web
from twice.frozen import frozen
from twice.record.model import Distribution

_NEVER_IN_DIGEST = frozenset({"INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json", "uv_build.json"})


@frozen
class Match:
    """The file that a distribution was installed from, or built from (`built`)."""

    offer: Offer
    built: bool = False


def find_match(one: Distribution, offers: Iterable[Offer], python: str, web: Web) -> Match | None:
    """The offer that is what is installed; a source distribution where no wheel is and it was built on its machine.

    Raises Unreachable when a file could not be read.
    """

    def digest(file: RemoteFile) -> str | None:
        return wheel_digest(io.BufferedReader(file), one.name, python)

    same = [offer for offer in offers if _same_version(offer.version, one.version)]
    wheels = [offer for offer in same if offer.tags]
    likely = [offer for offer in wheels if offer.tags == one.wheel_tags]
    likely += [offer for offer in wheels if offer not in likely and set(offer.tags) & set(one.wheel_tags)]
    for offer in likely:
        with web.file(offer.url) as file:
            if one.record_sha256 is not None and digest(file) == one.record_sha256:
                sha256 = offer.sha256 or hashlib.sha256(file.whole()).hexdigest()
                return Match(offer=replace(offer, sha256=sha256, size_bytes=file.size_bytes))
    if any(offer.tags == one.wheel_tags for offer in wheels):
        return None  # the same build is there, with other files: what was installed was changed
    sources = [offer for offer in same if not offer.tags]
    for offer in sources:
        with web.file(offer.url) as file:
            sha256 = offer.sha256 or hashlib.sha256(file.whole()).hexdigest()
            return Match(offer=replace(offer, sha256=sha256, size_bytes=file.size_bytes), built=True)
    return None


def wheel_digest(file: IO[bytes], name: str, python: str) -> str | None:
    """What `capture.distributions.record_digest` gives for this wheel once it is installed; None for a broken wheel.

    `python` is the version (`3.11.7`), which is in the path of header files.
    """
    try:
        with zipfile.ZipFile(file) as wheel:
            info = next(path for path in wheel.namelist() if re.fullmatch(r"[^/]+\.dist-info/RECORD", path))
            rows = []
            for row in csv.reader(wheel.read(info).decode("utf-8").splitlines()):
                path = _installed_path(row[0], name, python) if len(row) >= 2 else None
                if path is None or _is_left_out(path):
                    continue
                if "/scripts/" in row[0] and ".data/" in row[0] and wheel.open(row[0]).read(2) == b"#!":
                    continue
                rows.append(f"{path},{row[1]}\n")
    except (zipfile.BadZipFile, KeyError, StopIteration, UnicodeDecodeError, csv.Error):
        return None
    return hashlib.sha256("".join(sorted(rows)).encode("utf-8", "surrogateescape")).hexdigest()


def _installed_path(path: str, name: str, python: str) -> str | None:
    """Where an installer puts a file of a wheel, from the folder of installed packages (PEP 427, "spread")."""
    match = re.fullmatch(r"[^/]+\.data/(purelib|platlib|scripts|data|headers)/(.+)", path)
    if match is None:
        return path
    kind, inner = match.groups()
    if kind in ("purelib", "platlib"):
        return inner
    minor = ".".join(python.split(".")[:2])
    above = {"scripts": "bin/", "data": "", "headers": f"include/site/python{minor}/{name}/"}[kind]
    return f"../../../{above}{inner}"


def _is_left_out(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return path.endswith(".pyc") or (name in _NEVER_IN_DIGEST and folder.endswith(".dist-info"))


def _same_version(offered: str, installed: str) -> bool:
    plain = re.compile(r"[-_.]+")
    return plain.sub(".", offered).lower() == plain.sub(".", installed).lower()
