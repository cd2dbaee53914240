"""Which runs are going on, or were cut off?  The live folders, `twice/live/<run-id>/` in the common git dir.

A live folder holds all that is known of a run until its commit exists, so that whoever finds it can seal it:

    lock              held (flock) by the recording process for as long as it lives
    request.json      what was asked for              ┐
    before.json       what was true before the start  │ each written once, whole (temporary name, then rename)
    environment.json  packages and machine            │
    outcome.json      how the command ended           ┘
    events/*.jsonl    what the processes of the run report, a line each as it happens (see `agent.protocol`)
    output.log, output.tail.*     what the command wrote
    outputs are never here: they are the user's files, in the user's place

Sealing a run after `kill -9` and sealing it after a normal end read the same folder in the same way.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from twice.errors import RepositoryError
from twice.locking import try_lock
from twice.textforms import is_run_id


class LiveRun:
    """One live folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def id(self) -> str:
        """The run's id: the folder's name."""
        return self.folder.name

    def write(self, name: str, data: Any) -> None:
        """Write one part, `<name>.json`, whole or not at all.  Raises RepositoryError when the disk refuses."""
        target = self.folder / f"{name}.json"
        temporary = target.with_suffix(".tmp")
        try:
            # Surrogate escapes (a path that is not UTF-8) survive as \\udcXX escapes in ASCII JSON.
            temporary.write_text(json.dumps(data), encoding="ascii")
            temporary.replace(target)
        except OSError as error:
            raise RepositoryError(f"cannot write {target}: {error.strerror}") from error

    def read(self, name: str) -> Any | None:
        """One part, or None when it was never written."""
        try:
            return json.loads((self.folder / f"{name}.json").read_text(encoding="ascii"))
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Mark the run as going on for as long as this process lives; the kernel lets go after `kill -9`."""
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if not try_lock(descriptor):
                raise RepositoryError(f"run {self.id} is being recorded or sealed by another process")
            os.truncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
            yield
        finally:
            os.close(descriptor)

    def is_alive(self) -> bool:
        """Whether the process that records the run still lives."""
        try:
            descriptor = os.open(self.folder / "lock", os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            return not try_lock(descriptor)
        finally:
            os.close(descriptor)

    def last_sign_s(self) -> float:
        """Epoch seconds of the last thing the run wrote: its end, as far as anyone can tell, when it was cut off."""
        times = [self.folder.stat().st_mtime]
        for path in (*self.folder.glob("output*"), *(self.folder / "events").glob("*.jsonl")):
            times.append(path.stat().st_mtime)
        return max(times)

    def remove(self) -> None:
        """Remove the folder; the run has its commit."""
        shutil.rmtree(self.folder, ignore_errors=True)


def create_live_run(state_dir: Path, run_id: str) -> LiveRun:
    """Make the live folder of a new run.  Raises RepositoryError when the git folder is not writable."""
    folder = state_dir / "live" / run_id
    try:
        (folder / "events").mkdir(parents=True)
    except OSError as error:
        raise RepositoryError(
            f"cannot write to {state_dir}: {error.strerror}",
            hint="a run is recorded in the git folder: make it writable",
        ) from error
    return LiveRun(folder)


def live_runs(state_dir: Path) -> list[LiveRun]:
    """Every live folder, oldest run first."""
    try:
        names = sorted(os.listdir(state_dir / "live"))
    except FileNotFoundError:
        return []
    return [LiveRun(state_dir / "live" / name) for name in names if is_run_id(name)]
