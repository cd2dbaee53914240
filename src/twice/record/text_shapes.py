"""What does a YAML text say that differs in nothing but numbers from one read before?

In: the text, and the reader to ask when it is not such a text. Out: what that reader gives. A thousand runs of one script
have the same metrics with other numbers: the words between the numbers are the text's shape. When a shape comes a second
time it is remembered as the pieces of a JSON text, and from then on the numbers are filled in and the standard library's
parser, which is written in C, reads the whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

# A value that is a number in YAML and in JSON alike, and all there is between its key and the end of the line.
_NUMBER = re.compile(r": (-?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:e[-+]?[0-9]+)?)?)$", re.MULTILINE)
_HOLE = r'"\u0000"'  # where a number was: the same text in the YAML that is read here and in JSON
_FEWEST = 10  # numbers for which it is worth the trouble
_MOST = 100  # shapes that are remembered

_Words = tuple[str, ...]


class TextShapes:
    """Reads texts with `load`, and those of a known shape without it."""

    def __init__(self, load: Callable[[str], Any | None]) -> None:
        self._load = load
        # Of a shape: JSON in pieces, with a place for a number between each two; None of one that was seen once, nothing
        # of one that is not to be had.
        self._known: dict[_Words, list[str] | None] = {}

    def load(self, text: str) -> Any | None:
        """What `load` gives for this text.  Raises what that raises."""
        pieces = _NUMBER.split(text)
        numbers = pieces[1::2]
        if len(numbers) < _FEWEST:
            return self._load(text)
        words = tuple(pieces[::2])
        json_pieces = self._known.get(words)
        if json_pieces is None:
            self._remember(words)
        if not json_pieces:
            return self._load(text)
        filled = json_pieces.copy()
        filled[1::2] = numbers
        return json.loads("".join(filled))

    def _remember(self, words: _Words) -> None:
        if words not in self._known:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[words] = None
            return
        # What a line is does not depend on which number stands at its end.
        data = self._load(f": {_HOLE}".join(words))
        pieces = json.dumps(data).split(_HOLE)
        is_whole = data is not None and len(pieces) == len(words)
        self._known[words] = [part for piece in pieces for part in (piece, "")][:-1] if is_whole else []
