"""What is each program of the corpus, and what must come of it?  One line a program; `test_corpus.py` holds them to it.

The expectation is what is true of the program, found out by hand, not what `twice` happens to say of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program, how it is run, and the truth about it."""

    files: str  # a file, or a folder whose content becomes the repository
    command: str  # {here}: the folder that the repository lies in
    needs: tuple[str, ...] = ()  # modules, of the Python that the program runs in
    outcome: str = "reproduced"  # "diverged"; "either": which of the two is decided by chance
    outputs: Mapping[str, str] = field(default_factory=dict)  # path → state; {}: it writes none
    inputs: tuple[str, ...] = ()  # all that it reads as data
    metrics: int | None = None  # how many, at least one by default
    diverging: tuple[str, ...] = ()  # metrics that cannot come out again
    distinct: int | None = None  # that many different draws, as when nothing is seeded
    is_random: bool = True  # without `twice`, two executions differ
    params: Mapping[str, object] = field(default_factory=dict)
    options: tuple[str, ...] = ()  # of `twice run`
    stdin: str | None = None
    exit_code: int = 0
    says: tuple[str, ...] = ()  # the cause, by name


SAME = "byte-identical"
CONTENT = "same content"
SCIENCE = ("numpy", "scipy", "sklearn")
BESIDE = "1.5\n2.5\n"  # what outside_data.py and linked_data/ find outside of the repository


def outputs(*paths: str, **others: str) -> dict[str, str]:
    """Byte-identical outputs, and others by their suffix: `walk.png` as `png="walk.png …"`."""
    return dict.fromkeys(paths, SAME) | others


