"""How is a command run away from the user's work tree?  In a fresh worktree of the snapshot of what is there now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from twice.capture.code import capture_code, file_states
from twice.capture.request import Request, is_python
from twice.configuration import Configuration
from twice.errors import CaptureError
from twice.execution.clock import Clock
from twice.execution.placing import Found, levels_above, place_inputs
from twice.execution.recording import Place, Recorded, record_run
from twice.execution.sealing import Amend
from twice.execution.worktrees import fresh_worktree, unbound
from twice.git.repository import Repository
from twice.git.snapshot import scan
from twice.record.model import DataFile


def record_isolated(
    request: Request,
    repository: Repository,
    configuration: Configuration,
    clock: Clock,
    environ: Mapping[str, str],
    tell: Callable[[str], None],
    amend: Amend | None = None,
) -> Recorded:
    """Run a command in a fresh worktree of the snapshot; the declared inputs are copied there. `amend`: see `record_run`.

    The worktree is removed, unless it holds an output that was too large to be kept in the run.
    """
    captured = capture_code(repository, configuration)
    for warning in captured.warnings:
        tell(warning)
    if captured.code.commit is None:
        raise CaptureError("there is no code to make a worktree of", hint="add a file first")
    inputs = [_declared(repository.root, path) for path in request.inputs]
    with fresh_worktree(
        repository, captured.code.commit, request.id, environ, levels_above([one.data for one in inputs])
    ) as worktree:
        place_inputs(inputs, worktree.root)
        recorded = record_run(
            replace(request, words=_words(request, repository.root)),
            repository,
            Place(
                tree=worktree.repository,
                code=captured.code,
                beside=worktree.top,
                # The inputs put there are no work of the run.
                changes=file_states(scan(worktree.repository).changes) if inputs else (),
                warnings=captured.warnings,
            ),
            configuration,
            clock,
            unbound(environ),
            amend=amend,
        )
        if recorded.run is None or any(
            output.stored is None and output.sha256 is not None for output in recorded.run.data.outputs
        ):
            worktree.kept = True
            tell(f"the worktree is kept, for the outputs that are not in the run: {worktree.root}")
    return recorded


def _declared(root: Path, path: str) -> Found:
    place = root / path
    return Found(data=DataFile(path=path, kind="folder" if place.is_dir() else "file"), place=place)


def _words(request: Request, root: Path) -> tuple[str, ...]:
    """The command's words; an interpreter named by a path in the user's work tree (`.venv/bin/python`) stays that one."""
    program = Path(request.command[0])
    if program.is_absolute() or len(program.parts) == 1 or not is_python(program.name):
        return ()
    return (str(root / request.directory / program), *request.command[1:])
