"""How do runs get to a remote, and from there?  Their refs as they are, and the notes on them united; by the git executable.

    push    refs/experiments/*:refs/experiments/*     nothing else goes: no branch, no tag
    pull    refs/experiments/*:refs/experiments/*     nothing else comes, nothing is pruned, no remote-tracking ref moves
    notes   fetched to a ref of our own, united with ours line by line, and pushed back

No refspec has a `+`: a run that is there is never overwritten, here or there. Hooks do not run, as in all that `twice` does.
"""

from __future__ import annotations

from collections.abc import Sequence

from twice.capture.secrets import mask_text
from twice.errors import RepositoryError, UsageError
from twice.execution.clock import Clock
from twice.frozen import frozen
from twice.git.executable import Git, GitFailed
from twice.git.repository import Repository
from twice.store.notes import NOTES_REF, Notes
from twice.store.run_index import Row
from twice.store.run_store import PREFIX

_FETCHED_NOTES = "refs/twice/fetched/notes"
_TRIES = 5  # others may push notes at the same moment
_ALL = f"{PREFIX}*:{PREFIX}*"


@frozen
class Shared:
    """What was done: runs that are new on the other side (or here), runs that were there already, and the notes."""

    remote: str
    new: tuple[str, ...]  # refs
    there: int
    notes_changed: bool


@frozen
class _Remote:
    """A remote as it is now: its name or URL, its runs (ref → commit), the tip of its notes."""

    name: str
    runs: dict[str, str]
    notes: str | None

    def fetch_refspecs(self, refs: Sequence[str]) -> list[str]:
        return [_ALL] if len(refs) == len(self.runs) else [f"{ref}:{ref}" for ref in refs]


def default_remote(repository: Repository, *, pushing: bool) -> str:
    """The remote that git itself would take for the current branch; else `origin`, else the only one there is."""
    remotes = [line for line in _git(repository).run("remote", cwd=repository.root).decode().split("\n") if line]
    branch = repository.head().branch
    wanted = [repository.config("remote.pushDefault")] if pushing else []
    wanted += [repository.config(f"branch.{branch}.pushRemote")] if pushing and branch else []
    wanted += [repository.config(f"branch.{branch}.remote")] if branch else []
    for name in (*wanted, "origin"):
        if name in remotes:
            return name
    if len(remotes) == 1:
        return remotes[0]
    if not remotes:
        raise UsageError("there is no remote to share runs with", hint="add one: git remote add origin URL")
    raise UsageError(
        "which remote?", details=remotes, hint=f"name it: twice {'push' if pushing else 'pull'} {remotes[0]}"
    )


def push_runs(name: str, refs: Sequence[str] | None, repository: Repository, clock: Clock) -> Shared:
    """Push runs (None: all) and the notes to a remote.  Raises RepositoryError, also when a run there is another one."""
    mine = repository.refs.list(PREFIX)
    wanted = list(mine) if refs is None else list(refs)
    remote = _look(name, repository)
    _refuse_others({ref: mine[ref] for ref in wanted}, remote.runs, f"on {name}")
    new = [ref for ref in wanted if ref not in remote.runs]
    if new:
        specs = [_ALL] if len(new) == len(mine) else [f"{ref}:{ref}" for ref in new]
        for start in range(0, len(specs), 500):  # words of one process: git push reads no refspecs from its input
            _talk(repository, name, "push", *_ONLY_THESE_OUT, name, *specs[start : start + 500])
    changed = _push_notes(remote, repository, clock)
    return Shared(remote=name, new=tuple(new), there=len(wanted) - len(new), notes_changed=changed)


def pull_runs(name: str, refs: Sequence[str] | None, repository: Repository, clock: Clock) -> Shared:
    """Fetch runs (None: all) and the notes from a remote.  Raises RepositoryError, also when a run there is another one."""
    remote = _look(name, repository)
    mine = repository.refs.list(PREFIX)
    wanted = list(remote.runs) if refs is None else list(refs)
    _refuse_others({ref: remote.runs[ref] for ref in wanted}, mine, "here")
    new = [ref for ref in wanted if ref not in mine]
    specs = remote.fetch_refspecs(new) if new else []
    before = Notes(repository).tip()
    _fetch(remote, specs, repository, clock)
    return Shared(
        remote=name,
        new=tuple(new),
        there=len(wanted) - len(new),
        notes_changed=Notes(repository).tip() != before,
    )


def runs_at(name: str, repository: Repository) -> list[Row]:
    """The runs that a remote has, oldest first, as far as their refs tell: for selecting among them."""
    rows = []
    for ref, commit in _look(name, repository).runs.items():
        experiment, _, run_id = ref.removeprefix(PREFIX).rpartition("/")
        rows.append(Row(ref=ref, commit=commit, id=run_id, experiment=experiment, name=None))
    return sorted(rows, key=lambda row: row.id)


# ------------------------------------------------------------------------------------------------------- notes


