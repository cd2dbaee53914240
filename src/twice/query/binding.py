"""Which facts, and which kinds of values, does a parsed filter mean?  Names and words in, fields and operands out.

Needed are the names that runs have: a bare name is an attribute, or else a param, a metric or a tag, and an error when two
of these bear it; `metrics.loss.min` is the metric of that name if there is one, and else the lowest `loss`. A word is a
number, a moment, a period or text, as the fact on its left asks; for a param, quotes decide: `params.lr = '0.1'` compares
text, as MLflow does, `params.lr = 0.1` numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any, NoReturn

from twice.query.complaints import complaint, nearest, suggestion
from twice.query.fields import ASPECTS, ATTRIBUTES, DATASET_KEYS, FUNCTIONS, OWN_ATTRIBUTES, SAME_WHAT, SYSTEM_TAGS
from twice.query.matching import regular
from twice.query.moments import Span, parse_moment, parse_period
from twice.query.parser import FAMILIES, parse_filter, parse_name
from twice.query.tree import (
    Call,
    Comparison,
    Either,
    Every,
    Expression,
    Field,
    Name,
    Not,
    Order,
    Same,
    Test,
    Touches,
    Under,
    Word,
)
from twice.query.values import read_number
from twice.textforms import normalise_name

_ORDERED = ("=", "<", "<=", ">", ">=", "in", "between", "null")
_TEXTUAL = (*_ORDERED, "like", "ilike", "~")
_NAMED = ("param", "metric", "tag")


class Vocabulary:
    """What binding has to know: the names that runs have, the time, and which metrics are better when lower."""

    def __init__(
        self,
        names: Callable[[str], Collection[str]],
        now: datetime,
        lower_is_better: Callable[[str], bool] = lambda metric: False,
    ) -> None:
        self._names = names
        self._known: dict[str, Collection[str]] = {}
        self.now = now
        self.lower_is_better = lower_is_better

    def names(self, family: str) -> Collection[str]:
        """The names of a family ("param", "metric", "tag", "package") that any run has."""
        if family not in self._known:
            self._known[family] = frozenset(self._names(family))
        return self._known[family]


def bind_filter(text: str, vocabulary: Vocabulary) -> tuple[Expression, list[str]]:
    """The bound tree of a filter, and notes for the user: names that no run has.  Raises UsageError, with a caret."""
    binder = _Binder(text, vocabulary)
    expression = binder.bind(parse_filter(text))
    return expression, list(dict.fromkeys(binder.notes))


def bind_order(text: str, vocabulary: Vocabulary) -> Order:
    """What to sort by: `loss`, `-loss`, MLflow's `metrics.loss DESC`.  Raises UsageError, with a caret."""
    stripped = text.strip()
    is_descending = stripped.startswith("-")
    words = stripped[1:] if is_descending else stripped
    name, rest = parse_name(words)
    if rest.upper() not in ("", "ASC", "DESC") or (rest and is_descending):
        at = len(words) - len(rest)
        raise complaint(words, at, "expected ASC, DESC, or nothing after the name to sort by", hint="--sort -loss")
    binder = _Binder(words, vocabulary)
    field, _ = binder.field(name)
    if field.family not in ("attribute", *_NAMED) or field.aspect == "at":
        raise complaint(words, name.at, "runs can be sorted by attributes, params, metrics and tags")
    if field.family in _NAMED and field.key not in vocabulary.names(field.family):
        hint = suggestion(field.key, vocabulary.names(field.family), f"{field.family}s that runs have")
        raise complaint(words, name.at, f"no run has the {field.family} `{field.key}`", hint=hint)
    return Order(field, is_descending or rest.upper() == "DESC")


