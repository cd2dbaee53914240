"""What can a script tell its run?  Metrics, params, tags, artifacts; from any process and thread of `twice run`.

    import twice
    twice.log_metric("loss", loss, step=epoch)

Each call is one line in the run's journal, at once, some microseconds. Outside a run the calls do nothing; what they are
given is checked all the same, so that a script does not first fail when it is recorded.
"""

from __future__ import annotations

import os
from operator import index

from . import protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping

__all__ = ["log_artifact", "log_metric", "log_metrics", "log_param", "log_params", "run_id", "set_tag"]


def log_metric(name: str, value: Any, step: int | None = None) -> None:
    """Log one number: an int, float or bool, or a numpy or torch scalar; NaN and infinity are numbers, too.

    `step` (epoch, batch, …) makes it a point of a curve. Raises TypeError or ValueError for anything else.
    """
    _write("metric", name=_name(name, "metric"), value=_number(name, value), step=_step(step))


def log_metrics(metrics: Mapping[str, Any], step: int | None = None) -> None:
    """Log several numbers of one step: `log_metrics({"loss": 0.1, "accuracy": 0.9}, step=3)`."""
    if not hasattr(metrics, "items"):
        raise TypeError(f"log_metrics takes a dict of names and numbers, not {_kind(metrics)}")
    checked = [(_name(name, "metric"), _number(name, value)) for name, value in metrics.items()]
    step = _step(step)
    for name, number in checked:
        _write("metric", name=name, value=number, step=step)


def log_param(name: str, value: Any) -> None:
    """Log one parameter: a number, text, None, or lists and dicts of these.  The last value of a name counts."""
    from .plain_values import plain

    name = _name(name, "param")
    try:
        value = plain(value)
    except TypeError as error:
        raise TypeError(
            f"param {name!r} cannot be logged ({error}): pass a number, text, a list or a dict, or str(…) of it"
        ) from None
    _write("param", name=name, value=value)


def log_params(params: Mapping[str, Any]) -> None:
    """Log several parameters, nested ones included: a dict, an argparse.Namespace or a dataclass."""
    from .plain_values import plain

    if not hasattr(params, "items"):
        try:
            params = plain(params)
        except TypeError:
            pass
        if not isinstance(params, dict):
            raise TypeError(f"log_params takes a dict of names and values, not {_kind(params)}")
    for name, value in list(params.items()):
        log_param(name, value)


def set_tag(name: str, value: Any = "") -> None:
    """Set a tag: a name and a short text, to find the run by."""
    if not isinstance(value, (str, int, float)):
        raise TypeError(f"tag {name!r} is {_kind(value)}: pass text or a number")
    _write("tag", name=_name(name, "tag"), value=str(value))


def log_artifact(path: Any) -> None:
    """Name a file or folder that is a result of the run, to be kept with it.  Raises FileNotFoundError."""
    name = os.path.abspath(os.fsdecode(path))
    if not os.path.lexists(name):
        raise FileNotFoundError(f"no artifact {name}: log it after it has been written")
    _write("artifact", path=name)


def run_id() -> str | None:
    """The id of the run that this process belongs to; None outside `twice run`."""
    return protocol.run_id()


def _write(kind: str, **fields: Any) -> None:
    journal = protocol.run_journal()
    if journal is not None:
        journal.write(kind, **fields)


def _name(name: Any, kind: str) -> str:
    if not isinstance(name, str):
        raise TypeError(f"the name of a {kind} is text, not {_kind(name)}")
    if not name.strip() or not name.isprintable():
        raise ValueError(f"{name!r} is no name for a {kind}: pass a word or two on one line")
    return str(name)


def _number(name: Any, value: Any) -> int | float:
    kind = type(value)
    if kind is float or kind is int:
        return value  # type: ignore[no-any-return]
    if isinstance(value, (str, bytes, bytearray)):
        raise TypeError(f"metric {name!r} is text ({value!r:.60}): pass a number; log_param and set_tag take text")
    if isinstance(value, int):  # bool is 0 or 1
        return int(value)
    if isinstance(value, float):
        return float(value)
    item = getattr(value, "item", None)
    if item is not None and not isinstance(value, type):
        try:
            value = item()
        except (TypeError, ValueError, RuntimeError):
            raise ValueError(
                f"metric {name!r} holds several values ({_kind(value)}): pass one number, such as its mean"
            ) from None
        if isinstance(value, (int, float)):
            return float(value) if isinstance(value, float) else int(value)
    elif hasattr(value, "__float__") and not isinstance(value, type):
        return float(value)
    raise TypeError(f"metric {name!r} is {_kind(value)}: pass a number")


def _step(step: Any) -> int | None:
    if step is None:
        return None
    try:
        return index(step)
    except TypeError:
        raise TypeError(f"step is {_kind(step)} ({step!r:.60}): pass a whole number, such as the epoch") from None


def _kind(value: Any) -> str:
    if value is None:
        return "None"
    name = type(value).__qualname__
    return f"{'an' if name[0] in 'aeiouAEIO' else 'a'} {name}"


for _public in __all__:
    globals()[_public].__module__ = "twice"  # where users and pickle find them
