"""Which inputs and outputs differ?  By path and sha256; folders by the sha256 of their manifest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from twice.comparison.sections import Difference, Section, count, make_section

if TYPE_CHECKING:
    from twice.record.model import DataFile, Run


def compare_inputs(a: Run, b: Run) -> Section:
    """The data section: what the two runs read."""
    differences = compare_files(a.data.inputs, b.data.inputs)
    unknown = _doubts(a, b, a.data.inputs, b.data.inputs)
    return make_section(
        "data", differences, same=_amount(a, b, a.data.inputs, "input"), unknown=unknown, describe=describe_file
    )


def compare_outputs(a: Run, b: Run) -> Section:
    """The outputs section: what the two runs wrote."""
    differences = compare_files(a.data.outputs, b.data.outputs)
    unknown = _doubts(a, b, a.data.outputs, b.data.outputs)
    return make_section(
        "outputs", differences, same=_amount(a, b, a.data.outputs, "output"), unknown=unknown, describe=describe_file
    )


def compare_files(a: Sequence[DataFile], b: Sequence[DataFile]) -> list[Difference]:
    """The files that differ, by path; one that was declared but is not there counts as missing."""
    of_a, of_b = ({each.path: each for each in side} for side in (a, b))
    found = []
    for path in sorted(of_a.keys() | of_b.keys()):
        was, now = of_a.get(path), of_b.get(path)
        old, new = was.sha256 if was else None, now.sha256 if now else None
        if old == new and (was is None or now is None or was.kind == now.kind):
            continue
        note = f"{was.kind} → {now.kind}" if was and now and was.kind != now.kind else ""
        if old is None:
            found.append(Difference(name=path, kind="added", b=new, note=note))
        elif new is None:
            found.append(Difference(name=path, kind="removed", a=old, note=note))
        else:
            found.append(Difference(name=path, kind="changed", a=old, b=new, note=note))
    return found


def describe_file(difference: Difference) -> str:
    """`data/train.csv 9f2c41ab… → 77aa01de…`, `missing data/train.csv (sha256 9f2c41ab…)`."""
    if difference.kind == "changed":
        return f"{difference.name} {short_sha(difference.a)} → {short_sha(difference.b)}"
    word, sha256 = ("missing", difference.a) if difference.kind == "removed" else ("extra", difference.b)
    return f"{word} {difference.name} (sha256 {short_sha(sha256)})"


def short_sha(sha256: str) -> str:
    """The start of a hash, as people compare it: `9f2c41ab…`."""
    return f"{sha256[:8]}…" if len(sha256) > 8 else sha256


def _amount(a: Run, b: Run, files: Sequence[DataFile], noun: str) -> str:
    """How many were compared; without a tracer only what was declared, or git saw, could be."""
    if not files:
        return "none"
    untraced = "off" in (a.execution.tracer.name, b.execution.tracer.name)
    return count(len(files), noun) + (", opened files not traced" if untraced else "")


def _doubts(a: Run, b: Run, of_a: Sequence[DataFile], of_b: Sequence[DataFile]) -> list[str]:
    """Why equal lists may not mean that all was equal: nobody looked, or a declared file was not there."""
    found = []
    off = [run.execution.tracer.name == "off" for run in (a, b)]
    if any(off) and not (of_a and of_b):
        where = "both runs" if all(off) else "the first run" if off[0] else "the second run"
        found.append(f"opened files were not traced in {where}, and none were declared")
    there = {each.path for each in (*of_a, *of_b) if each.sha256 is not None}
    absent = sorted({each.path for each in (*of_a, *of_b)} - there)
    found.extend(f"{path} was declared and is in neither run" for path in absent)
    return found
