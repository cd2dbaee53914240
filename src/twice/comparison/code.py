"""Does the code differ?  Trees are compared by git id; the files that differ between them come in from git.

What a run wrote is not its code: a `model.pkl` that an earlier run left lying in the work tree is in the snapshot of
the next one, but a change of it is shown with the outputs, not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from twice.comparison.sections import Difference, Kind, Section, count, enumerate_some, make_section

if TYPE_CHECKING:
    from twice.record.model import LeftOut, Run


class FileChange(Protocol):
    """What is read of a `twice.git.file_changes.FileChange`: one file that differs between two trees."""

    @property
    def path(self) -> str:
        """Where the file is, in the second tree if it has it."""

    @property
    def old_path(self) -> str | None:
        """Where a renamed file was in the first tree."""

    @property
    def kind(self) -> str:
        """What happened: added, deleted, modified, renamed, mode, type."""

    @property
    def added(self) -> int | None:
        """Lines added; None when the file is not text."""

    @property
    def removed(self) -> int | None:
        """Lines removed; None when the file is not text."""


def compare_code(a: Run, b: Run, code_changes: Sequence[FileChange]) -> Section:
    """The code section; `code_changes` are all files that differ between the trees of the two runs' code."""
    unknown = [f"{path} changed while the run was running" for path in _changed_during_either(a, b)]
    left_out, doubts = _compare_left_out(a.code.left_out, b.code.left_out)
    if a.code.tree == b.code.tree:
        return make_section("code", left_out, unknown=unknown + doubts, describe=_describe_left_out)
    code = [change for change in code_changes if not _is_output(change, a, b)]
    if not code_changes:
        difference = Difference(
            name="tree", kind="changed", a=a.code.tree, b=b.code.tree, note="the files that differ were not listed"
        )
        return make_section("code", [difference], describe=lambda _: "another tree, files not listed")
    if not code and not left_out:
        same = f"leaving out {count(len(code_changes), 'recorded output')}"
        return make_section("code", (), same=same, unknown=unknown + doubts)
    differences = [_difference(change) for change in code] + left_out
    return make_section("code", differences, unknown=unknown + doubts, listing=_list(code, left_out))


def code_paths(a: Run, b: Run, code_changes: Sequence[FileChange]) -> list[str] | None:
    """The paths, of renamed files both, that differ as code; None when that is so for all files that differ."""
    code = [change for change in code_changes if not _is_output(change, a, b)]
    if len(code) == len(code_changes):
        return None
    return [path for change in code for path in (change.old_path, change.path) if path is not None]


def _changed_during_either(a: Run, b: Run) -> list[str]:
    return sorted({*a.code.changed_during_run, *b.code.changed_during_run})


def _is_output(change: FileChange, a: Run, b: Run) -> bool:
    """Whether a change is that of outputs alone; a script that rewrites itself is still code."""
    paths = {change.path, change.old_path or change.path}
    if paths & {a.execution.entry_point, b.execution.entry_point}:
        return False
    return all(
        any(_covers(output.path, output.kind, path) for run in (a, b) for output in run.data.outputs) for path in paths
    )


def _covers(output: str, kind: str, path: str) -> bool:
    if path == output:
        return True
    return kind == "folder" and output not in ("", ".") and path.startswith(output.rstrip("/") + "/")


def _compare_left_out(a: Sequence[LeftOut], b: Sequence[LeftOut]) -> tuple[list[Difference], list[str]]:
    """What differs among the files that no tree holds, and which of them could not be compared."""
    of_a, of_b = ({each.path: each for each in side} for side in (a, b))
    differences, doubts = [], []
    for path in sorted(of_a.keys() | of_b.keys()):
        was, now = of_a.get(path), of_b.get(path)
        note = f"left out of the snapshot: {(was or now).reason}"  # type: ignore[union-attr]  # one of them has it
        if was is None or now is None:
            kind: Kind = "added" if was is None else "removed"
            differences.append(Difference(name=path, kind=kind, a=was and was.sha256, b=now and now.sha256, note=note))
        elif was.sha256 is None or now.sha256 is None:
            doubts.append(f"{path} was left out of the snapshots ({was.reason}), so it was not compared")
        elif was.sha256 != now.sha256:
            differences.append(Difference(name=path, kind="changed", a=was.sha256, b=now.sha256, note=note))
    return differences, doubts


def _difference(change: FileChange) -> Difference:
    kind: Kind = "changed"
    if change.kind.startswith("add"):
        kind = "added"
    elif change.kind.startswith(("del", "rem")):
        kind = "removed"
    notes = [_lines(change)]
    if change.old_path and change.old_path != change.path:
        notes.insert(0, f"was {change.old_path}")
    elif change.kind in ("mode", "type"):
        notes.insert(0, f"{change.kind} changed")
    return Difference(name=change.path, kind=kind, note=", ".join(note for note in notes if note))


def _lines(change: FileChange) -> str:
    if change.added is None or change.removed is None:
        return "not text"
    return f"+{change.added} −{change.removed}" if change.added or change.removed else ""


def _list(code: Sequence[FileChange], left_out: Sequence[Difference]) -> str:
    """`train.py, added model.py (+14 −3)`: the lines are counted over all files."""
    parts = []
    if code:
        added = sum(change.added or 0 for change in code)
        removed = sum(change.removed or 0 for change in code)
        words = enumerate_some([_describe_change(_difference(change)) for change in code])
        parts.append(f"{words} (+{added} −{removed})" if added or removed else words)
    parts.extend(_describe_left_out(each) for each in left_out)
    return enumerate_some(parts)


def describe_code(difference: Difference) -> str:
    """`train.py (+3 −1)`, `added model.py (+40 −0)`."""
    text = _describe_change(difference)
    return f"{text} ({difference.note})" if difference.note else text


def _describe_change(difference: Difference) -> str:
    return difference.name if difference.kind == "changed" else f"{difference.kind} {difference.name}"


def _describe_left_out(difference: Difference) -> str:
    where = {"added": "only in the second run", "removed": "only in the first run", "changed": "changed"}
    return f"{difference.name} {where[difference.kind]} ({difference.note})"
