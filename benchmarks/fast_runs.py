"""Make a repository of many runs, fast: records written by `to_files`, fed to `git fast-import`.

`fast_runs.py FOLDER COUNT` makes runs of 20 params and 20 metrics on 20 commits; every tenth ran with uncommitted changes.
All runs of a commit share their code's tree, most share packages and inputs, as in a real repository.
"""

from __future__ import annotations

import math
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

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
    Run,
    SeededProcess,
    Seeds,
    Tracer,
)
from twice.textforms import new_run_id

COMMITS = 20
PARAMS = METRICS = 20
STARTED = datetime(2026, 1, 1, tzinfo=timezone.utc)


def main() -> None:
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    make_repository(folder, count)
    print(f"{count} runs in {folder}")


def make_repository(folder: Path, count: int) -> None:
    """A repository on branch `main` with `count` runs, packed as a fetch leaves them."""
    git("init", "-q", "-b", "main", str(folder), cwd=folder.parent)
    git("config", "user.name", "Ada", cwd=folder)
    git("config", "user.email", "ada@example.org", cwd=folder)
    bases = []
    for number in range(COMMITS):
        (folder / "train.py").write_text(f"print('accuracy: 0.{number}')\n")
        (folder / "model.py").write_text(f"LAYERS = {number // 5}\n")
        git("add", "-A", cwd=folder)
        git("commit", "-q", "-m", f"step {number}", cwd=folder)
        bases.append(git("rev-parse", "HEAD", "HEAD^{tree}", cwd=folder).split())
    with subprocess.Popen(["git", "fast-import", "--quiet"], cwd=folder, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.writelines(_stream(bases, range(count)))
    assert process.returncode == 0
    git("pack-refs", "--all", cwd=folder)


def git(*words: str, cwd: Path) -> str:
    return subprocess.run(["git", *words], cwd=cwd, check=True, capture_output=True, text=True).stdout


def make_run(number: int, code: Code) -> Run:
    """The run of a number; its facts depend on it alone."""
    chance = random.Random(number)
    started = STARTED + timedelta(seconds=number * 97)
    status = "failed" if number % 29 == 28 else "finished"
    values = {
        "lr": round(10 ** chance.uniform(-5, -1), 7),
        "optimizer": chance.choice(["adam", "sgd", "lamb"]),
        "layers": chance.randint(1, 12),
        "augment": chance.random() < 0.5,
        **{f"param_{index}": chance.choice([0.1, 0.2, 0.5, 1, 2]) for index in range(PARAMS - 4)},
    }
    quality = 1 / (1 + math.exp(-chance.gauss(math.log10(values["lr"]) + 4, 1)))
    metrics = {
        "accuracy": _metric(quality, chance),
        "loss": _metric(-math.log(max(quality, 1e-9)), chance),
        **{f"metric_{index}": _metric(chance.random(), chance) for index in range(METRICS - 2)},
    }
    return Run(
        execution=Execution(
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
            code=code,
            tracer=Tracer(name="syscalls"),
        ),
        params=Params(values=values, sources=dict.fromkeys(values, "argparse")),
        metrics=metrics,
        seeds=Seeds(root=number, processes=(SeededProcess(key="main", python="/venv/bin/python", seeded=("random",)),)),
        data=Data(
            inputs=(
                DataFile(path="data/train.csv", sha256=f"{number // 500:064x}", size_bytes=1200, found=("opened",)),
            ),
            outputs=(DataFile(path="model.pkl", sha256=f"{number:064x}", size_bytes=52_000, found=("opened",)),),
        ),
        environment=_environment(number // 1000),
    )


def _metric(last: float, chance: random.Random) -> Metric:
    return Metric(last=last, min=last * 0.9, max=last * 1.1, mean=last, count=10, last_step=9)


def _environment(generation: int) -> Environment:
    packages = Packages(
        interpreter=Interpreter(implementation="CPython", version="3.11.7", kind="venv"),
        distributions=(
            *(
                Distribution(name=f"package-{one}", version=f"1.{one}.0", record_sha256=f"{one:064x}")
                for one in range(60)
            ),
            Distribution(name="torch", version=f"2.{generation % 10}.0", record_sha256="a" * 64),
        ),
    )
    lock = "".join(f"{one.name}=={one.version}\n" for one in packages.distributions)
    machine = Machine(system="Linux", release="6.1.0", architecture="x86_64", cores=8, memory_bytes=32 << 30)
    return Environment(packages=packages, lock=lock, machine=machine, variables={"OMP_NUM_THREADS": "8"})


def _stream(bases: list[list[str]], numbers: range) -> Iterator[bytes]:
    history = tuple(Point(step=step, time_s=step / 10, value=1 / (step + 1)) for step in range(10))
    for number in numbers:
        base, tree = bases[number % len(bases)]
        run = make_run(number, Code(tree=tree, base=base, branch="main"))
        ref = f"refs/experiments/{run.experiment}/{run.id}"
        files = to_files(run, Attachments(histories={"loss": history}, log=b"epoch 1\n"))
        when = int(run.execution.started_at.timestamp())
        if number % 10 == 0:
            yield f"commit {ref}\ncommitter Ada <ada@example.org> {when} +0000\n".encode()
            yield f"data 7\nchanges\nfrom {base}\nM 100644 inline model.py\n".encode()
            yield _data(f"LAYERS = {number}\n".encode())
            yield f"commit {ref}\ncommitter Ada <ada@example.org> {when} +0000\ndata 6\na run\n\n".encode()
        else:
            yield f"commit {ref}\ncommitter Ada <ada@example.org> {when} +0000\ndata 6\na run\n\nfrom {base}\n".encode()
        for path, content in files.items():
            yield f"M 100644 inline .twice/{path}\n".encode()
            yield _data(content)
        yield b"\n"


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


if __name__ == "__main__":
    main()
