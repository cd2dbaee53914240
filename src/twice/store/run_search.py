"""Which runs does a filter find, and in which order?  Its text, a selector's runs, an order in; keys of the index out.

What only git can say is asked here, once, and kept in the index: which paths the uncommitted changes of runs touch, and
the values of histories at a step, which are read for those runs only that the rest of the filter leaves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from twice.errors import UsageError
from twice.query.binding import Vocabulary, bind_filter, bind_order
from twice.query.moments import microseconds
from twice.query.tree import Either, Every, Expression, Field, Not, Order, Test
from twice.query.values import within_64_bits
from twice.record.plain import clean_text
from twice.store.filter_sql import Answers, Condition, TooManyParts, condition_of, order_sql, value_sql
from twice.store.run_index import Row, RunIndex

if TYPE_CHECKING:
    from twice.git.repository import Repository
    from twice.record.model import Point


class Found(NamedTuple):
    """The keys of the runs that were found, in order, and what the user should be told."""

    keys: list[int]
    notes: list[str]
    expression: Expression
    orders: list[Order]


class RunSearch:
    """Asks the index of one repository, which was refreshed before."""

    def __init__(
        self,
        index: RunIndex,
        repository: Repository,
        now: datetime,
        *,
        select: Callable[[str], Row],
        history: Callable[[str, str], Sequence[Point]],
        lower_is_better: Callable[[str], bool],
    ) -> None:
        self._index = index
        self._repository = repository
        self._select = select
        self._history = history
        self.vocabulary = Vocabulary(index.names, now, lower_is_better)
        self._name_keys: dict[tuple[str, str], int | None] = {}
        self._answers = Answers(
            now_us=microseconds(now),
            name_key=self._name_key,
            versions=self._versions,
            snapshots_touching=self._snapshots_touching,
            bases_under=self._bases_under,
            key_of=self._key_of,
        )

    def find(
        self,
        text: str = "",
        orders: Sequence[str] = (),
        experiment: str | None = None,
        among: Iterable[int] | None = None,
    ) -> Found:
        """The runs that a filter finds; without orders the latest first.  Raises UsageError, SelectorError.

        `among` are the keys of the only runs that count.
        """
        expression, notes = bind_filter(clean_text(text), self.vocabulary)
        bound = [bind_order(clean_text(one), self.vocabulary) for one in orders]
        return Found(self.find_bound(expression, bound, experiment, among), notes, expression, bound)

    def find_bound(
        self,
        expression: Expression,
        orders: Sequence[Order] = (),
        experiment: str | None = None,
        among: Iterable[int] | None = None,
    ) -> list[int]:
        """As `find`, for a filter that is bound already."""
        try:
            steps = list(dict.fromkeys(_steps_in(expression)))
            if steps:
                self._read_histories(steps, self._keys(expression, (), experiment, leaves_out_history=True))
            keys = self._keys(expression, orders, experiment)
        except TooManyParts as error:
            raise UsageError("the filter has too many values", hint="ask for less at a time") from error
        if among is None:
            return keys
        wanted = set(among)
        return [key for key in keys if key in wanted]

    def columns(self, names: Sequence[str], keys: Sequence[int]) -> list[tuple[str, dict[int, Any]]]:
        """For each name the kind of its values ("value", "text", "moment", "period"), and key → value.

        Raises UsageError for a name that no run has.
        """
        found = []
        for order in [bind_order(clean_text(name), self.vocabulary) for name in names]:
            values = self._values(order.field, keys)
            kind = {"started": "moment", "ended": "moment", "age": "period", "duration": "period"}.get(order.field.key)
            is_attribute = order.field.family == "attribute"
            found.append((kind or "text" if is_attribute else "value", values))
        return found

    def _values(self, field: Field, keys: Sequence[int]) -> dict[int, Any]:
        expression, join, parameters = value_sql(field, self._answers)
        statement = f"SELECT r.key, {expression} FROM runs r{join} WHERE r.key IN (SELECT value FROM json_each(:keys))"
        return dict(self._index.fetch(statement, {**parameters, "keys": json.dumps(list(keys))}))

    def _keys(
        self, expression: Expression, orders: Sequence[Order], experiment: str | None, leaves_out_history: bool = False
    ) -> list[int]:
        condition = condition_of(expression, self._answers, leaves_out_history=leaves_out_history)
        self._define(condition)
        joins, terms, parameters = order_sql(orders, self._answers)
        parameters.update(condition.parameters)
        where = f"r.problem IS NULL AND {condition.sql}"
        if experiment is not None:
            where += " AND (r.experiment = :experiment OR substr(r.experiment, 1, length(:experiment) + 1) = :experiment || '/')"
            parameters["experiment"] = experiment
        latest = "r.started_us DESC, r.id DESC"
        statement = f"SELECT r.key FROM runs r{joins} WHERE {where} ORDER BY {terms + ', ' if terms else ''}{latest}"
        return [key for (key,) in self._index.fetch(statement, parameters)]

    def _define(self, condition: Condition) -> None:
        matchers = condition.matchers

        def matches(number: int, text: object) -> bool:
            return text is not None and matchers[number](str(text))

        self._index.define("matches", 2, matches)

    # ------------------------------------------------------------------------------------------------ answers

    def _name_key(self, family: str, name: str) -> int | None:
        if (family, name) not in self._name_keys:
            found = self._index.fetch("SELECT key FROM names WHERE family = ? AND name = ?", (family, name))
            self._name_keys[family, name] = int(found[0][0]) if found else None
        return self._name_keys[family, name]

    def _versions(self, package: str) -> list[str]:
        return [
            version
            for (version,) in self._index.fetch("SELECT DISTINCT version FROM packages WHERE name = ?", (package,))
        ]

    def _key_of(self, selector: str) -> int:
        return self._index.key(self._select(selector).ref)

    def _bases_under(self, revision: str) -> list[str]:
        from twice.git.revisions import ancestors_among, resolve_commit

        commit = resolve_commit(self._repository, revision)
        if commit is None:
            raise UsageError(
                f"under({revision}): git knows no such branch, tag or commit", hint="`git branch` lists branches"
            )
        bases = [base for (base,) in self._index.fetch("SELECT DISTINCT base FROM runs WHERE base IS NOT NULL")]
        return sorted(ancestors_among(self._repository, commit, bases))

    def _snapshots_touching(self, path: str) -> list[str]:
        from twice.git.revisions import changed_paths

        unknown = self._index.fetch(
            "SELECT DISTINCT snapshot FROM runs WHERE snapshot IS NOT NULL AND snapshot NOT IN (SELECT snapshot FROM compared)"
        )
        if unknown:
            found = list(changed_paths(self._repository, [snapshot for (snapshot,) in unknown]))
            rows = [(snapshot, clean_text(changed)) for snapshot, paths in found for changed in paths]
            self._index.keep("INSERT OR IGNORE INTO touched VALUES (?, ?)", rows)
            self._index.keep("INSERT OR IGNORE INTO compared VALUES (?)", unknown)
        below = self._index.fetch(
            "SELECT DISTINCT snapshot FROM touched WHERE path = ?1 OR (path > ?1 || '/' AND path < ?1 || '0')",
            (clean_text(path),),
        )
        return [snapshot for (snapshot,) in below]

    def _read_histories(self, steps: Sequence[tuple[str, int]], keys: Sequence[int]) -> None:
        """See that the values of metrics at steps are in the index, for these runs."""
        for metric, step in steps:
            name_key = self._name_key("metric", metric)
            having = self._index.fetch(
                "SELECT r.key, r.commit_id FROM runs r JOIN metrics m ON m.name = ? AND m.run = r.key WHERE NOT EXISTS"
                " (SELECT 1 FROM metric_values v WHERE v.name = ? AND v.step = ? AND v.run = r.key)",
                (name_key, metric, step),
            )
            wanted = set(keys)
            rows = []
            for key, commit in having:
                if key in wanted:
                    points = self._history(commit, metric)
                    values = [point.value for point in points if point.step == step]
                    value = within_64_bits(values[-1]) if values else None
                    rows.append((metric, step, key, bool(values), value))
            self._index.keep("INSERT OR REPLACE INTO metric_values VALUES (?, ?, ?, ?, ?)", rows)


def _steps_in(expression: Expression) -> Iterable[tuple[str, int]]:
    if isinstance(expression, (Every, Either)):
        for part in expression.parts:
            yield from _steps_in(part)
    elif isinstance(expression, Not):
        yield from _steps_in(expression.part)
    elif isinstance(expression, Test) and expression.field.aspect == "at":
        field: Field = expression.field
        assert field.step is not None
        yield field.key, field.step
