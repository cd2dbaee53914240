"""Which lines install the captured distributions again, and what do such lines say?

In: `Packages`. Out: the text of requirements.lock, in pip's syntax, one pinned distribution a line; and back. A pure
function of its input: equal packages are equal bytes. The door to pip-requirements-parser, which is pip's own parser.

    # Python 3.11.7 (CPython), cpython-311-x86_64-linux-gnu
    # To install, from the root of the repository: pip install --no-deps -r requirements.lock
    --extra-index-url https://download.pytorch.org/whl/cpu
    numpy==2.4.1
    torch==2.13.0+cpu  # from https://download.pytorch.org/whl/cpu
    -e ./libs/features  # features==1.0, commit 5f2b…, uncommitted changes
    model-zoo @ git+https://example.org/zoo@3c1e…#subdirectory=python  # model-zoo==0.3

A comment after a line holds what pip has no words for there and `read_lock` reads back. What conda installed, pip cannot:
such a distribution is a comment as a whole, `# conda: …`.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twice.errors import RecordError
from twice.record.model import Distribution, Packages
from twice.textforms import quote_path, unquote_path

if TYPE_CHECKING:
    from pip_requirements_parser import InstallRequirement

# A version as PEP 440 has it, near enough to choose between `==` and `===`.
_REGULAR_VERSION = re.compile(r"v?(?:\d+!)?\d+(?:\.\d+)*[-_.]?(?:(?:a|b|c|rc|alpha|beta|pre|preview)[-_.]?\d*)?"
    r"(?:-\d+|[-_.]?(?:post|rev|r)[-_.]?\d*)?(?:[-_.]?dev[-_.]?\d*)?(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?", re.IGNORECASE)  # fmt: skip
_PLAIN_PATH = re.compile(
    r"[\w.@~+=,()/-]+(?: [\w.@~+=,()/][\w.@~+=,()/-]*)*"
)  # what pip reads as a path and nothing else
_PLAIN_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!$-;=?-Z\\^_a-z{|}~\]]+")

_NOTE = re.compile(
    r"#\s+(?:(?P<kind>[a-z]+): )?(?P<name>[a-z0-9-]+)==(?P<version>[^\s,]+)(?P<facts>(?:, [^,]+?)*)(?: at (?P<url>.+))?"
)
_FROM = re.compile(r"#\s+from (\S+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedRequirement:
    """One line of a lock."""

    name: str  # normalised (PEP 503); empty when a foreign line does not say it
    version: str | None = None
    kind: str = "index"  # or an Origin's kind: vcs, editable, directory, archive, conda
    url: str | None = None  # a path relative to the repository, or a URL
    vcs: str | None = None
    commit: str | None = None
    subdirectory: str | None = None
    dirty: bool | None = None
    index: str | None = None
    hashes: tuple[str, ...] = ()  # "sha256:…"

    @property
    def editable(self) -> bool:
        """Whether the code runs from where its source lies."""
        return self.kind == "editable"


def locked_requirement(one: Distribution) -> LockedRequirement:
    """What a lock says of a distribution."""
    origin = one.origin
    if origin is None:
        return LockedRequirement(name=one.name, version=one.version, index=one.index)
    return LockedRequirement(
        name=one.name,
        version=one.version,
        kind=origin.kind,
        url=origin.url,
        vcs=origin.vcs,
        commit=origin.commit,
        subdirectory=origin.subdirectory,
        dirty=origin.dirty,
        hashes=(f"sha256:{origin.sha256}",) if origin.sha256 else (),
    )


# --------------------------------------------------------------------------------------------------------- writing


def lock_text(packages: Packages) -> str:
    """The text of requirements.lock."""
    python = packages.interpreter
    requirements = sorted((locked_requirement(one) for one in packages.distributions), key=lambda one: one.name)
    lines = [
        f"# Python {python.version} ({python.implementation})" + (f", {python.abi}" if python.abi else ""),
        "# To install, from the root of the repository: pip install --no-deps -r requirements.lock",
        *(f"--extra-index-url {index}" for index in sorted({one.index for one in requirements if one.index})),
        *(_line(one) for one in requirements),
    ]
    return "\n".join(lines) + "\n"


def _line(one: LockedRequirement) -> str:
    if one.kind == "index":
        pin = f"{one.name}{'==' if _REGULAR_VERSION.fullmatch(one.version or '') else '==='}{one.version}"
        return f"{pin}  # from {one.index}" if one.index else pin
    place = _place(one)
    if place is None:
        where = f" at {quote_path(one.url)}" if one.url is not None else ""
        return f"# {one.kind}: {_note(one)}{where}"
    return f"{place}  # {_note(one)}"


def _place(one: LockedRequirement) -> str | None:
    """The words that make pip install it from where it came from; None when there are none."""
    url = one.url
    if url is None or one.kind == "conda":
        return None
    if ":" not in url:
        if one.kind == "vcs" or not _PLAIN_PATH.fullmatch(url):
            return None
        path = url if url == "." else f"./{url}"
        if one.kind == "editable":
            return f'-e "{path}"' if " " in path else f"-e {path}"
        return path
    if not _PLAIN_URL.fullmatch(url):
        return None
    if one.kind == "vcs":
        return f"{one.name} @ {one.vcs}+{url}@{one.commit}" + _fragment(subdirectory=one.subdirectory)
    if one.kind == "editable":
        return f"-e {url}"
    return f"{one.name} @ {url}" + _fragment(sha256=_sha256(one), subdirectory=one.subdirectory)


def _fragment(**pairs: str | None) -> str:
    text = "&".join(f"{key}={value}" for key, value in pairs.items() if value)
    return f"#{text}" if text else ""


def _note(one: LockedRequirement) -> str:
    """What a reader, and `read_lock`, should know of a line that does not say it: `features==1.0, commit 5f2b…`."""
    facts = [f"{one.name}=={one.version}"]
    if one.commit and one.kind != "vcs":
        facts.append(f"commit {one.commit}")
    if one.dirty is not None:
        facts.append("uncommitted changes" if one.dirty else "no uncommitted changes")
    if (sha256 := _sha256(one)) and (one.kind == "conda" or ":" not in (one.url or "")):
        facts.append(f"sha256 {sha256}")
    return ", ".join(facts)


def _sha256(one: LockedRequirement) -> str | None:
    return next((text[len("sha256:") :] for text in one.hashes if text.startswith("sha256:")), None)


# --------------------------------------------------------------------------------------------------------- reading


def read_lock(text: str) -> tuple[LockedRequirement, ...]:
    """The requirements in the text of a lock, or of any requirements file that names no other, in order.

    Raises RecordError, naming the line.
    """
    import pip_requirements_parser as pip

    with tempfile.TemporaryDirectory() as folder:  # the parser reads files only
        path = Path(folder, "requirements.lock")
        path.write_text(text, encoding="utf-8", newline="\n")
        try:
            file = pip.RequirementsFile.from_file(str(path))
        except pip.InstallationError as error:
            raise RecordError("requirements.lock is not valid", details=(str(error),)) from error
    if file.invalid_lines:
        wrong = [f"line {line.line_number}: {line.line}" for line in file.invalid_lines]
        raise RecordError("requirements.lock is not valid", details=wrong)
    notes = {comment.line_number: comment.line for comment in file.comments}
    found = [(one.line_number, _read_requirement(one, notes.pop(one.line_number, ""))) for one in file.requirements]
    found += [(line, whole) for line, note in notes.items() if (whole := _read_note(note)) is not None]
    return tuple(requirement for _, requirement in sorted(found, key=lambda pair: pair[0]))


def _read_requirement(one: InstallRequirement, note: str) -> LockedRequirement:
    facts = _NOTE.fullmatch(note)
    index = _FROM.fullmatch(note)
    name, version = (facts["name"], facts["version"]) if facts else (_normalised(one.name or ""), None)
    hashes = tuple(one.hash_options)
    if one.link is None:
        pin = next((spec.version for spec in one.specifier if spec.operator in ("==", "===")), None)
        return LockedRequirement(name=name, version=pin, index=index[1] if index else None, hashes=hashes)
    url, _, fragment = one.link.url.partition("#")
    pairs = dict(pair.split("=", 1) for pair in fragment.split("&") if "=" in pair)
    if pairs.get("sha256"):
        hashes = (*hashes, f"sha256:{pairs['sha256']}")
    noted = _read_facts(facts["facts"] if facts else "")
    values = {"name": name, "version": version, "subdirectory": pairs.get("subdirectory"), "dirty": noted.dirty}
    if match := re.fullmatch(r"(git|hg|svn|bzr)\+(.+?)(?:@([^@/:]+))?", url):
        kind = "editable" if one.is_editable else "vcs"
        return LockedRequirement(kind=kind, vcs=match[1], url=match[2], commit=match[3], **values)
    if ":" not in url:
        url = url.removeprefix("./") or "."
    kind = "editable" if one.is_editable else "archive" if _ARCHIVE.search(url) else "directory"
    hashes = hashes or noted.hashes
    return LockedRequirement(kind=kind, url=url, commit=noted.commit, hashes=hashes, **values)


_ARCHIVE = re.compile(r"\.(?:whl|zip|tar|tar\.\w+|tgz|tbz|txz|tlz)$|^https?:", re.IGNORECASE)


def _read_note(note: str) -> LockedRequirement | None:
    """The requirement that a comment holds as a whole; None for any other comment."""
    match = _NOTE.fullmatch(note)
    if match is None or match["kind"] is None:
        return None
    noted = _read_facts(match["facts"])
    url = unquote_path(match["url"]) if match["url"] is not None else None
    return replace(noted, name=match["name"], version=match["version"], kind=match["kind"], url=url)


def _read_facts(facts: str) -> LockedRequirement:
    values: dict[str, Any] = {}
    for fact in facts.split(", "):
        key, _, value = fact.partition(" ")
        if key in ("commit", "vcs", "subdirectory"):
            values[key] = value
        elif key == "sha256":
            values["hashes"] = (f"sha256:{value}",)
        elif fact.endswith("uncommitted changes"):
            values["dirty"] = key != "no"
    return LockedRequirement(name="", **values)


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
