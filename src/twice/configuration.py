"""What has the user configured?  `[tool.twice]` in pyproject.toml, or twice.toml; none is needed.

In: the text of the file. Out: a frozen `Configuration`. An unknown key is an error that names the nearest known one, so
that a setting which does nothing cannot go unnoticed.

    [tool.twice]                        twice.toml holds the same keys without the `tool.twice.` in front
    code.max_file_size = "10 MiB"       an untracked file over this is hashed as data, not kept as code
    code.include = [".env.test"]        files kept although their name looks like a secret, or although they are large
    artifacts.max_file_size = "1 MiB"   outputs up to this size are kept in the run's commit …
    artifacts.max_total_size = "10 MiB" … as long as all of them together stay under this
    keep = ["data/**", "*.pt"]          inputs and outputs whose content is kept, as in .gitignore (else: their hash only)
    environment.variables = ["MY_*"]    environment variables to record and apply again, beside the built-in list
    compare.rtol = 0.0                  tolerance of `reproduce`, for every metric …
    compare.atol = 0.0
    compare.metrics.loss = {rtol = 1e-6, atol = 0.0}    … or for one
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from twice.errors import UsageError
from twice.frozen import frozen

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?\s*", re.IGNORECASE)


@frozen
class Configuration:
    """The settings, defaults filled in."""

    code_max_file_size_bytes: int = 10 * 2**20
    code_include: tuple[str, ...] = ()
    artifacts_max_file_size_bytes: int = 2**20
    artifacts_max_total_size_bytes: int = 10 * 2**20
    keep: tuple[str, ...] = ()
    environment_variables: tuple[str, ...] = ()
    compare_rtol: float = 0.0
    compare_atol: float = 0.0
    compare_metrics: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # name → (rtol, atol)


def read_configuration(root: Path) -> Configuration:
    """The configuration of the repository at `root`: twice.toml if it is there, else pyproject.toml's table.

    Raises UsageError, naming file and key.
    """
    own = root / "twice.toml"
    if (text := _read(own)) is not None:
        return parse_configuration(_parse_toml(text, own.name), own.name)
    project = root / "pyproject.toml"
    # Parsing a TOML file costs more than starting: look for the word first.
    if (text := _read(project)) is not None and "tool.twice" in text:
        tool = _parse_toml(text, project.name).get("tool", {})
        return parse_configuration(tool.get("twice", {}), f"{project.name} [tool.twice]")
    return Configuration()


def parse_configuration(table: Mapping[str, Any], where: str) -> Configuration:
    """The configuration in a parsed table; `where` names it in errors.  Raises UsageError."""
    values: dict[str, Any] = {}
    for key, value in _leaves(table):
        if key.startswith("compare.metrics."):
            bounds = values.setdefault("compare_metrics", {})
            bounds[key.removeprefix("compare.metrics.")] = _bounds(value, key, where)
            continue
        if key not in _SETTINGS:
            import difflib  # 2 ms, for a message that is hardly ever needed

            near = difflib.get_close_matches(key, _SETTINGS, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"known keys: {', '.join(_SETTINGS)}"
            raise UsageError(f"{where}: unknown key `{key}`", hint=hint)
        name, read = _SETTINGS[key]
        try:
            values[name] = read(value)
        except (TypeError, ValueError) as error:
            raise UsageError(f"{where}: `{key}`: {error}") from error
    return Configuration(**values)


def parse_size(value: object) -> int:
    """Bytes in `1048576`, `"10 MiB"`, `"1.5GB"` (KB, MB, GB are powers of 1000).  Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f'expected a size such as "10 MiB", not {value!r}')
    step = 1024 if match[3] else 1000
    return round(float(match[1]) * float(step) ** " KMGT".index(match[2].upper() or " "))


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TypeError("expected a list of texts")
    return tuple(value)


def _bound(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        raise ValueError(f"expected a number that is not negative, not {value!r}")
    return float(value)


_SETTINGS: Mapping[str, tuple[str, Any]] = {
    "code.max_file_size": ("code_max_file_size_bytes", parse_size),
    "code.include": ("code_include", _texts),
    "artifacts.max_file_size": ("artifacts_max_file_size_bytes", parse_size),
    "artifacts.max_total_size": ("artifacts_max_total_size_bytes", parse_size),
    "keep": ("keep", _texts),
    "environment.variables": ("environment_variables", _texts),
    "compare.rtol": ("compare_rtol", _bound),
    "compare.atol": ("compare_atol", _bound),
}


def _bounds(value: object, key: str, where: str) -> tuple[float, float]:
    if not isinstance(value, Mapping) or not set(value) <= {"rtol", "atol"}:
        raise UsageError(f"{where}: `{key}`: expected a table such as {{rtol = 1e-6, atol = 0.0}}")
    try:
        return _bound(value.get("rtol", 0.0)), _bound(value.get("atol", 0.0))
    except ValueError as error:
        raise UsageError(f"{where}: `{key}`: {error}") from error


def _leaves(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Dotted key → value; the tables below `compare.metrics` are values (a metric's name may hold dots)."""
    found: list[tuple[str, Any]] = []
    for key, value in table.items():
        name = prefix + key
        if isinstance(value, Mapping) and prefix != "compare.metrics.":
            found += _leaves(value, name + ".")
        else:
            found.append((name, value))
    return found


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error


def _parse_toml(text: str, name: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        table: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{name}: {error}") from error
    return table
