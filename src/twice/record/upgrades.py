"""How does a record of an older format become one of today's?  In memory only: commits are never rewritten.

In: the documents of a record as plain data, as their files say. Out: the same facts in today's form. Each format but
the newest has one step, from it to the next; they are applied in turn. The format is looked at before anything else is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twice.errors import RecordError
from twice.record.model import FORMAT

Documents = dict[str, Any]
"""Document name (`run`, `params`, …) → plain data."""

Step = Callable[[Documents], Documents]

STEPS: Mapping[int, Step] = {}
"""Format → the step from it to the next one. A step leaves what it is given unchanged and returns new documents."""


def format_of(run_document: Any) -> int:
    """The format that a run document names.

    Raises RecordError if it names none, or one that is newer than this version of twice.
    """
    version = run_document.get("format") if isinstance(run_document, dict) else None
    if type(version) is not int or version < 1:
        raise RecordError("run.yaml: format: expected a whole number of at least 1", hint="is this a run of twice?")
    if version > FORMAT:
        raise RecordError(
            "the record was made by a newer twice",
            details=[f"its format is {version}; this twice reads formats up to {FORMAT}"],
            hint="upgrade twice: `pip install --upgrade twice`",
        )
    return version


def upgrade(documents: Documents, *, steps: Mapping[int, Step] = STEPS, newest: int = FORMAT) -> Documents:
    """The documents in the newest format, with `run.format` saying so."""
    for version in range(documents["run"]["format"], newest):
        documents = steps[version](documents)
        documents["run"] = {**documents["run"], "format": version + 1}
    return documents
