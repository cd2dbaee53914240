"""What does git's configuration say here?  One table, read once.

In: a repository's place, or one file.  Out: `Settings`, a table from `section.subsection.name` (as `git config
--list` spells it) to values. With the git executable one process answers for all files and variables; where there is
none dulwich reads the files, in git's order: system, global, the repository's, the worktree's, then the environment
(GIT_CONFIG_COUNT).
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from twice.errors import RepositoryError

if TYPE_CHECKING:
    from dulwich.config import ConfigFile

    from twice.git.executable import Process

_TRUE = ("true", "yes", "on")  # `name =` with nothing behind it is false


class Settings:
    """Names and their values, the strongest last."""

    def __init__(self, values: Mapping[str, tuple[str | None, ...]]) -> None:
        self._values = values

    def get(self, name: str) -> str | None:
        """The value that counts; None when it is not set. A name without a value is `true`."""
        values = self._values.get(canonical(name), ())
        return (values[-1] if values[-1] is not None else "true") if values else None

    def all(self, name: str) -> tuple[str, ...]:
        """Every value, weakest first."""
        return tuple("true" if value is None else value for value in self._values.get(canonical(name), ()))

    def flag(self, name: str, default: bool = False) -> bool:
        """The value as git reads a boolean."""
        value = self.get(name)
        return default if value is None else value.lower() in _TRUE or (value.isdigit() and int(value) != 0)

    def names(self, prefix: str) -> Iterator[str]:
        """The names that start so."""
        return (name for name in self._values if name.startswith(prefix))

    def over(self, stronger: Settings) -> Settings:
        """These settings with others that win over them."""
        return Settings(
            {
                name: self._values.get(name, ()) + stronger._values.get(name, ())
                for name in (*self._values, *stronger._values)
            }
        )


def canonical(name: str) -> str:
    """The name as `git config --list` spells it: section and variable in lower case, the subsection as it is."""
    section, _, rest = name.partition(".")
    subsection, dot, variable = rest.rpartition(".")
    return f"{section.lower()}.{subsection}{dot}{variable.lower()}"


def parse_list(output: bytes) -> Settings:
    """The settings that `git config --list -z` printed."""
    values: dict[str, tuple[str | None, ...]] = {}
    for entry in os.fsdecode(output).split("\0")[:-1]:
        name, line_break, value = entry.partition("\n")
        values[name] = (*values.get(name, ()), value if line_break else None)
    return Settings(values)


def finish_reading(process: Process) -> Settings:
    """The settings from a `git config --list -z` that was started."""
    with process:
        return parse_list(process.finish())


# ------------------------------------------------------------------------------------------------ without git


def read_by_hand(git_dir: Path, common_dir: Path, environ: Mapping[str, str]) -> Settings:
    """Everything that git would take into account here. Raises RepositoryError for a file that cannot be parsed."""
    settings = read_trusted_by_hand(environ, git_dir).over(read_file_by_hand(common_dir / "config", git_dir))
    if settings.flag("extensions.worktreeconfig"):
        settings = settings.over(read_file_by_hand(git_dir / "config.worktree", git_dir))
    return settings.over(_from_environment(environ))


def read_trusted_by_hand(environ: Mapping[str, str], git_dir: Path | None = None) -> Settings:
    """What the machine and the user say, whatever the repository says."""
    files = []
    if environ.get("GIT_CONFIG_NOSYSTEM", "").lower() not in ("1", "true", "yes", "on"):
        files.append(Path(environ.get("GIT_CONFIG_SYSTEM") or "/etc/gitconfig"))
    if "GIT_CONFIG_GLOBAL" in environ:
        files.append(Path(environ["GIT_CONFIG_GLOBAL"] or os.devnull))
    else:
        home = environ.get("HOME") or environ.get("USERPROFILE") or ""
        xdg = environ.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
        files += [Path(xdg, "git", "config")] if xdg else []
        files += [Path(home, ".gitconfig")] if home else []
    settings = Settings({})
    for file in files:
        settings = settings.over(read_file_by_hand(file, git_dir))
    return settings


def read_file_by_hand(path: Path, git_dir: Path | None = None) -> Settings:
    """One file and what it includes; nothing when there is no such file."""
    from dulwich.config import ConfigFile

    matchers = {"gitdir:": lambda pattern: _is_at(git_dir, pattern)} if git_dir else None
    try:
        file = ConfigFile.from_path(path, condition_matchers=matchers)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return Settings({})
    except (ValueError, OSError) as error:
        raise RepositoryError("a git configuration file cannot be read", details=[f"{path}: {error}"]) from error
    return Settings(_flatten(file))


def _flatten(file: ConfigFile) -> dict[str, tuple[str | None, ...]]:
    values: dict[str, tuple[str | None, ...]] = {}
    for section in file.sections():
        for variable, value in file.items(section):
            name = canonical(".".join(os.fsdecode(part) for part in (*section, variable)))
            values[name] = (*values.get(name, ()), os.fsdecode(value))
    return values


def _is_at(git_dir: Path, pattern: str) -> bool:
    """Whether a repository is where `includeIf "gitdir:…"` means (git-config, "Conditional includes")."""
    pattern = os.path.expanduser(pattern)
    if not pattern.startswith(("/", "**/")):
        pattern = f"**/{pattern}"
    if pattern.endswith("/"):
        pattern += "**"
    return fnmatch.fnmatchcase(str(git_dir), pattern.replace("**/", "*").replace("**", "*"))


def _from_environment(environ: Mapping[str, str]) -> Settings:
    values: dict[str, tuple[str | None, ...]] = {}
    count = environ.get("GIT_CONFIG_COUNT", "")
    for number in range(int(count) if count.isdigit() else 0):
        name = canonical(environ.get(f"GIT_CONFIG_KEY_{number}", ""))
        values[name] = (*values.get(name, ()), environ.get(f"GIT_CONFIG_VALUE_{number}", ""))
    return Settings(values)
