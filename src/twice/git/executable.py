"""How is the git executable found and run?  The one door for its processes.

In: words, a folder, bytes for its standard input.  Out: the bytes of its standard output; a failure is a `GitFailed`
that carries what git said. Every process runs in the C locale, takes no optional locks, asks nothing on the terminal
(unless the caller allows it, for transport), runs none of the repository's hooks and starts no automatic gc.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from twice.errors import RepositoryError

_LAST_WORDS_S = 5.0  # for a process that is not wanted any more
_SETTINGS = (
    f"core.hooksPath={os.devnull}",
    "core.fsmonitor=false",  # it may name a program of the repository's choice; and a snapshot trusts its own eyes only
    "core.splitIndex=false",  # a private copy of the index must not write shared index files beside the user's
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.graftFileDeprecated=false",
)
_ENVIRONMENT = {
    "LC_ALL": "C",
    "LANGUAGE": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",  # ids are facts here, also where the user has grafted something else over them
    "GIT_PAGER": "cat",
    "GIT_EDITOR": ":",
}
_DROPPED = ("GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS", "GIT_EXTERNAL_DIFF", "GIT_PREFIX")


class GitFailed(RepositoryError):
    """Git ended with an error; the details are what it wrote to its standard error."""

    def __init__(self, words: tuple[str, ...], git_exit_code: int, stdout: bytes, stderr: bytes) -> None:
        lines = [line.rstrip() for line in stderr.decode("utf-8", "backslashreplace").splitlines() if line.strip()]
        if git_exit_code < 0:
            lines.append(f"fatal: killed by {_signal_name(-git_exit_code)}")
        reason = next((line for line in lines if line.startswith(("fatal: ", "error: "))), "")
        headline = f": {reason.partition(': ')[2]}" if reason else ""
        super().__init__(
            f"git {_command(words)} failed{headline}",
            details=lines or [f"exit code {git_exit_code}"],
            hint=_hint(lines),
        )
        self.git_exit_code = git_exit_code
        self.stdout = stdout
        self.stderr = stderr


def _command(words: tuple[str, ...]) -> str:
    """The command's name, behind the settings that come before it."""
    return next(word for word, before in zip(words, ("", *words), strict=False) if "-c" not in (word, before))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _hint(lines: list[str]) -> str | None:
    """What to do about the failures that a user can do something about."""
    text = "\n".join(lines)
    for symptom, hint in (
        ("No space left on device", "free some space on the disk that holds the repository"),
        ("Disk quota exceeded", "free some space in your quota"),
        ("SIGXFSZ", "a limit on the size of files (`ulimit -f`) stands in the way"),
        ("File too large", "a limit on the size of files (`ulimit -f`) stands in the way"),
        ("Read-only file system", "twice needs to write into the git directory: make it writable"),
        ("Permission denied", "twice needs to write into the git directory: look at its owner and its permissions"),
        (
            "insufficient permission",
            "twice needs to write into the git directory: look at its owner and its permissions",
        ),
    ):
        if symptom in text:
            return hint
    if "unable to write" in text:
        return "make room on the disk, and make the git directory writable"
    if any(
        word in text
        for word in ("bad object", "bad tree", "corrupt", "unable to read", "loose object", "invalid object")
    ):
        return "`git fsck` says which objects are damaged or missing; fetching from another clone may bring them back"
    return None


class Process:
    """A git process that was started; `finish` waits for it. As a context manager it never outlives the block."""

    def __init__(self, words: tuple[str, ...], popen: subprocess.Popen[bytes]) -> None:
        self._words = words
        self._popen = popen

    def finish(self, input: bytes | None = None, *, check: bool = True) -> bytes:
        """Give the process its standard input and wait; what it wrote to standard output. Raises GitFailed."""
        stdout, stderr = self._popen.communicate(input)
        if check and self._popen.returncode != 0:
            raise GitFailed(self._words, self._popen.returncode, stdout, stderr)
        return stdout

    def __enter__(self) -> Process:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._popen.returncode is not None:
            return
        self._popen.terminate()  # so that git removes its locks and what it has half done
        try:
            self._popen.communicate(timeout=_LAST_WORDS_S)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.communicate()


