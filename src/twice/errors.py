"""What can go wrong, named by what the user can do next.

    TwiceError                  anything a user can be told in three parts
    ├── UsageError              the words of the command are off: say it differently            exit 2
    ├── SelectorError           no such run, or several: name it better                         exit 2
    ├── RepositoryError         git cannot do this here: no repository, read-only, damaged      exit 2
    ├── RecordError             a record is not valid, or made by a newer twice                 exit 2
    ├── CaptureError            something needed could not be captured before the start         exit 2
    ├── ReproductionError       what is needed to run again is missing or has changed           exit 2
    └── CommandNotStarted       the user's command could not be started                         exit 126 / 127

An error has three parts: what happened (the message), where (the details, one line each), what to do next (the hint).
Library code raises; `cli/main.py` alone turns an error into text and an exit code.
"""

from __future__ import annotations

from collections.abc import Sequence


class TwiceError(Exception):
    """Something went wrong that the user can be told: message, details (where), hint (what to do next)."""

    exit_code = 2

    def __init__(self, message: str, *, details: Sequence[str] = (), hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = tuple(details)
        self.hint = hint
        # What a traceback shows below the message (PEP 678), in a notebook or a script of the user's.
        self.__notes__ = [*self.details, *([f"hint: {hint}"] if hint else ())]


class UsageError(TwiceError):
    """The words of the command are off."""


class SelectorError(TwiceError):
    """A selector names no run, or several."""


class RepositoryError(TwiceError):
    """Git cannot do what is asked here: no repository, not writable, damaged, or a format it does not allow."""


class RecordError(TwiceError):
    """A record is not valid (the message names file and field), or was made by a newer twice."""


class CaptureError(TwiceError):
    """Something a run needs could not be captured before its start."""


class ReproductionError(TwiceError):
    """What is needed to run again is missing, or is not what it was."""


class CommandNotStarted(TwiceError):
    """The user's command could not be started; the exit code is a shell's: 127 not found, 126 not executable."""

    def __init__(self, message: str, *, exit_code: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code
