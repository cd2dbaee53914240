"""Colour or not, and which?  Settings in, a `Style` out that marks text by what it means.

Follows no-color.org and bixense.com/clicolors; where both speak, NO_COLOR wins, as in CPython. Blue and yellow are told
apart by almost everyone, red and green are not. Colour is never the only signal: words and arrows say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from twice.frozen import frozen


@frozen(kw_only=False)
class Style:
    """Marks text with colours, or leaves it as it is."""

    enabled: bool = False

    def same(self, text: str) -> str:
        """What is as it was, or went well: blue."""
        return self._mark(text, "34")

    def different(self, text: str) -> str:
        """What has changed, or went wrong: yellow, bold."""
        return self._mark(text, "1;33")

    def unsure(self, text: str) -> str:
        """What is not known: magenta."""
        return self._mark(text, "35")

    def quiet(self, text: str) -> str:
        """What is said beside: dim."""
        return self._mark(text, "2")

    def strong(self, text: str) -> str:
        """What stands out, such as a title: bold."""
        return self._mark(text, "1")

    def by_state(self, state: str, text: str) -> str:
        """The text marked by a state of a section, a verdict or a run."""
        if state in ("identical", "equivalent", "finished", "reproduced", "bit-exact", "byte-identical", "ready"):
            return self.same(text)
        if state in ("unknown", "running", "interrupted", "within tolerance", "within noise", "same content"):
            return self.unsure(text)
        return self.different(text)

    def _mark(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.enabled and text else text


PLAIN = Style()


def choose_style(
    when: Literal["auto", "always", "never"] = "auto", *, environ: Mapping[str, str], isatty: bool
) -> Style:
    """The style for an output; `when` is `--color`, `environ` and `isatty` tell of that output's surroundings."""
    if when != "auto":
        return Style(when == "always")
    if environ.get("NO_COLOR"):
        return Style(False)
    if any(environ.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return Style(True)
    return Style(isatty and environ.get("TERM") != "dumb" and environ.get("CLICOLOR") != "0")
