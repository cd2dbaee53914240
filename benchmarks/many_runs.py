"""Add many runs to a repository, fast and without running anything: `many_runs.py ROOT COUNT [PARAMS METRICS]`.

Made with the interpreter that has twice: records written by its `to_files`, fed to `git fast-import`, so that they lie in a
pack and the refs are packed, as in a clone. The runs are on the branch's latest 20 commits in turn; every tenth ran with
uncommitted changes. They differ in params, metrics, status, names and tags; most share packages and inputs, as real ones do.
"""

from __future__ import annotations

import math
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from twice.record.files import to_files
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
    Point,
    Resources,
    Run,
    SeededProcess,
    Seeds,
    Tracer,
)
from twice.store.run_store import commit_message
from twice.textforms import new_run_id

_COMMITS = 20
_STARTED = datetime(2026, 1, 1, tzinfo=timezone.utc)
_HISTORY = tuple(Point(step=step, time_s=step / 10, value=1 / (step + 1)) for step in range(10))


def main() -> None:
    """Add COUNT runs, 97 seconds apart."""
    root, count = Path(sys.argv[1]), int(sys.argv[2])
    params, metrics = (int(word) for word in sys.argv[3:5] or ("6", "3"))
    codes = _codes(root)
    with subprocess.Popen(["git", "fast-import", "--quiet"], cwd=root, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for number in range(count):
            process.stdin.writelines(_commit(make_run(number, codes[number % len(codes)], params, metrics)))
    if process.returncode != 0:
        raise SystemExit("git fast-import failed")
    _git(root, "pack-refs", "--all")
    print(f"{count} runs")


def make_run(number: int, codes: tuple[Code, Code], params: int, metrics: int) -> Run:
    """The run of a number, which decides its facts; `codes` are that of a commit, and the same with changes."""
    chance = random.Random(number)
    started = _STARTED + timedelta(seconds=97 * number)
    status = "failed" if number % 29 == 28 else "finished"
    values: dict[str, Any] = {
        "lr": round(10 ** chance.uniform(-5, -1), 7),
        "optimizer": chance.choice(["adam", "sgd", "lamb"]),
        "augment": chance.random() < 0.5,
        "epochs": 10,
        "model": {"layers": chance.randint(1, 12), "dropout": chance.choice([0.0, 0.1, 0.5])},
        **{f"param_{one}": chance.choice([0.1, 0.2, 0.5, 1, 2]) for one in range(params - 6)},
    }
    quality = 1 / (1 + math.exp(-chance.gauss(math.log10(values["lr"]) + 4, 1)))
    loss = -math.log(max(quality, 1e-9))
    execution = Execution(
        id=new_run_id(started, chance.randbytes),
        experiment=("train", "ablation", "train/large")[number % 3],
        name=f"trial {number}" if number % 50 == 0 else None,
        tags={"sweep": f"s{number // 100}"} if number % 2 else {},
        status=status,
        exit_code=int(status == "failed"),
        command=("python", "train.py", "--lr", repr(values["lr"]), "--optimizer", str(values["optimizer"])),
        entry_point="train.py",
        started_at=started,
        duration_s=30.0 + number % 37,
        host="box",
        user="ada",
        repository="/home/ada/repository",
        twice="0.1.0",
        resources=Resources(cpu_user_s=31.0, cpu_system_s=1.5, peak_memory_bytes=300 << 20),
        code=codes[number % 10 == 9],
        tracer=Tracer(name="syscalls"),
    )
    return Run(
        execution=execution,
        params=Params(values=values, sources=dict.fromkeys(Params(values=values).flat(), "argparse")),
        metrics={
            "accuracy": _metric(quality),
            "loss": _metric(loss),
            "val/loss": _metric(1.1 * loss),
            **{f"metric_{one}": _metric(chance.random()) for one in range(metrics - 3)},
        },
        seeds=Seeds(root=number, processes=(SeededProcess(key="main", python="/venv/bin/python", seeded=("random",)),)),
        data=Data(
            inputs=(_data("data/train.csv", number // 500, 1200),), outputs=(_data("model.pkl", number, 52_000),)
        ),
        environment=_environment(number // 1000),
    )


def _metric(last: float) -> Metric:
    return Metric(last=last, min=0.9 * last, max=1.1 * last, mean=last, count=10, last_step=9)


def _data(path: str, content: int, size: int) -> DataFile:
    return DataFile(path=path, sha256=f"{content:064x}", size_bytes=size, found=("opened",))


def _environment(generation: int) -> Environment:
    packages = Packages(
        interpreter=Interpreter(implementation="CPython", version="3.11.7", kind="venv"),
        distributions=(
            *(
                Distribution(name=f"package-{one}", version=f"1.{one}.0", record_sha256=f"{one:064x}")
                for one in range(40)
            ),
            Distribution(name="torch", version=f"2.{generation % 10}.0", record_sha256="a" * 64),
        ),
    )
    lock = "".join(f"{one.name}=={one.version}\n" for one in packages.distributions)
    machine = Machine(system="Linux", release="6.1.0", architecture="x86_64", cores=8, memory_bytes=32 << 30)
    return Environment(packages=packages, lock=lock, machine=machine, variables={"OMP_NUM_THREADS": "8"})


def _codes(root: Path) -> Sequence[tuple[Code, Code]]:
    """The code of each of the latest commits, oldest first, and the same with its first file changed."""
    branch = _git(root, "symbolic-ref", "--short", "HEAD")
    found = []
    for line in _git(root, "log", "--first-parent", f"-{_COMMITS}", "--reverse", "--format=%H %T").splitlines():
        base, tree = line.split()
        first = _git(root, "ls-tree", "-r", "--name-only", base).partition("\n")[0]
        index = {"GIT_INDEX_FILE": str(root / ".git" / "many-runs-index")}
        blob = _git(root, "hash-object", "-w", "--stdin", stdin=f"changed since {base}\n")
        _git(root, "read-tree", base, environ=index)
        _git(root, "update-index", "--cacheinfo", f"100644,{blob},{first}", environ=index)
        changed = _git(root, "write-tree", environ=index)
        snapshot = _git(root, "commit-tree", "-p", base, "-m", "Uncommitted changes", changed)
        with_changes = Code(tree=changed, base=base, snapshot=snapshot, branch=branch)
        found.append((Code(tree=tree, base=base, branch=branch), with_changes))
    (root / ".git" / "many-runs-index").unlink()
    return found


def _commit(run: Run) -> Iterator[bytes]:
    """What fast-import reads of one run."""
    when = int(run.execution.started_at.timestamp() + run.execution.duration_s)
    yield f"commit refs/experiments/{run.experiment}/{run.id}\n".encode()
    yield f"committer Ada <ada@example.org> {when} +0000\n".encode()
    yield _counted(commit_message(run).encode())
    yield f"from {run.code.commit}\n".encode()
    log = b"".join(b"epoch %d: loss %.4f\n" % (point.step, point.value) for point in _HISTORY)
    for path, content in to_files(run, Attachments(histories={"loss": _HISTORY}, log=log)).items():
        yield f"M 100644 inline .twice/{path}\n".encode()
        yield _counted(content)
    yield b"\n"


def _counted(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def _git(root: Path, *words: str, stdin: str = "", environ: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        ["git", *words],
        cwd=root,
        env={**os.environ, **(environ or {})},
        input=stdin,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.strip()


if __name__ == "__main__":
    main()
