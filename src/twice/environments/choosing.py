"""In which environment does a run run again?  The one that is here when it is the same, else one rebuilt from the record.

    auto      the recorded interpreter (or PATH's) when nothing of it is known to differ, else as rebuild
    current   that interpreter, whatever it holds
    rebuild   a virtual environment made from the record

In all three, what the run had installed in editable form from the repository itself comes from the snapshot: the user's
work tree may have moved on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from twice.capture.origins import local_path
from twice.environments.interpreters import ask_interpreter
from twice.environments.layering import lay_over
from twice.environments.proof import differences
from twice.environments.rebuilding import Workshop, look_at, rebuild
from twice.environments.sources import OwnSource, Trees
from twice.errors import ReproductionError
from twice.frozen import frozen
from twice.record.model import Distribution, Packages, Run

Wish = Literal["auto", "current", "rebuild"]


@frozen
class Chosen:
    """An environment to run in."""

    how: Literal["current", "rebuilt"]
    python: str | None  # its interpreter; None: as the command says
    remark: str | None = None  # for the verdict
    layered: bool = False  # something was installed for this reproduction alone
    differences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def choose_environment(
    run: Run, wish: Wish, candidate: str | None, wanted_python: str | None, shop: Workshop
) -> Chosen:
    """The environment for a run; `candidate` is the interpreter that its command leads to here.

    `wanted_python` is what the user named: run in as it is, or built on when the wish is to rebuild. Raises
    ReproductionError with the ways out when an environment is needed that cannot be had.
    """
    packages = run.environment.packages
    if packages is None:
        if wish == "rebuild":
            raise ReproductionError(
                "no Python process reported in from the run: its environment is not known",
                hint="run in the environment that is here: --env current",
            )
        return Chosen(how="current", python=None)
    if wish == "rebuild":
        return _rebuilt(packages, run, wanted_python, shop)
    if wish == "current" or wanted_python is not None:
        return _current(candidate, shop)
    found = _look(candidate, shop)
    if found is not None and not differences(packages, found):
        return _current(candidate, shop, found)
    return _rebuilt(packages, run, None, shop)


def _look(candidate: str | None, shop: Workshop) -> Packages | None:
    if candidate is None:
        return None
    try:
        return look_at(candidate, shop, shop.trees.repository)
    except ReproductionError:
        return None


def _rebuilt(packages: Packages, run: Run, wanted_python: str | None, shop: Workshop) -> Chosen:
    rebuilt = rebuild(packages, run.execution.python, wanted_python, shop)
    return Chosen(
        how="rebuilt",
        python=rebuilt.python,
        remark="rebuilt",
        layered=rebuilt.python.startswith(str(shop.layer)),
        differences=rebuilt.differences,
        notes=rebuilt.notes,
    )


def _current(candidate: str | None, shop: Workshop, found: Packages | None = None) -> Chosen:
    """The candidate as it is; or a layer over it, where it would import the repository's own code from the work tree."""
    found = found or _look(candidate, shop)
    own = _from_the_snapshot(found.distributions, shop.trees) if found is not None else ()
    if not own or candidate is None:
        return Chosen(how="current", python=None, remark="current")
    below = ask_interpreter(candidate, shop.environ)
    if below is None:
        return Chosen(how="current", python=None, remark="current")
    python, notes = lay_over(below, shop.layer, own, False, shop.installer())
    return Chosen(how="current", python=python, remark="current", layered=True, notes=notes)


def _from_the_snapshot(distributions: Sequence[Distribution], trees: Trees) -> tuple[OwnSource, ...]:
    """The editable installs of the repository, or of a folder in it, as far as the snapshot holds them."""
    found = []
    for one in distributions:
        if one.origin is None or one.origin.kind != "editable" or one.origin.url is None:
            continue
        if local_path(one.origin.url) is None and (folder := trees.snapshot / one.origin.url).is_dir():
            found.append(OwnSource(name=one.name, version=one.version, path=folder, editable=True))
    return tuple(found)
