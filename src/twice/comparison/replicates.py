"""Which runs are the same but for the seed?  Runs in, groups of replicates out.  Pure.

Replicates have the same code, command, params, inputs and packages; what seeds random numbers may differ: the root seed
and any param or option whose name says so (`--seed 3`, `model.random_state=7`). Two runs of one seed are one replicate:
repeating a run says nothing about the spread over seeds. Where the script takes a seed of its own, that one counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from twice.frozen import frozen

if TYPE_CHECKING:
    from datetime import datetime

    from twice.record.model import Run

SameCode = Callable[["Run", "Run"], bool]
"""Whether the code of two runs is the same although the trees differ: a stale output may lie in one of them."""

_SEED_NAME = re.compile(r"(?:.*[._-])?(?:seed|random[_-]?state)", re.IGNORECASE)
_OPTION = re.compile(r"(?P<name>-{0,2}[A-Za-z+][\w.+-]*)=(?P<value>.*)", re.DOTALL)
_SEED = "<seed>"


@frozen
class Replicates:
    """Two runs with their replicates, each group with the run itself, one run a seed, oldest first."""

    a: tuple[Run, ...]
    b: tuple[Run, ...]
    same: bool  # a and b are replicates of each other: the seed is all that differs


class Conditions(NamedTuple):
    """All that replicates have in common but the code, in forms that are equal when they are the same."""

    directory: str
    command: tuple[str, ...]
    params: str
    inputs: tuple[tuple[str, str], ...]
    packages: Hashable


def is_seed(name: str) -> bool:
    """Whether a param or an option of that name seeds random numbers."""
    return _SEED_NAME.fullmatch(name.lstrip("-")) is not None


def conditions(run: Run) -> Conditions:
    """The conditions of a run, seeds apart."""
    execution = run.execution
    packages = run.environment.packages
    installed = packages and (
        (packages.interpreter.implementation, packages.interpreter.version),
        # What watches is no part of what is watched.
        tuple((one.name, one.version, one.record_sha256) for one in packages.distributions if one.name != "twice"),
    )
    return Conditions(
        directory=execution.directory,
        command=tuple(_words_without_seeds(execution.command)),
        params=_text(params_without_seeds(run.params.flat())),
        inputs=tuple(sorted((one.path, one.sha256 or "") for one in run.data.inputs)),
        packages=installed,
    )


def params_without_seeds(params: Mapping[str, Any]) -> dict[str, Any]:
    """The params, by dotted name, less those that seed random numbers."""
    return {name: value for name, value in params.items() if not is_seed(name)}


def find_replicates(run: Run, candidates: Iterable[Run], same_code: SameCode) -> tuple[Run, ...]:
    """The run and those finished candidates that differ from it in the seed alone, one run a seed, oldest first."""
    wanted = conditions(run)
    found: dict[Hashable, Run] = {_seed_of(run): run}
    for candidate in sorted(candidates, key=_age):
        if candidate.id == run.id or candidate.execution.status != "finished" or _seed_of(candidate) in found:
            continue
        if conditions(candidate) == wanted and is_same_code(run, candidate, same_code):
            found[_seed_of(candidate)] = candidate
    return tuple(sorted(found.values(), key=_age))


def pair_replicates(a: Run, b: Run, candidates: Sequence[Run], same_code: SameCode) -> Replicates:
    """The replicates of two runs among the candidates."""
    same = conditions(a) == conditions(b) and is_same_code(a, b, same_code)
    of_a = find_replicates(a, candidates, same_code)
    return Replicates(a=of_a, b=of_a if same else find_replicates(b, candidates, same_code), same=same)


def group_replicates(runs: Sequence[Run], candidates: Sequence[Run], same_code: SameCode) -> list[tuple[Run, ...]]:
    """The groups that the runs belong to, in the order of the runs; each with its replicates among the candidates."""
    groups: list[tuple[Run, ...]] = []
    firsts: list[Run] = []
    for run in runs:
        if not any(conditions(first) == conditions(run) and is_same_code(first, run, same_code) for first in firsts):
            firsts.append(run)
            groups.append(find_replicates(run, candidates, same_code))
    return groups


def is_same_code(a: Run, b: Run, same_code: SameCode) -> bool:
    """Whether the code is the same; only where the trees differ is `same_code` asked."""
    return a.code.tree == b.code.tree or same_code(a, b)


def _age(run: Run) -> tuple[datetime, str]:
    return run.execution.started_at, run.id


def _seed_of(run: Run) -> Hashable:
    """What seeded the run, as far as is known; a run that nothing seeded is like no other."""
    own = {name: value for name, value in run.params.flat().items() if is_seed(name) and value is not None}
    words = [word for word, masked in zip(run.execution.command, _masked(run.execution.command), strict=True) if masked]
    if own or words:
        return (_text(own), tuple(words))
    return run.id if run.seeds.root is None else run.seeds.root


def _words_without_seeds(command: Sequence[str]) -> Iterator[str]:
    """The words of a command, where seeds are `<seed>` and the program is its name alone."""
    for position, (word, masked) in enumerate(zip(command, _masked(command), strict=True)):
        if masked:
            yield _SEED
        else:
            yield word.rpartition("/")[2] if position == 0 else word


def _masked(command: Sequence[str]) -> list[bool]:
    """Which words of a command are a seed: `--seed=3`, `seed=3`, and the word after `--seed`."""
    found: list[bool] = []
    for position, word in enumerate(command):
        before = command[position - 1] if position else ""
        option = _OPTION.fullmatch(word)
        follows = before.startswith("-") and "=" not in before and is_seed(before) and not word.startswith("--")
        found.append(position > 0 and (follows or (option is not None and is_seed(option["name"]))))
    return found


def _text(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, default=str)
