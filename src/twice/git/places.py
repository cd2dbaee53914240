"""Where is the repository that a folder belongs to, and where does it keep its parts?  Git's rules, asked or followed.

Git itself answers, in one process. Where there is no git executable the same rules are followed by hand
(gitrepository-layout, and "The Git Repository" in git(1)): GIT_DIR, GIT_WORK_TREE, GIT_CEILING_DIRECTORIES,
GIT_INDEX_FILE, GIT_OBJECT_DIRECTORY; linked worktrees, submodules and separate git directories; a repository of
another owner is not trusted (safe.directory).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from twice.errors import RepositoryError
from twice.frozen import frozen
from twice.git.executable import Git, GitFailed
from twice.git.settings import Settings, read_file_by_hand, read_trusted_by_hand

_UNDERSTOOD = frozenset(
    ("noop", "noop-v1", "partialclone", "preciousobjects", "worktreeconfig", "objectformat", "relativeworktrees")
)
_MAKE_ONE = "`git init` makes this folder a repository; runs are kept in it"


@frozen
class Place:
    """The folders and files of a repository; `root` is None where there is no work tree."""

    root: Path | None
    git_dir: Path
    common_dir: Path
    objects_dir: Path
    index_file: Path
    object_format: str


def find_by_git(git: Git, path: Path) -> Place:
    """Ask git. Raises RepositoryError."""
    # The last question fails outside a work tree; the answers before it are printed all the same.
    questions = ("--git-dir", "--git-common-dir", "--git-path", "objects", "--git-path", "index")
    process = git.start("rev-parse", *questions, "--show-object-format", "--show-toplevel", cwd=path)
    root = None
    try:
        with process:
            answers = process.finish()
    except GitFailed as error:
        answers = error.stdout
        if b"must be run in a work tree" not in error.stderr or answers.count(b"\n") < 5:
            raise _not_usable(path, error) from error
    lines = os.fsdecode(answers).split("\n")[:-1]
    if len(lines) == 6:
        root = Path(lines.pop())
    if len(lines) != 5:
        raise RepositoryError("the path of the repository holds a line break", details=[str(path)])
    here = os.path.realpath(path)  # what git's answers are relative to, even if a symlink led here
    git_dir, common_dir, objects_dir, index_file = (
        Path(os.path.abspath(os.path.join(here, line))) for line in lines[:4]
    )
    return _checked(
        Place(
            root=root,
            git_dir=git_dir,
            common_dir=common_dir,
            objects_dir=objects_dir,
            index_file=index_file,
            object_format="sha256" if lines[4] == "sha256" else "sha1",  # before 2.29 git repeats the question
        )
    )


def _not_usable(path: Path, error: GitFailed) -> RepositoryError:
    text = error.stderr.decode("utf-8", "replace")
    if "not a git repository" in text:
        return _no_repository(path)
    if "dubious ownership" in text:
        lines = [line.strip() for line in text.splitlines()]
        command = next((line for line in lines if line.startswith("git config --global")), None)
        return _dubious(str(path), command)
    return RepositoryError("this git repository cannot be used", details=error.details, hint=error.hint)


def _no_repository(path: Path) -> RepositoryError:
    return RepositoryError("not inside a git repository", details=[str(path)], hint=_MAKE_ONE)


def _dubious(where: str, command: str | None) -> RepositoryError:
    command = command or f"git config --global --add safe.directory {where}"
    return RepositoryError(
        "the git repository belongs to another user", details=[where], hint=f"if you trust it: `{command}`"
    )


def _checked(place: Place) -> Place:
    if (place.common_dir / "reftable").is_dir():
        raise RepositoryError(
            "this repository keeps its refs in the reftable format, which twice cannot write yet",
            details=[str(place.common_dir)],
            hint="`git refs migrate --ref-format=files` changes it to the format that every git reads",
        )
    return place


# ------------------------------------------------------------------------------------------------ without git


def find_by_hand(path: Path, environ: Mapping[str, str]) -> Place:
    """Follow git's rules without git. Raises RepositoryError."""
    path = Path(os.path.realpath(path))
    named = environ.get("GIT_DIR")
    if named:
        git_dir, around = follow(path / named), path
        if git_dir is None:
            raise RepositoryError(f"GIT_DIR is not a git repository: {named}", hint=_MAKE_ONE)
    else:
        git_dir, around = _search(path, environ)
    common_dir = common_dir_of(git_dir)
    settings = read_file_by_hand(common_dir / "config")
    if settings.flag("extensions.worktreeconfig"):
        settings = settings.over(read_file_by_hand(git_dir / "config.worktree"))
    root = _work_tree(path, git_dir, around, settings, environ, named=bool(named))
    if not named:
        _check_owner([git_dir, *([root] if root else [])], environ)
    return _checked(
        Place(
            root=root,
            git_dir=git_dir,
            common_dir=common_dir,
            # git has changed to the top of the work tree when it looks at these
            objects_dir=Path(root or path, environ.get("GIT_OBJECT_DIRECTORY") or common_dir / "objects"),
            index_file=Path(root or path, environ.get("GIT_INDEX_FILE") or git_dir / "index"),
            object_format=_object_format(settings, common_dir),
        )
    )


