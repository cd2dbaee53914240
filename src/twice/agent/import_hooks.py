"""How can the agent act right after the script imports a library, without importing it itself?

One finder, first on sys.meta_path, that knows nothing of where modules are: for a name that somebody waits for it asks the
finders behind it and puts its own loader around theirs (PEP 451). That loader puts theirs back before the module runs, so
the module that the script sees has the loader, spec and resources that it would have had. Each wait ends with its first
module; a later reload goes its ordinary way.

And, at the other end of sys.meta_path, the last resort for `import twice` in an environment that has no such package.
"""

from __future__ import annotations

import sys

from . import protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Callable

_waiting: dict[str, list[Callable[[ModuleType], None]]] = {}


def install() -> None:
    """Put the two finders in place."""
    sys.meta_path.insert(0, AfterImport())
    sys.meta_path.append(LastResort())


def when_imported(name: str, act: Callable[[ModuleType], None]) -> None:
    """Call `act` with the module once it has been imported; now, if it has been already."""
    module = sys.modules.get(name)
    if module is not None:
        _attempt(act, module)
    else:
        _waiting.setdefault(name, []).append(act)


def look_like(replacement: Any, original: Any) -> Any:
    """The replacement, with the name, documentation and signature of the function that it stands in for.

    As functools.wraps does, which is not worth its import in each process.
    """
    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(replacement, name, getattr(original, name, None))
    replacement.__annotations__ = dict(getattr(original, "__annotations__", {}))
    replacement.__wrapped__ = original  # inspect.signature follows it
    return replacement


def _attempt(act: Callable[[ModuleType], None], module: ModuleType) -> None:
    try:
        act(module)
    except Exception as error:
        journal = protocol.run_journal()
        if journal is not None:
            text = f"the agent could not act on the import of {module.__name__}: {type(error).__name__}: {error}"
            journal.write("warning", text=text)


class AfterImport:
    """The finder for modules that somebody waits for."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The spec that the other finders have for the name, its loader wrapped; None for all other names."""
        if name not in _waiting:
            return None
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec = find(name, path, target)
            if spec is not None:
                if spec.loader is not None and hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(spec.loader)
                return spec
        return None


class _Loader:
    """Stands for another loader until the module runs; everything that it is asked comes from that one."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: Any) -> Any:
        create = getattr(self._loader, "create_module", None)
        return create(spec) if create is not None else None

    def exec_module(self, module: Any) -> None:
        spec = module.__spec__
        if spec.loader is self:
            spec.loader = self._loader
        if getattr(module, "__loader__", None) is self:
            module.__loader__ = self._loader
        self._loader.exec_module(module)
        for act in _waiting.pop(spec.name, ()):
            _attempt(act, module)


class LastResort:
    """Finds a `twice` that holds the functions of the API and nothing else, where no other finder has found one."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The spec of that module; None for all other names."""
        if name != "twice":
            return None
        from importlib.machinery import ModuleSpec

        return ModuleSpec(name, self, origin="the agent of twice")  # type: ignore[arg-type]

    def create_module(self, spec: Any) -> None:
        """A plain module."""

    def exec_module(self, module: Any) -> None:
        """Fill it."""
        from . import logging_api

        module.__doc__ = logging_api.__doc__
        module.__all__ = list(logging_api.__all__)
        for name in logging_api.__all__:
            setattr(module, name, getattr(logging_api, name))
