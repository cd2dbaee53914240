"""Which names may stand at the cursor?  What is typed so far in, words to go on with out, as click's completion wants them.

The index is asked as it is: nothing is refreshed, for a shell waits. Whatever goes wrong there are no words, and no message
either, which would end up in the middle of the user's line. Names that need quotes in a filter have them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click

    from twice.store.run_index import RunIndex

_MOST = 500
_FAMILIES = {"metric": "metrics", "param": "params", "tag": "tags"}
# What is typed of a name, quotes of the language included, and what stands before it. Compiled only when they are needed.
_TYPED = r"""(?s)(.*?)((?:[^\s(),'"`<>=!~]|(?<=\.)[`'"][^`'"]*|(?<![^\s(])[`'"][^`'"]*)*)"""
_BEFORE_A_NAME = r"(?si)\s*|(?:.*[\s)])?(?:and|or|not)\s+|.*(?<![\w.])(?<!\bin)(?<!\bin\s)\(\s*"
_BEFORE_A_STATUS = r"(?si)(?:.*[\s(.])?status\s*(?:[=!]=?|<>)\s*"
_STATUSES = ("finished", "failed", "killed", "interrupted", "running")

_Named = tuple[str | None, str]  # a family as a filter writes it, or none; and a key


def complete_filter(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The names that a filter may go on with: `lr < 1 and met` → `lr < 1 and metrics.accuracy`, …"""
    incomplete = _unescaped(incomplete)
    match = re.fullmatch(_TYPED, incomplete)
    before, typed = (match[1], match[2]) if match else ("", incomplete)
    if re.fullmatch(_BEFORE_A_STATUS, before):
        return [before + word for word in _STATUSES if word.startswith(typed)]
    if not re.fullmatch(_BEFORE_A_NAME, before):
        return []
    return [before + text for text in _ask(lambda index: _spelled(typed, [*_names(index), *_only_in_filters(index)]))]


def complete_order(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The names to sort by, behind the `-` that is typed."""
    minus = "-" if incomplete.startswith("-") else ""
    typed = _unescaped(incomplete).removeprefix("-")
    return [minus + text for text in _ask(lambda index: _spelled(typed, _names(index)))]


def complete_columns(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The names of columns, behind those that are typed already."""
    before, comma, typed = _unescaped(incomplete).rpartition(",")
    there = {name.strip() for name in before.split(",")}
    found = _ask(lambda index: _spelled(typed, _names(index)))
    return [before + comma + text for text in found if "," not in text and text not in there]


def complete_metric(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The names of metrics, as a filter writes them: for `best` and `importance`."""
    return _ask(lambda index: _spelled(_unescaped(incomplete), _of_families(index, ("metric",))))


def complete_plain_metric(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The names of metrics as they are; of the one run that the line names, if it names one."""
    return _ask(lambda index: _beginning(incomplete, _metrics_of(ctx, index) or index.names("metric")))


def complete_plain_fact(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The names of params and metrics as they are, and `duration`: what may stand below a scatter plot."""
    return _ask(lambda index: _beginning(incomplete, [*index.names("param"), *index.names("metric"), "duration"]))


def _ask(question: Callable[[RunIndex], list[str]]) -> list[str]:
    """The answer of the index as it is; no words if anything goes wrong."""
    from twice.cli.workplace import workplace
    from twice.store.run_index import RunIndex

    try:
        with workplace(bare_ok=True) as place, RunIndex.open(place.repository.state_dir) as index:
            return question(index)
    except Exception:
        return []


def _unescaped(incomplete: str) -> str:
    r"""What the shell will pass on: within double quotes it takes the backslash from \` and \$, and click does not."""
    return incomplete.replace("\\`", "`").replace("\\$", "$")


def _names(index: RunIndex) -> Iterator[_Named]:
    """What runs can be listed and sorted by: short names where they mean one thing, then each with its family."""
    from twice.query.fields import OWN_ATTRIBUTES

    yield from ((None, name) for name in OWN_ATTRIBUTES)
    yield from _of_families(index, tuple(_FAMILIES), OWN_ATTRIBUTES)


def _of_families(index: RunIndex, families: Sequence[str], taken: Sequence[str] = ()) -> Iterator[_Named]:
    known = {family: index.names(family) for family in families}
    bearers = Counter([*taken, *(name for names in known.values() for name in names)])
    yield from ((None, name) for names in known.values() for name in names if bearers[name] == 1)
    yield from ((_FAMILIES[family], name) for family, names in known.items() for name in names)


def _only_in_filters(index: RunIndex) -> Iterator[_Named]:
    from twice.query.fields import FUNCTIONS

    yield from ((None, f"{name}(") for name in FUNCTIONS)
    yield from (("env", name) for name in index.names("package"))


def _spelled(typed: str, names: Iterator[_Named] | Sequence[_Named]) -> list[str]:
    """The names that begin as typed, as a filter writes them; quotes that are not typed yet do not count."""
    from twice.query.spelling import spell_name

    bare = typed.translate({ord(quote): None for quote in "`'\""})
    found: list[str] = []
    for family, key in names:
        if (f"{family}.{key}" if family else key).startswith(bare):
            text = key if key.endswith("(") else spell_name(family, key)
            found += [text] if text else []
    return _beginning(typed, found) or found[:_MOST]


def _beginning(typed: str, names: Sequence[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name.startswith(typed) and name.isprintable()][:_MOST]


def _metrics_of(ctx: click.Context, index: RunIndex) -> list[str]:
    """The metrics of the run that is named on the line; none where there is no such run."""
    from twice.errors import TwiceError
    from twice.store.known_runs import lower_is_better
    from twice.store.selectors import select_run

    selector = next(iter(ctx.args), ctx.params.get("run"))  # an unfinished line leaves its words in args
    if not isinstance(selector, str):
        return []
    try:
        row = select_run(selector, index.rows(), index.summaries, lower_is_better)
    except TwiceError:
        return []
    return list(index.summaries_of([index.key(row.ref)])[0].metrics)
