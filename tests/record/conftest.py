"""One full run, with every fact that the model knows: the golden record says how it is written, for ever."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from twice.record.model import (
    Attachments,
    Code,
    Data,
    DataFile,
    Distribution,
    Environment,
    Execution,
    Gpu,
    Interpreter,
    LeftOut,
    Machine,
    Metric,
    Origin,
    Packages,
    Params,
    Point,
    Resources,
    Run,
    SeededProcess,
    Seeds,
    Tracer,
)

TRAIN_CSV = "2f9c1fb0a7d7d0a0f0a36c1d4c4f2c9a6f6be0a3a9a70d4b1f3f5c7b8d9e0f11"
WEIGHTS = "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c"
IMAGES = "7d865e959b2466918c9863afca942d0fb89d7c9ac0c99bafc3749504ded97730"
RECORD = "4e07408562bedb8b60ce05c1decfe3ad16b72230967de01f640b7e4729b49fce"


@pytest.fixture
def example_run() -> Run:
    return Run(
        execution=Execution(
            id="20261121-142233-k7q2m9",
            experiment="train",
            name="wide",
            message="Twice the width,\nhalf the rate",
            tags={"paper": "", "goal": "baseline: 1"},
            status="killed",
            exit_code=137,
            signal="SIGKILL",
            command=("python", "train.py", "--lr", "1e-3", "--note", 'a "quoted" word', '"x"', "caf\udce9.csv", ""),
            directory="models/small",
            entry_point="models/small/train.py",
            isolated=True,
            reproduces="20261120-091102-k7mz32",
            parent="20261121-142230-q0sw33",
            started_at=datetime(2026, 11, 21, 14, 22, 33, 123, tzinfo=timezone.utc),
            duration_s=12.400000000000002,
            host="lab-3",
            user="ada",
            repository="/home/ada/experiment",
            python="/home/ada/experiment/.venv/bin/python",
            twice="0.1.0",
            resources=Resources(cpu_user_s=20.5, cpu_system_s=1e-05, peak_memory_bytes=1073741824),
            code=Code(
                tree="4b825dc642cb6eb9a060e54bf8d69288fbee4904",
                base="1234567890123456789012345678901234567890",
                snapshot="89abcdef0123456789abcdef0123456789abcdef",
                branch="no",
                remote="https://example.org/ada/experiment.git",
                left_out=(
                    LeftOut(path="dump.bin", reason="large", size_bytes=20971520, sha256=IMAGES),
                    LeftOut(path=".env", reason="secret"),
                ),
                changed_during_run=("models/small/layers.py",),
            ),
            tracer=Tracer(name="syscalls", blind_spots=("files opened through io_uring", "inherited descriptors")),
            warnings=("models/small/layers.py changed while the command ran", "bad byte \\xff"),
            extra={"cluster": {"queue": "gpu", "nodes": 2}},
        ),
        params=Params(
            values={
                "lr": 0.001,
                "momentum": 1e-05,
                "epochs": 10,
                "seed": 123456789012345678901234567890,
                "optimiser": "sgd",
                "amp": False,
                "resume": None,
                "version": "1e-3",
                "country": "no",
                "when": "2026-01-01",
                "limit": float("inf"),
                "model": {"layers": [64, 32.0, -0.0], "dropout.rate": 0.5, "heads": {}, "tail": []},
                "--odd key:": "one\ntwo\ttabs",
            },
            sources={"lr": "argparse", "model": "file:config/model.yaml", "epochs": "option"},
        ),
        metrics={
            "val/loss": Metric(
                last=0.25, min=0.125, max=2.0, mean=0.6666666666666666, count=3, last_step=30, min_step=20, max_step=10
            ),
            "accuracy": Metric(last=0.9375, min=0.9375, max=0.9375, mean=0.9375, source="stdout"),
            "Loss/Train": Metric(
                last=float("nan"), min=1, max=3, mean=2.0, count=3, last_step=2, min_step=0, max_step=1
            ),
            "1e3": Metric(last=float("-inf"), min=float("-inf"), max=1e300, mean=float("-inf"), count=2),
        },
        seeds=Seeds(
            root=31337,
            processes=(
                SeededProcess(key="main", python="/usr/bin/python3", seeded=("hash", "random", "numpy", "torch")),
                SeededProcess(key="main/1", python="/usr/bin/python3"),
            ),
            not_applied=("julia: not a Python process",),
        ),
        data=Data(
            inputs=(
                DataFile(path="/scratch/missing.csv", found=("declared",)),
                DataFile(path="caf\udce9.csv", sha256=TRAIN_CSV, size_bytes=1024, found=("opened",)),
                DataFile(
                    path="data/images", kind="folder", sha256=IMAGES, size_bytes=4096, files=2, found=("declared",)
                ),
                DataFile(
                    path="data/train.csv", sha256=TRAIN_CSV, size_bytes=1024, found=("opened", "git"), stored="git"
                ),
            ),
            outputs=(
                DataFile(path="weights.bin", sha256=WEIGHTS, size_bytes=8, found=("opened",), stored="artifacts"),
            ),
        ),
        environment=Environment(
            packages=Packages(
                interpreter=Interpreter(
                    implementation="CPython", version="3.11.7", abi="cpython-311-x86_64-linux-gnu", kind="venv"
                ),
                distributions=(
                    Distribution(
                        name="experiment",
                        version="0.1",
                        origin=Origin(
                            kind="editable",
                            url=".",
                            vcs="git",
                            commit="1234567890123456789012345678901234567890",
                            subdirectory="python",
                            dirty=True,
                        ),
                    ),
                    Distribution(
                        name="numpy",
                        version="2.4.1",
                        installer="uv",
                        wheel_tags=("cp311-cp311-manylinux_2_27_x86_64", "cp311-cp311-manylinux_2_28_x86_64"),
                        record_sha256=RECORD,
                        extra={"signed_by": "numpy.org"},
                    ),
                    Distribution(
                        name="torch",
                        version="2.13.0+cpu",
                        index="https://download.example.org/whl/cpu",
                        installer="pip",
                        wheel_tags=("cp311-cp311-linux_x86_64",),
                        record_sha256=RECORD,
                    ),
                    Distribution(
                        name="wheelhouse",
                        version="1.0",
                        origin=Origin(kind="archive", url="wheels/wheelhouse-1.0.tar.gz", sha256=IMAGES),
                    ),
                ),
            ),
            lock="-e .\nnumpy==2.4.1\n--extra-index-url https://download.example.org/whl/cpu\ntorch==2.13.0+cpu\n",
            machine=Machine(
                system="Linux",
                release="6.18.0",
                architecture="x86_64",
                libc="glibc 2.36",
                distribution="Debian GNU/Linux 12 (bookworm)",
                cpu="AMD EPYC 9B14",
                cores=2,
                memory_bytes=8589934592,
                cpu_flags=("avx2", "avx512f", "fma"),
                gpus=(Gpu(name="NVIDIA H100 80GB HBM3", memory_bytes=85520809984, driver="580.95.05"),),
                cuda="13.0",
                blas=("openblas 0.3.29 Haswell, 2 threads",),
                threads={"torch": 2, "openblas": 2},
            ),
            variables={"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "2", "GREETING": '"hi"'},
        ),
    )


@pytest.fixture
def example_attachments() -> Attachments:
    return Attachments(
        histories={
            "val/loss": (
                Point(step=10, time_s=0.1, value=2.0),
                Point(step=20, time_s=0.30000000000000004, value=0.125),
                Point(step=30, time_s=1e-05, value=0.25),
            ),
            "Loss/Train": (
                Point(step=0, time_s=1.0, value=1),
                Point(step=1, time_s=2.0, value=3),
            ),
        },
        manifests={
            "data/images": f"{TRAIN_CSV}  a.png\n{WEIGHTS}  b.png\n".encode(),
        },
        artifacts={"weights.bin": (0o100644, b"\x00weights")},
        log=b"epoch 1\n\xff raw bytes\n",
    )
