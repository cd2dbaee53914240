"""What does a YAML text say, if it is written as this project writes it?  Ten times faster than asking libyaml.

In: the text. Out: its plain data, or None for any text that is not of the form that `yaml_text.dump` writes: block style,
one fact a line, each level two columns deeper, strings quoted where they need it. Such a text means the same here and to
every reader of YAML; whatever else there is, valid or not, is left to one of those.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

_MAX_DEPTH = 100
_LONGEST_KEY = 500
_SPECIAL = frozenset("'\"{[")  # what words begin with that are not bare

# Bare text begins with what begins nothing else in YAML, and holds no `: `, no ` #` and no blank at its end. Its first
# character is told by what it is not: no sign of ASCII, no control. The other way round takes 8 ms to compile.
_IN_BARE = "[^ \n:#]"
_BARE = (
    r"(?:--?(?=[A-Za-z0-9_.])|\.{0,2}/|[.+](?=[A-Za-z0-9_]))?[^\x00-/:-@\[-^`{-\xa0]"
    rf"{_IN_BARE}*(?:(?::(?=[^ \n])|(?<=[^ \n])#| +(?=[^ \n#:])){_IN_BARE}*)*"
)
_QUOTED = r"'(?:[^'\n]|'')*'|\"(?:[^\"\\\n]|\\[\"\\ntr]|\\u(?!d[89a-f])[0-9a-f]{4})*\""
_LINE = re.compile(
    rf"^( *)((?:- )*)(?:([A-Za-z_][A-Za-z0-9_./-]*|{_BARE}|{_QUOTED}):(?: (?=[^ \n])|$))?"  # indent, dashes, key
    r"(?:(-?[0-9]+)|(-?[0-9]+\.[0-9]+(?:e[-+]?[0-9]+)?)|"  # a whole number, another number, or
    rf"(\{{\}}|\[\]|{_QUOTED}|-?\.(?:inf|nan)|{_BARE}))?$",
    re.MULTILINE,
)
# What breaks a line for some reader of YAML or is no text for another; what starts or ends a document.
_ODD = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")
_NOTHING = ("",) * 6
_MARKS = ("---", "...")


def load_quickly(text: str, bare_value: Callable[[str], Any]) -> Any | None:
    """The data of a mapping that is written as `yaml_text.dump` writes it; None when it may not be.

    `bare_value` gives the value of a word without quotes. Raises whatever that raises.
    """
    if (
        _ODD.search(text)
        or not text.endswith("\n")
        or text.startswith(_MARKS)
        or any(f"\n{one}" in text for one in _MARKS)
    ):
        return None
    lines = _LINE.findall(text)
    if lines[-1:] == [_NOTHING]:  # what comes after the last line end
        lines.pop()
    if len(lines) != text.count("\n"):
        return None
    return _read(lines, bare_value)


def _read(lines: list[tuple[str, ...]], bare_value: Callable[[str], Any]) -> Any | None:
    """The mapping that these lines are: indent, dashes, key, and one of whole number, number and word, of each."""
    # The containers that are open, outermost first, each with the column of its entries.
    root: dict[str, Any] = {}
    columns, opened = [0], [root]
    container: Any = root
    column = 0
    # The container that the next line opens belongs here; None when the last line had a value.
    waiting: Any = None
    waiting_key: Any = None
    value: Any
    for indent, dashes, key, whole, number, word in lines:
        at = len(indent)
        if waiting is None:
            while at < column:
                columns.pop()
                opened.pop()
                column, container = columns[-1], opened[-1]
            if at != column:
                return None
        elif at != column + 2 or len(columns) > _MAX_DEPTH:
            return None
        for _ in range(len(dashes) // 2) if dashes else ():
            if waiting is not None:
                container = _put(waiting, waiting_key, [])
                columns.append(at)
                opened.append(container)
                waiting = None
            elif type(container) is not list:
                return None
            column = at
            at += 2
            waiting, waiting_key = container, None
        if key:
            if waiting is not None:
                container = _put(waiting, waiting_key, {})
                columns.append(at)
                opened.append(container)
                column = at
                waiting = None
            elif type(container) is not dict:
                return None
            name = key if key[0] not in _SPECIAL else _unquoted(key)
            if name in container or len(key) > _LONGEST_KEY:
                return None
        elif not dashes:
            return None
        if number:
            value = float(number)
        elif whole:
            value = int(whole)
        elif word:
            value = bare_value(word) if word[0] not in _SPECIAL else _special_value(word)
        elif key:
            container[name] = None  # keeps the place
            waiting, waiting_key = container, name
            continue
        else:
            return None
        if key:
            container[name] = value
        else:
            container.append(value)
            waiting = None
        if len(columns) > _MAX_DEPTH:
            return None
    return root if waiting is None and root else None


def _special_value(word: str) -> Any:
    if word[0] == "{" or word[0] == "[":
        return {} if word[0] == "{" else []
    return _unquoted(word)


def _put(parent: Any, key: Any, child: Any) -> Any:
    if type(parent) is list:
        parent.append(child)
    else:
        parent[key] = child
    return child


def _unquoted(word: str) -> str:
    if word[0] == "'":
        return word[1:-1].replace("''", "'")
    text: str = json.loads(word)
    return text
