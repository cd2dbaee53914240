"""Which runs were cut off, and how do they become runs?  Live folders whose recording process is gone, sealed."""

from __future__ import annotations

from twice.configuration import Configuration
from twice.errors import TwiceError
from twice.execution.clock import Clock
from twice.execution.pending import drop_pending
from twice.execution.sealing import Sealed, seal
from twice.git.repository import Repository
from twice.store.live_runs import live_runs


def recover_runs(repository: Repository, configuration: Configuration, clock: Clock) -> list[Sealed]:
    """Seal every run that was cut off, oldest first; runs that go on are left alone."""
    sealed = []
    for live in live_runs(repository.state_dir):
        if live.is_alive():
            continue
        request = live.read("request")
        if request is None or live.read("before") is None or request.get("kept") is False:
            # Cut off before its command started, or a second execution: there is nothing to keep.
            drop_pending(repository, live.id)
            live.remove()
            continue
        try:
            with live.held():
                sealed.append(seal(live, repository, configuration, clock))
        except TwiceError as problem:  # another process took it first
            sealed.append(Sealed(id=live.id, problem=problem))
    return sealed
