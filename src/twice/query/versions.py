"""Is a package's version this one, or newer?  PEP 440's order, as `packaging` has it; text where a version has none.

`2.4` is `2.4.0`, and a local label (`2.4.1+cpu`) counts only when it is asked for, as in requirements.
"""

from __future__ import annotations

from packaging.version import InvalidVersion, Version


def compare_versions(found: str, wanted: str) -> int | None:
    """-1, 0 or 1 as the version found is older than, the same as or newer than the one wanted; None: no order."""
    try:
        a, b = Version(found), Version(wanted)
    except InvalidVersion:
        return 0 if found == wanted else None
    if b.local is None and a.local is not None:
        a = Version(a.public)
    return (a > b) - (a < b)


def is_version(text: str) -> bool:
    """Whether the text is a version."""
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True
