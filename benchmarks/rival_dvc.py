"""What does DVC get to do?  The same repository with one stage that runs `true`, and as many experiments as twice has runs."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from workplaces import copy_repository, git

_STAGE = """\
stages:
  nothing:
    cmd: "true"
    params:
    - lr
metrics:
- metrics.json
"""


def prepare(root: Path, name: str, scripts: Path, environ: Mapping[str, str]) -> Path:
    """A copy of a clean repository, set up for DVC at its quickest: no analytics, no search for updates."""
    copy = copy_repository(root, name)
    dvc = str(scripts / "dvc")
    for words in (("init", "-q"), ("config", "core.analytics", "false"), ("config", "core.check_update", "false")):
        subprocess.run([dvc, *words], cwd=copy, env=environ, check=True, stdout=subprocess.DEVNULL)
    (copy / "dvc.yaml").write_text(_STAGE, encoding="ascii")
    (copy / "params.yaml").write_text("lr: 0\n", encoding="ascii")
    (copy / "metrics.json").write_text('{"loss": 0.5}\n', encoding="ascii")
    git(copy, "add", "-A")
    git(copy, "commit", "-q", "-m", "DVC")
    return copy


class NextParam:
    """Changes the stage's param before each run; DVC would not run a stage again that has not changed."""

    def __init__(self, root: Path) -> None:
        self._file = root / "params.yaml"
        self._number = 0

    def __call__(self) -> None:
        """Write the next value."""
        self._number += 1
        self._file.write_text(f"lr: {self._number}\n", encoding="ascii")


def add_experiments(root: Path, count: int) -> None:
    """Make experiments as `dvc exp run` leaves them: a commit on HEAD each, with its params and metrics."""
    base = git(root, "rev-parse", "HEAD")
    stream = []
    for number in range(count):
        files = {
            "params.yaml": f"lr: {number}\nbatch_size: {16 + number % 5}\noptimizer: adam\nepochs: 10\nlayers: 3\n",
            "metrics.json": f'{{"loss": {number / 7}, "accuracy": {number / 1000}, "val": {{"loss": {number / 6}}}}}\n',
        }
        stream.append(f"commit refs/exps/{base[:2]}/{base[2:]}/trial-{number:04d}\n")
        stream.append(f"committer Ada <ada@example.org> {1795271000 + 60 * number} +0000\n")
        stream.append(f"data 20\ndvc: commit exp {number:04d}\nfrom {base}\n")
        for path, content in files.items():
            stream.append(f"M 100644 inline {path}\ndata {len(content)}\n{content}\n")
    git(root, "fast-import", "--quiet", stdin="".join(stream).encode())


def forget_experiments(root: Path) -> None:
    """Remove what DVC has cached of the experiments: the next `dvc exp show` is a cold one."""
    shutil.rmtree(root / ".dvc" / "tmp", ignore_errors=True)
