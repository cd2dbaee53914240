"""Where did a distribution come from?  Its direct_url.json, or the index that its version's label needs.

In: a parsed direct_url.json (PEP 610), a name and version. Out: an `Origin` without credentials, and without a path of
this machine where the place lies inside the repository. Pure, but for symbolic links, followed to compare paths.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from twice.capture.secrets import cut_credentials
from twice.record.model import Origin

_TORCH_WHEELS = frozenset({"torch", "torchvision", "torchaudio", "torchao", "torchtext", "torch-tensorrt", "xformers"})
_TORCH_LABEL = re.compile(r"cpu|xpu|cu\d+|rocm\d+(?:\.\d+)*")


def index_of(name: str, version: str) -> str | None:
    """The index that has the wheel of a local version label, where one is known: PyTorch's, one a label."""
    label = version.partition("+")[2]
    if name in _TORCH_WHEELS and _TORCH_LABEL.fullmatch(label):
        return f"https://download.pytorch.org/whl/{label}"
    return None


def parse_direct_url(direct_url: Mapping[str, Any], root: Path) -> Origin:
    """The origin that a direct_url.json (PEP 610) describes, credentials cut.

    A local path below `root` is relative to it (`.` for the root itself); any other stays a `file:` URL. Raises
    KeyError, TypeError or AttributeError for one that breaks the specification.
    """
    url, subdirectory = str(direct_url["url"]), direct_url.get("subdirectory")
    local = local_path(url)
    if (vcs := direct_url.get("vcs_info")) is not None:
        return Origin(
            kind="vcs", url=cut_credentials(url), vcs=vcs["vcs"], commit=vcs["commit_id"], subdirectory=subdirectory
        )
    where = place(local, root) if local is not None else cut_credentials(url.partition("#")[0])
    if (archive := direct_url.get("archive_info")) is not None:
        algorithm, _, digest = (archive.get("hash") or "").partition("=")
        sha256 = (archive.get("hashes") or {}).get("sha256") or (digest if algorithm == "sha256" else None)
        return Origin(kind="archive", url=where, subdirectory=subdirectory, sha256=sha256)
    editable = bool((direct_url.get("dir_info") or {}).get("editable"))
    return Origin(kind="editable" if editable else "directory", url=where, subdirectory=subdirectory)


def local_path(url: str) -> Path | None:
    """The path that a `file:` URL (RFC 8089) names; None for any other URL."""
    if not url.startswith("file:"):
        return None
    text = url[len("file:") :].partition("#")[0]
    if text.startswith("//"):
        text = "/" + text[2:].partition("/")[2]
    path = unquote(text, errors="surrogateescape")
    return Path(path[1:] if os.name == "nt" and re.match(r"/[A-Za-z]:", path) else path)


def place(path: Path, root: Path) -> str:
    """A local path as an origin holds it: relative to the root inside it, else a `file:` URL."""
    for inner, outer in ((path, root), (Path(os.path.realpath(path)), Path(os.path.realpath(root)))):
        if inner.is_relative_to(outer):
            return inner.relative_to(outer).as_posix()
    return path.as_uri()