PROGRAMS = {
    "sklearn-pipeline": Program(
        files="sklearn_pipeline.py",
        command="python sklearn_pipeline.py",
        needs=SCIENCE,
        outputs=outputs("models/digits.joblib"),
    ),
    "sklearn-forest": Program(
        files="sklearn_forest.py", command="python sklearn_forest.py", needs=SCIENCE, outputs=outputs("forest.npz")
    ),
    "sklearn-search": Program(
        files="sklearn_search.py",
        command="python sklearn_search.py",
        needs=(*SCIENCE, "pandas"),
        outputs=outputs("search.csv"),
    ),
    "sklearn-mlp": Program(
        files="sklearn_mlp.py", command="python sklearn_mlp.py", needs=SCIENCE, outputs=outputs("network.pkl")
    ),
    "numpy-legacy": Program(
        files="numpy_legacy.py", command="python numpy_legacy.py", needs=("numpy",), outputs=outputs("order.npy")
    ),
    "numpy-generators": Program(
        files="numpy_generators.py",
        command="python numpy_generators.py",
        needs=("numpy",),
        outputs=outputs("means.txt"),
        distinct=11,
    ),
    "scipy": Program(
        files="scipy_statistics.py",
        command="python scipy_statistics.py",
        needs=("scipy",),
        outputs=outputs("scipy.json"),
    ),
    "random": Program(files="standard_random.py", command="python standard_random.py", outputs=outputs("deck.txt")),
    "pandas": Program(
        files="pandas_tables",
        command="python sample.py",
        needs=("pandas", "pyarrow"),
        inputs=("people.csv",),
        outputs=outputs("people.parquet", "drawn.csv", "drawn.parquet"),
    ),
    "polars": Program(
        files="polars_frames",
        command="python frames.py",
        needs=("polars",),
        inputs=("visits.csv",),
        outputs=outputs("drawn.parquet"),
    ),
    "h5py": Program(
        files="h5_store.py",
        command="python h5_store.py",
        needs=("h5py",),
        outputs=outputs("signal.h5", "spectrum.npy"),
    ),
    **{
        f"workers-{method}-{count}": Program(
            files="workers.py",
            command=f"python workers.py {method} {count}",
            needs=("numpy",),
            outputs=outputs("draws.txt"),
            distinct=15 * count,
        )
        for method, count in (("fork", 1), ("fork", 2), ("fork", 4), ("spawn", 2), ("spawn", 4), ("forkserver", 2))
    },
    # Who gets which task depends on who is free first; that the draws are all different must not.
    **{
        f"pools-{kind}": Program(
            files="pools.py",
            command=f"python pools.py {kind}",
            needs=("numpy", *(["joblib"] if kind == "loky" else [])),
            outcome="either",
            diverging=("mean",),
            distinct=60,
        )
        for kind in ("pool", "futures", "loky")
    },
    "threads": Program(files="threads.py", command="python threads.py", needs=("numpy",), distinct=4),
    "children": Program(files="children", command="python main.py", outputs=outputs("children.txt"), distinct=3),
    "isolated-child": Program(
        files="isolated_child.py",
        command="python isolated_child.py",
        outcome="diverged",
        diverging=("draw",),
        says=("not seeded: main/popen-1",),
    ),
    "torch-training": Program(
        files="torch_training.py",
        command="python torch_training.py",
        needs=("torch",),
        outputs=outputs("checkpoint.pt"),
    ),
    "torch-workers": Program(
        files="torch_workers.py",
        command="python torch_workers.py",
        needs=("torch", "numpy"),
        outputs=outputs("drawn.pt"),
        distinct=64,
    ),
    "safetensors": Program(
        files="safetensors_weights.py",
        command="python safetensors_weights.py",
        needs=("torch", "safetensors"),
        outputs=outputs("weights.safetensors"),
    ),
    "hash-order": Program(files="hash_order.py", command="python hash_order.py", outputs=outputs("order.txt")),
    "listing": Program(
        files="listing",
        command="python listing.py",
        inputs=tuple(f"texts/{letter}.txt" for letter in "abcdef"),
        outputs=outputs("joined.txt"),
        is_random=False,
    ),
    "temporary-files": Program(
        files="temporary_files.py", command="python temporary_files.py", outputs=outputs("result.txt")
    ),
    "sqlite": Program(
        files="sqlite_database",
        command="python count.py",
        inputs=("sales.sqlite3",),
        outputs=outputs("report.sqlite3"),
        is_random=False,
    ),
    "click": Program(
        files="click_options.py",
        command="python click_options.py --lr 0.5",
        needs=("click",),
        params={"lr": 0.5, "epochs": 3, "name": "base"},
    ),
    "argparse": Program(
        files="argparse_commands.py",
        command="python argparse_commands.py train --layers 4 4",
        params={"command": "train", "lr": 0.01, "layers": [4, 4], "verbose": False},
    ),
    "shell": Program(
        files="shell_pipeline",
        command="sh pipeline.sh",
        inputs=("words.txt",),
        outputs=outputs("out/sorted.txt", "out/lengths.txt"),
        is_random=False,  # the length of a random word may be the same by chance
    ),
    "outside-data": Program(
        files="outside_data.py",
        command="python outside_data.py {here}/beside/other.txt",
        inputs=("../beside/values.txt", "{here}/beside/other.txt"),
        outputs=outputs("outside.txt"),
        is_random=False,
    ),
    "overwritten-input": Program(
        files="overwritten_input",
        command="python count.py",
        inputs=("state.json",),
        outputs=outputs("state.json"),
        is_random=False,
    ),
    "nested-outputs": Program(
        files="nested_outputs.py",
        command="python nested_outputs.py",
        outputs=outputs(*(f"results/group{group}/part{part}/value.txt" for group in range(3) for part in range(4))),
        is_random=False,  # its metric is not
    ),
    "plots": Program(
        files="plots.py",
        command="python plots.py",
        needs=("matplotlib",),
        outputs={"walk.png": SAME, "walk.pdf": CONTENT, "walk.svg": CONTENT},
    ),
    "archives": Program(
        files="archives.py", command="python archives.py", outputs={"numbers.gz": CONTENT, "numbers.zip": CONTENT}
    ),
    "pictures": Program(
        files="pictures.py",
        command="python pictures.py",
        needs=("numpy", "PIL"),
        outputs=outputs("noise.png", "turned.jpg"),
    ),
    "own-seed": Program(files="own_seed.py", command="python own_seed.py", needs=("numpy",), is_random=False),
    "really-random": Program(
        files="really_random.py",
        command="python really_random.py",
        outcome="diverged",
        diverging=("entropy", "token"),
        outputs={"id.txt": "differs"},
        says=("the system's entropy",),
    ),
    "dated-report": Program(
        files="dated_report.py",
        command="python dated_report.py",
        outcome="diverged",
        outputs={"report.txt": "differs"},
        is_random=False,
        says=("the time",),
    ),
    "grows-its-data": Program(
        files="grows_its_data",
        command="python grow.py",
        outcome="impossible",
        inputs=("data/measured.csv",),
        outputs=outputs("data/measured.csv"),
        is_random=False,
        says=("data/measured.csv",),
    ),
    "local-package": Program(files="local_package", command="python train.py"),
    "module-entry": Program(files="module_entry", command="python -m experiment", inputs=("experiment/scale.txt",)),
    "configured": Program(files="configured", command="python train.py", inputs=("config.json",)),
    "linked-data": Program(files="linked_data", command="python read.py", inputs=("data/values.txt",), is_random=False),
    "standard-input": Program(
        files="standard_input.py",
        command="python standard_input.py",
        stdin="1 2 3.5\n",
        outcome="diverged",
        diverging=("sum",),
        is_random=False,
        says=("what came on standard input",),
    ),
    "unseeded": Program(
        files="standard_random.py",
        command="python standard_random.py",
        options=("--no-seed",),
        outcome="diverged",
        diverging=("mean", "private", "pick"),
        outputs={"deck.txt": "differs"},
        says=("seeding was switched off",),
    ),
    "fails": Program(files="fails.py", command="python fails.py", exit_code=3, outputs=outputs("half.txt")),
}
