"""twice claims: the numbers in documents, checked against the runs they are of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from twice.cli.options import json_option, print_json
from twice.cli.runs import known_runs
from twice.cli.workplace import tell, workplace
from twice.comparison.claims import Claim, agrees, claimed_value, find_claims, printed_as, write_numbers
from twice.errors import RecordError, SelectorError, UsageError
from twice.frozen import frozen
from twice.store.known_runs import Runs
from twice.textforms import short_id


@click.command("claims", epilog="Example: twice claims README.md --fix")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--fix", is_flag=True, help="Write the runs' numbers into the documents.")
@json_option
def command(files: tuple[Path, ...], fix: bool, as_json: bool) -> int:
    """Check the numbers in documents against runs

    A number is checked that follows a mark: `<!-- twice: k7q2 accuracy -->0.9713`. It must be the run's, rounded to the
    digits that are printed. Exits with 1 when one is not, and could not be mended.
    """
    found: list[_Checked] = []
    with workplace(bare_ok=True) as place, known_runs(place) as runs:
        for path in files:
            text = _read(path)
            checked = [_check(runs, path, claim) for claim in find_claims(text)]
            found += checked
            numbers = {one.claim: one.right for one in checked if one.right is not None}
            if fix and numbers:
                _write(path, write_numbers(text, numbers))
    wrong = [one for one in found if one.problem and not (fix and one.right is not None)]
    if as_json:
        print_json({"schema_version": 1, "ok": not wrong, "claims": [_shape(one, fix) for one in found]})
    else:
        for line in _lines(found, fix):
            click.echo(line)
    mended = sum(one.right is not None for one in found) if fix else 0
    right = len(found) - sum(bool(one.problem) for one in found)
    tell(f"{len(found)} claims: {right} right, {mended} mended, {len(wrong)} wrong")
    return 1 if wrong else 0


@frozen
class _Checked:
    """A claim and what became of it; `right` is the number that should stand there."""

    path: Path
    claim: Claim
    run_id: str | None = None
    value: float | int | None = None
    problem: str | None = None
    right: str | None = None


def _check(runs: Runs, path: Path, claim: Claim) -> _Checked:
    try:
        row, run = runs.select(claim.run)
    except (SelectorError, RecordError) as error:
        return _Checked(path=path, claim=claim, problem=error.message)
    value = claimed_value(run, claim.metric)
    if value is None:
        return _Checked(
            path=path, claim=claim, run_id=row.id, problem=f"run {short_id(row.id)} has no number `{claim.metric}`"
        )
    if agrees(claim, value):
        return _Checked(path=path, claim=claim, run_id=row.id, value=value)
    right = printed_as(claim, value)
    says = f"the document says {claim.printed}" if claim.printed else "no number follows the mark"
    problem = f"{claim.metric} of {short_id(row.id)} is {right}{'%' if claim.is_percent else ''}, {says}"
    return _Checked(path=path, claim=claim, run_id=row.id, value=value, problem=problem, right=right)


def _lines(found: list[_Checked], fix: bool) -> Iterator[str]:
    for one in found:
        if one.problem:
            mended = " (mended)" if fix and one.right is not None else ""
            yield f"{one.path}:{one.claim.line}: {one.problem}{mended}"


def _shape(one: _Checked, fix: bool) -> dict[str, object]:
    return {
        "file": str(one.path),
        "line": one.claim.line,
        "selector": one.claim.run,
        "run": one.run_id,
        "metric": one.claim.metric,
        "printed": one.claim.printed,
        "value": one.value if one.value is None or one.value - one.value == 0 else str(one.value),
        "problem": one.problem,
        "mended": bool(fix and one.right is not None),
    }


def _read(path: Path) -> str:
    """The text as it is, line ends and bytes that are not UTF-8 included."""
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def _write(path: Path, text: str) -> None:
    try:
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
