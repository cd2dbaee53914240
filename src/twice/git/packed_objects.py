"""How is an object read that has no file of its own?  By one of two readers that give the same answers.

It may be packed, in an alternate object directory, or still with a partial clone's remote. With the git executable, one
`git cat-file --batch` is kept running and asked (3 ms for the first object, and fast for thousands); where there is none,
dulwich reads the packs (45 ms to import).
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from twice.errors import RepositoryError

if TYPE_CHECKING:
    from dulwich.object_store import DiskObjectStore

    from twice.git.executable import Git


_QUESTIONS_AT_ONCE = 60  # that fit into a pipe (4 KiB at the least), so that neither side waits for the other


class PackedObjects(Protocol):
    """Reads objects wherever git keeps them."""

    def read(self, object_id: str) -> tuple[str, bytes] | None:
        """The kind and the content; None when there is no such object. Raises RepositoryError when it is damaged."""

    def read_many(self, object_ids: Sequence[str]) -> dict[str, tuple[str, bytes]]:
        """Id → kind and content of those that can be read; what is wrong with the others, `read` will say."""

    def kind(self, object_id: str) -> str | None:
        """The kind alone, without reading the content where that can be helped."""

    def close(self) -> None:
        """End what was started."""


class _Conversation:
    """One running `git cat-file`, asked for one object at a time."""

    def __init__(self, git: Git, cwd: Path, option: str) -> None:
        self._git = git
        self._cwd = cwd
        self._option = option
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._lock = threading.Lock()

    def ask(self, object_id: str) -> tuple[str, bytes] | None:
        """The kind, and the content (with --batch; empty with --batch-check). None when there is no such object."""
        with self._lock:
            try:
                return self._ask_once(object_id)
            except OSError:
                # It has ended: at a damaged object, or because Ctrl-C, meant for the command that runs, went to it, too.
                self._end()
            try:
                return self._ask_once(object_id)
            except OSError as error:
                raise damaged(object_id, self._end()) from error

    def ask_many(self, object_ids: Sequence[str]) -> dict[str, tuple[str, bytes]]:
        """The same for many objects, without waiting for an answer before the next question."""
        found: dict[str, tuple[str, bytes]] = {}
        with self._lock:
            for start in range(0, len(object_ids), _QUESTIONS_AT_ONCE):
                some = object_ids[start : start + _QUESTIONS_AT_ONCE]
                try:
                    answers = self._ask_all(some)
                except OSError:
                    self._end()
                    break
                found.update((one, answer) for one, answer in zip(some, answers, strict=True) if answer is not None)
        return found

    def close(self) -> None:
        with self._lock:
            self._end()

    def _ask_once(self, object_id: str) -> tuple[str, bytes] | None:
        return self._ask_all([object_id])[0]

    def _ask_all(self, object_ids: Sequence[str]) -> list[tuple[str, bytes] | None]:
        if self._process is None or self._owner != os.getpid():  # after a fork the pipes are the parent's
            self._process = self._git.open("cat-file", self._option, cwd=self._cwd, takes_input=True)
            self._owner = os.getpid()
        questions, answers = self._process.stdin, self._process.stdout
        assert questions is not None
        assert answers is not None
        try:
            questions.write("".join(f"{one}\n" for one in object_ids).encode("ascii"))
            questions.flush()
            return [self._answer(answers) for _ in object_ids]
        except OSError:
            raise
        except BaseException:  # interrupted half-way: the next answer would be to this question
            self._end()
            raise

    def _answer(self, answers: IO[bytes]) -> tuple[str, bytes] | None:
        header = answers.readline().split()
        if len(header) == 2 and header[1] == b"missing":
            return None
        if len(header) != 3:
            raise BrokenPipeError
        kind, size = header[1].decode("ascii"), int(header[2])
        if self._option == "--batch-check":
            return kind, b""
        content = answers.read(size + 1)[:-1]
        if len(content) != size:
            raise BrokenPipeError
        return kind, content

    def _end(self) -> list[str]:
        """End the process, whatever it is doing; what it wrote to standard error."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return []
        process.terminate()
        _, stderr = process.communicate()
        return stderr.decode("utf-8", "replace").splitlines()


class PackedObjectsByGit:
    """Reads objects with `git cat-file`."""

    def __init__(self, git: Git, cwd: Path) -> None:
        self._contents = _Conversation(git, cwd, "--batch")
        self._kinds = _Conversation(git, cwd, "--batch-check")

    def read(self, object_id: str) -> tuple[str, bytes] | None:
        """See PackedObjects."""
        return self._contents.ask(object_id)

    def read_many(self, object_ids: Sequence[str]) -> dict[str, tuple[str, bytes]]:
        """See PackedObjects."""
        return self._contents.ask_many(object_ids)

    def kind(self, object_id: str) -> str | None:
        """See PackedObjects."""
        found = self._kinds.ask(object_id)
        return found[0] if found else None

    def close(self) -> None:
        """End the processes."""
        self._contents.close()
        self._kinds.close()


class PackedObjectsByHand:
    """Reads objects with dulwich."""

    _KINDS = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}  # noqa: RUF012 - a table, never changed

    def __init__(self, folder: Path, object_format: str, alternates: list[str]) -> None:
        self._folder = folder
        self._object_format = object_format
        self._alternates = alternates
        self._store: DiskObjectStore | None = None

    def read(self, object_id: str) -> tuple[str, bytes] | None:
        """See PackedObjects."""
        import zlib

        from dulwich.errors import ApplyDeltaError, ChecksumMismatch
        from dulwich.object_format import get_object_format
        from dulwich.object_store import DiskObjectStore
        from dulwich.objects import ObjectID

        if self._store is None:
            self._store = DiskObjectStore(
                self._folder, object_format=get_object_format(self._object_format), alternates=self._alternates
            )
        try:
            number, content = self._store.get_raw(ObjectID(object_id.encode("ascii")))
        except KeyError:
            return None
        except (ApplyDeltaError, ChecksumMismatch, AssertionError, ValueError, OSError, zlib.error) as error:
            raise damaged(object_id, [str(error)]) from error
        return self._KINDS[number], content

    def read_many(self, object_ids: Sequence[str]) -> dict[str, tuple[str, bytes]]:
        """See PackedObjects; there is nobody to wait for, so nothing is won by reading ahead."""
        return {}

    def kind(self, object_id: str) -> str | None:
        """See PackedObjects."""
        found = self.read(object_id)
        return found[0] if found else None

    def close(self) -> None:
        """Close the packs."""
        if self._store is not None:
            self._store.close()
            self._store = None


def damaged(object_id: str, details: list[str]) -> RepositoryError:
    """What to tell the user about an object that cannot be read."""
    return RepositoryError(
        f"object {object_id} cannot be read",
        details=[line for line in details if line],
        hint="`git fsck` says what is damaged or missing; fetching from another clone may bring it back",
    )
