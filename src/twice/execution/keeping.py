"""Which inputs and outputs of a run come into the data store, and how does its record say so?

In: a run about to be sealed. Out: the same run, with `stored: lfs` where the content is in the store now, and a Git LFS
pointer among the artifacts for each output that is. What is kept: with --keep-data all that git does not hold, else what
`keep` in the configuration names, in the pattern language of .gitignore. A file is kept as it was read or written: if it
is another one by now, it is not, and a warning says so.

Pointers get no attribute `filter=lfs` of ours: a forge and `git lfs push` know them by their content, and a plain
`git worktree add` of a run then works without git-lfs, and where the objects are not at hand.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from twice.capture.before import Before
from twice.capture.manifests import read_manifest
from twice.capture.request import Request
from twice.configuration import Configuration
from twice.errors import TwiceError
from twice.git.lfs_pointer import Pointer, write_pointer
from twice.git.path_pattern import PathPattern
from twice.git.repository import Repository
from twice.record.model import Attachments, Data, DataFile, LeftOut, Run
from twice.store.data_store import DataStore
from twice.textforms import quote_path

STORED = "lfs"
_FILE = 0o100644
_MOST_POINTERS = 1000  # of one folder; a record is for people to look at, and a folder of more has its manifest


@contextmanager
def kept_data(
    run: Run,
    attachments: Attachments,
    request: Request,
    before: Before,
    configuration: Configuration,
    repository: Repository,
) -> Iterator[tuple[Run, Attachments]]:
    """Keep the data of a run, and hold the store until the run has its ref.

    Trouble with the store becomes a warning of the run: nothing may lose the run itself.
    """
    if not (request.keep_data or configuration.keep):
        yield run, attachments
        return
    wanted = Wanted(("*",) if request.keep_data else configuration.keep)
    store = DataStore.of(repository)
    with store.held():
        yield keep_data(run, attachments, wanted, Path(before.root), store)


class Wanted:
    """The patterns of what is kept, as in .gitignore: the last that matches decides, and `!` takes out again.

    A path outside the repository is named whole (`/mnt/data/**`) or by its last part (`*.pt`).
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = [(text, PathPattern(os.fsencode(text))) for text in patterns]

    def holds(self, path: str) -> bool:
        """Whether a file at this path of the record is wanted, for its own sake or with a folder that it is in."""
        parts = os.fsencode(path).strip(b"/").split(b"/")
        wanted = False
        for text, pattern in self._patterns:
            if path.startswith("/") and "/" in text.rstrip("/") and not text.lstrip("!").startswith("/"):
                continue
            for count in range(1, len(parts) + 1):
                if pattern.matches(b"/".join(parts[:count]), parts[count - 1], count < len(parts)):
                    wanted = not pattern.negated
        return wanted


def keep_data(
    run: Run, attachments: Attachments, wanted: Wanted, root: Path, store: DataStore
) -> tuple[Run, Attachments]:
    """Copy what is wanted of a run's data into the store; the run and its attachments that say so."""
    files = _files_of_run(run, attachments, wanted)
    here = set(files.values())
    warnings = []
    try:
        for unkept in store.put_all([(root / path, sha256) for path, sha256 in files.items()]):
            here.discard(unkept.sha256)
            warnings.append(f"{quote_path(_shown(unkept.path, root))} is not kept: {unkept.reason}")
    except TwiceError as error:
        here = {sha256 for sha256 in here if store.has(sha256)}
        warnings.append(f"not all data could be kept: {error.message}")
    for entry in run.data.inputs:
        if entry.kind == "file" and files.get(entry.path, entry.sha256) != entry.sha256:
            warnings.append(f"{quote_path(entry.path)} is kept as the run left it: what it had read was overwritten")

    def marked(entry: DataFile) -> DataFile:
        content = _content(entry, attachments)
        return replace(entry, stored=STORED) if _is_loose(entry) and content and here.issuperset(content) else entry

    def marked_left_out(entry: LeftOut) -> LeftOut:
        return replace(entry, stored=STORED) if entry.sha256 in here else entry

    data = Data(
        inputs=tuple(map(marked, run.data.inputs)), outputs=tuple(map(marked, run.data.outputs)), extra=run.data.extra
    )
    code = replace(run.code, left_out=tuple(map(marked_left_out, run.code.left_out)))
    execution = replace(run.execution, code=code, warnings=(*run.execution.warnings, *warnings))
    pointers = _pointers(data.outputs, attachments, store)
    return (
        replace(run, execution=execution, data=data),
        replace(attachments, artifacts={**attachments.artifacts, **pointers}),
    )


def _files_of_run(run: Run, attachments: Attachments, wanted: Wanted) -> dict[str, str]:
    """Path → sha256 of the files that are wanted and that nothing keeps; where one was overwritten, of its last content."""
    found: dict[str, str] = {}
    for entry in (*run.data.inputs, *run.data.outputs):
        if not _is_loose(entry):
            continue
        for path, sha256 in _files(entry, attachments).items():
            if wanted.holds(path):
                found[path] = sha256
    for left_out in run.code.left_out:
        if left_out.sha256 is not None and wanted.holds(left_out.path):
            found.setdefault(left_out.path, left_out.sha256)
    return found


def _is_loose(entry: DataFile) -> bool:
    """Whether only the hash of its content is kept so far."""
    return entry.stored is None and entry.sha256 is not None


def _files(entry: DataFile, attachments: Attachments) -> dict[str, str]:
    """Path → sha256 of a file, or of the files in a folder."""
    if entry.kind == "file":
        return {entry.path: entry.sha256} if entry.sha256 is not None else {}
    manifest = read_manifest(attachments.manifests.get(entry.path, b""))
    return {f"{entry.path}/{name}": sha256 for name, sha256 in manifest.items()}


def _content(entry: DataFile, attachments: Attachments) -> set[str]:
    return set(_files(entry, attachments).values())


def _pointers(outputs: Sequence[DataFile], attachments: Attachments, store: DataStore) -> dict[str, tuple[int, bytes]]:
    """Path → mode and pointer, of the outputs inside the repository that are in the store."""
    found = {}
    for output in outputs:
        if output.stored != STORED or output.path.startswith(("/", "../")) or (output.files or 0) > _MOST_POINTERS:
            continue
        for path, sha256 in _files(output, attachments).items():
            size = store.size(sha256)
            if size is not None and path not in attachments.artifacts:
                found[path] = (_FILE, write_pointer(Pointer(sha256, size)))
    return found


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
