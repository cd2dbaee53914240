"""Which inputs and outputs differ?  By path and sha256; folders by the sha256 of their manifest.

A file that one run has and the other has not is a difference, unless the two runs were traced in different ways and
nothing but tracing found it: then the other run may have opened it unseen, and it is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from twice.comparison.sections import Difference, Section, SectionName, count, enumerate_some, make_section

if TYPE_CHECKING:
    from twice.record.model import DataFile, Run


def compare_inputs(a: Run, b: Run) -> Section:
    """The data section: what the two runs read."""
    return _compare_files("data", "input", a, b, a.data.inputs, b.data.inputs)


def compare_outputs(a: Run, b: Run) -> Section:
    """The outputs section: what the two runs wrote."""
    return _compare_files("outputs", "output", a, b, a.data.outputs, b.data.outputs)


def may_be_unseen(file: DataFile | None, a: Run, b: Run) -> bool:
    """Whether a file that only one of the runs has may have escaped the other's tracer."""
    return file is not None and a.execution.tracer.name != b.execution.tracer.name and set(file.found) == {"opened"}


def describe_file(difference: Difference) -> str:
    """`data/train.csv 9f2c41ab… → 77aa01de…`, `missing data/train.csv (sha256 9f2c41ab…)`."""
    if difference.kind == "changed":
        return f"{difference.name} {short_sha(difference.a)} → {short_sha(difference.b)}"
    word, sha256 = ("missing", difference.a) if difference.kind == "removed" else ("extra", difference.b)
    return f"{word} {difference.name} (sha256 {short_sha(sha256)})"


def short_sha(sha256: str) -> str:
    """The start of a hash, as people compare it: `9f2c41ab…`."""
    return f"{sha256[:8]}…" if len(sha256) > 8 else sha256


def _compare_files(
    name: SectionName, noun: str, a: Run, b: Run, of_a: Sequence[DataFile], of_b: Sequence[DataFile]
) -> Section:
    was, now = ({each.path: each for each in side} for side in (of_a, of_b))
    differences, unseen = [], []
    for path in sorted(was.keys() | now.keys()):
        difference = _compare_file(path, was.get(path), now.get(path))
        if difference is None:
            continue
        one_sided = difference.kind != "changed"
        if one_sided and may_be_unseen(was.get(path) if difference.kind == "removed" else now.get(path), a, b):
            unseen.append(path)
        else:
            differences.append(difference)
    unknown = _untraced(a, b, of_a, of_b)
    if unseen:
        tracers = " and ".join(sorted((a.execution.tracer.name, b.execution.tracer.name)))
        unknown.append(f"{enumerate_some(unseen)} seen in one run only, but the tracers were not the same ({tracers})")
    return make_section(name, differences, same=_amount(a, b, of_a, noun), unknown=unknown, describe=describe_file)


def _compare_file(path: str, was: DataFile | None, now: DataFile | None) -> Difference | None:
    """How a file differs, if it does; one that was declared but is not there counts as missing."""
    old, new = was.sha256 if was else None, now.sha256 if now else None
    if old is None or new is None:
        if old == new:
            return None
        return Difference(name=path, kind="added" if old is None else "removed", a=old, b=new)
    note = f"{was.kind} → {now.kind}" if was and now and was.kind != now.kind else ""
    return Difference(name=path, kind="changed", a=old, b=new, note=note) if old != new or note else None


def _amount(a: Run, b: Run, files: Sequence[DataFile], noun: str) -> str:
    """How many were compared; without a tracer only what was declared, or git saw, could be."""
    there = sum(each.sha256 is not None for each in files)
    if not there:
        return "none"
    return count(there, noun) + (", opened files not traced" if _off(a, b) != (False, False) else "")


def _untraced(a: Run, b: Run, of_a: Sequence[DataFile], of_b: Sequence[DataFile]) -> list[str]:
    """Why nothing on both sides may not mean that there was nothing: nobody looked."""
    off = _off(a, b)
    if not any(off) or (of_a and of_b):
        return []
    where = "both runs" if all(off) else "the first run" if off[0] else "the second run"
    return [f"opened files were not traced in {where}, and none were declared"]


def _off(a: Run, b: Run) -> tuple[bool, bool]:
    return a.execution.tracer.name == "off", b.execution.tracer.name == "off"
