"""Which lines install the captured distributions again, and what do such lines say?  Pip's syntax, both ways.

In: `Packages`. Out: the text of requirements.lock, in pip's syntax, one pinned distribution a line; and back. A pure
function of its input: equal packages are equal bytes. The door to pip-requirements-parser, which is pip's own parser.

    # Python 3.11.7 (CPython), cpython-311-x86_64-linux-gnu
    # To install, from the root of the repository: pip install --no-deps -r requirements.lock
    --extra-index-url https://download.pytorch.org/whl/cpu
    numpy==2.4.1
    torch==2.13.0+cpu  # from https://download.pytorch.org/whl/cpu
    -e ./libs/features  # features==1.0, commit 5f2b…, uncommitted changes
    model-zoo @ git+https://example.org/zoo@3c1e…#subdirectory=python  # model-zoo==0.3

A comment after a line holds what pip has no words for there; `read_lock` reads it back. What pip cannot install, as
what conda did, is a comment as a whole: `# conda: mkl==2024.0, sha256 9f2c… at https://…`.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twice.errors import RecordError
from twice.frozen import frozen
from twice.record.model import Distribution, Packages
from twice.textforms import normalise_name, quote_path, unquote_path

if TYPE_CHECKING:
    from pip_requirements_parser import InstallRequirement

# A version as PEP 440 has it, near enough to choose between `==` and `===`.
_REGULAR_VERSION = re.compile(
    r"""
    v? (?:\d+!)? \d+(?:\.\d+)*
    (?:[-_.]?(?:a|b|c|rc|alpha|beta|pre|preview)[-_.]?\d*)?
    (?:-\d+|[-_.]?(?:post|rev|r)[-_.]?\d*)?
    (?:[-_.]?dev[-_.]?\d*)?
    (?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?
    """,
    re.VERBOSE | re.IGNORECASE,
)
# What pip reads as a path, or as a URL, and as nothing else: no quotes, comments, options, extras or ${VARIABLES}.
_PLAIN_PATH = re.compile(r"[\w.@~+=,()/-]+(?: [\w.@~+=,()/][\w.@~+=,()/-]*)*")
_PLAIN_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[!$%&()*+,\-./:;=?@\w~]|\$\{\w+\})+", re.ASCII)
_ARCHIVE = re.compile(r"\.(?:whl|zip|tar|tar\.\w+|tgz|tbz|txz|tlz)$|^https?:", re.IGNORECASE)

_NOTE = re.compile(
    r"#\s+(?:(?P<kind>[a-z]+): )?(?P<name>[a-z0-9-]+)==(?P<version>[^\s,]+)(?P<facts>(?:, [^,]+?)*)(?: at (?P<url>.+))?"
)
_FROM = re.compile(r"#\s+from (\S+)")


@frozen
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
    text = "\n".join(lines) + "\n"
    return text if text.isascii() else f"# -*- coding: utf-8 -*-\n{text}"  # else pip decodes it by the locale


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
        # pip before 24.1 refuses `name @` before an address without a host, and needs no name there.
        name = "" if url.startswith("file:///") else f"{one.name} @ "
        return f"{name}{one.vcs}+{url}@{one.commit}" + _fragment(subdirectory=one.subdirectory)
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
        path.write_text(text, encoding="utf-8-sig", newline="\n")  # with a mark: else it decodes by the locale
        try:
            file = pip.RequirementsFile.from_file(str(path))
        except pip.InstallationError as error:
            raise RecordError("requirements.lock is not valid", details=(str(error),)) from error
    if file.invalid_lines:
        wrong = [f"line {line.line_number}: {line.line}" for line in file.invalid_lines]
        raise RecordError("requirements.lock is not valid", details=wrong)
    notes = {comment.line_number: comment.line for comment in file.comments}
    found = {one.line_number: _read_requirement(one, notes.pop(one.line_number, "")) for one in file.requirements}
    for line, note in notes.items():
        whole = _read_note(note)
        if whole is not None and whole.kind != "index":
            found[line] = whole
    return tuple(requirement for _, requirement in sorted(found.items()))


def _read_requirement(one: InstallRequirement, note: str) -> LockedRequirement:
    known = _read_note(note) or LockedRequirement(name=normalise_name(one.name or ""))
    hashes = tuple(one.hash_options)
    if one.link is None:
        pin = next((spec.version for spec in one.specifier if spec.operator in ("==", "===")), None)
        index = _FROM.fullmatch(note)
        return replace(known, version=pin, index=index[1] if index else None, hashes=hashes)
    url, _, fragment = one.link.url.partition("#")
    named = dict(pair.split("=", 1) for pair in fragment.split("&") if "=" in pair)
    if "sha256" in named:
        hashes = (*hashes, f"sha256:{named['sha256']}")
    known = replace(known, subdirectory=named.get("subdirectory"), hashes=hashes or known.hashes)
    if match := re.fullmatch(r"(git|hg|svn|bzr)\+(.+?)(?:@([^@/:]+))?", url):
        kind = "editable" if one.is_editable else "vcs"
        return replace(known, kind=kind, vcs=match[1], url=match[2], commit=match[3])
    if ":" not in url:
        url = url.removeprefix("./") or "."
    return replace(known, kind=_kind(one, url), url=url)


def _kind(one: InstallRequirement, url: str) -> str:
    if one.is_editable:
        return "editable"
    return "archive" if _ARCHIVE.search(url) else "directory"


def _read_note(note: str) -> LockedRequirement | None:
    """The requirement that a comment describes; None for any other comment."""
    match = _NOTE.fullmatch(note)
    if match is None:
        return None
    values: dict[str, Any] = {}
    for fact in match["facts"].split(", ")[1:]:
        key, _, value = fact.partition(" ")
        if key == "commit":
            values["commit"] = value
        elif key == "sha256":
            values["hashes"] = (f"sha256:{value}",)
        elif fact.endswith("uncommitted changes"):
            values["dirty"] = key != "no"
    if match["url"] is not None:
        values["url"] = unquote_path(match["url"])
    return LockedRequirement(name=match["name"], version=match["version"], kind=match["kind"] or "index", **values)
