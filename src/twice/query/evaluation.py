"""Does a bound filter hold for a run?  The answer in Python, one run at a time.

For runs that the index does not have, because they still go on; and for tests, which hold the SQL to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from twice.query.matching import like, regular
from twice.query.names import file_names
from twice.query.tree import Either, Every, Expression, Field, Not, Same, Test, Touches, Under
from twice.query.values import value_number, value_text
from twice.textforms import normalise_name


class InputFile(NamedTuple):
    """A file that a run read or wrote."""

    path: str
    sha256: str | None


class Facts(NamedTuple):
    """What a filter can ask of one run."""

    attributes: Mapping[str, Any]  # by their own names; times in microseconds since 1970, periods in seconds
    params: Mapping[str, Any] = {}  # by dotted name
    metrics: Mapping[str, Mapping[str, float | int]] = {}  # name → aspect → number
    tags: Mapping[str, str] = {}
    packages: Mapping[str, str] = {}  # normal name → version; and "python"
    inputs: tuple[InputFile, ...] = ()
    outputs: tuple[InputFile, ...] = ()
    value_at: Callable[[str, int], float | int | None] = lambda metric, step: None
    asks_git: Callable[[Touches | Under | Same], bool] = lambda question: False


def holds(expression: Expression, facts: Facts) -> bool:
    """Whether the filter holds for the run."""
    if isinstance(expression, Every):
        return all(holds(part, facts) for part in expression.parts)
    if isinstance(expression, Either):
        return any(holds(part, facts) for part in expression.parts)
    if isinstance(expression, Not):
        return not holds(expression.part, facts)
    if isinstance(expression, Test):
        return _test(expression, facts)
    assert isinstance(expression, (Touches, Under, Same))
    return facts.asks_git(expression)


def _test(test: Test, facts: Facts) -> bool:
    family, key = test.field.family, test.field.key
    if family == "dataset":
        return _test_datasets(test, facts)
    if family in ("input", "output"):
        return _test_files(test, [one for one in getattr(facts, family + "s") if file_matches(one.path, key)])
    value = _value(test.field, facts)
    if test.operator == "null":
        return (value is None) != test.is_negated
    return value is not None and _compare(test, family, value) != test.is_negated


def _value(field: Field, facts: Facts) -> Any:
    if field.family == "attribute":
        return facts.attributes.get(field.key)
    if field.family == "param":
        return _Present(facts.params[field.key]) if field.key in facts.params else None
    if field.family == "tag":
        return _Present(facts.tags[field.key]) if field.key in facts.tags else None
    if field.family == "package":
        return facts.packages.get(normalise_name(field.key))
    if field.aspect == "at":
        assert field.step is not None
        return facts.value_at(field.key, field.step)
    return facts.metrics.get(field.key, {}).get(field.aspect)


class _Present(NamedTuple):
    """A value that is there, even if it is None."""

    value: Any


def _compare(test: Test, family: str, value: Any) -> bool:
    operator, operands = test.operator, test.operands
    if operator in ("like", "ilike", "~"):
        text = value_text(value.value) if isinstance(value, _Present) else str(value)
        if operator == "~":
            return regular(operands[0])(text)
        is_status = test.field == Field("attribute", "status")
        return like(operands[0], ignores_case=operator == "ilike" or is_status)(text)
    if operator == "in":
        return any(_pair(family, "=", value, operand) for operand in operands)
    if operator == "between":
        return _pair(family, ">=", value, operands[0]) and _pair(family, "<=", value, operands[1])
    return _pair(family, operator, value, operands[0])


def _pair(family: str, operator: str, value: Any, operand: Any) -> bool:
    if family == "package":
        from twice.query.versions import compare_versions

        order = compare_versions(value, operand)
        return order is not None and _ordered(operator, order, 0)
    if isinstance(value, _Present):
        if isinstance(operand, bool):
            return operator == "=" and value_text(value.value).lower() == str(operand).lower()
        if operand is None:
            return operator == "=" and value_text(value.value) == "None"
        if isinstance(operand, str):
            return _ordered(operator, value_text(value.value), operand)
        number = value_number(value.value)
        return number is not None and _ordered(operator, number, operand)
    if isinstance(operand, tuple):
        start, end = operand
        bound = end if operator in ("<=", ">") else start
        if operator == "=":
            return bool(start <= value < end)
        return bool(value >= bound if operator in (">", ">=") else value < bound)
    if operator == "=" and operand != operand:  # NaN is found by asking for it
        return bool(value != value)
    return _ordered(operator, value, operand)


def _ordered(operator: str, a: Any, b: Any) -> bool:
    return bool(
        a == b
        if operator == "="
        else a < b
        if operator == "<"
        else a <= b
        if operator == "<="
        else a > b
        if operator == ">"
        else a >= b
    )


# ---------------------------------------------------------------------------------------------------- files


def file_matches(path: str, key: str) -> bool:
    """Whether a key means a file: by its whole path, its name, or its name without the ending."""
    return key in file_names(path)


def _test_files(test: Test, files: Iterable[InputFile]) -> bool:
    hashes = [one.sha256 for one in files]
    if test.operator == "null":
        return (not hashes) != test.is_negated
    matches = any(one is not None and one.startswith(test.operands) for one in hashes)
    return bool(hashes) and matches != test.is_negated


def _test_datasets(test: Test, facts: Facts) -> bool:
    """MLflow's way: true when any input is as asked, also for `!=`."""
    rows: list[tuple[str, ...]] = []
    for one in facts.inputs:
        if test.field.key == "name":
            rows.append(file_names(one.path))
        elif test.field.key == "digest" and one.sha256 is not None:
            rows.append((one.sha256,))
    if test.operator == "null":
        return (not rows) != test.is_negated
    return any(any(_compare(test, "dataset", name) for name in row) != test.is_negated for row in rows)
