"""Is the rebuilt environment the one that was recorded?  Both as captured in, each difference with its reason out.  Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from twice.record.model import Distribution, Packages

_NOT_FROM_AN_INDEX = re.compile(r"-linux_\w+$")  # indexes take manylinux and musllinux only: it was built where it ran


def differences(recorded: Packages, rebuilt: Packages) -> tuple[str, ...]:
    """One line a difference, `numpy 2.4.1: …`, sorted by name; empty when the digests prove that there is none."""
    was, now = ({one.name: one for one in side.distributions} for side in (recorded, rebuilt))
    found = []
    if recorded.interpreter.version != rebuilt.interpreter.version:
        found.append(f"Python {recorded.interpreter.version} → {rebuilt.interpreter.version}")
    elif recorded.interpreter.abi != rebuilt.interpreter.abi:
        found.append(f"Python's ABI {recorded.interpreter.abi} → {rebuilt.interpreter.abi}")
    for name in sorted(was.keys() | now.keys()):
        reason = _reason(was.get(name), now.get(name))
        if reason is not None:
            found.append(f"{name} {(was.get(name) or now[name]).version}: {reason}")
    return tuple(found)


def is_twice(name: str) -> bool:
    """Whether a distribution is `twice` itself: what watches is no part of what is watched."""
    return name == "twice"


def _reason(was: Distribution | None, now: Distribution | None) -> str | None:
    if was is None or now is None:
        return "was not there" if was is None else "is missing"
    if is_twice(was.name):
        return None
    if was.version != now.version:
        return f"is {now.version} now"
    kinds = [one.origin.kind if one.origin else "index" for one in (was, now)]
    if kinds[0] != kinds[1] and "editable" in kinds:
        return f"installed from {kinds[0]}, now from {kinds[1]}"
    if "editable" in kinds:
        return _tree_reason(was, now)
    if was.record_sha256 is None or now.record_sha256 is None:
        return None  # nothing to compare by: the verdict calls it unknown
    if was.record_sha256 == now.record_sha256:
        return None
    return _content_reason(was, now)


def _tree_reason(was: Distribution, now: Distribution) -> str | None:
    a, b = was.origin, now.origin
    if a is None or b is None or (a.url, a.commit, a.dirty) == (b.url, b.commit, b.dirty):
        return None
    return f"editable from {_place(a.url, a.commit, a.dirty)}, now from {_place(b.url, b.commit, b.dirty)}"


def _place(url: str | None, commit: str | None, dirty: bool | None) -> str:
    words = [url or "?", f"at {commit[:12]}" if commit else "", "with uncommitted changes" if dirty else ""]
    return " ".join(word for word in words if word)


def _content_reason(was: Distribution, now: Distribution) -> str:
    if was.origin is not None and was.origin.kind == "directory":
        return "built from its folder again, and its files are not those that were installed"
    if any(map(_NOT_FROM_AN_INDEX.search, was.wheel_tags)):
        return f"was built from source on its machine; now {_tags(now.wheel_tags)}"
    if was.wheel_tags != now.wheel_tags:
        return f"another wheel: {_tags(was.wheel_tags)} → {_tags(now.wheel_tags)}"
    if any(map(_NOT_FROM_AN_INDEX.search, now.wheel_tags)):
        return "built from source again, with another result"
    return "same version and tags, other files: it was changed after its installation, or the index has another build"


def _tags(tags: Iterable[str]) -> str:
    found = sorted(tags)
    return found[0] + (f" and {len(found) - 1} more" if len(found) > 1 else "") if found else "a wheel without tags"
