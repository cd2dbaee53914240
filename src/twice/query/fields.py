"""Which facts of a run has a filter names for, and which kind is each?

The names of MLflow's attributes stand beside our own, with MLflow's units: `start_time` is in milliseconds. MLflow's
system tags, too, are facts that a run has without being given them.
"""

from __future__ import annotations

from typing import Literal

from twice.query.tree import Field

Kind = Literal["text", "status", "number", "period", "moment", "milliseconds"]
"""status: text in any letter case · period: seconds, or `10m` · moment: see moments.py · milliseconds: since 1970."""

ATTRIBUTES: dict[str, tuple[str, Kind]] = {
    "id": ("id", "text"),
    "name": ("name", "text"),
    "experiment": ("experiment", "text"),
    "status": ("status", "status"),
    "started": ("started", "moment"),
    "ended": ("ended", "moment"),
    "age": ("age", "period"),  # since it started
    "duration": ("duration", "period"),
    "command": ("command", "text"),
    "entry_point": ("entry_point", "text"),
    "message": ("message", "text"),
    "host": ("host", "text"),
    "user": ("user", "text"),
    "branch": ("branch", "text"),
    "base": ("base", "text"),  # the commit that the run started from
    "tree": ("tree", "text"),  # of the code
    "commit": ("commit", "text"),  # of the run
    "exit_code": ("exit_code", "number"),
    "signal": ("signal", "text"),
    "seed": ("seed", "number"),
    "reproduces": ("reproduces", "text"),
    "derived_from": ("derived_from", "text"),
    "parent": ("parent", "text"),
    # MLflow's words
    "run_id": ("id", "text"),
    "run_name": ("name", "text"),
    "run name": ("name", "text"),
    "Run name": ("name", "text"),
    "Run Name": ("name", "text"),
    "user_id": ("user", "text"),
    "artifact_uri": ("artifact_uri", "text"),  # no run has one
    "start_time": ("started", "milliseconds"),
    "created": ("started", "milliseconds"),
    "Created": ("started", "milliseconds"),
    "end_time": ("ended", "milliseconds"),
}
"""Name in a filter → the attribute, and the kind of its values."""

OWN_ATTRIBUTES = tuple(name for name, (attribute, _) in ATTRIBUTES.items() if name == attribute)

SYSTEM_TAGS = {
    "mlflow.runName": "name",
    "mlflow.user": "user",
    "mlflow.note.content": "message",
    "mlflow.parentRunId": "parent",
    "mlflow.source.name": "entry_point",
    "mlflow.source.git.branch": "branch",
    "mlflow.source.git.commit": "base",
}
"""MLflow's system tag → the attribute that says it, where a run was not given such a tag."""

DATASET_KEYS = ("name", "digest", "context")  # MLflow's; inputs have no context
ASPECTS = ("last", "min", "max", "mean", "best", "count")
FUNCTIONS = {
    "code.touches": "code.touches('src/model.py')",
    "under": "under(main)",
    "same": "same(code, @)",
}
"""Function → an example of its use."""

SAME_WHAT = ("code", "environment", "data", "params")


def attribute(name: str) -> Field:
    """The field of an attribute."""
    return Field("attribute", name)