def _search(path: Path, environ: Mapping[str, str]) -> tuple[Path, Path]:
    """The git directory of the nearest folder that has one, and that folder."""
    ceilings = {
        os.path.realpath(entry) for entry in environ.get("GIT_CEILING_DIRECTORIES", "").split(os.pathsep) if entry
    }
    across = environ.get("GIT_DISCOVERY_ACROSS_FILESYSTEM", "").lower() in ("1", "true", "yes", "on")
    try:
        device = path.stat().st_dev
    except OSError as error:
        raise RepositoryError(f"no such folder: {path}") from error
    for folder in (path, *path.parents):
        if folder != path and (str(folder) in ceilings or (not across and folder.stat().st_dev != device)):
            break
        found = follow(folder / ".git") or (folder if _is_git_dir(folder) else None)
        if found is not None:
            return found, folder
    raise _no_repository(path)


def follow(candidate: Path) -> Path | None:
    """The git directory that a path is, or names when it is a file (`gitdir: …`)."""
    if candidate.is_file():
        try:
            text = os.fsdecode(candidate.read_bytes())
        except OSError as error:
            raise RepositoryError(f"{candidate} cannot be read: {error.strerror}") from error
        if not text.startswith("gitdir:"):
            raise RepositoryError("invalid gitfile format", details=[str(candidate)])
        named = Path(os.path.abspath(candidate.parent / text[7:].strip()))
        if not _is_git_dir(named):
            raise RepositoryError(f"not a git repository: {named}", details=[f"named by {candidate}"])
        return named
    candidate = Path(os.path.abspath(candidate))
    return candidate if _is_git_dir(candidate) else None


def _is_git_dir(folder: Path) -> bool:
    common = common_dir_of(folder)
    head = folder / "HEAD"
    return (head.is_file() or head.is_symlink()) and (common / "objects").is_dir() and (common / "refs").is_dir()


def common_dir_of(git_dir: Path) -> Path:
    """What the linked worktrees of a repository share."""
    try:
        named = os.fsdecode((git_dir / "commondir").read_bytes()).strip()
    except OSError:
        return git_dir
    return Path(os.path.abspath(git_dir / named))


def _work_tree(
    path: Path, git_dir: Path, around: Path, settings: Settings, environ: Mapping[str, str], *, named: bool
) -> Path | None:
    if environ.get("GIT_WORK_TREE"):
        root: Path | None = Path(os.path.realpath(path / environ["GIT_WORK_TREE"]))
    elif settings.get("core.worktree"):
        root = Path(os.path.realpath(git_dir / (settings.get("core.worktree") or "")))
    elif settings.flag("core.bare") and not (git_dir / "commondir").is_file():
        root = None
    else:
        root = around if around != git_dir else None
    if root is None or named or path == root or root in path.parents:
        return root
    return None  # inside the git directory, or beside a work tree that is elsewhere


def _object_format(settings: Settings, common_dir: Path) -> str:
    """The hash of the repository's ids; refuses a format that it would read wrongly, as git does."""
    version = settings.get("core.repositoryformatversion") or "0"
    if version == "0":
        return "sha1"
    unknown = [name for name in settings.names("extensions.") if name.partition(".")[2] not in _UNDERSTOOD]
    if version != "1" or unknown:
        raise RepositoryError(
            "this repository has a format that twice cannot use without the git executable",
            details=[f"{common_dir / 'config'}: {', '.join(unknown) or f'version {version}'}"],
            hint="install git",
        )
    return settings.get("extensions.objectformat") or "sha1"


def _check_owner(places: list[Path], environ: Mapping[str, str]) -> None:
    """Refuse what another user owns: its configuration may name programs to run (git's safe.directory)."""
    if not hasattr(os, "geteuid"):
        return
    me = {os.geteuid()}
    if os.geteuid() == 0 and environ.get("SUDO_UID", "").isdigit():
        me.add(int(environ["SUDO_UID"]))
    if all(place.stat().st_uid in me for place in places):
        return
    where = str(places[-1])
    trusted: set[str] = set()
    for entry in read_trusted_by_hand(environ).all("safe.directory"):
        trusted = trusted | {entry} if entry else set()  # an empty entry takes back those before it
    parents = {str(parent) + "/*" for parent in Path(where).parents}
    if not trusted & {"*", where, *parents}:
        raise _dubious(where, None)
