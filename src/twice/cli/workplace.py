"""Where is the command run?  The repository, its configuration, the clocks: made once here, handed down as arguments."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from twice.configuration import Configuration, read_configuration
from twice.execution.clock import Clock
from twice.frozen import frozen
from twice.git.repository import Repository

if TYPE_CHECKING:
    from twice.execution.reproduction import Surroundings


@frozen
class Workplace:
    """What a command works with."""

    repository: Repository
    configuration: Configuration
    clock: Clock
    environ: dict[str, str]
    directory: Path  # where the user is

    def surroundings(self) -> Surroundings:
        """The same, as running something again needs it."""
        from twice.execution.reproduction import Surroundings

        return Surroundings(
            repository=self.repository,
            configuration=self.configuration,
            clock=self.clock,
            environ=self.environ,
            tell=tell,
        )


@contextmanager
def workplace(*, bare_ok: bool = False) -> Iterator[Workplace]:
    """The repository the user is in.  Raises RepositoryError, UsageError (configuration)."""
    environ = dict(os.environ)
    directory = Path.cwd()
    with Repository.open(directory, environ, bare_ok=bare_ok) as repository:
        yield Workplace(
            repository=repository,
            configuration=read_configuration(repository.root),
            clock=Clock(now=lambda: datetime.now(timezone.utc)),
            environ=environ,
            directory=directory,
        )


def tell(text: str) -> None:
    """Say something to the user, beside the data."""
    sys.stdout.flush()
    print(f"twice: {text}", file=sys.stderr, flush=True)