def _push_notes(remote: _Remote, repository: Repository, clock: Clock) -> bool:
    """Unite the notes of both sides on both sides; whether the remote's have changed."""
    notes = Notes(repository)
    there = remote.notes
    for attempt in range(_TRIES):
        if there is not None and there != notes.tip():
            _fetch(remote, [], repository, clock)
        mine = notes.tip()
        if mine is None or mine == there:
            return attempt > 0
        try:
            _talk(repository, remote.name, "push", *_ONLY_THESE_OUT, remote.name, f"{NOTES_REF}:{NOTES_REF}")
        except RepositoryError:
            moved = _look(remote.name, repository).notes
            if moved == there:  # nobody was faster: something else is wrong
                raise
            there = moved
        else:
            return True
    raise RepositoryError(f"the notes on {remote.name} keep moving", hint="try again when others have pushed theirs")


def _fetch(remote: _Remote, specs: Sequence[str], repository: Repository, clock: Clock) -> None:
    """Fetch runs by their refspecs, and the notes if there are other ones, which are united with ours."""
    notes = Notes(repository)
    wants_notes = remote.notes is not None and remote.notes != notes.tip()
    specs = [*specs, *([f"{NOTES_REF}:{_FETCHED_NOTES}"] if wants_notes else [])]
    if not specs:
        return
    repository.refs.delete(_FETCHED_NOTES)  # of a pull that was cut off
    lines = "".join(f"{spec}\n" for spec in specs).encode()
    _talk(repository, remote.name, "fetch", *_ONLY_THESE_IN, "--stdin", remote.name, input=lines)
    theirs = repository.refs.read(_FETCHED_NOTES)
    if theirs is None:
        return
    _unite(theirs, notes, repository, clock)
    repository.refs.delete(_FETCHED_NOTES)


def _unite(theirs: str, notes: Notes, repository: Repository, clock: Clock) -> None:
    mine = notes.tip()
    if mine is not None and _is_ancestor(repository, theirs, mine):
        return
    if mine is None or _is_ancestor(repository, mine, theirs):
        repository.refs.update(NOTES_REF, theirs, mine)
    else:
        notes.merge(theirs, clock.now())


def _is_ancestor(repository: Repository, a: str, b: str) -> bool:
    try:
        _git(repository).run("merge-base", "--is-ancestor", a, b, cwd=repository.root)
    except GitFailed as error:
        if error.git_exit_code != 1:
            raise
        return False
    return True


# --------------------------------------------------------------------------------------------------- transport

_ONLY_THESE_OUT = ("--porcelain", "--no-follow-tags", "--recurse-submodules=no", "--no-signed")
_ONLY_THESE_IN = (
    "--no-tags",
    "--no-prune",
    "--no-prune-tags",
    "--no-recurse-submodules",
    "--no-write-fetch-head",
    "--no-auto-maintenance",
    "--no-show-forced-updates",
    "--refmap=",
)


def _look(name: str, repository: Repository) -> _Remote:
    if name.startswith("-") or not name:
        raise UsageError(f"not a remote: {name!r}", hint="`git remote -v` lists the remotes")
    listing = _talk(repository, name, "ls-remote", name, f"{PREFIX}*", NOTES_REF).decode("utf-8", "surrogateescape")
    refs = {ref: commit for commit, _, ref in (line.partition("\t") for line in listing.splitlines()) if ref}
    return _Remote(
        name=name,
        runs={ref: commit for ref, commit in sorted(refs.items()) if ref.startswith(PREFIX)},
        notes=refs.get(NOTES_REF),
    )


def _refuse_others(wanted: dict[str, str], there: dict[str, str], where: str) -> None:
    others = [ref for ref, commit in wanted.items() if there.get(ref, commit) != commit]
    if others:
        raise RepositoryError(
            f"{len(others)} of the runs are other ones {where}: nothing is overwritten",
            details=others[:10],
            hint="a run has one commit for ever; whoever rewrote it should give it another name",
        )


def _talk(repository: Repository, remote: str, *words: str, input: bytes | None = None) -> bytes:
    """Run git with a remote, which may ask for a password.  Raises RepositoryError with what both said."""
    try:
        return _git(repository).run(*words, cwd=repository.root, input=input, prompts=True)
    except GitFailed as error:
        said = [*_rejections(error.stdout), *error.details]
        raise RepositoryError(
            f"git {words[0]} {'with' if words[0] == 'ls-remote' else 'to' if words[0] == 'push' else 'from'} "
            f"{mask_text(remote)} failed",
            details=[mask_text(line) for line in said],
            hint="`git remote -v` lists the remotes; `git ls-remote` shows whether one answers",
        ) from error


def _rejections(porcelain: bytes) -> list[str]:
    lines = porcelain.decode("utf-8", "replace").splitlines()
    return [" ".join(line[1:].split()) for line in lines if line.startswith("!")]


def _git(repository: Repository) -> Git:
    if repository.git is None:
        raise RepositoryError("sharing runs needs the git executable", hint="install git, or unset TWICE_GIT")
    return repository.git
