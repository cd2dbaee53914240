"""Does a document say what the runs say?  Text in, its marked numbers out; a claim and a value in, whether they agree.  Pure.

A claim is a number after a comment that names a run and one of its metrics:

    Accuracy is <!-- twice: k7q2 accuracy -->0.9713, loss at best <!-- twice: @ loss.min -->**2.1e-3**.

A metric is its last value; `.min`, `.max` and `.mean` are its others, `params.lr` is a param, `duration` the run's in
seconds. A `%` after the number means hundredths. The number agrees if it is the value, rounded to the digits that are
printed. Fenced and inline code is passed over: there, a comment is an example.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import TYPE_CHECKING

from twice.comparison.values import is_number
from twice.frozen import frozen

if TYPE_CHECKING:
    from twice.record.model import Run

_CLAIM = re.compile(
    r"<!--\s*twice:\s*(?P<run>\S+)\s+(?P<metric>[^\r\n]*?)\s*-->"
    r"(?P<between>[ \t]*(?:[*_`~(|]|<[a-z]+>|[ \t])*)"
    r"(?P<number>[-+−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?|nan|[-+]?inf)?"
    r"(?P<percent>[ \t]?%)?"
)
# A fence ends with at least as many of the same marks; inline code with exactly as many.
_CODE = re.compile(
    r"^[ ]{0,3}(?P<fence>`{3,}|~{3,})[^\n]*\n(?:.*?^[ ]{0,3}(?P=fence)[`~]*[ \t]*\r?$|.*\Z)"
    r"|(?<!`)(?P<ticks>`+)(?!`)(?:(?!\n[ \t]*\r?\n).)+?(?<!`)(?P=ticks)(?!`)",
    re.MULTILINE | re.DOTALL,
)
_PARTS = ("last", "min", "max", "mean")


@frozen
class Claim:
    """A marked number: where it stands, what it should be of, and how it is printed."""

    line: int
    run: str  # a selector
    metric: str
    printed: str  # empty when no number follows the mark
    start: int  # of the number, in the text
    is_percent: bool = False


def find_claims(text: str) -> Iterator[Claim]:
    """The claims of a document, in order."""
    code = [match.span() for match in _CODE.finditer(text)]
    line, counted = 1, 0
    for match in _CLAIM.finditer(text):
        if any(start <= match.start() < end for start, end in code):
            continue
        line += text.count("\n", counted, match.start())
        counted = match.start()
        printed = match["number"] or ""
        yield Claim(
            line=line,
            run=match["run"],
            metric=match["metric"].strip("`"),
            printed=printed,
            start=match.start("number") if printed else match.end(),
            is_percent=bool(printed and match["percent"]),
        )


def claimed_value(run: Run, metric: str) -> float | int | None:
    """The number that a claim is about; None when the run has none of that name."""
    if metric in run.metrics:
        return run.metrics[metric].last
    name, _, part = metric.rpartition(".")
    if part in _PARTS and name in run.metrics:
        value: float | int = getattr(run.metrics[name], part)
        return value
    if metric.startswith("params."):
        param = run.params.flat().get(metric.removeprefix("params."))
        return param if is_number(param) else None
    return run.execution.duration_s if metric == "duration" else None


def agrees(claim: Claim, value: float | int) -> bool:
    """Whether the printed number is the value, rounded to the digits that are printed; a half may go either way."""
    number = _decimal(claim.printed)
    if number is None:
        return _special(claim.printed) == repr(float(value)) if claim.printed else False
    if isinstance(value, float) and not math.isfinite(value):
        return False
    distance = abs(number - _scaled(claim, value))
    return distance <= _last_digit(number) / 2


def printed_as(claim: Claim, value: float | int) -> str:
    """The value in the form in which the claim prints its number: as many digits, commas, an exponent, a sign."""
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    number = _decimal(claim.printed)
    scaled = _scaled(claim, value)
    if number is None:
        return f"{float(scaled):.6g}"
    sign = "+" if claim.printed.startswith("+") else ""
    if "e" in claim.printed.lower():
        mark = "E" if "E" in claim.printed else "e"
        places = len(claim.printed.partition(mark)[0].partition(".")[2])
        mantissa, _, exponent = f"{float(scaled):{sign}.{places}e}".partition("e")
        return f"{mantissa}{mark}{_exponent(exponent, claim.printed)}"
    places = -int(number.as_tuple().exponent)
    commas = "," if "," in claim.printed else ""
    rounded = scaled.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    text = f"{rounded:{sign}{commas}.{places}f}"
    return text.replace("-", "−") if "−" in claim.printed else text


def write_numbers(text: str, numbers: Mapping[Claim, str]) -> str:
    """The text with the numbers of some claims replaced, all else as it was."""
    for claim, number in sorted(numbers.items(), key=lambda item: -item[0].start):
        text = text[: claim.start] + number + text[claim.start + len(claim.printed) :]
    return text


def _decimal(printed: str) -> Decimal | None:
    try:
        number = Decimal(printed.replace(",", "").replace("−", "-"))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _scaled(claim: Claim, value: float | int) -> Decimal:
    number = Decimal(repr(value))
    return number * 100 if claim.is_percent else number


def _last_digit(number: Decimal) -> Decimal:
    """What one step of the last printed digit is worth."""
    return Decimal(1).scaleb(int(number.as_tuple().exponent))


def _special(printed: str) -> str:
    return printed.lower().removeprefix("+")


def _exponent(exponent: str, printed: str) -> str:
    """As Python or as people write it: `e-03` or `e-3`."""
    was = re.split("[eE]", printed)[1]
    number = int(exponent)
    sign = "-" if number < 0 else "+" if was.startswith("+") else ""
    width = len(was.lstrip("+-"))
    return f"{sign}{abs(number):0{width}d}"
