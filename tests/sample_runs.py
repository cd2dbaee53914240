"""Runs to compare and to show, made from the few facts that a test is about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from twice.record.model import (
    Code,
    Data,
    DataFile,
    Distribution,
    Environment,
    Execution,
    Interpreter,
    Machine,
    Metric,
    Packages,
    Params,
    Point,
    Resources,
    Run,
    SeededProcess,
    Seeds,
    Tracer,
)

STARTED = datetime(2026, 11, 21, 14, 22, 33, tzinfo=timezone.utc)
NOW = STARTED + timedelta(hours=3)


@dataclass
class Change:
    """A file that differs, as git tells it."""

    path: str
    kind: str = "modified"
    added: int | None = 3
    removed: int | None = 1
    old_path: str | None = None


def metric(last: float, **others: Any) -> Metric:
    """A metric that was logged once, unless the others say more."""
    return Metric(**{"last": last, "min": last, "max": last, "mean": last, **others})


def file(path: str, digit: str = "a", **others: Any) -> DataFile:
    """A file of 1,200 bytes whose sha256 is one digit over and over."""
    return DataFile(**{"path": path, "sha256": digit * 64, "size_bytes": 1200, "found": ("opened",), **others})


def distribution(name: str, version: str, digit: str | None = "d", **others: Any) -> Distribution:
    """An installed distribution with a digest of one digit, or none."""
    return Distribution(name=name, version=version, record_sha256=digit and digit * 64, **others)


def points(*values: float) -> tuple[Point, ...]:
    """A history, one value a step from step 0."""
    return tuple(Point(step=step, time_s=step / 10, value=value) for step, value in enumerate(values))


PACKAGES = Packages(
    interpreter=Interpreter(
        implementation="CPython", version="3.11.7", abi="cpython-311-x86_64-linux-gnu", kind="venv"
    ),
    distributions=(distribution("numpy", "2.4.1"), distribution("scipy", "1.17.0")),
)
MACHINE = Machine(
    system="Linux",
    release="6.1.0",
    architecture="x86_64",
    cpu="Example CPU",
    cores=2,
    memory_bytes=8 << 30,
    blas=("openblas 0.3.29 Haswell, 2 threads",),
    threads={"torch": 2},
)


def make_run(tail: str = "k7q2m9", **facts: Any) -> Run:
    """A run with something of everything; keywords replace facts of run.yaml, of its code, or parts of the run."""
    execution = Execution(
        id=f"20261121-142233-{tail}",
        experiment="train",
        status="finished",
        exit_code=0,
        command=("python", "train.py", "--lr", "0.1"),
        entry_point="train.py",
        started_at=STARTED,
        duration_s=12.4,
        host="box",
        user="ada",
        repository="/home/ada/repository",
        twice="0.1.0",
        resources=Resources(cpu_user_s=20.0, cpu_system_s=1.5, peak_memory_bytes=300 << 20),
        code=Code(tree="7" * 40, base="b" * 40, branch="main"),
        tracer=Tracer(name="syscalls"),
    )
    run = Run(
        execution=execution,
        params=Params(values={"lr": 0.1, "model": {"layers": 2}}, sources={"lr": "argparse", "model": "file:c.yaml"}),
        metrics={"accuracy": metric(0.9125), "loss": metric(0.25, max=2.5, mean=0.75, count=10, last_step=9)},
        seeds=Seeds(root=1234, processes=(SeededProcess(key="main", python="/p", seeded=("random", "numpy")),)),
        data=Data(inputs=(file("data/train.csv"),), outputs=(file("model.pkl", "e"),)),
        environment=Environment(packages=PACKAGES, machine=MACHINE, variables={"OMP_NUM_THREADS": "2"}),
    )
    for name, value in facts.items():
        if name in Code.__dataclass_fields__ and name != "extra":
            execution = replace(execution, code=replace(execution.code, **{name: value}))
        elif name in Execution.__dataclass_fields__:
            execution = replace(execution, **{name: value})
        else:
            run = replace(run, **{name: value})
    return replace(run, execution=execution)
