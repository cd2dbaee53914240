"""Why did a run diverge?  Two runs, what was compared and the script's text in; the causes that are known of, in words, out.

Pure. What differs between the runs is in the rows of the verdict. When nothing recorded does, the cause is something that
no record holds: the clock, the system's entropy, the order in which threads or workers finish. Then the lines of the script
that ask for such things are named. They are where to look, not a proof.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from twice.comparison.sections import Comparison, SectionName, enumerate_some

if TYPE_CHECKING:
    from twice.record.model import Run

_CONDITIONS: tuple[SectionName, ...] = ("code", "environment", "machine", "data", "command", "params", "seeds")

# The last name of what is called → what no seed decides.
_CALLS = {
    "the time": (
        "time", "time_ns", "perf_counter", "perf_counter_ns", "monotonic", "monotonic_ns", "process_time", "now", "utcnow",
        "today", "strftime", "ctime", "localtime", "gmtime",
    ),
    "the system's entropy": (
        "urandom", "getrandom", "SystemRandom", "uuid1", "uuid4", "token_bytes", "token_hex", "token_urlsafe", "randbelow",
    ),
    "the order in which workers finish": (
        "as_completed", "imap_unordered", "Pool", "ThreadPool", "ProcessPoolExecutor", "ThreadPoolExecutor", "Parallel",
    ),
    "the order in which a folder is listed": ("listdir", "scandir", "iterdir", "glob", "iglob", "rglob", "walk"),
    "addresses and process numbers": ("id", "getpid", "get_ident"),
    "what came on standard input": ("input",),
    "the network": ("urlopen", "urlretrieve"),
}  # fmt: skip
_WHAT = {name: what for what, names in _CALLS.items() for name in names}
_PLAIN = frozenset(("id", "input", "Parallel"))  # as bare names only: `row.id()` is another thing
_SORTED = frozenset(("sorted", "set", "len", "max", "min", "sum"))


def find_causes(original: Run, again: Run, comparison: Comparison, script: str = "") -> tuple[str, ...]:
    """What is known of why the results of the two differ; `script` is the text of the entry point."""
    different = [name for name in _CONDITIONS if comparison.section(name).state == "differs"]
    if different:
        return (f"what else differs: {enumerate_some(different, 7)}",)
    unseeded = tuple(dict.fromkeys((*original.seeds.not_applied, *again.seeds.not_applied)))
    if unseeded:
        return tuple(f"not seeded: {reason}" for reason in unseeded)
    unknown = [name for name in _CONDITIONS if comparison.section(name).state == "unknown" and name != "machine"]
    asked = [f"{what} ({lines})" for what, lines in _asked_for(script)]
    workers = [process.key for process in original.seeds.processes if _is_worker(process.key) and process.seeded]
    found = []
    if len(workers) > 1:
        found.append(
            f"{len(workers)} worker processes have random numbers of their own: which gets which task is not recorded"
        )
    if asked:
        found.append(f"the script depends on {'; '.join(asked)}")
    if found:
        return tuple(found)
    if unknown:
        return (f"not known well enough: {enumerate_some(unknown, 7)}",)
    return ("nothing that is recorded differs: `twice run --twice` tells which results come out again at all",)


def _is_worker(key: str) -> bool:
    return re.search(r"/process-\d+$", key) is not None


def _asked_for(script: str) -> Iterator[tuple[str, str]]:
    """What the script asks for that no seed decides, and on which lines."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(script)
    except (SyntaxError, ValueError, RecursionError):
        return
    lines: dict[str, list[int]] = {}
    tamed = {
        id(argument)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in _SORTED
        for argument in call.args
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and id(node) not in tamed and (what := _what_is_called(node.func)):
            lines.setdefault(what, []).append(node.lineno)
        elif isinstance(node, ast.Attribute) and node.attr == "stdin":
            lines.setdefault("what came on standard input", []).append(node.lineno)
    for what, numbers in lines.items():
        distinct = sorted(set(numbers))
        yield what, f"line {enumerate_some([str(number) for number in distinct])}"


def _what_is_called(function: ast.expr) -> str | None:
    if isinstance(function, ast.Name):
        return _WHAT.get(function.id)
    if not isinstance(function, ast.Attribute) or function.attr in _PLAIN:
        return None
    if isinstance(function.value, ast.Name) and function.value.id in ("secrets", "uuid"):
        return "the system's entropy"
    return _WHAT.get(function.attr)
