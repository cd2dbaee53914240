"""What is missing before a run can be run again?  Looked at here and now; nothing is made, nothing runs but interpreters.

In the order of the flow: code, interpreter, packages, data, GPU, memory, disk, time. What only the attempt can tell (whether
an index still has every package) is not claimed.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from twice.capture.hash_cache import HashCache
from twice.capture.machine import capture_machine
from twice.comparison.needs import Need, need_disk, need_gpu, need_memory, need_packages, need_time
from twice.comparison.sections import count
from twice.environments.installing import find_uv
from twice.environments.interpreters import find_interpreter
from twice.environments.proof import differences
from twice.environments.rebuilding import Workshop, look_at
from twice.environments.sources import Trees, find_sources
from twice.errors import ReproductionError, TwiceError
from twice.execution.argv import point_at
from twice.execution.placing import Found
from twice.execution.preparation import find_data, manifests_of, variables_again
from twice.execution.reproduction import Surroundings, Wishes
from twice.execution.worktrees import cache_folder, code_commit, environments_folder
from twice.git.repository import Repository
from twice.record.model import Run
from twice.textforms import format_size, quote_path


def check_run(original: Run, commit: str, wishes: Wishes, around: Surroundings) -> tuple[Need, ...]:
    """What the run needs and how it is here; `commit` is the run's."""
    machine = capture_machine(around.environ)
    code = _code(original, around.repository)
    found: list[Found] = []
    data = Need(part="data", state="unknown", text="where it belongs is not known without the code")
    if code.state == "ready":
        with HashCache.open(around.repository.state_dir / "hashes.sqlite3") as hashes:
            found = find_data(original, manifests_of(commit, around.repository), around.repository, hashes)
        data = _data(found, wishes.allow_changed_data)
    needs = [
        code,
        *_environment(original, wishes, around),
        data,
        need_gpu(original.environment.machine, machine, original.environment.packages),
        need_memory(original, machine),
        _disk(original, found, around),
        need_time(original, machine),
    ]
    return tuple(need for need in needs if need is not None)


def _code(original: Run, repository: Repository) -> Need:
    try:
        commit = code_commit(original, repository)
    except ReproductionError as error:
        return _missing("code", error)
    return Need(part="code", state="ready", text=f"commit {commit[:12]}")


def _environment(original: Run, wishes: Wishes, around: Surroundings) -> list[Need]:
    """The interpreter that would run, and its packages."""
    packages = original.environment.packages
    root, recorded_root = around.repository.root, Path(original.execution.repository)
    variables = variables_again(original, root, around.configuration, around.environ)
    try:
        here = point_at(
            original.execution.command, original.execution.python, wishes.python, recorded_root, root, variables
        )
    except ReproductionError as error:
        return [_missing("interpreter", error)]
    if packages is None:
        program = shutil.which(here.words[0], path=here.path) or shutil.which(here.words[0], path=str(root))
        found = Need(part="program", state="ready", text=program) if program else None
        text = f"{here.words[0]} is not on PATH"
        return [found or Need(part="program", state="missing", text=text), need_packages(original, None, None)]
    shop = Workshop(
        trees=Trees(snapshot=root, repository=root, recorded=recorded_root),
        cache=environments_folder(around.environ),
        layer=cache_folder(around.environ) / "unused",
        environ=variables,
        tell=around.tell,
    )
    different = _differences(original, here.python, shop)
    as_it_is = wishes.environment == "current" or (wishes.python is not None and wishes.environment != "rebuild")
    if as_it_is or (wishes.environment == "auto" and different is not None and not different):
        state = "ready" if here.python else "missing"
        interpreter = Need(part="interpreter", state=state, text=here.python or "none found", details=here.notes)  # type: ignore[arg-type]
        return [interpreter, need_packages(original, different, None)]
    try:
        uv = find_uv(variables)
        base = wishes.python or find_interpreter(packages.interpreter, original.execution.python, variables, uv)
        find_sources(packages, shop.trees, shop.describe)
    except ReproductionError as error:
        return [_missing("interpreter", error), need_packages(original, different, "on it")]
    how = f"with {'uv' if uv else 'pip'}"
    return [Need(part="interpreter", state="ready", text=base), need_packages(original, different, how)]


def _differences(original: Run, python: str | None, shop: Workshop) -> Sequence[str] | None:
    """What the packages of an interpreter differ in; None when it cannot be asked."""
    packages = original.environment.packages
    if python is None or packages is None:
        return None
    try:
        return differences(packages, look_at(python, shop, shop.trees.repository))
    except TwiceError:
        return None


def _data(found: Sequence[Found], may_differ: bool) -> Need:
    if not found:
        return Need(part="data", state="ready", text="nothing beside the code")
    problems = [one for one in found if one.problem is not None]
    size = sum(one.data.size_bytes or 0 for one in found)
    if not problems:
        elsewhere = tuple(f"{quote_path(one.data.path)} comes from {one.origin}" for one in found if one.origin)
        text = f"{count(len(found), 'input')}, {format_size(size)}"
        return Need(part="data", state="ready", text=text, details=elsewhere)
    missing = sum(one.data.size_bytes or 0 for one in problems)
    text = f"{len(problems)} of {count(len(found), 'input')}, {format_size(missing)} of {format_size(size)}"
    details = tuple(f"{quote_path(one.data.path)}{_size(one)}: {one.problem}" for one in problems)
    return Need(part="data", state="differs" if may_differ else "missing", text=text, details=details)


def _size(one: Found) -> str:
    return "" if one.data.size_bytes is None else f" ({format_size(one.data.size_bytes)})"


def _disk(original: Run, found: Sequence[Found], around: Surroundings) -> Need:
    folder = cache_folder(around.environ)
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    copied = sum(one.data.size_bytes or 0 for one in found if not Path(one.data.path).is_absolute())
    written = sum(one.size_bytes or 0 for one in original.data.outputs)
    free = shutil.disk_usage(folder).free
    return need_disk(_code_size(original, around.repository), copied, written, free, str(folder))


def _code_size(original: Run, repository: Repository) -> int:
    """Bytes of all files of the code; 0 without the git executable, which alone knows sizes without reading them."""
    commit = original.code.commit
    if repository.git is None or commit is None or not repository.objects.has(commit):
        return 0
    listing = repository.git.run("ls-tree", "-r", "-l", "-z", "--full-tree", commit, cwd=repository.root)
    sizes = (entry.partition(b"\t")[0].split()[-1:] for entry in listing.split(b"\0"))
    return sum(int(size[0]) for size in sizes if size and size[0].isdigit())


def _missing(part: str, error: ReproductionError) -> Need:
    hints = (f"hint: {error.hint}",) if error.hint else ()
    return Need(part=part, state="missing", text=error.message, details=(*error.details, *hints))