class Git:
    """The git executable, with the environment that every process of it gets."""

    def __init__(self, path: str, environ: Mapping[str, str]) -> None:
        self.path = path
        self._environ = environ

    @classmethod
    def find(cls, environ: Mapping[str, str]) -> Git | None:
        """The executable on PATH, or the one that TWICE_GIT names; None when there is none, or TWICE_GIT=none.

        Raises RepositoryError when TWICE_GIT names something that cannot be run.
        """
        wanted = environ.get("TWICE_GIT", "")
        if wanted == "none":
            return None
        path = shutil.which(wanted or "git", path=environ.get("PATH"))
        if path is None and wanted:
            raise RepositoryError(
                f"TWICE_GIT names a git that cannot be run: {wanted}",
                hint="unset TWICE_GIT to use the git on PATH, or set it to `none` to work without one",
            )
        return None if path is None else cls(path, environ)

    def bound_to(self, variables: Mapping[str, str | None]) -> Git:
        """The same executable for one repository: with these variables (None: without), wherever it is run."""
        environ = {name: value for name, value in self._environ.items() if name not in variables}
        environ.update((name, value) for name, value in variables.items() if value is not None)
        return Git(self.path, environ)

    def run(
        self,
        *words: str,
        cwd: Path,
        input: bytes | None = None,
        env_extra: Mapping[str, str | None] | None = None,
        check: bool = True,
        prompts: bool = False,
    ) -> bytes:
        """Run git and wait: what it wrote to standard output. Raises GitFailed, unless `check` is false.

        `env_extra` sets variables, or removes them (None); `prompts` lets it ask for credentials on the terminal.
        """
        with self.start(
            *words, cwd=cwd, takes_input=input is not None, env_extra=env_extra, prompts=prompts
        ) as process:
            return process.finish(input, check=check)

    def start(
        self,
        *words: str,
        cwd: Path,
        takes_input: bool = False,
        env_extra: Mapping[str, str | None] | None = None,
        prompts: bool = False,
    ) -> Process:
        """Start git and go on; see `Process.finish`."""
        return Process(words, self.open(*words, cwd=cwd, takes_input=takes_input, env_extra=env_extra, prompts=prompts))

    def open(
        self,
        *words: str,
        cwd: Path,
        takes_input: bool,
        env_extra: Mapping[str, str | None] | None = None,
        prompts: bool = False,
    ) -> subprocess.Popen[bytes]:
        """The raw process, for conversations such as `git cat-file --batch`. The caller ends it."""
        command = [self.path]
        for setting in _SETTINGS:
            command += ("-c", setting)
        try:
            return subprocess.Popen(
                [*command, *words],
                cwd=cwd,
                env=self._environment(env_extra, prompts),
                stdin=subprocess.PIPE if takes_input else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            where = str(cwd) if not Path(cwd).is_dir() else self.path
            raise RepositoryError(f"git could not be started: {error.strerror}", details=[where]) from error

    def _environment(self, extra: Mapping[str, str | None] | None, prompts: bool) -> dict[str, str]:
        environ = {name: value for name, value in self._environ.items() if name not in _DROPPED}
        environ.update(_ENVIRONMENT)
        if not prompts:
            environ["GIT_TERMINAL_PROMPT"] = "0"
            environ["GIT_ASKPASS"] = environ["SSH_ASKPASS"] = ""
        for name, value in (extra or {}).items():
            if value is None:
                environ.pop(name, None)
            else:
                environ[name] = value
        return environ


def run_filter(command: str, data: bytes, *, cwd: Path, environ: Mapping[str, str]) -> bytes | None:
    """Run a filter command that git's configuration names, in a shell as git does; None when it fails."""
    try:
        done = subprocess.run(
            command, shell=True, cwd=cwd, env=dict(environ), input=data, stdout=subprocess.PIPE, check=False
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
