"""What does a comparison consist of?  A `Comparison` has `Section`s, a section has `Difference`s, all plain data.

A section is `identical` only when all of it was captured in both runs and compared; what was not captured makes it
`unknown`, with the reason in its summary, unless something else in it already differs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from twice.comparison.values import change, same_value, why_different
from twice.frozen import frozen
from twice.textforms import format_distinct, format_value

State = Literal["identical", "differs", "unknown"]
Kind = Literal["changed", "added", "removed"]
SectionName = Literal[
    "command", "code", "environment", "machine", "data", "params", "seeds", "metrics", "outputs", "execution"
]

NAMED = 2  # differences that a summary names before it counts


@frozen
class Difference:
    """One fact that is not the same: `added` is only in the second run, `removed` only in the first."""

    name: str
    kind: Kind
    a: Any = None
    b: Any = None
    delta: float | None = None  # b - a, of numbers
    note: str = ""


@frozen
class Section:
    """One side of two runs, compared: its state, one line of words, and what differs."""

    name: SectionName
    state: State
    summary: str
    differences: tuple[Difference, ...] = ()


@frozen
class Comparison:
    """What differs between run `a` and run `b` (ids), section by section."""

    a: str
    b: str
    sections: tuple[Section, ...]

    @property
    def identical(self) -> bool:
        """Whether everything was compared and nothing differs."""
        return all(section.state == "identical" for section in self.sections)

    @property
    def differs(self) -> bool:
        """Whether anything was found to differ; neither this nor `identical` holds when something is unknown."""
        return any(section.state == "differs" for section in self.sections)

    def section(self, name: SectionName) -> Section:
        """The section of that name."""
        return next(section for section in self.sections if section.name == name)


def make_section(
    name: SectionName,
    differences: Sequence[Difference],
    *,
    same: str = "",
    unknown: Sequence[str] = (),
    describe: Callable[[Difference], str] | None = None,
    listing: str = "",
) -> Section:
    """A section with its summary; `same` is what was compared ("3 inputs"), `unknown` the reasons for doubt.

    The differences are listed as `describe` says each, or all as `listing` says.
    """
    if differences:
        listing = listing or enumerate_some([(describe or describe_value)(each) for each in differences])
        summary = "; unknown: ".join(["differs: " + listing, *(["; ".join(unknown)] if unknown else [])])
        return Section(name=name, state="differs", summary=summary, differences=tuple(differences))
    if unknown:
        return Section(name=name, state="unknown", summary="unknown: " + "; ".join(unknown))
    return Section(name=name, state="identical", summary=f"identical ({same})" if same else "identical")


def compare_mappings(
    a: Mapping[str, Any], b: Mapping[str, Any], same: Callable[[Any, Any], bool] = same_value
) -> list[Difference]:
    """The names whose values differ, in the order of the first mapping, then those only the second has."""
    found = []
    for name, value in a.items():
        if name not in b:
            found.append(Difference(name=name, kind="removed", a=value))
        elif not same(value, b[name]):
            found.append(changed(name, value, b[name]))
    found.extend(Difference(name=name, kind="added", b=value) for name, value in b.items() if name not in a)
    return found


def changed(name: str, a: Any, b: Any, note: str = "") -> Difference:
    """A changed value, with the distance and the change of kind that its texts may not show."""
    return Difference(name=name, kind="changed", a=a, b=b, delta=change(a, b), note=note or why_different(a, b))


def describe_value(difference: Difference) -> str:
    """`lr 0.1 → 0.2`, `missing model.layers 2` (only in the first run), `extra optimizer sgd` (only in the second)."""
    if difference.kind != "changed":
        word, value = ("missing", difference.a) if difference.kind == "removed" else ("extra", difference.b)
        return f"{word} {difference.name} {format_value(value)}"
    was, now = format_distinct([difference.a, difference.b])
    text = f"{difference.name} {was} → {now}"
    return f"{text} ({difference.note})" if was == now and difference.note else text


def describe_text(difference: Difference) -> str:
    """`numpy 2.4.1 → 2.4.2`, `missing scipy 1.17.0`: facts that are texts anyway are written as they are."""
    if difference.kind == "changed":
        return f"{difference.name} {difference.a} → {difference.b}"
    word, text = ("missing", difference.a) if difference.kind == "removed" else ("extra", difference.b)
    return f"{word} {difference.name}" if text is None else f"{word} {difference.name} {text}"


def enumerate_some(texts: Sequence[str], limit: int = NAMED) -> str:
    """`a, b and 4 more`."""
    if len(texts) <= limit:
        return ", ".join(texts)
    return ", ".join(texts[:limit]) + f" and {len(texts) - limit} more"


def count(number: int, noun: str) -> str:
    """`1 file`, `2 files`, `3 seeded processes`."""
    return f"{number} {noun}{'' if number == 1 else 'es' if noun.endswith('ss') else 's'}"
