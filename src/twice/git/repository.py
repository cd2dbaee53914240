"""Which repository is this, and where are its objects, refs, settings and HEAD?  One object for the rest of `git/`.

In: a folder and the environment variables.  Out: a `Repository`, the one thing that the rest of `git/` works on. With
the git executable, opening costs one process and no import of dulwich; what is not asked for is not read.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import TracebackType

from twice.errors import RepositoryError
from twice.git.executable import Git, Process
from twice.git.objects import ObjectStore
from twice.git.packed_objects import PackedObjects, PackedObjectsByGit, PackedObjectsByHand
from twice.git.places import Place, common_dir_of, find_by_git, find_by_hand, follow
from twice.git.refs import Refs
from twice.git.scans import Head
from twice.git.settings import Settings, finish_reading, read_by_hand

_NOT_IN_A_NAME = str.maketrans("", "", "<>\n\0\r")


class Repository:
    """One repository, seen from one of its work trees; close it, best by `with`."""

    def __init__(self, place: Place, environ: Mapping[str, str], git: Git | None) -> None:
        self.root: Path = place.root or place.git_dir
        self.is_bare = place.root is None
        self.git_dir = place.git_dir
        self.common_dir = place.common_dir
        self.objects_dir = place.objects_dir
        self.index_file = place.index_file
        self.object_format = place.object_format
        self.environ = environ
        self.git = git
        self._reading_settings: Process | None = None
        self.looking: Process | None = None  # at the work tree: see `snapshot.scan_ahead`
        self._objects: ObjectStore | None = None

    @classmethod
    def open(cls, path: Path, environ: Mapping[str, str], *, bare_ok: bool = False) -> Repository:
        """The repository that `path` is in. Raises RepositoryError: there is none, it is not ours, it has no work tree.

        With `bare_ok` one without a work tree will do; then `root` is the git directory.
        """
        path = Path(os.path.abspath(path))
        if not path.is_dir():
            raise RepositoryError(f"no such folder: {path}")
        git = Git.find(environ)
        place = find_by_git(git, path) if git else find_by_hand(path, environ)
        if place.root is None and not bare_ok:
            raise RepositoryError(
                "there is no work tree here: this is a bare repository, or the inside of a git directory",
                details=[str(place.git_dir)],
                hint="`git worktree add` makes a work tree of a bare repository",
            )
        return cls(place, environ, git.bound_to(_variables(place, environ)) if git else None)

    def close(self) -> None:
        """End what was started."""
        if self._objects is not None:
            self._objects.close()
            self._objects = None
        if self._reading_settings is not None:
            with self._reading_settings:
                self._reading_settings = None
        if self.looking is not None:
            with self.looking:
                self.looking = None

    def __enter__(self) -> Repository:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    # ------------------------------------------------------------------------------------------------ parts

    @property
    def objects(self) -> ObjectStore:
        """The objects; nothing is started or imported before one is asked for."""
        if self._objects is None:
            packed: PackedObjects
            if self.git is not None:
                packed = PackedObjectsByGit(self.git, self.git_dir)
            else:
                more = self.environ.get("GIT_ALTERNATE_OBJECT_DIRECTORIES", "")
                alternates = [entry for entry in more.split(os.pathsep) if entry]
                packed = PackedObjectsByHand(self.objects_dir, self.object_format, alternates)
            self._objects = ObjectStore(self.objects_dir, self.object_format, packed)
        return self._objects

    @cached_property
    def refs(self) -> Refs:
        """The refs."""
        return Refs(self.git_dir, self.common_dir, self._id_length)

    @property
    def _id_length(self) -> int:
        return 40 if self.object_format == "sha1" else 64

    @property
    def state_dir(self) -> Path:
        """Where twice keeps what is not a git object: shared by all worktrees; made by whoever writes there."""
        return self.common_dir / "twice"

    # ------------------------------------------------------------------------------------------------ facts

    def head(self) -> Head:
        """Where HEAD is now. Raises RepositoryError when it is damaged."""
        target = self.refs.target("HEAD")
        commit = self.refs.read("HEAD")
        if target is None and commit is None:
            raise RepositoryError("HEAD is missing", details=[str(self.git_dir / "HEAD")])
        return Head(commit=commit, branch=target.removeprefix("refs/heads/") if target else None)

    def nested_head(self, path: str) -> str | None:
        """The commit that a repository inside the work tree, such as a submodule, is on; None when it has none."""
        try:
            git_dir = follow(self.root / path / ".git")
            if git_dir is None:
                return None
            return Refs(git_dir, common_dir_of(git_dir), self._id_length).read("HEAD")
        except RepositoryError:  # damaged, or with ids of another format: nothing that a tree could link to
            return None

    def config(self, key: str) -> str | None:
        """A setting of git's, such as `remote.origin.url`; None when it is not set."""
        return self.settings.get(key)

    @cached_property
    def settings(self) -> Settings:
        """Git's configuration as it counts here, read once."""
        self.read_config_ahead()
        if self._reading_settings is None:
            return read_by_hand(self.git_dir, self.common_dir, self.environ)
        process, self._reading_settings = self._reading_settings, None
        return finish_reading(process)

    def read_config_ahead(self) -> None:
        """Start reading the configuration, for whoever asks for it soon; costs nothing when it is known."""
        if self.git is not None and self._reading_settings is None and "settings" not in self.__dict__:
            self._reading_settings = self.git.start("config", "--list", "-z", cwd=self.root)

    def identity(self) -> str:
        """`Name <email>` as git would sign a commit; what is set nowhere comes from the user's and the host's name."""
        user, host = _user_and_host(self.environ)
        name = self._first("GIT_AUTHOR_NAME", "author.name", "user.name") or user
        email = self._first("GIT_AUTHOR_EMAIL", "author.email", "user.email", "EMAIL") or f"{user}@{host}"
        return f"{name} <{email}>"

    def _first(self, *sources: str) -> str:
        """The first that says something, of variables (in capitals) and settings."""
        for source in sources:
            value = (self.environ.get(source) if source.isupper() else self.config(source)) or ""
            value = value.translate(_NOT_IN_A_NAME).strip(" .,:;\"'\\")  # git, too, strips these
            if value:
                return value
        return ""


def _variables(place: Place, environ: Mapping[str, str]) -> dict[str, str | None]:
    """What tells git which repository is meant, from whatever folder; what the user has set stays, made absolute."""
    return {
        "GIT_DIR": str(place.git_dir),
        "GIT_WORK_TREE": str(place.root) if place.root else None,
        "GIT_COMMON_DIR": None,  # the git directory says it
        **({"GIT_INDEX_FILE": str(place.index_file)} if environ.get("GIT_INDEX_FILE") else {}),
        **({"GIT_OBJECT_DIRECTORY": str(place.objects_dir)} if environ.get("GIT_OBJECT_DIRECTORY") else {}),
    }


def _user_and_host(environ: Mapping[str, str]) -> tuple[str, str]:
    user = next((environ[name] for name in ("LOGNAME", "USER", "USERNAME") if environ.get(name)), "")
    if not user:
        try:
            import pwd

            user = pwd.getpwuid(os.getuid()).pw_name
        except (ImportError, KeyError):
            user = "unknown"
    host = os.uname().nodename if hasattr(os, "uname") else environ.get("COMPUTERNAME", "")
    return user.translate(_NOT_IN_A_NAME).strip() or "unknown", host.translate(_NOT_IN_A_NAME).strip() or "localhost"
