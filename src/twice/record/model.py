"""What is a run?  The facts of one execution, as plain frozen data.

One dataclass is one YAML file of the record (`Execution` ↔ run.yaml, `Seeds` ↔ seeds.yaml, …) or one mapping inside it.
The field's name is the key in the file and its position is the order there; a field that is None or empty is left out.
Keys that this version does not know, at any level, are kept in `extra` and written back.

Units live in names: `duration_s`, `size_bytes`. Times are UTC. Paths are POSIX, relative to the repository's root
unless absolute; a path that is not valid UTF-8 is held with surrogate escapes here and quoted as git quotes it in the
files.

Order: sequences keep the order they are given in, so whoever makes one sorts it where its comment says so. Mappings are
written sorted by key, for they have no order of their own; only `Params.values` (and `extra`) keep the user's order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Literal

from twice.frozen import frozen

# Two parts in modules of their own, because a run needs them before its command starts; the rest loads meanwhile.
from twice.record.code import Code as Code
from twice.record.code import LeftOut as LeftOut
from twice.record.values import Extra as Extra
from twice.record.values import FilePath as FilePath
from twice.record.values import Scalar as Scalar
from twice.record.values import Value as Value
from twice.record.values import Word as Word

FORMAT = 1
"""The version of the record; a newer one is refused, an older one upgraded in memory."""

Status = Literal["finished", "failed", "killed", "interrupted"]
"""finished: exit 0 · failed: another exit code · killed: by a signal · interrupted: Ctrl-C, or `twice` itself died."""

# ---------------------------------------------------------------------------------------------------- run.yaml


@frozen
class Resources:
    """What the command and the children it waited for used, from wait4(2)."""

    cpu_user_s: float | None = None
    cpu_system_s: float | None = None
    peak_memory_bytes: int | None = None  # of the largest single process
    extra: Extra = field(default_factory=dict)


@frozen
class Tracer:
    """How opened files were found, and what that way cannot see."""

    name: str  # "python", "syscalls", "off"
    blind_spots: tuple[str, ...] = ()
    extra: Extra = field(default_factory=dict)


@frozen
class Execution:
    """run.yaml: the run itself, and all that differs every time (times, host, id)."""

    format: int = FORMAT
    id: str
    experiment: str
    name: str | None = None
    message: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    status: Status
    exit_code: int | None = None  # as a shell has it: 128 + n after signal n; None if it was never learned
    signal: str | None = None  # "SIGKILL"
    command: tuple[Word, ...]
    directory: FilePath = "."
    entry_point: FilePath | None = None  # the script or module that the command names
    isolated: bool = False
    executions: int | None = None  # 2: executed a second time for the noise of its results; the first is the record
    strict: bool | None = None  # True: all that can be made deterministic was asked to be
    reproduces: str | None = None  # id of the run that this one repeats
    derived_from: str | None = None  # id of the run that this one repeats with a change
    parent: str | None = None  # id of the run inside which this one was started
    started_at: datetime
    duration_s: float
    host: str
    user: str
    repository: FilePath  # the work tree's root on that host
    python: FilePath | None = None  # path of the interpreter that ran, as it reported itself
    twice: str  # version that made the record
    resources: Resources = field(default_factory=Resources)
    code: Code
    tracer: Tracer
    warnings: tuple[str, ...] = ()
    extra: Extra = field(default_factory=dict)


# ------------------------------------------------------------------------------------------------- params.yaml


@frozen
class Params:
    """params.yaml: the values as the user gave them, nested where they were nested, and where each came from."""

    values: Mapping[str, Value] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    """Top-level name → "option" (-p), "api", "argparse", "click", "command line" (generic) or "file:<path>"."""
    extra: Extra = field(default_factory=dict)

    def flat(self) -> dict[str, Value]:
        """Dotted name → value (a Scalar or a list), in order.

        A nested path and a literal key that read the same are told apart by quoting the literal one.
        """
        found: dict[str, Value] = {}

        def walk(prefix: str, values: Mapping[str, Value]) -> None:
            for key, value in values.items():
                name = prefix + key
                if isinstance(value, Mapping) and value:
                    walk(name + ".", value)
                elif name in found:
                    found[f'{prefix}"{key}"'] = value
                else:
                    found[name] = value

        walk("", self.values)
        return found


# ------------------------------------------------------------------------------------------------ metrics.yaml


@frozen
class Noise:
    """How a metric came out of a second execution of the same run, at the same time and place."""

    state: Literal["deterministic", "noisy", "missing"]
    last: float | int | None = None  # the second execution's last value
    spread: float | int | None = None  # the largest distance between the two of last, min, max and mean, if finite
    first_diverging_step: int | None = None
    extra: Extra = field(default_factory=dict)


@frozen
class Metric:
    """One metric's summary over its history; NaN is skipped in min, max and mean unless nothing else is there."""

    last: float | int
    min: float | int
    max: float | int
    mean: float | int
    count: int = 1  # values logged
    last_step: int | None = None
    min_step: int | None = None
    max_step: int | None = None
    source: str = "api"  # "api" or "stdout"
    noise: Noise | None = None  # None: the run was executed once
    extra: Extra = field(default_factory=dict)


@frozen
class Point:
    """One logged value: a row of metrics/<name>.tsv, oldest first."""

    step: int
    time_s: float  # since the run started
    value: float | int


# -------------------------------------------------------------------------------------------------- seeds.yaml


@frozen
class SeededProcess:
    """One process that reported in: what was seeded there, and under which key."""

    key: str
    python: FilePath
    seeded: tuple[str, ...] = ()  # "hash", "random", "numpy", "torch", …
    extra: Extra = field(default_factory=dict)


