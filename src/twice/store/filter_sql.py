"""Which SQL finds the runs that a filter means?  A bound tree in, a condition with parameters out.

Nothing that a user wrote becomes part of the statement: names, values and patterns are parameters. Each test is a
condition that is true or false and never NULL, so that NOT means what it says. A condition is about one row of `runs`,
named r. What only git can answer was asked before (`Answers`); LIKE and regular expressions are Python's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from twice.query.matching import Matcher, like, regular
from twice.query.tree import Either, Every, Expression, Field, Not, Order, Same, Test, Touches, Under
from twice.textforms import normalise_name

_MANY = 20  # texts in a list; more are looked up in a table
_MAX_PARAMETERS = 30_000  # SQLite's own limit is 32,766

_SAME = {"code": "tree", "environment": "environment_digest", "data": "inputs", "params": "params_digest"}
_ATTRIBUTES = {
    "age": "(:now_us - r.started_us) / 1e6",
    "artifact_uri": "NULL",
    "commit": "r.commit_id",
    "duration": "r.duration_s",
    "ended": "r.ended_us",
    "started": "r.started_us",
}
"""Attribute → its expression, where that is not the column of its name."""


class Answers(NamedTuple):
    """What the index has to be asked, and git, while a condition is written."""

    now_us: int
    name_key: Callable[[str, str], int | None]  # family and name → the key in `names`
    versions: Callable[[str], Sequence[str]]  # package → the versions of it that runs have
    snapshots_touching: Callable[[str], Sequence[str]]
    bases_under: Callable[[str], Sequence[str]]
    key_of: Callable[[str], int]  # selector → the run's key


class Condition(NamedTuple):
    """Part of a WHERE clause, its parameters by name, and what `matches(number, text)` has to ask."""

    sql: str
    parameters: dict[str, Any]
    matchers: list[Matcher]


def condition_of(expression: Expression, answers: Answers, *, leaves_out_history: bool = False) -> Condition:
    """The condition that a bound filter is.

    With `leaves_out_history`, tests of `at(step)` count as true, also behind a NOT: a superset of the runs that are meant.
    Raises TooManyParts.
    """
    writer = _Writer(answers, leaves_out_history)
    sql = writer.write(expression)
    if len(writer.parameters) > _MAX_PARAMETERS:
        raise TooManyParts
    return Condition(sql, writer.parameters, writer.matchers)


class TooManyParts(Exception):
    """The filter has more values than SQLite has room for."""


def order_sql(orders: Iterable[Order], answers: Answers) -> tuple[str, str, dict[str, Any]]:
    """The joins that sorting takes, the terms of ORDER BY, and their parameters; runs without a value come last."""
    joins, terms = "", []
    parameters: dict[str, Any] = {}
    for position, order in enumerate(orders):
        direction = "DESC" if order.is_descending else "ASC"
        family, key, aspect, _ = order.field
        if family == "attribute":
            columns = [_ATTRIBUTES.get(key, f"r.{key}")]
            parameters["now_us"] = answers.now_us
        else:
            alias = f"o{position}"
            table, columns = ("metrics", [aspect]) if family == "metric" else ("words", ["number", "text"])
            joins += f" LEFT JOIN {table} {alias} ON {alias}.name = :{alias} AND {alias}.run = r.key"
            parameters[alias] = answers.name_key(family, key)
            columns = [f"{alias}.{column}" for column in columns]
        for column in columns:
            terms += [f"{column} IS NULL", f"{column} {direction}"]
    return joins, ", ".join(terms), parameters


def value_sql(field: Field, answers: Answers) -> tuple[str, str, dict[str, Any]]:
    """The expression of a fact of a run, the join that it takes, and the parameters of both."""
    if field.family == "attribute":
        return _ATTRIBUTES.get(field.key, f"r.{field.key}"), "", {"now_us": answers.now_us}
    name = {"name": answers.name_key(field.family, field.key)}
    if field.family == "metric":
        # NaN is NULL in a row that is there
        value = f"CASE WHEN v.run IS NULL THEN NULL ELSE ifnull(v.{field.aspect}, 'nan') END"
        return value, " LEFT JOIN metrics v ON v.name = :name AND v.run = r.key", name
    return "ifnull(v.number, v.text)", " LEFT JOIN words v ON v.name = :name AND v.run = r.key", name


class _Writer:
    def __init__(self, answers: Answers, leaves_out_history: bool) -> None:
        self._answers = answers
        self._leaves_out_history = leaves_out_history
        self.parameters: dict[str, Any] = {"now_us": answers.now_us}
        self.matchers: list[Matcher] = []

    def write(self, part: Expression, *, is_denied: bool = False) -> str:
        """The condition of a part, or of its contrary.

        NOT is carried down to the tests, where one that is left out counts as true either way.
        """
        if isinstance(part, Not):
            return self.write(part.part, is_denied=not is_denied)
        if isinstance(part, (Every, Either)):
            conditions = [self.write(one, is_denied=is_denied) for one in part.parts]
            return _joined(conditions, "AND" if isinstance(part, Every) != is_denied else "OR")
        if isinstance(part, Test):
            if self._leaves_out_history and part.field.aspect == "at":
                return "1"
            condition = self._test(part)
        else:
            assert isinstance(part, (Touches, Under, Same))
            condition = self._question(part)
        return f"NOT {condition}" if is_denied else condition

    def _put(self, value: Any) -> str:
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f":{name}"

    def _put_list(self, values: Iterable[str]) -> str:
        return f"(SELECT value FROM json_each({self._put(json.dumps(list(values)))}))"

    # ------------------------------------------------------------------------------------------------ questions

    def _question(self, part: Touches | Under | Same) -> str:
        if isinstance(part, Touches):
            return f"ifnull(r.snapshot IN {self._put_list(self._answers.snapshots_touching(part.path))}, 0)"
        if isinstance(part, Under):
            return f"ifnull(r.base IN {self._put_list(self._answers.bases_under(part.revision))}, 0)"
        column = _SAME[part.what]
        other = f"(SELECT {column} FROM runs WHERE key = {self._put(self._answers.key_of(part.run))})"
        if part.what == "data":  # runs that read nothing read the same
            return f"(r.problem IS NULL AND r.inputs IS {other})"
        return f"ifnull(r.{column} = {other}, 0)"

    # ------------------------------------------------------------------------------------------------ tests

    def _test(self, test: Test) -> str:
        family, key, aspect, step = test.field
        if family == "attribute":
            expression = _ATTRIBUTES.get(key, f"r.{key}")
            return self._one(test, f"({expression})", self._compare(test, f"({expression})"))
        if family == "package":
            return self._package(test)
        if family in ("input", "output"):
            return self._files(test, f"r.{family}s")
        if family == "dataset":
            return self._datasets(test)
        if aspect == "at":
            name = self._put(key)
            rows = f"SELECT run FROM metric_values WHERE name = {name} AND step = {self._put(step)} AND is_logged"
            return self._many("r.key", rows, test, "value")
        name_key = self._answers.name_key(family, key)
        if name_key is None:
            return "1" if test.operator == "null" and not test.is_negated else "0"
        table, column = ("metrics", aspect) if family == "metric" else ("words", "number")
        return self._many("r.key", f"SELECT run FROM {table} WHERE name = {self._put(name_key)}", test, column)

    def _one(self, test: Test, expression: str, condition: str) -> str:
        """A test of something that a row has one of."""
        if test.operator == "null":
            return f"({expression} IS {'NOT ' if test.is_negated else ''}NULL)"
        return f"({expression} IS NOT NULL AND {'NOT ' if test.is_negated else ''}{condition})"

    def _many(self, key: str, rows: str, test: Test, column: str) -> str:
        """A test of something that stands in another table: the run is among the rows that pass, or not."""
        if test.operator == "null":
            return f"({key} {'' if test.is_negated else 'NOT '}IN ({rows}))"
        negation = "NOT " if test.is_negated else ""
        return f"({key} IN ({rows} AND {negation}ifnull({self._compare(test, column)}, 0)))"

    def _package(self, test: Test) -> str:
        name = normalise_name(test.field.key)
        rows = f"SELECT owner FROM packages WHERE name = {self._put(name)}"
        if test.operator == "null":
            negation = "" if test.is_negated else "NOT "
            return f"(ifnull(r.packages, 0) {negation}IN ({rows}))"
        from twice.query.evaluation import Facts, holds

        plain = test._replace(is_negated=False)
        passing = [one for one in self._answers.versions(name) if holds(plain, Facts({}, packages={name: one}))]
        negation = "NOT " if test.is_negated else ""
        return f"(ifnull(r.packages, 0) IN ({rows} AND version {negation}IN {self._put_list(passing)}))"

    def _files(self, test: Test, column: str) -> str:
        key = self._put(test.field.key)
        rows = f"SELECT owner FROM files WHERE (path = {key} OR name = {key} OR stem = {key})"
        if test.operator == "null":
            negation = "" if test.is_negated else "NOT "
            return f"(ifnull({column}, 0) {negation}IN ({rows}))"
        starts = [f"(substr(sha256, 1, {len(one)}) = {self._put(one)})" for one in test.operands]
        passing = f"ifnull({column}, 0) IN ({rows} AND {_joined(starts, 'OR')})"
        if not test.is_negated:
            return f"({passing})"
        return f"(ifnull({column}, 0) IN ({rows}) AND NOT {passing})"

    def _datasets(self, test: Test) -> str:
        columns = {"name": ("path", "name", "stem"), "digest": ("sha256",), "context": ()}[test.field.key]
        if not columns:
            return "1" if test.operator == "null" and not test.is_negated else "0"
        there = f"SELECT owner FROM files WHERE {columns[0]} IS NOT NULL"
        if test.operator == "null":
            return f"(ifnull(r.inputs, 0) {'' if test.is_negated else 'NOT '}IN ({there}))"
        condition = " OR ".join(self._compare(test, column) for column in columns)
        negation = "NOT " if test.is_negated else ""
        return f"(ifnull(r.inputs, 0) IN ({there} AND {negation}({condition})))"

    # ------------------------------------------------------------------------------------------------ values

    def _compare(self, test: Test, column: str) -> str:
        """The comparison with a test's operands; it may be NULL where the column is."""
        operator, operands = test.operator, test.operands
        if operator == "null":
            return "0"
        text = "text" if column == "number" else column
        if operator in ("like", "ilike", "~"):
            is_status = test.field == Field("attribute", "status")
            ignores_case = operator == "ilike" or is_status
            self.matchers.append(
                regular(operands[0]) if operator == "~" else like(operands[0], ignores_case=ignores_case)
            )
            return f"matches({len(self.matchers) - 1}, {text})"
        if operator == "in":
            texts = [operand for operand in operands if isinstance(operand, str)]
            if len(texts) == len(operands) > _MANY:
                return f"{text} IN {self._put_list(texts)}"
            return _joined([f"({self._pair(column, '=', operand)})" for operand in operands], "OR")
        if operator == "between":
            low, high = operands
            return f"({self._pair(column, '>=', low)} AND {self._pair(column, '<=', high)})"
        return self._pair(column, operator, operands[0])

    def _pair(self, column: str, operator: str, operand: Any) -> str:
        if column == "number" and (operand is None or isinstance(operand, (bool, str))):
            return self._text_pair(operator, operand)
        if isinstance(operand, tuple):
            start, end = operand
            if operator == "=":
                return f"({column} >= {self._put(start)} AND {column} < {self._put(end)})"
            bound = self._put(end if operator in ("<=", ">") else start)
            return f"{column} {'>=' if operator in ('>', '>=') else '<'} {bound}"
        if operand != operand:  # NaN; among a metric's numbers it is NULL
            return f"({column} IS NULL)" if operator == "=" and column != "number" else "0"
        return f"{column} {operator} {self._put(operand)}"

    def _text_pair(self, operator: str, operand: str | bool | None) -> str:
        """A param or a tag, compared with text, or with `true`, `false` and `none`."""
        if isinstance(operand, str):
            return f"text {operator} {self._put(operand)}"
        if operator != "=":
            return "0"
        return f"lower(text) = {self._put(str(operand).lower())}" if operand is not None else "text = 'None'"


def _joined(conditions: Sequence[str], joint: str) -> str:
    """The conditions joined as a balanced tree: SQLite allows a depth of 1,000, and a filter may have more parts."""
    if not conditions:
        return "1" if joint == "AND" else "0"
    if len(conditions) == 1:
        return conditions[0]
    middle = len(conditions) // 2
    return f"({_joined(conditions[:middle], joint)} {joint} {_joined(conditions[middle:], joint)})"
