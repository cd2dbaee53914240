"""What does a filter say?  Text in, a tree out; written by hand, one method a rule.

    filter     = [ or ]
    or         = and { OR and }
    and        = not { AND not } [ AND ]                         MLflow takes an AND too many at the end, so do we
    not        = [ NOT ] ( "(" or ")" | call | comparison )
    call       = name "(" word { "," word } ")"
    comparison = name operator word
               | name [ NOT ] IN "(" word { "," word } ")"
               | name [ NOT ] BETWEEN word AND word
               | name IS [ NOT ] NULL
    operator   = "=" "==" "!=" "<>" "<" "<=" ">" ">=" "~" "!~" [ NOT ] LIKE, [ NOT ] ILIKE
    name       = [ family "." ] key [ ".at(" step ")" ]          the family ends at the first dot: params.a.b is key a.b
    key        = bare, or any text in `…`, "…" or '…'
    word       = bare, or any text in '…' or "…"                  no escapes, as in MLflow: '' stays ''

Every filter string of MLflow (mlflow/utils/search_utils.py) is one of these, with the same meaning; words in capitals may
be written small. What a bare word may hold depends on where it stands: on the left it ends at an operator, on the right
only at a blank, a comma or a parenthesis, so that `sha256:ab12` and `2026-11-20T10:00` need no quotes.
"""

from __future__ import annotations

import re

from twice.query.complaints import complaint
from twice.query.tree import Call, Comparison, Either, Every, Expression, Name, Not, Word

MAX_LENGTH = 200_000
_MAX_DEPTH = 100
_MAX_STEP = 2**62

FAMILIES = {
    **dict.fromkeys(("metric", "metrics"), "metric"),
    **dict.fromkeys(("param", "params", "parameter", "parameters"), "param"),
    **dict.fromkeys(("tag", "tags"), "tag"),
    **dict.fromkeys(("attr", "attribute", "attributes", "run"), "attribute"),
    **dict.fromkeys(("dataset", "datasets"), "dataset"),
    **dict.fromkeys(("env", "environment"), "package"),
    **dict.fromkeys(("data", "input", "inputs"), "input"),
    **dict.fromkeys(("output", "outputs"), "output"),
}
"""What may stand before the first dot of a name → the family of facts that is meant; the first five are MLflow's."""

_BLANK = re.compile(r"\s*")
_BARE_NAME = re.compile(r"[^\s<>=!~()'\"`,;.]+(?:\.[^\s<>=!~()'\"`,;.]+)*")
_BARE_WORD = re.compile(r"[^\s(),'\"`;]+")
_QUOTED = {  # of the left side, and the first two of the right one; \' does not end a text, and stays as it is
    "'": re.compile(r"'((?:''|\\'|[^'])*)'"),
    '"': re.compile(r'"((?:""|\\"|[^"])*)"'),
    "`": re.compile(r"`([^`]*)`"),
}
_SYMBOL = re.compile(r"==|!=|<>|<=|>=|!~|[=<>~]")
_KEYWORD = re.compile(r"(?:AND|OR|NOT|IN|IS|NULL|LIKE|ILIKE|BETWEEN)(?![^\s()'\"`])", re.IGNORECASE)
_SYMBOLS = {"==": "=", "!=": "!=", "<>": "!=", "!~": "!~"}
_STEP = re.compile(r"\.at\(\s*(\d{1,20})\s*\)")
_ASPECT = re.compile(r"\.(min|max|best|last|mean|count)(?![^\s<>=!~()'\"`,;])")


def parse_filter(text: str) -> Expression:
    """The tree of a filter; of an empty one, `Every(())`.  Raises UsageError, with a caret under the character."""
    if len(text) > MAX_LENGTH:
        raise complaint(text, MAX_LENGTH, f"the filter is too long: {len(text)} characters, {MAX_LENGTH} are allowed")
    return _Parser(text).whole()


def parse_name(text: str) -> tuple[Name, str]:
    """The name that a text begins with, and what comes after it.  Raises UsageError."""
    parser = _Parser(text)
    parser.skip()
    return parser.name(), text[parser.position :].strip()


