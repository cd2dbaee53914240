"""Record many runs in a repository through twice's own Python, without running anything: `many_runs.py ROOT COUNT`.

Made by `overhead.py` with the interpreter that has twice; the runs differ in params, metrics, status, names and tags.
"""

from __future__ import annotations

import math
import os
import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from twice.git.repository import Repository
from twice.record.model import (
    Attachments,
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
    Resources,
    Run,
    SeededProcess,
    Seeds,
    Tracer,
)
from twice.store.run_store import RunStore
from twice.textforms import new_run_id

_STARTED = datetime(2026, 11, 21, 14, 22, 33, tzinfo=timezone.utc)
_OPTIMIZERS = ("adam", "sgd", "lamb")


def main() -> None:
    """Add COUNT runs, a minute apart."""
    root, count = Path(sys.argv[1]), int(sys.argv[2])
    with Repository.open(root, dict(os.environ)) as repository:
        store = RunStore(repository)
        base = repository.head().commit
        assert base is not None
        code = Code(tree=repository.objects.read_commit(base).tree, base=base, branch="main")
        environment = _environment()
        for number in range(count):
            run = _run(number, code, environment)
            log = "".join(f"epoch {step}: loss {_loss(number, step):.4f}\n" for step in range(10)).encode()
            store.add(run, Attachments(log=log), run.execution.started_at + timedelta(seconds=61))
    print(f"{count} runs")


def _run(number: int, code: Code, environment: Environment) -> Run:
    started = _STARTED + timedelta(minutes=number)
    values = {
        "lr": round(10 ** -(1 + number % 40 / 10), 7),
        "batch_size": 2 ** (4 + number % 5),
        "optimizer": _OPTIMIZERS[number % 3],
        "model": {"layers": 1 + number % 7, "dropout": number % 4 / 10},
        "epochs": 10,
    }
    losses = [_loss(number, step) for step in range(10)]
    execution = Execution(
        id=new_run_id(started),
        experiment=("train", "ablation", "train/large")[number % 3],
        name=f"trial {number}" if number % 50 == 0 else None,
        status="failed" if number % 29 == 28 else "finished",
        exit_code=1 if number % 29 == 28 else 0,
        command=("python", "train.py", "--lr", repr(values["lr"]), "--optimizer", str(values["optimizer"])),
        entry_point="train.py",
        tags={"sweep": f"s{number // 100}"} if number % 2 else {},
        started_at=started,
        duration_s=30.0 + number % 37,
        host="box",
        user="ada",
        repository="/home/ada/repository",
        twice="0.1.0",
        resources=Resources(cpu_user_s=31.0, cpu_system_s=1.5, peak_memory_bytes=300 << 20),
        code=code,
        tracer=Tracer(name="python"),
    )
    return Run(
        execution=execution,
        params=Params(values=values, sources=dict.fromkeys(values, "argparse")),
        metrics={
            "accuracy": _metric([1 / (1 + loss) for loss in losses]),
            "loss": _metric(losses),
            "val/loss": _metric([1.1 * loss for loss in losses]),
        },
        seeds=Seeds(root=number, processes=(SeededProcess(key="main", python="/venv/bin/python", seeded=("random",)),)),
        data=Data(
            inputs=(DataFile(path="data/train.csv", sha256="a" * 64, size_bytes=1200, found=("opened",)),),
            outputs=(DataFile(path="model.pkl", sha256=f"{number:064x}", size_bytes=52_000, found=("opened",)),),
        ),
        environment=replace(environment),
    )


def _loss(number: int, step: int) -> float:
    return math.exp(-step / (3 + number % 11)) + 0.01 * (number % 17)


def _metric(values: list[float]) -> Metric:
    return Metric(
        last=values[-1],
        min=min(values),
        max=max(values),
        mean=math.fsum(values) / len(values),
        count=len(values),
        last_step=len(values) - 1,
    )


def _environment() -> Environment:
    packages = Packages(
        interpreter=Interpreter(implementation="CPython", version="3.11.7", kind="venv"),
        distributions=tuple(
            Distribution(name=f"package-{number}", version=f"1.{number}.0", record_sha256=f"{number:064x}")
            for number in range(40)
        ),
    )
    lock = "".join(f"{one.name}=={one.version}\n" for one in packages.distributions)
    machine = Machine(system="Linux", release="6.1.0", architecture="x86_64", cores=8, memory_bytes=32 << 30)
    return Environment(packages=packages, lock=lock, machine=machine, variables={"OMP_NUM_THREADS": "8"})


if __name__ == "__main__":
    main()
