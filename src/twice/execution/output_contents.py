"""Which outputs hold the same although their bytes differ?  Two runs and where their outputs may lie in; words a path out.

The content of an output is taken from what the run keeps, or else from a place where the file still has the recorded
sha256. What is nowhere to be had, or too large to be read whole, stays different: it is never guessed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from twice.capture.manifests import read_manifest
from twice.comparison.contents import same_content
from twice.frozen import frozen
from twice.record.model import Attachments, DataFile, Run
from twice.store.run_store import RunStore

_LARGEST = 256 << 20
_MOST_FILES = 1000  # of a folder, that differ


@frozen
class OutputSource:
    """A run, how its attachments are read, and the folders that its relative paths may be looked for in."""

    run: Run
    roots: Sequence[Path]
    artifact: Callable[[str], bytes | None]  # path → content, of an output kept in the run
    manifest: Callable[[str], bytes | None]  # path of a folder → its manifest


def find_same_content(was: OutputSource, now: OutputSource) -> dict[str, str]:
    """Path → what is the same in both, of the outputs that differ in bytes only."""
    found = {}
    of_now = {each.path: each for each in now.run.data.outputs}
    for one in was.run.data.outputs:
        other = of_now.get(one.path)
        if other is None or not one.sha256 or not other.sha256 or one.sha256 == other.sha256 or one.kind != other.kind:
            continue
        compare = _same_folder if one.kind == "folder" else _same_file
        words = compare(one, other, was, now)
        if words is not None:
            found[one.path] = words
    return found


def recorded_outputs(run: Run, commit: str, roots: Sequence[Path], store: RunStore) -> OutputSource:
    """The outputs of a run that has a commit."""
    return OutputSource(
        run=run,
        roots=roots,
        artifact=lambda path: store.artifact(commit, path),
        manifest=lambda folder: store.manifest(commit, folder),
    )


def attached_outputs(run: Run, attachments: Attachments, root: Path) -> OutputSource:
    """The outputs of a run that has none yet."""
    return OutputSource(
        run=run,
        roots=[root],
        artifact=lambda path: attachments.artifacts[path][1] if path in attachments.artifacts else None,
        manifest=attachments.manifests.get,
    )


def _same_file(one: DataFile, other: DataFile, was: OutputSource, now: OutputSource) -> str | None:
    a, b = _content(one, was), _content(other, now)
    return None if a is None or b is None else same_content(a, b)


def _same_folder(one: DataFile, other: DataFile, was: OutputSource, now: OutputSource) -> str | None:
    """The same files, and each that differs has the same content."""
    manifests = was.manifest(one.path), now.manifest(other.path)
    if manifests[0] is None or manifests[1] is None:
        return None
    try:
        old, new = read_manifest(manifests[0]), read_manifest(manifests[1])
    except ValueError:
        return None
    different = [name for name in old if new.get(name) != old[name]]
    if old.keys() != new.keys() or len(different) > _MOST_FILES:
        return None
    words = []
    for name in different:
        path = str(PurePosixPath(one.path, name))
        said = _same_file(DataFile(path=path, sha256=old[name]), DataFile(path=path, sha256=new[name]), was, now)
        if said is None:
            return None
        words.append(f"{name}: {said}")
    more = f", and {len(words) - 2} more" if len(words) > 2 else ""
    return "; ".join(words[:2]) + more


def _content(output: DataFile, source: OutputSource) -> bytes | None:
    """The bytes of an output, if they are to be had and are the recorded ones."""
    kept = source.artifact(output.path) if output.stored == "artifacts" else None
    if kept is not None:
        return kept
    for root in dict.fromkeys(source.roots):
        path = root / output.path
        try:
            if not path.is_file() or path.stat().st_size > _LARGEST:
                continue
            content = path.read_bytes()
        except (OSError, ValueError):
            continue
        if hashlib.sha256(content).hexdigest() == output.sha256:
            return content
    return None
