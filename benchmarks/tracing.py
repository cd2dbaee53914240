"""What does watching files cost?  `python benchmarks/tracing.py PYTHON [--quick]`; README.md beside it says what is measured.

PYTHON is an interpreter that has scikit-learn and torch; what it lacks is left out. Each training runs bare and under
`twice run --trace off|python|syscalls`, in turn. It times itself, from its first line to its last, which is what tracing can
slow down; whole processes are timed beside it, imports and recording included.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from workplaces import WORK, environment, install_twice, make_repository, with_scripts

_FOREST = """\
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV
X, y = load_digits(return_X_y=True)
GridSearchCV(RandomForestClassifier(n_estimators=20), {"max_depth": [4, 8], "min_samples_leaf": [1, 3]}, cv=2).fit(X, y)
"""
_NETWORK = """\
import torch
from torch.utils.data import DataLoader, TensorDataset
X = torch.randn(4096, 32)
loader = DataLoader(TensorDataset(X, X.sum(1, keepdim=True)), batch_size=64, shuffle=True)
model = torch.nn.Sequential(torch.nn.Linear(32, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1))
optimizer = torch.optim.Adam(model.parameters())
for epoch in range(10):
    for inputs, targets in loader:
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(inputs), targets).backward()
        optimizer.step()
    torch.save(model.state_dict(), "model.pt")
"""
_SCRIPTS = {
    "scikit-learn training": ("sklearn", _FOREST),
    "torch training": ("torch", _NETWORK),
    "import torch": ("torch", "import torch\n"),
    "import scikit-learn, pandas": ("pandas", "import sklearn.ensemble, pandas\n"),
}
_CLOCK = "import time as _t; _s = _t.perf_counter()\n{}\nprint('took', _t.perf_counter() - _s)\n"
_WAYS = ("bare", "off", "python", "syscalls")


def main() -> None:
    """Measure each script, and print medians with their ratios to the bare ones."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("python", type=Path)
    parser.add_argument("--quick", action="store_true", help="two rounds: does it work?")
    options = parser.parse_args()
    twice = install_twice()
    environ = with_scripts(environment(), options.python.parent)
    root = make_repository("tracing", 100)
    for name, (module, script) in _SCRIPTS.items():
        if subprocess.run(
            [options.python, "-c", f"import {module}"], stderr=subprocess.DEVNULL, check=False
        ).returncode:
            print(f"\n{name}: left out, there is no {module}")
            continue
        (root / "training.py").write_text(_CLOCK.format(script), encoding="utf-8")
        words = ["python", "training.py"]
        ways = {way: words if way == "bare" else [str(twice / "twice"), "run", "--trace", way, *words] for way in _WAYS}
        _measure(name, ways, root, environ, 2 if options.quick else 9)


def _measure(name: str, ways: Mapping[str, Sequence[str]], root: Path, environ: Mapping[str, str], rounds: int) -> None:
    inside: dict[str, list[float]] = {way: [] for way in ways}
    whole: dict[str, list[float]] = {way: [] for way in ways}
    for turn in range(rounds + 1):
        for way, words in ways.items():
            started = time.perf_counter()
            done = subprocess.run(words, cwd=root, env=environ, capture_output=True, text=True, check=True)
            wall = time.perf_counter() - started
            if turn:  # the first round warms the caches
                inside[way].append(float(done.stdout.split()[-1]))
                whole[way].append(wall)
    print(f"\n{name}, medians of {rounds}\n{'':10}{'script s':>10}{'ratio':>8}{'least':>8}{'whole s':>10}{'ratio':>8}")
    for way in ways:
        took, wall = statistics.median(inside[way]), statistics.median(whole[way])
        print(
            f"{way:10}{took:10.3f}{took / statistics.median(inside['bare']):8.2f}{min(inside[way]):8.3f}"
            f"{wall:10.3f}{wall / statistics.median(whole['bare']):8.2f}",
            flush=True,
        )


if __name__ == "__main__":
    WORK.mkdir(exist_ok=True)
    main()
