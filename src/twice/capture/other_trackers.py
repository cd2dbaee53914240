"""Which inputs and outputs does something else track already, and under which name?

In: a run's data, the work tree, the snapshot. Out: the same data with `tracked_by` where that is known:

    git-lfs                     the snapshot holds a Git LFS pointer to exactly this content
    git-annex <key>             the snapshot holds a link to the key, or an unlocked file's pointer
    dvc md5 <md5>               a .dvc file or dvc.lock names this path, and the content has that MD5
    dvc md5 <md5>.dir [<path>]  the folder, of this number of files and bytes; a file in a folder that DVC tracks as one

What the snapshot only points to is not kept in git: such entries lose `stored: git`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from twice.capture.dvc_files import DvcFiles
from twice.capture.manifests import read_manifest
from twice.git.lfs_pointer import MAX_BYTES, Pointer, read_pointer, write_pointer
from twice.git.objects import SYMLINK, TreeEntry
from twice.git.repository import Repository
from twice.record.model import Data, DataFile
from twice.textforms import quote_path

_ANNEX_LINK = re.compile(r"(?:^|/)annex/objects/(?:.*/)?([^/]+)/\1$")
_ANNEX_POINTER = re.compile(rb"/annex/objects/([^/\n]+)(?:\n|$)")
_MAX_ANNEX_POINTER = 32 * 1024


def recognise_trackers(
    data: Data, manifests: Mapping[str, bytes], root: Path, code_tree: str, repository: Repository
) -> tuple[Data, tuple[str, ...]]:
    """The data with what else tracks it, and warnings."""
    trackers = _Trackers(root, code_tree, repository, manifests)
    inputs = tuple(map(trackers.recognise, data.inputs))
    outputs = tuple(map(trackers.recognise, data.outputs))
    trackers.close()
    return replace(data, inputs=inputs, outputs=outputs), tuple(trackers.warnings)


class _Trackers:
    """Looks at one run's files; what the repository has no sign of costs nothing."""

    def __init__(self, root: Path, code_tree: str, repository: Repository, manifests: Mapping[str, bytes]) -> None:
        self.warnings: list[str] = []
        self._root = root
        self._code_tree = code_tree
        self._objects = repository.objects
        self._object_format = repository.object_format
        self._manifests = manifests
        self._has_lfs = (repository.common_dir / "lfs").is_dir()
        self._has_annex = (repository.common_dir / "annex").is_dir()
        self._dvc = DvcFiles(Path(os.path.normpath(root)))
        self._md5s = _Md5s(repository.state_dir / "cache" / "md5-by-sha256")

    def close(self) -> None:
        """Remember what was computed."""
        self._md5s.save()

    def recognise(self, one: DataFile) -> DataFile:
        """The entry, with what tracks it."""
        if one.sha256 is None or one.path.startswith(("/", "../")):
            return one
        if one.stored == "git":
            return self._in_git(one)
        if self._has_annex and (key := self._annex_link(one.path)):
            return replace(one, tracked_by=f"git-annex {key}")
        tracked_by = self._by_dvc(one)
        return replace(one, tracked_by=tracked_by) if tracked_by else one

    def _in_git(self, one: DataFile) -> DataFile:
        if one.kind == "folder":
            if self._has_lfs and any(
                self._is_lfs(f"{one.path}/{name}", sha256) for name, sha256 in self._manifest(one).items()
            ):
                return replace(one, stored=None, tracked_by="git-lfs")
            return one
        if self._has_lfs and self._is_lfs(one.path, str(one.sha256)):
            return replace(one, stored=None, tracked_by="git-lfs")
        if self._has_annex and (key := self._annex_link(one.path) or self._annex_pointer(one)):
            return replace(one, stored=None, tracked_by=f"git-annex {key}")
        if (one.size_bytes or 0) <= MAX_BYTES and self._is_unread_pointer(one):
            self.warnings.append(
                f"{quote_path(one.path)} is a Git LFS pointer: the run read that and not the content (git lfs pull)"
            )
        return one

    # ------------------------------------------------------------------------------------------------------- git-lfs

    def _is_lfs(self, path: str, sha256: str) -> bool:
        """Whether the snapshot holds the pointer to this content; the same pointer is always the same blob."""
        try:
            size = (self._root / path).stat().st_size
        except OSError:
            return False
        pointer = write_pointer(Pointer(sha256, size))
        blob = hashlib.new(self._object_format, b"blob %d\0" % len(pointer) + pointer).hexdigest()
        entry = self._entry(path)
        return entry is not None and entry.id == blob

    def _is_unread_pointer(self, one: DataFile) -> bool:
        try:
            content = (self._root / one.path).read_bytes()
        except OSError:
            return False
        return read_pointer(content) is not None

    # ----------------------------------------------------------------------------------------------------- git-annex

    def _annex_link(self, path: str) -> str | None:
        try:
            target = (self._root / path).readlink().as_posix()
        except OSError:
            return None
        match = _ANNEX_LINK.search(target)
        return match[1] if match else None

    def _annex_pointer(self, one: DataFile) -> str | None:
        """The key of an unlocked file: in git it is a short text, in the work tree the content."""
        entry = self._entry(one.path)
        if entry is None or entry.mode == SYMLINK:
            return None
        match = _ANNEX_POINTER.match(self._objects.read_blob(entry.id)[:_MAX_ANNEX_POINTER])
        return os.fsdecode(match[1]) if match else None

    def _entry(self, path: str) -> TreeEntry | None:
        return self._objects.find(self._code_tree, path)

    # ----------------------------------------------------------------------------------------------------------- dvc

    def _by_dvc(self, one: DataFile) -> str | None:
        place = Path(os.path.normpath(self._root / one.path))
        found = self._dvc.find(place)
        if found is None:
            return None
        out, below = found
        if below:
            return f"dvc md5 {out.md5} {below}"
        if out.size_bytes is not None and out.size_bytes != one.size_bytes:
            return None  # another content than the one that DVC knows
        if one.kind == "folder":
            return f"dvc md5 {out.md5}" if out.files in (None, one.files) and out.md5.endswith(".dir") else None
        return f"dvc md5 {out.md5}" if self._md5s.of(place, str(one.sha256)) == out.md5 else None

    def _manifest(self, one: DataFile) -> dict[str, str]:
        return read_manifest(self._manifests.get(one.path, b""))


class _Md5s:
    """MD5s by sha256: a content is never read twice for it. One line each; disposable."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, str] | None = None
        self._new: list[str] = []

    def of(self, path: Path, sha256: str) -> str | None:
        """The MD5 of a file that has this sha256; None when it has not (any more)."""
        if self._known is None:
            self._known = {}
            with contextlib.suppress(OSError, UnicodeDecodeError):
                for line in self._path.read_text(encoding="ascii").splitlines():
                    if re.fullmatch(r"[0-9a-f]{64} [0-9a-f]{32}", line):
                        self._known[line[:64]] = line[65:]
        if sha256 not in self._known:
            digests = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
            try:
                with path.open("rb", buffering=0) as file:
                    while block := file.read(1 << 20):
                        for digest in digests:
                            digest.update(block)
            except OSError:
                return None
            if digests[0].hexdigest() != sha256:
                return None
            self._known[sha256] = digests[1].hexdigest()
            self._new.append(f"{sha256} {self._known[sha256]}\n")
        return self._known[sha256]

    def save(self) -> None:
        """Add what is new; where that cannot be written it is computed again."""
        if self._new:
            with contextlib.suppress(OSError):
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with self._path.open("a", encoding="ascii") as file:
                    file.write("".join(self._new))