class _Binder:
    """The text for complaints, the vocabulary, and the notes so far."""

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        self._text = text
        self._vocabulary = vocabulary
        self.notes: list[str] = []

    def bind(self, part: Expression) -> Expression:
        if isinstance(part, Every):
            return Every(tuple(self.bind(one) for one in part.parts))
        if isinstance(part, Either):
            return Either(tuple(self.bind(one) for one in part.parts))
        if isinstance(part, Not):
            return Not(self.bind(part.part))
        if isinstance(part, Call):
            return self._call(part)
        assert isinstance(part, Comparison)
        return self._comparison(part)

    # ------------------------------------------------------------------------------------------------ names

    def field(self, name: Name) -> tuple[Field, str]:
        """The fact that a name means, and the kind of its values.  Raises UsageError."""
        if name.family is None:
            return self._bare(name)
        family = FAMILIES[name.family]
        if family in ("package", "input", "output"):
            self._check_not_a_param(name)
        if family == "attribute":
            if name.key not in ATTRIBUTES:
                hint = suggestion(name.key, ATTRIBUTES, "attributes")
                self._fail(name.at, f"a run has no attribute `{name.key}`", hint)
            attribute, kind = ATTRIBUTES[name.key]
            return Field("attribute", attribute), kind
        if family == "dataset" and name.key not in DATASET_KEYS:
            self._fail(name.at, f"a dataset has no `{name.key}`", f"it has: {', '.join(DATASET_KEYS)}")
        if family == "metric":
            return self._metric(name), "number"
        if family == "tag" and name.key in SYSTEM_TAGS and name.key not in self._vocabulary.names("tag"):
            return Field("attribute", SYSTEM_TAGS[name.key]), "text"
        if family in _NAMED or family == "package":
            self._note_unknown(family, name.key)
        return Field(family, name.key), family

    def _bare(self, name: Name) -> tuple[Field, str]:
        key = name.key
        if key in ATTRIBUTES and name.step is None and name.aspect is None:
            attribute, kind = ATTRIBUTES[key]
            others = [family for family in _NAMED if key in self._vocabulary.names(family)]
            if others:
                self.notes.append(f"`{key}` is the run's own here; its {others[0]} is `{others[0]}s.{key}`")
            return Field("attribute", attribute), kind
        having = [family for family in _NAMED if key in self._vocabulary.names(family)]
        if name.step is not None or name.aspect is not None:
            having = [family for family in having if family == "metric"]
        if not having and self._aspect_of(key, name.is_quoted):
            having = ["metric"]
        if len(having) > 1:
            both = " or ".join(f"`{family}s.{key}`" for family in having)
            self._fail(name.at, f"`{_cut(key)}` is ambiguous: runs have {both}", "write the one you mean")
        if not having:
            known = [*OWN_ATTRIBUTES, *(one for family in _NAMED for one in self._vocabulary.names(family))]
            near = nearest(key, known)
            first = key.partition(".")[0]
            if near is None and first != key and (family := nearest(first, FAMILIES)):
                near = f"{family}.{key.partition('.')[2]}"
            hint = f"did you mean `{near}`?" if near else "`twice ls --all` shows what runs have"
            self._fail(name.at, f"no run has an attribute, param, metric or tag `{_cut(key)}`", hint)
        found = name._replace(family=having[0])
        return (self._metric(found), "number") if having[0] == "metric" else (Field(having[0], key), having[0])

    def _metric(self, name: Name) -> Field:
        known = self._vocabulary.names("metric")
        if name.step is not None:
            self._note_unknown("metric", name.key)
            return Field("metric", name.key, "at", name.step)
        if name.aspect is not None:
            self._note_unknown("metric", name.key)
            return Field("metric", name.key, self._aspect(name.key, name.aspect))
        if name.key not in known and (split := self._aspect_of(name.key, name.is_quoted)):
            key, aspect = split
            return Field("metric", key, self._aspect(key, aspect))
        self._note_unknown("metric", name.key)
        return Field("metric", name.key)

    def _aspect_of(self, key: str, is_quoted: bool) -> tuple[str, str] | None:
        """`loss.min` as the metric and the aspect, if there is such a metric."""
        metric, _, aspect = key.rpartition(".")
        if not is_quoted and aspect in ASPECTS and metric in self._vocabulary.names("metric"):
            return metric, aspect
        return None

    def _aspect(self, key: str, aspect: str) -> str:
        if aspect != "best":
            return aspect
        return "min" if self._vocabulary.lower_is_better(key) else "max"

    def _check_not_a_param(self, name: Name) -> None:
        """`data.path` may mean an input, or the param `path` within `data`; `inputs.path` is always the input."""
        whole, long = f"{name.family}.{name.key}", {"env": "environment", "data": "inputs", "output": "outputs"}
        if name.family not in long:
            return
        for family in _NAMED:
            if whole in self._vocabulary.names(family):
                hint = f"write `{family}s.{_cut(whole)}` or `{long[name.family]}.{_cut(name.key)}`"
                self._fail(name.at, f"`{_cut(whole)}` is ambiguous: it is a {family} of some runs, too", hint)

    def _note_unknown(self, family: str, key: str) -> None:
        known = self._vocabulary.names(family)
        if family == "package":
            key = normalise_name(key)
        if key not in known:
            near = nearest(key, known)
            more = f"; did you mean `{near}`?" if near else ""
            self.notes.append(f"no run has the {family} `{_cut(key)}`{more}")

    # ------------------------------------------------------------------------------------------------ values

    def _comparison(self, comparison: Comparison) -> Expression:
        field, kind = self.field(comparison.name)
        operator = comparison.operator
        allowed: tuple[str, ...] = (
            _TEXTUAL if kind in ("text", "status", "param", "tag", "package", "dataset") else _ORDERED
        )
        if kind in ("input", "output"):
            allowed = ("=", "in", "null")
        if operator not in allowed:
            noun = {"number": "a number", "input": "a hash", "output": "a hash"}.get(kind, "a time")
            self._fail(comparison.at, f"`{_cut(comparison.name.key)}` is {noun}: {operator.upper()} is for text")
        if operator == "null":
            return Test(field, operator, (), comparison.is_negated)
        if operator in ("like", "ilike", "~"):
            word = comparison.words[0]
            if operator == "~":
                try:
                    regular(word.text)
                except ValueError as error:
                    self._fail(word.at, f"not a regular expression: {error}")
            return Test(field, operator, (word.text,), comparison.is_negated)
        operands = tuple(self._operand(word, kind, field) for word in comparison.words)
        if operator == "between":
            self._check_alike(operands, comparison.words)
        if kind == "package" and operator != "in":
            self._check_versions(operator, comparison.words)
        return Test(field, operator, operands, comparison.is_negated)

    def _operand(self, word: Word, kind: str, field: Field) -> Any:
        if kind in ("text", "dataset", "package"):
            return word.text
        if kind == "status":
            return word.text.lower()
        if kind == "number":
            return self._number(word, field)
        if kind == "period":
            return self._period(word, field)
        if kind == "moment":
            return self._moment(word, field)
        if kind == "milliseconds":
            return self._milliseconds(word)
        if kind in ("input", "output"):
            return self._digest(word)
        return _typed(word)

    def _number(self, word: Word, field: Field) -> int | float:
        number = None if word.is_quoted else read_number(word.text)
        if number is None:
            hint = f"without quotes: {word.text}" if read_number(word.text) is not None else None
            self._fail(word.at, f"`{_cut(field.key)}` is compared with a number, not with {_told(word)}", hint)
        return number

    def _period(self, word: Word, field: Field) -> int | float:
        seconds = parse_period(word.text)
        if seconds is None:
            seconds = read_number(word.text)
        if seconds is None:
            self._fail(word.at, f"`{field.key}` is compared with seconds or with 90s, 10m, 2h, 3d, not {_told(word)}")
        return seconds

    def _moment(self, word: Word, field: Field) -> Span:
        span = parse_moment(word.text, self._vocabulary.now)
        if span is None:
            self._fail(
                word.at,
                f"`{field.key}` is compared with a time, not with {_told(word)}",
                "such as 2026-11-20, 2026-11-20T10:30, yesterday, or 2d for the moment two days ago",
            )
        return span

    def _milliseconds(self, word: Word) -> Span:
        number = None if word.is_quoted else read_number(word.text)
        if number is None:
            span = parse_moment(word.text, self._vocabulary.now)
            if span is None:
                self._fail(word.at, f"expected milliseconds since 1970, or a date, not {_told(word)}")
            return span
        if not math.isfinite(number) or abs(number) > 2**52:
            number = math.copysign(2**52, number)
        start = int(number * 1000)
        return Span(start, start + (1000 if float(number).is_integer() else 1))

    def _digest(self, word: Word) -> str:
        algorithm, colon, digits = word.text.lower().rpartition(":")
        if (colon and algorithm not in ("sha256", "sha")) or not re.fullmatch(r"[0-9a-f]{2,64}", digits):
            self._fail(word.at, f"expected (the start of) a hash such as sha256:ab12, not {_told(word)}")
        return digits

    def _check_alike(self, operands: tuple[Any, ...], words: tuple[Word, ...]) -> None:
        if isinstance(operands[0], str) != isinstance(operands[1], str):
            self._fail(words[1].at, "BETWEEN takes two numbers or two texts", "quote both, or neither")

    def _check_versions(self, operator: str, words: Iterable[Word]) -> None:
        from twice.query.versions import is_version

        for word in words:
            if operator != "=" and not is_version(word.text):
                self._fail(word.at, f"{_told(word)} is not a version", "such as '2.4' or '2.4.1'")

    # ------------------------------------------------------------------------------------------------ calls

    def _call(self, call: Call) -> Expression:
        if call.function not in FUNCTIONS:
            self._fail(
                call.at, f"there is no `{_cut(call.function)}(…)`", suggestion(call.function, FUNCTIONS, "there is")
            )
        wanted = 2 if call.function == "same" else 1
        if len(call.arguments) != wanted:
            at = call.arguments[min(wanted, len(call.arguments) - 1)].at
            self._fail(at, f"`{call.function}` is written like this: {FUNCTIONS[call.function]}")
        first = call.arguments[0]
        if call.function == "under":
            return Under(first.text)
        if call.function == "code.touches":
            path = first.text.removeprefix("./").rstrip("/")
            if not path or path.startswith(("/", "../")):
                self._fail(first.at, "expected a path within the repository")
            return Touches(path)
        what = first.text.lower()
        if what == "env":
            what = "environment"
        if what not in SAME_WHAT:
            self._fail(
                first.at, f"runs can be the same in {', '.join(SAME_WHAT)}", suggestion(what, SAME_WHAT, "one of")
            )
        return Same(what, call.arguments[1].text)

    def _fail(self, at: int, message: str, hint: str | None = None) -> NoReturn:
        raise complaint(self._text, at, message, hint)


# ---------------------------------------------------------------------------------------------------- words


def _typed(word: Word) -> int | float | bool | str | None:
    """What a word means beside a param or a tag: with quotes text, without them a number, true, false or none, if it is."""
    if word.is_quoted:
        return word.text
    number = read_number(word.text)
    if number is not None:
        return number
    lower = word.text.lower()
    if lower in ("true", "false"):
        return lower == "true"
    return None if lower in ("none", "null") else word.text


def _told(word: Word) -> str:
    return f"the text '{_cut(word.text)}'" if word.is_quoted else f"`{_cut(word.text)}`"


def _cut(text: str) -> str:
    shown = "".join(character if character.isprintable() else "·" for character in text[:60])
    return shown if len(text) <= 60 else shown[:59] + "…"