class _Parser:
    """Where we are in the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self._depth = 0

    def whole(self) -> Expression:
        """The tree of all of the text."""
        self.skip()
        if self._at_end():
            return Every(())
        expression = self._either()
        if self._at_end():
            return expression
        if self.text[self.position] == ")":
            raise self._complaint("this `)` closes nothing")
        raise self._complaint("expected AND, OR, or the end of the filter")

    # ------------------------------------------------------------------------------------------------ joints

    def _either(self) -> Expression:
        parts = [self._every()]
        while self._take("OR"):
            parts.append(self._every())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _every(self) -> Expression:
        parts: list[Expression] = []
        while True:
            more = False
            while self._take("AND"):  # MLflow does not mind one too many
                more = True
            if parts and not more:
                break
            if more and self._at_end():
                break
            parts.append(self._negated())
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _negated(self) -> Expression:
        start = self.position
        if self._take("NOT"):
            with _Deeper(self, start):
                return Not(self._negated())
        return self._primary()

    def _primary(self) -> Expression:
        self.skip()
        start = self.position
        if self.text.startswith("(", start):
            with _Deeper(self, start):
                self.position += 1
                self.skip()
                if self.text.startswith(")", self.position):
                    raise self._complaint("nothing stands between these parentheses")
                expression = self._either()
                if not self._take_character(")"):
                    raise self._complaint("this `(` is not closed", start)
                return expression
        name = self.name()
        if self.text.startswith("(", self.position):
            return self._call(name)
        return self._comparison(name)

    # ------------------------------------------------------------------------------------------------ tests

    def _call(self, name: Name) -> Call:
        function = name.key if name.family is None else f"{name.family}.{name.key}"
        return Call(function, self._listed(), name.at)

    def _comparison(self, name: Name) -> Comparison:
        self.skip()
        at = self.position
        if symbol := _SYMBOL.match(self.text, at):
            self.position = symbol.end()
            operator = _SYMBOLS.get(symbol[0], symbol[0])
            is_negated = operator.startswith("!")
            operator = {"!=": "=", "!~": "~"}.get(operator, operator)
            return Comparison(name, operator, (self._word(),), is_negated, at)
        if self._take("IS"):
            is_negated = self._take("NOT")
            if not self._take("NULL"):
                raise self._complaint("expected NULL or NOT NULL after IS")
            return Comparison(name, "null", (), is_negated, at)
        is_negated = self._take("NOT")
        if self._take("IN"):
            return Comparison(name, "in", self._listed(), is_negated, at)
        if self._take("BETWEEN"):
            low = self._word()
            if not self._take("AND"):
                raise self._complaint("expected AND between the two values of BETWEEN")
            return Comparison(name, "between", (low, self._word()), is_negated, at)
        for keyword in ("LIKE", "ILIKE"):
            if self._take(keyword):
                return Comparison(name, keyword.lower(), (self._word(),), is_negated, at)
        raise self._complaint(
            f"expected an operator after `{_cut(name.key)}`",
            hint="operators: = != < <= > >= ~ !~ LIKE, ILIKE, IN, BETWEEN, IS NULL",
        )

    def _listed(self) -> tuple[Word, ...]:
        """Words in parentheses, separated by commas; a comma after the last is allowed, as in MLflow."""
        self.skip()
        start = self.position
        if not self._take_character("("):
            raise self._complaint("expected a list such as ('a', 'b')")
        words = []
        while not self._take_character(")"):
            words.append(self._word())
            if not self._take_character(","):
                if not self._take_character(")"):
                    raise self._complaint("expected `,` or `)`")
                break
        if not words:
            raise self._complaint("the list is empty", start)
        return tuple(words)

    # ------------------------------------------------------------------------------------------------ words

    def name(self) -> Name:
        """A name, from here on."""
        at = self.position
        keyword = _KEYWORD.match(self.text, at)
        if self._at_end() or self.text[at] in "=<>!~,;)" or (keyword and not self._is_name_after(keyword.end())):
            what = f"`{keyword[0]}`" if keyword else f"`{self.text[at]}`" if at < len(self.text) else "the end"
            raise self._complaint(f"expected a name such as `metrics.loss` before {what}")
        first, is_quoted = self._name_part()
        family, dot, key = first.partition(".")
        if not is_quoted and dot:
            if family not in FAMILIES:
                return self._with_step(None, first, False, at)
            return self._with_step(family, key, False, at)
        if not self.text.startswith(".", self.position) or first not in FAMILIES:
            return self._with_step(None, first, is_quoted, at)
        self.position += 1
        if self._at_end() or self.text[self.position].isspace():
            raise self._complaint("expected a name after the dot")
        key, is_quoted = self._name_part()
        return self._with_step(first, key, is_quoted, at)

    def _name_part(self) -> tuple[str, bool]:
        quote = self.text[self.position]
        if quote in _QUOTED:
            return self._quoted(quote), True
        match = _BARE_NAME.match(self.text, self.position)
        if match is None:
            raise self._complaint(f"`{quote}` cannot stand here: a name that holds it needs quotes, `…`")
        self.position = match.end()
        return match[0], False

    def _with_step(self, family: str | None, key: str, is_quoted: bool, at: int) -> Name:
        """The name, and what may follow it: `.at(100)`, or after a quoted key `.min`."""
        if not is_quoted and key.endswith(".at") and self.text.startswith("(", self.position):
            self.position -= len(".at")
            key = key[: -len(".at")]
        if step := _STEP.match(self.text, self.position):
            self.position = step.end()
            if int(step[1]) > _MAX_STEP:
                raise self._complaint("no run has that many steps", step.start(1))
            return Name(family, key, is_quoted, at, int(step[1]))
        if self.text.startswith(".at(", self.position):
            raise self._complaint("expected a step, a whole number: .at(100)", self.position + len(".at("))
        if is_quoted and (aspect := _ASPECT.match(self.text, self.position)):
            self.position = aspect.end()
            return Name(family, key, is_quoted, at, None, aspect[1])
        return Name(family, key, is_quoted, at)

    def _word(self) -> Word:
        self.skip()
        at = self.position
        if self._at_end():
            raise self._complaint("expected a value")
        quote = self.text[at]
        if quote in ("'", '"'):
            return Word(self._quoted(quote), True, at)
        match = _BARE_WORD.match(self.text, at)
        if match is None:
            hint = "text goes into '…' or \"…\"; `…` is for names" if quote == "`" else None
            raise self._complaint(f"expected a value, not `{quote}`", hint=hint)
        self.position = match.end()
        return Word(match[0], False, at)

    def _quoted(self, quote: str) -> str:
        match = _QUOTED[quote].match(self.text, self.position)
        if match is None:
            raise self._complaint(f"this {quote} is not closed")
        self.position = match.end()
        return match[1]

    # ------------------------------------------------------------------------------------------------ characters

    def skip(self) -> None:
        """Go on to the next character that is no blank."""
        match = _BLANK.match(self.text, self.position)
        assert match is not None  # it matches nothing, too
        self.position = match.end()

    def _at_end(self) -> bool:
        return self.position >= len(self.text)

    def _is_name_after(self, end: int) -> bool:
        """Whether what looks like a keyword is a name: an operator follows (`in = 3`)."""
        match = _BLANK.match(self.text, end)
        return bool(match and _SYMBOL.match(self.text, match.end()))

    def _take(self, keyword: str) -> bool:
        self.skip()
        match = _KEYWORD.match(self.text, self.position)
        if match is None or match[0].upper() != keyword:
            return False
        self.position = match.end()
        return True

    def _take_character(self, character: str) -> bool:
        self.skip()
        if not self.text.startswith(character, self.position):
            return False
        self.position += 1
        return True

    def _complaint(self, message: str, at: int | None = None, hint: str | None = None) -> Exception:
        return complaint(self.text, self.position if at is None else at, message, hint)

    def deeper(self, at: int) -> None:
        """Note one more parenthesis or NOT.  Raises UsageError beyond reason."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._complaint(f"nested more than {_MAX_DEPTH} deep", at)

    def shallower(self) -> None:
        """Note its end."""
        self._depth -= 1


class _Deeper:
    """Within a parenthesis, or behind a NOT."""

    def __init__(self, parser: _Parser, at: int) -> None:
        self._parser = parser
        parser.deeper(at)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._parser.shallower()


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
