"""What is the text of a `pylock.toml` (PEP 751) for these packages?  Pure: packages and their files in, TOML out.

Every wheel, source distribution and archive has its hash. What a lock file has no words for, such as uncommitted changes in a
folder, is in `[packages.tool.twice]`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from twice.capture.origins import local_path
from twice.capture.secrets import cut_credentials
from twice.environments.matching import Match
from twice.record.model import Distribution, Origin, Packages


def pylock_text(packages: Packages, matches: Mapping[str, Match], run_id: str) -> str:
    """The text; `matches` has the file of every distribution that came from an index."""
    interpreter = packages.interpreter
    lines = [
        'lock-version = "1.0"',
        f'requires-python = "=={".".join(interpreter.version.split(".")[:2])}.*"',
        'created-by = "twice"',
    ]
    for one in packages.distributions:
        lines += ["", *_package(one, matches.get(one.name))]
    lines += ["", "[tool.twice]", f"run = {_text(run_id)}", f"python = {_text(interpreter.version)}"]
    if interpreter.abi:
        lines.append(f"abi = {_text(interpreter.abi)}")
    return "\n".join(lines) + "\n"


def _package(one: Distribution, match: Match | None) -> list[str]:
    lines = ["[[packages]]", f"name = {_text(one.name)}"]
    if one.origin is not None and one.origin.kind in ("vcs", "editable", "directory"):
        return [*lines, *_tree(one, one.origin)]  # a source tree says its version itself
    lines.append(f"version = {_text(one.version)}")
    if one.origin is not None:
        return [*lines, "[packages.archive]", *_archive(one.origin)]
    if match is None:
        raise ValueError(f"{one.name}: no file")
    offer = match.offer
    if offer.index:
        lines.append(f"index = {_text(cut_credentials(offer.index))}")
    entry = {
        "name": offer.filename,
        "url": cut_credentials(offer.url),
        "size": offer.size_bytes,
        "hashes": {"sha256": offer.sha256},
    }
    lines.append(f"sdist = {_inline(entry)}" if match.built else f"wheels = [{_inline(entry)}]")
    return [*lines, *_tool(built_on_its_machine=True)] if match.built else lines


def _tree(one: Distribution, origin: Origin) -> list[str]:
    if origin.kind == "vcs":
        lines = ["[packages.vcs]", f"type = {_text(origin.vcs or 'git')}"]
        lines += [f"url = {_text(origin.url or '')}", f"commit-id = {_text(origin.commit or '')}"]
    else:
        lines = ["[packages.directory]", f"path = {_text(_path(origin.url or '.'))}"]
        lines += ["editable = true"] if origin.kind == "editable" else []
    if origin.subdirectory:
        lines.append(f"subdirectory = {_text(origin.subdirectory)}")
    if origin.kind != "vcs":
        lines += _tool(version=one.version, commit=origin.commit, uncommitted_changes=origin.dirty)
    return lines


def _archive(origin: Origin) -> list[str]:
    url = origin.url or ""
    lines = [f"path = {_text(_path(url))}" if ":" not in url or url.startswith("file:") else f"url = {_text(url)}"]
    if origin.subdirectory:
        lines.append(f"subdirectory = {_text(origin.subdirectory)}")
    return [*lines, f"hashes = {_inline({'sha256': origin.sha256})}"]


def _path(url: str) -> str:
    found = local_path(url)
    return found.as_posix() if found is not None else url


def _tool(**facts: Any) -> list[str]:
    known = [f"{name.replace('_', '-')} = {_value(value)}" for name, value in facts.items() if value is not None]
    return ["[packages.tool.twice]", *known] if known else []


def _inline(values: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{name} = {_value(value)}" for name, value in values.items() if value is not None) + "}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return _inline(value)
    return str(value) if isinstance(value, int) else _text(value)


def _text(value: str) -> str:
    """A basic string of TOML: as in JSON, but that DEL must be escaped and a lone surrogate cannot be."""
    clean = value.encode("utf-8", "replace").decode("utf-8")
    return json.dumps(clean, ensure_ascii=False).replace("\x7f", "\\u007f")


def conda_text(packages: Packages) -> str:
    """An explicit list for `conda create --file` (CEP 23), and what pip installed beside it as comments."""
    lines = ["# made by twice; to install: conda create --name NAME --file THIS-FILE", "@EXPLICIT"]
    others: Sequence[Distribution] = [
        one for one in packages.distributions if one.origin is None or one.origin.kind != "conda"
    ]
    for one in packages.distributions:
        if one.origin is not None and one.origin.kind == "conda" and one.origin.url:
            lines.append(one.origin.url + (f"#sha256:{one.origin.sha256}" if one.origin.sha256 else ""))
    return "\n".join([*lines, *(f"# pip: {one.name}=={one.version}" for one in others)]) + "\n"
