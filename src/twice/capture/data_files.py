"""What did the run read and write?  The files that it opened, told apart into code, inputs, outputs and noise.

In: opened files (`opened_files`), what was declared, what git says has changed. Out: `Data`, each entry with the sha256 of
what was read or written, and a manifest for each entry that is a folder. Reads and hashes files; writes nothing.

- Code is what the snapshot holds and an interpreter executes (by suffix, or the entry point): never an input.
- An input was there, and was opened for reading before the run wrote to it. Its hash is of what was read: of the file as it
  is now, if it still is as it was; else of the snapshot's copy; else what the cache of hashes knew it by. If none of them
  can tell, the entry has no hash and a warning says so: the hash of something else would be a lie.
- An output was opened for writing and changed, renamed to, declared, or found changed by git, and is there after the run.
- What the run fetched into a cache of data sets or models is an input: the next run finds it there.
- Many files below one folder become one entry for that folder, see `fold`; a declared folder always is one entry.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twice.capture.file_reading import Progress
from twice.capture.hashing import hash_files, hash_folder
from twice.capture.manifests import FileDigest, FolderDigest, describe_folder
from twice.capture.noise import Noise
from twice.capture.opened_files import OpenedFile, Stamp, opened_from_events, stamp_of
from twice.capture.record_paths import RecordPaths
from twice.frozen import frozen
from twice.record.model import Data, DataFile
from twice.textforms import quote_path

if TYPE_CHECKING:
    from twice.capture.before import Before
    from twice.capture.hash_cache import HashCache
    from twice.capture.request import Request

FOLD_LIMIT = 1000
"""More files than this below one folder become one entry."""

# What an interpreter or a compiler reads. Configuration (YAML, JSON, TOML) is not code: a script reads it as data.
CODE_SUFFIXES = (
    ".py", ".pyw", ".pyi", ".pyx", ".pxd", ".ipynb", ".sh", ".bash", ".zsh", ".fish", ".ps1", ".bat", ".r", ".R", ".Rmd", ".qmd",
    ".jl", ".pl", ".rb", ".lua", ".js", ".mjs", ".ts", ".c", ".cc", ".cpp", ".cxx", ".cu", ".cuh", ".h", ".hpp", ".rs", ".go",
    ".java", ".scala", ".smk", ".nf",
)  # fmt: skip


@frozen
class FoundData:
    """What was found: the facts, the manifests by the path of their folder, and what could not be found out."""

    data: Data
    manifests: Mapping[str, bytes] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def find_data(
    events: Sequence[Mapping[str, Any]],
    request: Request,
    before: Before,
    changed: Iterable[str],
    in_snapshot: Callable[[str], bool],
    hashes: HashCache | None,
    *,
    read_snapshot: Callable[[str], bytes | None] | None = None,
    home: str | None = None,
) -> FoundData:
    """What a run read and wrote, from its own evidence: `describe_data` with what it needs to know.

    `changed`: paths that git says the run changed. `home`: the user's home folder; None: as the system tells it.
    """
    prefixes: dict[str, None] = {}
    for event in events:
        if event.get("kind") == "process":
            prefixes.update(dict.fromkeys(event.get(name) or "" for name in ("prefix", "base_prefix")))
    return describe_data(
        opened_from_events(events, os.path.join(before.root, request.directory)),  # noqa: PTH118
        root=before.root,
        noise=Noise(
            before.root,
            own=before.noise,
            prefixes=prefixes,
            data=before.data,
            home=home or os.path.expanduser("~"),  # noqa: PTH111
            variables=before.variables,
        ),
        started_at=before.started_at,
        declared_inputs=request.inputs,
        declared_outputs=request.outputs,
        artifacts=[event["path"] for event in events if event.get("kind") == "artifact"],
        changed=changed,
        code=() if request.entry_point is None else (os.path.join(request.directory, request.entry_point),),  # noqa: PTH118
        in_snapshot=in_snapshot,
        read_snapshot=read_snapshot,
        cache=hashes,
    )


def describe_data(
    opened: Iterable[OpenedFile],
    *,
    root: str,
    noise: Noise,
    started_at: datetime,
    declared_inputs: Iterable[str] = (),
    declared_outputs: Iterable[str] = (),
    artifacts: Iterable[str] = (),
    changed: Iterable[str] = (),
    code: Collection[str] = (),
    in_snapshot: Callable[[str], bool] = lambda _: False,
    read_snapshot: Callable[[str], bytes | None] | None = None,
    cache: HashCache | None = None,
    progress: Progress | None = None,
    limit: int = FOLD_LIMIT,
) -> FoundData:
    """What a run read and wrote, from plain facts.

    `opened` in the order of time. Paths in `changed` (by git), `code`, and what is declared are the record's: relative to
    `root` unless absolute; `artifacts` are outputs that the run itself named. `in_snapshot` tells whether the snapshot holds
    a path, `read_snapshot` gives its bytes as they are in a work tree.
    """
    paths = RecordPaths(root)
    rules = _Rules(
        paths=paths,
        noise=noise,
        started_ns=int(started_at.timestamp() * 1e9),
        changed={paths.absolute(path) for path in changed},
        code={paths.absolute(path) for path in code},
        in_snapshot=in_snapshot,
        read_snapshot=read_snapshot,
        cache=cache,
    )
    inputs, outputs = rules.tell_apart(_uses(opened, paths, noise))
    for path in artifacts:
        _entry(outputs, paths.absolute(path), "declared")
    input_folders = _declare(inputs, map(paths.absolute, declared_inputs))
    output_folders = _declare(outputs, map(paths.absolute, declared_outputs))

    now = [entry.path for entry in (*inputs.values(), *outputs.values()) if entry.digest is None and not entry.lost]
    digests = hash_files(now, cache, progress)
    for entry in (*inputs.values(), *outputs.values()):
        entry.digest = entry.digest or (None if entry.lost else digests.get(entry.path))

    writing = _Writing(paths, rules, limit)
    only_written = outputs.keys() - inputs.keys()
    for folder in input_folders:
        writing.add_declared_folder(
            inputs, folder, lambda path: noise.holds(path) or path in only_written, cache, progress
        )
    written_inputs = writing.files(inputs, is_output=False)
    for folder in output_folders:
        if paths.recorded(folder) not in writing.manifests:  # as an input too: only what was written is an output
            writing.add_declared_folder(outputs, folder, noise.holds, cache, progress)
    written_outputs = writing.files(outputs, is_output=True)
    return FoundData(
        data=Data(inputs=written_inputs, outputs=written_outputs),
        manifests=writing.manifests,
        warnings=tuple(writing.warnings),
    )


def fold(paths: Sequence[str], limit: int, never: Collection[str] = ()) -> dict[str, list[str]]:
    """The folders that stand for many files: folder → the files it stands for, of the given absolute POSIX paths.

    From the top down: a folder with at most `limit` files below it is left alone. Of one with more, the only subfolder that
    also has more is gone into, as long as what lies beside it stays within the limit; else the folder itself stands for all
    of them (`train/` for the thousand classes in it, not a thousand folders). Folders in `never` do not stand for
    anything: there each subfolder is looked at for itself.
    """

    def walk(folder: str, below: Sequence[str]) -> dict[str, list[str]]:
        if len(below) <= limit:
            return {}
        subfolders: dict[str, list[str]] = {}
        for path in below:
            name, separator, _ = path[len(folder) :].partition("/")
            if separator:
                subfolders.setdefault(f"{folder}{name}/", []).append(path)
        large = [name for name, files in subfolders.items() if len(files) > limit]
        if len(large) == 1 and len(below) - len(subfolders[large[0]]) < limit:
            return walk(large[0], subfolders[large[0]])
        plain = folder.rstrip("/")
        if plain and plain not in never:
            return {plain: list(below)}
        return {name: files for sub in large for name, files in walk(sub, subfolders[sub]).items()}

    return walk("", sorted(paths))


# ------------------------------------------------------------------------------------------- what was done with a file


@dataclass(slots=True)
class _Use:
    """What the run did with one file, in order of time."""

    reads: bool = False  # before it wrote to it
    writes: bool = False
    at_once: bool = True  # only ever opened for both, or only for reading: it need not have been changed
    relative: bool = False
    stamp: Stamp | None = None  # as it was when the run first opened it


def _uses(opened: Iterable[OpenedFile], paths: RecordPaths, noise: Noise) -> dict[str, _Use]:
    uses: dict[str, _Use] = {}
    for one in opened:
        named = _source_of_bytecode(one.path) if one.path.endswith(".pyc") else one.path
        if named is None or noise.holds(normal := os.path.normpath(named).replace(os.sep, "/")):
            continue
        path = paths.canonical(named)
        if (canonical := path.replace(os.sep, "/")) != normal and noise.holds(canonical):
            continue
        use = uses.setdefault(path, _Use(relative=one.relative))
        if not use.reads and not use.writes and named == one.path:
            use.stamp = one.stamp
        if named != one.path:  # whoever writes the bytecode of a module has read the module
            use.reads = use.reads or not use.writes
            continue
        use.reads = use.reads or (one.read and not use.writes)
        use.writes = use.writes or one.write
        use.at_once = use.at_once and one.read
    return uses


def _source_of_bytecode(path: str) -> str | None:
    """The module whose cached bytecode this is (PEP 3147): importing it reads the one for the other."""
    folder, name = os.path.split(path)
    above, cache = os.path.split(folder)
    return os.path.join(above, name.split(".")[0] + ".py") if cache == "__pycache__" else None  # noqa: PTH118


@dataclass(slots=True)
class _Entry:
    """An input or output on its way into the record."""

    path: str  # absolute
    found: set[str] = field(default_factory=set)
    relative: bool = False
    digest: FileDigest | None = None
    lost: bool = False  # there was a content, and nobody knows it any more
    changed_by_others: bool = False  # while the run had it open, as far as anybody knows


def _entry(entries: dict[str, _Entry], path: str, found: str) -> _Entry:
    entry = entries.setdefault(path, _Entry(path))
    entry.found.add(found)
    return entry


def _declare(entries: dict[str, _Entry], declared: Iterable[str]) -> list[str]:
    """Enter what was declared; returns the folders, which are hashed on their own, outermost first."""
    folders = []
    for path in declared:
        if Path(path).is_dir():
            folders.append(path)
        else:
            _entry(entries, path, "declared")
    return sorted(set(folders))


@frozen
class _Rules:
    """What makes a file an input or an output, and which content an input had when it was read."""

    paths: RecordPaths
    noise: Noise
    started_ns: int
    changed: Collection[str]
    code: Collection[str]
    in_snapshot: Callable[[str], bool]
    read_snapshot: Callable[[str], bytes | None] | None
    cache: HashCache | None

    def tell_apart(self, uses: Mapping[str, _Use]) -> tuple[dict[str, _Entry], dict[str, _Entry]]:
        """Inputs and outputs, by absolute path."""
        inputs: dict[str, _Entry] = {}
        outputs: dict[str, _Entry] = {}
        for path, use in uses.items():
            status = _regular(path)
            is_output = status is not None and self._is_output(path, use, status)
            if is_output:
                _entry(outputs, path, "opened").relative = use.relative
            if self._is_input(path, use, status, is_output) and not self._is_code(path):
                entry = _entry(inputs, path, "opened")
                entry.relative = use.relative
                if status is None or not self._is_as_it_was(path, use, status, is_output):
                    entry.digest = self._earlier_content(path, use)
                    entry.lost = entry.digest is None
                    entry.changed_by_others = status is not None and not is_output
        for path in self.changed:
            # People edit their code while it runs; what git alone saw of that is no output.
            if path in outputs or (not self._is_code(path) and not self.noise.holds(path) and _regular(path)):
                _entry(outputs, path, "git")
        return inputs, outputs

    def _is_output(self, path: str, use: _Use, status: os.stat_result) -> bool:
        if use.writes:
            if self.noise.is_data_cache(path) or self.noise.is_temporary(path):
                return False
            if use.stamp is not None:
                return use.stamp != stamp_of(status)
            return not use.at_once or status.st_mtime_ns >= self.started_ns
        # Seen being read only, and younger than the run: made by it, in a way that the tracer does not see.
        return self._is_unseen_product(path, use, status)

    def _is_unseen_product(self, path: str, use: _Use, status: os.stat_result) -> bool:
        return (
            use.stamp is None
            and status.st_mtime_ns >= self.started_ns
            and self.paths.is_inside(path)
            and not self.in_snapshot(self.paths.recorded(path))
        )

    def _is_input(self, path: str, use: _Use, status: os.stat_result | None, is_output: bool) -> bool:
        if status is None:
            # A temporary file that is gone, or one that the run read and then removed.
            return use.reads and self.paths.is_inside(path) and self._was_there_before(path, use)
        if self.noise.is_data_cache(path):
            return True
        if not use.reads or (not use.writes and is_output):
            return False
        # Opened for both at once and changed: without a stamp nobody knows whether it had been there before.
        return not (is_output and use.at_once and use.stamp is None and not self._snapshot_has(path))

    def _was_there_before(self, path: str, use: _Use) -> bool:
        return self._snapshot_has(path) or (use.stamp is not None and max(use.stamp[1:3]) < self.started_ns)

    def _is_as_it_was(self, path: str, use: _Use, status: os.stat_result, is_output: bool) -> bool:
        if self.noise.is_data_cache(path) and use.writes:
            return True
        if use.stamp is not None:
            # A change of ctime alone is a chmod, or a new link.
            return (*use.stamp[:2], use.stamp[3]) == (status.st_size, status.st_mtime_ns, status.st_ino)
        if is_output or path in self.changed:
            return False
        return status.st_mtime_ns < self.started_ns or self._snapshot_has(path)

    def _earlier_content(self, path: str, use: _Use) -> FileDigest | None:
        """The content that is no longer there, where something still knows it."""
        if use.stamp is not None and self.cache is not None:
            known = self.cache.get_stamped(Path(path), use.stamp)
            if known is not None:
                return FileDigest(sha256=known, size_bytes=use.stamp[0])
        if self._snapshot_has(path) and self.read_snapshot is not None:
            content = self.read_snapshot(self.paths.recorded(path))
            if content is not None:
                return FileDigest(sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))
        return None

    def _is_code(self, path: str) -> bool:
        return (path.endswith(CODE_SUFFIXES) or path in self.code) and self._snapshot_has(path)

    def _snapshot_has(self, path: str) -> bool:
        return self.paths.is_inside(path) and self.in_snapshot(self.paths.recorded(path))

    def stored(self, path: str, *, is_output: bool) -> str | None:
        """Where the content is kept already."""
        return "git" if self._snapshot_has(path) and not (is_output and path in self.changed) else None


def _regular(path: str) -> os.stat_result | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - there can be a hundred thousand of them
    except (OSError, ValueError):
        return None
    return status if stat.S_ISREG(status.st_mode) else None


# -------------------------------------------------------------------------------------------------- into the record


class _Writing:
    """Turns entries into `DataFile`s, with folders where they are too many; keeps the manifests and the warnings."""

    def __init__(self, paths: RecordPaths, rules: _Rules, limit: int) -> None:
        self.manifests: dict[str, bytes] = {}
        self.warnings: list[str] = []
        self._paths, self._rules, self._limit = paths, rules, limit
        self._folders: list[DataFile] = []
        self._never = {*_and_above(paths.root), *(_and_above(rules.noise.home) if rules.noise.home else ())}

    def add_declared_folder(
        self,
        entries: dict[str, _Entry],
        folder: str,
        leave_out: Callable[[str], bool],
        cache: HashCache | None,
        progress: Progress | None,
    ) -> None:
        """Enter a whole folder, which swallows the entries below it."""
        inside = [path for path in entries if path.startswith(folder + os.sep)]
        found = {"declared"}.union(*(entries.pop(path).found for path in inside))
        digest = hash_folder(Path(folder), cache, progress, leave_out=leave_out)
        names = [f"{folder}/{name}" for name in digest.unreadable]
        self.warnings += [f"{quote_path(name)} cannot be read: it is not in the manifest" for name in names]
        self._add_folder(folder, digest, found, relative=False, stored=None)

    def _add_folder(
        self, folder: str, digest: FolderDigest, found: Collection[str], *, relative: bool, stored: str | None
    ) -> None:
        name = self._paths.recorded(folder, named_relative=relative)
        if not digest.stable:
            self.warnings.append(f"{quote_path(name)} changed while it was hashed: something still writes to it")
        self.manifests[name] = digest.manifest
        self._folders.append(
            DataFile(
                path=name,
                kind="folder",
                sha256=digest.sha256,
                size_bytes=digest.size_bytes,
                files=digest.files,
                found=_in_order(found),
                stored=stored,
            )
        )

    def files(self, entries: Mapping[str, _Entry], *, is_output: bool) -> tuple[DataFile, ...]:
        """All entries, and the folders added before, sorted by path."""
        single = dict(entries)
        known = [path for path, entry in entries.items() if entry.digest is not None and entry.digest.stable]
        for folder, inside in fold(known, self._limit, self._never).items():
            relative = any(entries[path].relative for path in inside)
            # One manifest a path: where the inputs have it already, the outputs stay single files.
            if self._paths.recorded(folder, named_relative=relative) not in self.manifests:
                self._fold_one(folder, [single.pop(path) for path in inside], relative=relative, is_output=is_output)
        found = [self._file(entry, is_output=is_output) for entry in single.values()]
        found += self._folders
        self._folders = []
        return tuple(sorted(found, key=lambda one: os.fsencode(one.path)))

    def _fold_one(self, folder: str, inside: Sequence[_Entry], *, relative: bool, is_output: bool) -> None:
        digests = {entry.path[len(folder) + 1 :]: entry.digest for entry in inside if entry.digest is not None}
        is_stored = all(self._rules.stored(entry.path, is_output=is_output) == "git" for entry in inside)
        found = set().union(*(entry.found for entry in inside))
        stored = "git" if is_stored else None
        self._add_folder(folder, describe_folder(digests), found, relative=relative, stored=stored)

    def _file(self, entry: _Entry, *, is_output: bool) -> DataFile:
        name = self._paths.recorded(entry.path, named_relative=entry.relative)
        if entry.lost:
            self.warnings.append(
                f"{quote_path(name)} was read and then changed while the run went on: what was read is not known"
            )
        elif entry.changed_by_others:
            self.warnings.append(
                f"{quote_path(name)} changed while the run went on: the hash is of what it was when it was opened"
            )
        elif entry.digest is None:
            what = "output" if is_output else "input"
            problem = "cannot be read" if Path(entry.path).exists() else "is not there"
            self.warnings.append(f"the {what} {quote_path(name)} {problem}")
        elif not entry.digest.stable:
            self.warnings.append(f"{quote_path(name)} changed while it was hashed: something still writes to it")
        return DataFile(
            path=name,
            sha256=entry.digest.sha256 if entry.digest else None,
            size_bytes=entry.digest.size_bytes if entry.digest else None,
            found=_in_order(entry.found),
            stored=self._rules.stored(entry.path, is_output=is_output),
        )


def _in_order(found: Collection[str]) -> tuple[str, ...]:
    return tuple(way for way in ("declared", "opened", "git") if way in found)


def _and_above(folder: str) -> list[str]:
    return [folder, *(str(parent) for parent in Path(folder).parents)]
