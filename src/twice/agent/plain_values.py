"""How is any Python value written as one that JSON and YAML can hold, the same in every run?

None, bool, int, float and text stay; numpy and torch scalars become numbers; paths become text, an Enum its name, a class
its qualified name; mappings, namespaces and dataclasses become dicts, sets sorted lists. What has no such form (a function,
an open connection) raises TypeError: its repr would hold an address that differs every time.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DEEPEST = 20
_LARGEST_ARRAY = 10_000

# Types whose str() says what the value is. By the name of their module, for importing these to ask would cost more.
_TEXTUAL = {
    "datetime": ("date", "datetime", "time", "timedelta"),
    "decimal": ("Decimal",),
    "fractions": ("Fraction",),
    "uuid": ("UUID",),
    "torch": ("dtype", "device", "Size"),
    "builtins": ("complex", "range"),
}


def plain(value: Any, depth: int = 0) -> Any:
    """The value in plain form.  Raises TypeError if it has none."""
    if value is None or isinstance(value, bool):
        return value
    if depth > _DEEPEST:
        raise TypeError("nested too deeply, or in itself")
    kind = type(value)
    enum = sys.modules.get("enum")  # not imported: then this is no Enum
    if enum is not None and isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, (bytes, os.PathLike)):
        return os.fsdecode(value)
    if isinstance(value, (list, tuple)):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item, depth + 1) for item in value), key=lambda item: (str(type(item)), str(item)))
    fields = _fields(value)
    if fields is not None:
        return {str(plain(name, depth + 1)): plain(item, depth + 1) for name, item in fields}
    if kind.__name__ in _TEXTUAL.get(kind.__module__, ()):
        return str(value)
    if isinstance(value, type):
        return value.__qualname__ if value.__module__ == "builtins" else f"{value.__module__}.{value.__qualname__}"
    if hasattr(value, "tolist") and getattr(value, "size", 1) != 0:  # numpy, and torch, whose size is a method
        return _array(value, depth)
    if hasattr(value, "read") or hasattr(value, "write"):
        name = getattr(value, "name", None)  # argparse.FileType
        if isinstance(name, (str, bytes)):
            return os.fsdecode(name)
    raise TypeError(f"no plain form for {kind.__module__}.{kind.__qualname__}")


def _fields(value: Any) -> Any:
    """The (name, value) pairs of what is a mapping, a namespace or a dataclass; None for anything else."""
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, type):
        return None
    names = getattr(value, "__dataclass_fields__", None)
    if isinstance(names, dict):
        return [(name, getattr(value, name)) for name in names if hasattr(value, name)]
    if hasattr(value, "keys") and hasattr(value, "__getitem__"):
        return [(name, value[name]) for name in value.keys()]  # noqa: SIM118  (any mapping: OmegaConf's is not a dict)
    if any(base.__name__ in ("Namespace", "SimpleNamespace") for base in type(value).__mro__):
        return list(vars(value).items())
    return None


def _array(value: Any, depth: int) -> Any:
    count = value.numel() if hasattr(value, "numel") else getattr(value, "size", 0)
    if count > _LARGEST_ARRAY:
        raise TypeError(f"an array of {count} values is data, not a parameter")
    found = value.tolist()
    if type(found) is type(value):
        raise TypeError(f"no plain form for {type(value).__qualname__}")
    return plain(found, depth + 1)
