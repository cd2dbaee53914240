r"""Which file of the record holds a document, a metric's history, a folder's manifest, an artifact?  Names to paths.

In: names and paths as people gave them. Out: paths under `.twice/` that git stores and every file system can check out.

A metric's name becomes a path that can be read back: `/` makes folders; what git trees or file systems forbid is
percent-encoded byte by byte (RFC 3986), `%` included: control characters, `\ : * ? " < > |`, a dot or blank at the end,
`.`, `..`, `.git`, Windows' device names (`aux`), slashes that would leave a part without a name, and the dot of a part
that ends in `.tsv`. Names that differ only by case or by Unicode normalisation are one file on macOS or Windows; so a
name with capitals or with characters beyond ASCII carries `%~` and eight digits of its SHA-256: `Loss/train` is in
`metrics/Loss/train%~5e1a0655.tsv`.
"""

from __future__ import annotations

import hashlib
import re

from twice.record.plain import clean_text
from twice.textforms import quote_path

DOCUMENT_PATHS = {
    "run": "run.yaml",
    "params": "params.yaml",
    "metrics": "metrics.yaml",
    "seeds": "seeds.yaml",
    "data": "data.yaml",
    "packages": "environment/packages.yaml",
    "machine": "environment/machine.yaml",
    "variables": "environment/variables.yaml",
}
"""Document → its file under `.twice/`, in the order they are written."""

README_PATH = "README.md"
LOCK_PATH = "environment/requirements.lock"
LOG_PATH = "logs/output.log"

_FORBIDDEN = r'[\x00-\x1f\x7f-\x9f%\\:*?"<>|\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\uffff]'
_NAMELESS_SLASH = re.compile(r"^/|(?<=/)/|/$")
# Parts whose first character is encoded: git's own names, and Windows' devices, with any extension.
_OF_GIT = re.compile(r"(?:\.git|git~\d+)(?![^. ])", re.IGNORECASE)
_OF_WINDOWS = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?![^. ])", re.IGNORECASE)
_TSV = re.compile(r"\.(?=tsv$)", re.IGNORECASE)
_AMBIGUOUS = re.compile(r"[^\x00-@\[-\x7f]")  # what case folding or normalisation could change

_EMPTY = "%"  # the file of the metric whose name is empty; every other % is followed by two digits or ~


def history_path(metric: str) -> str:
    """The file under `.twice/` that holds a metric's history: `loss` → `metrics/loss.tsv`."""
    metric = clean_text(metric)
    parts = _NAMELESS_SLASH.sub("%2F", re.sub(_FORBIDDEN, _encode, metric)).split("/")
    stem = "/".join(_encode_part(part) for part in parts) or _EMPTY
    tail = f"%~{hashlib.sha256(metric.encode()).hexdigest()[:8]}" if _AMBIGUOUS.search(metric) else ""
    return f"metrics/{stem}{tail}.tsv"


def manifest_path(folder: str) -> str:
    """The file under `.twice/` that lists a folder's files: `data/train` → `data/data-train-99ccaada8dad.sha256`."""
    digest = hashlib.sha256(quote_path(folder).encode()).hexdigest()[:12]
    slug = re.sub(r"[^A-Za-z0-9_.]+", "-", folder).strip("-.")[-60:].lstrip("-.")
    return f"data/{slug}-{digest}.sha256" if slug else f"data/{digest}.sha256"


def artifact_path(path: str) -> str:
    """The file under `.twice/` that holds an output's content: its own path below `artifacts/`.

    An absolute path, or one with parts that git forbids, is percent-encoded where it must be (`/tmp/a` → `%2Ftmp/a`).
    """
    stem = _NAMELESS_SLASH.sub("%2F", path.replace("%", "%25").replace("\0", "%00"))
    return "artifacts/" + "/".join(_encode_name_of_git(part) for part in stem.split("/"))


def _encode_part(part: str) -> str:
    part = _encode_name_of_git(part)
    if _OF_WINDOWS.match(part):
        part = _encode_first(part)
    return _TSV.sub("%2E", re.sub(r"[. ]$", _encode, part))


def _encode_name_of_git(part: str) -> str:
    if part in (".", ".."):
        return "%2E" * len(part)
    return _encode_first(part) if _OF_GIT.match(part) else part


def _encode_first(part: str) -> str:
    return f"%{ord(part[0]):02X}{part[1:]}"


def _encode(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode())
