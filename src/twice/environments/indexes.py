"""Where does this user's pip look for packages?  Its environment variables and configuration files in, `Indexes` out.

Pip's own order: variables win over the user's file, which wins over the system's. `extra-index-url` and `find-links` hold
several values, apart by white space. uv reads none of this, so it is handed over to it; what uv is configured with by its
own variables and files stays in force beside it.
"""

from __future__ import annotations

import configparser
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from twice.environments.programs import ask_tool
from twice.frozen import frozen


@frozen
class Indexes:
    """The places that offer packages; an empty `index` is the default one."""

    index: str = ""
    extra: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False

    def all_urls(self) -> tuple[str, ...]:
        """Every index that speaks the simple API and is named, the main one first."""
        return () if self.no_index else tuple(dict.fromkeys(filter(None, (self.index, *self.extra))))


def configured_indexes(environ: Mapping[str, str]) -> Indexes:
    """What pip is configured with, and uv by its variables."""
    values = _from_files(environ)
    for name in ("index-url", "extra-index-url", "find-links", "no-index"):
        if value := environ.get("PIP_" + name.upper().replace("-", "_")):
            values[name] = value
    index = environ.get("UV_DEFAULT_INDEX") or environ.get("UV_INDEX_URL") or values.get("index-url", "")
    extra = f"{environ.get('UV_INDEX', '')} {environ.get('UV_EXTRA_INDEX_URL', '')} {values.get('extra-index-url', '')}"
    links = f"{environ.get('UV_FIND_LINKS', '').replace(',', ' ')} {values.get('find-links', '')}"
    return Indexes(
        index=_without_name(index),
        extra=tuple(dict.fromkeys(map(_without_name, extra.split()))),
        find_links=tuple(dict.fromkeys(links.split())),
        no_index="true" in (_truth(values.get("no-index", "")), _truth(environ.get("UV_NO_INDEX", ""))),
    )


def with_default_index(indexes: Indexes, environ: Mapping[str, str]) -> Indexes:
    """The same, with pip's own default index named where none is configured: pip's help is where pip tells it."""
    if indexes.index or indexes.no_index:
        return indexes
    told = ask_tool([sys.executable, "-m", "pip", "help", "install"], {**environ, "COLUMNS": "80"}) or ""
    match = re.search(r"--index-url\b.*?\(default\s+(https?://[^\s)]+)\)", told, re.DOTALL)
    return replace(indexes, index=match[1]) if match else indexes


def uv_options(indexes: Indexes) -> list[str]:
    """The words that tell uv the same.

    Every index is asked for every pin, as pip does: uv alone would take the first index that knows a name, and fail
    where a second one has the version. Which wheel it was is proved afterwards, by its RECORD.
    """
    words = ["--index-strategy", "unsafe-best-match"]
    if indexes.index:
        words += ["--default-index", indexes.index]
    for url in indexes.extra:
        words += ["--extra-index-url", url]
    for place in indexes.find_links:
        words += ["--find-links", place]
    return [*words, "--no-index"] if indexes.no_index else words


def _from_files(environ: Mapping[str, str]) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    for path in _files(environ):
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError, OSError):
            continue  # pip says so itself when it is asked
    values: dict[str, str] = {}
    for section in ("global", "install"):
        if parser.has_section(section):
            values |= {name.replace("_", "-"): value for name, value in parser.items(section) if value}
    return values


def _files(environ: Mapping[str, str]) -> list[Path]:
    own = environ.get("PIP_CONFIG_FILE")
    if own == os.devnull:
        return []
    home = Path(environ.get("HOME") or Path.home())
    found = [Path("/etc/xdg/pip/pip.conf"), Path("/etc/pip.conf")]
    found += [home / ".pip/pip.conf", Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip/pip.conf"]
    if roaming := environ.get("APPDATA"):
        found.append(Path(roaming) / "pip" / "pip.ini")
    return [*found, Path(own)] if own else found


def _truth(text: str) -> str:
    return "true" if text.strip().lower() in ("1", "true", "yes", "on") else "false"


def _without_name(url: str) -> str:
    """`name=https://…`, as uv's variables may have it, without the name."""
    name, equals, rest = url.partition("=")
    return rest if equals and "/" not in name and ":" not in name else url
