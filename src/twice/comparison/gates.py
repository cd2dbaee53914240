"""Does a condition on metrics hold, such as `accuracy < base - noise`?  A text and numbers in, a verdict out.  Never eval.

    condition  := conjunct { "or" conjunct }
    conjunct   := test { "and" test }
    test       := "not" test | sum ("<" | "<=" | ">" | ">=" | "==" | "!=") sum | "(" condition ")"
    sum        := product { ("+" | "-") product }
    product    := factor { ("*" | "/") factor }
    factor     := number | "-" factor | "(" sum ")" | "abs" "(" sum ")"
                | [("base" | "noise") "."] metric | "base" | "noise"
    metric     := bare word | `any text`

A metric is its value in the run under review (the mean of its replicates), `base.metric` that in the base run,
`noise.metric` how far apart seeds alone put the two (95 %). Alone, `base` and `noise` are those of the one metric that
the comparison names. A gate that cannot be computed, because a metric is missing or not a number, fails: it never passes
unseen. Noise that is unknown counts as zero, and that is said.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from twice.errors import UsageError
from twice.frozen import frozen
from twice.textforms import format_number

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)"
    r"|(?P<word>[A-Za-z_][\w/]*(?:[.@:][\w/]+)*)|(?P<quoted>(?:(?:base|noise)\.)?`[^`]+`)"
    r"|(?P<mark><=|>=|==|!=|<|>|\+|-|\*|/|\(|\)))"
)
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
_DEEPEST = 50  # parentheses in parentheses


@frozen
class MetricValues:
    """What a gate may ask of one metric; None where it is not known."""

    value: float | None = None
    base: float | None = None
    noise: float | None = None


@frozen
class GateResult:
    """What became of one gate: it failed if its condition holds, or could not be computed."""

    condition: str
    failed: bool
    reason: str  # the numbers that it was computed from


class _Unknown(Exception):
    """A value that the condition needs is not there."""


def check_gate(condition: str, metrics: Mapping[str, MetricValues]) -> GateResult:
    """Whether the condition holds, and so the gate fails.  Raises UsageError, with a caret, when it is not one."""
    reader = _Reader(condition, metrics)
    tree = reader.read()
    known: dict[str, str] = {}
    try:
        failed = _holds(tree, metrics, known)
    except _Unknown as unknown:
        return GateResult(condition=condition, failed=True, reason=f"cannot be computed: {unknown}")
    return GateResult(condition=condition, failed=failed, reason=", ".join(f"{k} {v}" for k, v in known.items()))


class _Reader:
    """A recursive-descent parser; trees are tuples, the first item says of what."""

    def __init__(self, text: str, metrics: Mapping[str, MetricValues]) -> None:
        self._text, self._metrics = text, metrics
        self._tokens = list(self._split())
        self._at = 0
        self._depth = 0
        self._named: set[str] = set()

    def read(self) -> Any:
        tree = self._condition()
        if self._at < len(self._tokens):
            raise self._error("the condition should end here")
        return tree

    def _split(self) -> Any:
        position = 0
        while self._text[position:].strip():
            match = _TOKEN.match(self._text, position)
            if match is None:
                start = position + len(self._text[position:]) - len(self._text[position:].lstrip())
                raise self._error("this means nothing here", start)
            kind = str(match.lastgroup)
            yield kind, match[kind], match.start(kind)
            position = match.end()

    def _condition(self) -> Any:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error("too many parentheses in each other")
        tree = self._conjunct()
        while self._take("or"):
            tree = ("or", tree, self._conjunct())
        self._depth -= 1
        return tree

    def _conjunct(self) -> Any:
        tree = self._test()
        while self._take("and"):
            tree = ("and", tree, self._test())
        return tree

    def _test(self) -> Any:
        if self._take("not"):
            self._depth += 1
            if self._depth > _DEEPEST:
                raise self._error("too many of these")
            tree = ("not", self._test())
            self._depth -= 1
            return tree
        start = self._at
        try:
            return self._comparison()
        except UsageError as error:
            # An opening parenthesis may also begin a whole condition: try that before complaining.
            self._at = start
            if not self._take("("):
                raise
            try:
                tree = self._condition()
            except UsageError:
                raise error from None
            if not self._take(")"):
                raise self._error("a closing parenthesis is missing") from None
            return tree

    def _comparison(self) -> Any:
        self._named = set()
        left = self._sum()
        sign = self._peek()
        if sign not in _COMPARISONS:
            raise self._error("a comparison is needed here: < <= > >= == !=")
        self._at += 1
        tree = ("compare", sign, left, self._sum())
        return self._bind(tree, self._named)

    def _sum(self) -> Any:
        tree = self._product()
        while (sign := self._peek()) in ("+", "-"):
            self._at += 1
            tree = (sign, tree, self._product())
        return tree

    def _product(self) -> Any:
        tree = self._factor()
        while (sign := self._peek()) in ("*", "/"):
            self._at += 1
            tree = (sign, tree, self._factor())
        return tree

    def _factor(self) -> Any:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error("too many parentheses in each other")
        tree = self._plain_factor()
        self._depth -= 1
        return tree

    def _plain_factor(self) -> Any:
        if self._take("-"):
            return ("negative", self._factor())
        if self._take("("):
            return self._closed(self._sum())
        if self._at >= len(self._tokens):
            raise self._error("a number or a metric is missing here")
        kind, text, _ = self._tokens[self._at]
        if kind == "mark" or text in ("and", "or", "not"):
            raise self._error("a number or a metric is needed here")
        self._at += 1
        if kind == "number":
            return ("number", float(text))
        if text == "abs" and self._take("("):
            return ("abs", self._closed(self._sum()))
        return self._metric(text)

    def _closed(self, tree: Any) -> Any:
        if not self._take(")"):
            raise self._error("a closing parenthesis is missing")
        return tree

    def _metric(self, text: str) -> Any:
        if text in ("base", "noise") and text not in self._metrics:
            return ("alone", text, self._at - 1)
        part, dot, name = text.partition(".")
        if dot and part in ("base", "noise") and text not in self._metrics:
            name = name.strip("`")
        else:
            part, name = "value", text.strip("`")
        if name not in self._metrics:
            raise self._no_metric(name)
        self._named.add(name)
        return ("metric", part, name)

    def _no_metric(self, name: str) -> UsageError:
        near = get_close_matches(name, self._metrics, n=1)
        error = self._error(f"neither run has a metric `{name}`", self._tokens[self._at - 1][2])
        known = ", ".join(sorted(self._metrics)[:8])
        hint = f"did you mean `{near[0]}`?" if near else f"metrics: {known}" if known else "neither run has any metric"
        return UsageError(error.message, details=error.details, hint=hint)

    def _bind(self, tree: Any, named: set[str]) -> Any:
        """The tree with `base` and `noise` as those of the one metric in the comparison."""
        if not isinstance(tree, tuple):
            return tree
        if tree[0] == "alone":
            if len(named) != 1:
                many = "no metric" if not named else "several metrics"
                raise self._error(
                    f"whose `{tree[1]}`? The comparison names {many}; write `{tree[1]}.accuracy`",
                    self._tokens[tree[2]][2],
                )
            return ("metric", tree[1], next(iter(named)))
        return tuple(self._bind(part, named) for part in tree)

    def _peek(self) -> str | None:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else None

    def _take(self, word: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at][:2] in (("mark", word), ("word", word)):
            self._at += 1
            return True
        return False

    def _error(self, message: str, position: int | None = None) -> UsageError:
        if position is None:
            position = self._tokens[self._at][2] if self._at < len(self._tokens) else len(self._text)
        return UsageError(
            f"in the condition: {message}",
            details=[self._text, " " * position + "^"],
            hint="for instance --fail-if 'accuracy < base - noise'",
        )


def _holds(tree: Any, metrics: Mapping[str, MetricValues], known: dict[str, str]) -> bool:
    kind = tree[0]
    if kind == "or":
        # Both sides are computed: what cannot be, must not hide behind what can.
        results = [_holds(part, metrics, known) for part in tree[1:]]
        return any(results)
    if kind == "and":
        results = [_holds(part, metrics, known) for part in tree[1:]]
        return all(results)
    if kind == "not":
        return not _holds(tree[1], metrics, known)
    _, sign, left, right = tree
    a, b = _number(left, metrics, known), _number(right, metrics, known)
    if math.isnan(a) or math.isnan(b):
        raise _Unknown(", ".join(f"{name} {text}" for name, text in known.items()) or "not a number")
    return _COMPARISONS[sign](a, b)


def _number(tree: Any, metrics: Mapping[str, MetricValues], known: dict[str, str]) -> float:
    kind = tree[0]
    if kind == "number":
        return float(tree[1])
    if kind == "metric":
        return _look_up(tree[1], tree[2], metrics, known)
    parts = [_number(part, metrics, known) for part in tree[1:]]
    if kind == "negative":
        return -parts[0]
    if kind == "abs":
        return abs(parts[0])
    if kind == "/":
        if not parts[1]:
            raise _Unknown("it divides by zero")
        return parts[0] / parts[1]
    return parts[0] + parts[1] if kind == "+" else parts[0] - parts[1] if kind == "-" else parts[0] * parts[1]


def _look_up(part: str, name: str, metrics: Mapping[str, MetricValues], known: dict[str, str]) -> float:
    value: float | None = getattr(metrics[name], part)
    label = name if part == "value" else f"{part}.{name}"
    if part == "noise" and value is None:
        known[label] = "unknown (no replicates), taken as 0"
        return 0.0
    if value is None:
        raise _Unknown(f"{'the base run' if part == 'base' else 'the run'} has no metric `{name}`")
    known[label] = format_number(value)
    return value