@frozen
class Seeds:
    """seeds.yaml: the root seed, where it was applied (by handshake), and where not and why."""

    root: int | None = None  # None: seeding was switched off
    processes: tuple[SeededProcess, ...] = ()
    not_applied: tuple[str, ...] = ()
    extra: Extra = field(default_factory=dict)


# --------------------------------------------------------------------------------------------------- data.yaml


@frozen
class DataFile:
    """One input or output: a file, or a folder as one entry whose sha256 is that of its manifest."""

    path: FilePath
    kind: Literal["file", "folder"] = "file"
    sha256: str | None = None  # None: it was declared and is not there
    size_bytes: int | None = None
    files: int | None = None  # in a folder
    found: tuple[str, ...] = ()  # "declared", "opened", "git"
    stored: str | None = None
    """Where its content is kept: "git" (in the code's tree), "artifacts" (in the record), "lfs" (in the data store, which
    has Git LFS's layout; of a folder every file of its manifest). None: only its hash is kept."""
    tracked_by: str | None = None  # what else tracks it, and as what: "git-lfs", "dvc md5 a304af…", "git-annex <key>"
    noise: Literal["deterministic", "same content", "noisy", "missing"] | None = None
    """How an output came out of a second execution of the same run; None: it was executed once."""
    extra: Extra = field(default_factory=dict)


@frozen
class Data:
    """data.yaml: what the run read and wrote, each sorted by path. A file read and written is in both."""

    inputs: tuple[DataFile, ...] = ()
    outputs: tuple[DataFile, ...] = ()
    extra: Extra = field(default_factory=dict)


# ------------------------------------------------------------------------------------------------ environment/


@frozen
class Origin:
    """Where a distribution came from, when it was not an index's default (PEP 610); credentials cut."""

    kind: Literal["vcs", "editable", "directory", "archive", "conda"]
    url: str | None = None  # a local path is relative to the repository when it lies inside
    vcs: str | None = None  # "git"
    commit: str | None = None
    subdirectory: str | None = None
    sha256: str | None = None  # of the archive
    dirty: bool | None = None  # the local tree had uncommitted changes
    extra: Extra = field(default_factory=dict)


@frozen
class Distribution:
    """One installed distribution."""

    name: str  # normalised (PEP 503)
    version: str
    origin: Origin | None = None  # None: from an index
    index: str | None = None  # the index a local version label (`+cpu`) needs
    installer: str | None = None
    wheel_tags: tuple[str, ...] = ()
    record_sha256: str | None = None  # of the RECORD's rows that describe content (no INSTALLER, REQUESTED, .pyc)
    extra: Extra = field(default_factory=dict)


@frozen
class Interpreter:
    """The Python that ran the entry point."""

    implementation: str  # "CPython"
    version: str  # "3.11.7"
    abi: str | None = None  # sys.implementation.cache_tag + platform suffix: "cpython-311-x86_64-linux-gnu"
    kind: Literal["venv", "system", "conda"] | None = None
    extra: Extra = field(default_factory=dict)


@frozen
class Packages:
    """environment/packages.yaml: interpreter and distributions, sorted by name; no path of one machine."""

    interpreter: Interpreter
    distributions: tuple[Distribution, ...] = ()
    extra: Extra = field(default_factory=dict)


@frozen
class Gpu:
    """One GPU, as its driver describes it."""

    name: str
    memory_bytes: int | None = None
    driver: str | None = None
    extra: Extra = field(default_factory=dict)


@frozen
class Machine:
    """environment/machine.yaml: what computes. Two equal machines give equal bytes: no host name, no serial."""

    system: str  # "Linux"
    release: str  # of the kernel
    architecture: str  # "x86_64"
    libc: str | None = None  # "glibc 2.36"
    distribution: str | None = None  # PRETTY_NAME of os-release
    cpu: str | None = None
    cores: int | None = None  # logical, usable by this process
    memory_bytes: int | None = None
    cpu_flags: tuple[str, ...] = ()  # only those that numeric libraries choose code by, sorted
    gpus: tuple[Gpu, ...] = ()
    cuda: str | None = None
    blas: tuple[str, ...] = ()  # "openblas 0.3.29 Haswell, 2 threads"
    threads: Mapping[str, int] = field(default_factory=dict)  # effective: "torch" → 2
    extra: Extra = field(default_factory=dict)


@frozen
class Environment:
    """The four files of environment/; requirements.lock is derived from `packages`."""

    packages: Packages | None = None  # None: no Python process reported in
    lock: str | None = None  # text of requirements.lock
    machine: Machine | None = None
    variables: Mapping[str, Word] = field(default_factory=dict)


# ----------------------------------------------------------------------------------------------------- the run


@frozen
class Run:
    """One execution of one command, and everything needed to execute it again."""

    execution: Execution
    params: Params = field(default_factory=Params)
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    seeds: Seeds = field(default_factory=Seeds)
    data: Data = field(default_factory=Data)
    environment: Environment = field(default_factory=Environment)

    @property
    def id(self) -> str:
        """The run id, `<UTC date>-<UTC time>-<six base-32 characters>`."""
        return self.execution.id

    @property
    def experiment(self) -> str:
        """The experiment the run belongs to."""
        return self.execution.experiment

    @property
    def code(self) -> Code:
        """Which code ran."""
        return self.execution.code


@frozen
class Attachments:
    """The parts of a record that are not facts but bulk; read one at a time when asked for."""

    histories: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)  # only metrics with more than one value
    manifests: Mapping[str, bytes] = field(default_factory=dict)  # folder's path → text in `sha256sum -c` form
    artifacts: Mapping[str, tuple[int, bytes]] = field(default_factory=dict)  # path → git mode (0o100644 …), content
    log: bytes = b""
