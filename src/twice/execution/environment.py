"""With which words, and in which environment, does a reproduction run?  `point_at` and `choose_environment`, put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from twice.environments.choosing import Chosen, Wish, choose_environment
from twice.environments.rebuilding import Workshop
from twice.environments.sources import Trees
from twice.execution.argv import Invocation, point_at
from twice.execution.worktrees import Worktree, environments_folder
from twice.record.model import Run


def invoke_in_environment(
    original: Run,
    wish: Wish,
    wanted_python: str | None,
    worktree: Worktree,
    repository: Path,
    variables: Mapping[str, str],
    tell: Callable[[str], None],
) -> tuple[Invocation, Chosen]:
    """The words to execute, pointed at the environment that was chosen.  Raises ReproductionError when there is none.

    `variables` are those that the command will run with: they decide what an interpreter sees.
    """
    recorded_root = Path(original.execution.repository)

    def pointed_at(python: str | None) -> Invocation:
        return point_at(
            original.execution.command, original.execution.python, python, recorded_root, worktree.root, variables
        )

    here = pointed_at(wanted_python)
    shop = Workshop(
        trees=Trees(snapshot=worktree.root, repository=repository, recorded=recorded_root),
        cache=environments_folder(variables),
        layer=worktree.top / f"{worktree.root.name}.environment",
        environ=variables,
        tell=tell,
    )
    chosen = choose_environment(original, wish, here.python, wanted_python and here.python, shop)
    if chosen.how == "current":
        for note in here.notes:
            tell(note)
    for line in (*chosen.notes, *(f"the environment differs: {line}" for line in chosen.differences)):
        tell(line)
    return (pointed_at(chosen.python) if chosen.python is not None else here), chosen
