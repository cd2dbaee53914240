"""What is a filter, once it is read?  Tests, joined by and, or, not.

The parser gives `Comparison` and `Call`, as they were written; binding turns them into `Test`, `Touches`, `Under` and
`Same`, which say what is compared with what. The joints are the same in both. Only two values of truth: a test that has
nothing to look at (a metric that the run lacks) is false, also where it says `!=`.

Named tuples, because a filter may have thousands of parts, and an import of a dozen dataclasses would cost more than
reading most filters.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Every(NamedTuple):
    """All parts hold; of no parts at all, that is true."""

    parts: tuple[Expression, ...]


class Either(NamedTuple):
    """One of the parts holds, or several."""

    parts: tuple[Expression, ...]


class Not(NamedTuple):
    """The part does not hold."""

    part: Expression


class Name(NamedTuple):
    """What stands on the left of an operator: `metrics.loss`, `lr`, `params."a b"`, `metrics.loss.at(100)`."""

    family: str | None  # as written: "metrics", "params", "env"; None: a bare name
    key: str
    is_quoted: bool
    at: int  # where it starts in the text
    step: int | None = None  # of `.at(100)`
    aspect: str | None = None  # of a quoted key: `metrics."a b".min`


class Word(NamedTuple):
    """What stands on the right of an operator, or within the parentheses of a call."""

    text: str
    is_quoted: bool
    at: int


class Comparison(NamedTuple):
    """A name, an operator (`=`, `<`, `<=`, `>`, `>=`, `like`, `ilike`, `~`, `in`, `between`, `null`), and words."""

    name: Name
    operator: str
    words: tuple[Word, ...]
    is_negated: bool  # `!=`, `NOT IN`, `!~`, `IS NOT NULL`
    at: int  # where the operator starts


class Call(NamedTuple):
    """`under(main)`, `code.touches('a.py')`, `same(code, @)`."""

    function: str
    arguments: tuple[Word, ...]
    at: int


class Field(NamedTuple):
    """A fact of a run."""

    family: str  # "attribute", "param", "metric", "tag", "package", "input", "output", "dataset"
    key: str
    aspect: str = "last"  # of a metric: last, min, max, mean, count, at
    step: int | None = None  # of aspect "at"


class Test(NamedTuple):
    """A fact compared with values: numbers, text, or moments as half-open spans of microseconds."""

    field: Field
    operator: str
    operands: tuple[Any, ...]
    is_negated: bool


class Touches(NamedTuple):
    """The uncommitted changes that the run ran with touch a path, or something below it."""

    path: str


class Under(NamedTuple):
    """The commit that the run started from is a revision, or an ancestor of it."""

    revision: str


class Same(NamedTuple):
    """The run has the same code, environment, data or params as another."""

    what: str
    run: str  # a selector


Expression = Every | Either | Not | Comparison | Call | Test | Touches | Under | Same


class Order(NamedTuple):
    """A fact to sort by."""

    field: Field
    is_descending: bool
