"""How are frozen dataclasses made without each command paying for their methods?

`@frozen` is `@dataclass(frozen=True, kw_only=True, slots=True)`, twenty times cheaper to make. The standard library writes
and compiles six methods per class, half a millisecond; a command loads sixty such classes and makes objects of half.
Here all methods but `__init__` are shared by the classes, and `__init__` is compiled when the first object is made.
`fields`, `replace`, `asdict` and pattern matching work as with any dataclass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, overload

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: object) -> Callable[[Any], Any]:
        """Say nothing: only type checkers ask (PEP 681)."""
        return lambda decorator: decorator


Class = TypeVar("Class", bound=type)


@overload
def frozen(cls: Class, /) -> Class: ...
@overload
def frozen(*, kw_only: bool = True) -> Callable[[Class], Class]: ...


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def frozen(cls: Any = None, /, *, kw_only: bool = True) -> Any:
    """Make the class a frozen dataclass with slots; its fields are given by keyword, unless `kw_only=False`."""

    def make(cls: type) -> type:
        made: Any = dataclass(init=False, repr=False, eq=False, kw_only=kw_only, slots=True)(cls)
        made.__init__ = _compiled_when_first_called(made, kw_only)
        made.__repr__, made.__eq__, made.__hash__ = _repr, _eq, _hash
        made.__setattr__, made.__delattr__ = _setattr, _delattr
        made.__getstate__, made.__setstate__ = _values, _restore
        finished: type = made
        return finished

    return make if cls is None else make(cls)


def _compiled_when_first_called(cls: Any, kw_only: bool) -> Callable[..., None]:
    def __init__(self: object, *values: object, **named: object) -> None:
        cls.__init__ = _init_of(cls, kw_only)
        cls.__init__(self, *values, **named)

    return __init__


def _init_of(cls: Any, kw_only: bool) -> Callable[..., None]:
    names: dict[str, Any] = {"_set": object.__setattr__, "_absent": MISSING}
    takes, does = ["self", "*"] if kw_only else ["self"], []
    for one in cls.__dataclass_fields__.values():
        value, default = one.name, ""
        if one.default_factory is not MISSING:
            names[f"_make_{one.name}"] = one.default_factory
            default, value = "=_absent", f"_make_{one.name}() if {one.name} is _absent else {one.name}"
        elif one.default is not MISSING:
            names[f"_default_{one.name}"] = one.default
            default = f"=_default_{one.name}"
        takes.append(one.name + default)
        does.append(f"    _set(self, {one.name!r}, {value})")
    if hasattr(cls, "__post_init__"):
        does.append("    self.__post_init__()")
    exec("\n".join([f"def __init__({', '.join(takes)}):", *does]), names)
    made: Callable[..., None] = names["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__annotations__ = {**cls.__annotations__, "return": None}
    return made


def _values(self: Any) -> tuple[Any, ...]:
    return tuple([getattr(self, name) for name in self.__dataclass_fields__])


def _restore(self: Any, values: tuple[Any, ...]) -> None:
    for name, value in zip(self.__dataclass_fields__, values, strict=True):
        object.__setattr__(self, name, value)


def _repr(self: Any) -> str:
    pairs = [f"{name}={getattr(self, name)!r}" for name in self.__dataclass_fields__]
    return f"{type(self).__qualname__}({', '.join(pairs)})"


def _eq(self: Any, other: object) -> bool:
    return _values(self) == _values(other) if other.__class__ is self.__class__ else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self))


def _setattr(self: object, name: str, value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(self: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")
