"""Where is it measured?  Repositories of a given size, and virtual environments, made in `.work/` and kept there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
WORK = CHECKOUT / "benchmarks" / ".work"
DVC = "dvc>=3.67,<3.68"
MLFLOW = "mlflow>=3.17,<3.18"
_LINES = 40  # of a file


def environment() -> dict[str, str]:
    """The variables that every measured command gets: none of the user's settings, and no telemetry to wait for."""
    home = WORK / "home"
    home.mkdir(parents=True, exist_ok=True)
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n", encoding="ascii"
    )
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    quiet = {"DVC_NO_ANALYTICS": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "GIT_CONFIG_NOSYSTEM": "1"}
    return {**kept, "HOME": str(home), "LC_ALL": "C.UTF-8", **quiet}


def git(root: Path, *words: str, stdin: bytes | None = None) -> str:
    """Run git in a repository of ours; what it says."""
    done = subprocess.run(["git", *words], cwd=root, env=environment(), input=stdin, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode().strip()


def make_repository(name: str, files: int) -> Path:
    """A fresh repository of so many files in folders of 50, of which up to 20 are modified and as many are untracked."""
    root = WORK / name
    shutil.rmtree(root, ignore_errors=True)
    paths = [root / f"part{number // 50:03d}" / f"module{number:05d}.py" for number in range(files)]
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"value_{line} = {number * line}\n" for line in range(_LINES)), encoding="ascii")
    (root / ".gitignore").write_text("*.tmp\n__pycache__/\n", encoding="ascii")
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "The code")
    git(root, "gc", "-q")
    return root


def make_dirty(root: Path) -> None:
    """Modify up to 20 files and add as many, one in ten of the tracked ones at most; a few ignored ones as well."""
    tracked = [root / path for path in git(root, "ls-files", "part*").splitlines()]
    count = min(20, len(tracked) // 10)
    for number, path in enumerate(tracked[:: len(tracked) // count][:count]):
        path.write_text(f"changed = {number}\n", encoding="ascii")
        (root / f"notes{number}.txt").write_text(f"untracked {number}\n", encoding="ascii")
        (root / f"cache{number}.tmp").write_text("ignored\n", encoding="ascii")


def _make_venv(name: str) -> tuple[Path, Path]:
    """A virtual environment and its folder of scripts; an existing one is used again."""
    folder = WORK / name
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    if not (folder / "pyvenv.cfg").exists():
        venv.EnvBuilder(with_pip=True).create(folder)
    return folder, scripts


def _pip(scripts: Path, *words: str) -> bool:
    command = [str(scripts / "python"), "-m", "pip", *words, "-q", "--disable-pip-version-check"]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        print(done.stderr.decode(errors="replace")[-2000:], file=sys.stderr)
    return done.returncode == 0


def install_twice() -> Path:
    """The folder of scripts of an environment with this checkout installed as a user has it, not editable."""
    _, scripts = _make_venv("twice-venv")
    if not _pip(scripts, "install", str(CHECKOUT)) or not _pip(
        scripts, "install", "--force-reinstall", "--no-deps", str(CHECKOUT)
    ):
        raise SystemExit("pip could not install this checkout")
    return scripts


def install_dvc() -> Path | None:
    """The folder of scripts of an environment with DVC; None, with a word about it, when it cannot be had."""
    return _install_rival("dvc", DVC)


def install_mlflow() -> Path | None:
    """The same for MLflow."""
    return _install_rival("mlflow", MLFLOW)


def _install_rival(command: str, requirement: str) -> Path | None:
    _, scripts = _make_venv(f"{command}-venv")
    if (scripts / command).exists() or _pip(scripts, "install", requirement):
        return scripts
    print(f"pip cannot install {requirement} here: what is compared with it is left out", file=sys.stderr)
    return None


def installed_size() -> tuple[int, float]:
    """How many distributions a fresh environment gains with `pip install` of the core, and how many megabytes.

    Bytecode counts: pip compiles what it installs.
    """
    shutil.rmtree(WORK / "fresh-venv", ignore_errors=True)
    folder, scripts = _make_venv("fresh-venv")
    before = _distributions(folder), _bytes_in(folder)
    if not _pip(scripts, "install", str(CHECKOUT)):
        raise SystemExit("pip could not install this checkout")
    after = _distributions(folder), _bytes_in(folder)
    return after[0] - before[0], (after[1] - before[1]) / 1e6


def _distributions(folder: Path) -> int:
    return sum(1 for _ in folder.glob("**/*.dist-info"))


def _bytes_in(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_symlink() and path.is_file())


def copy_repository(root: Path, name: str) -> Path:
    """A copy, work tree and all, with an index that git need not distrust."""
    target = WORK / name
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(root, target, symlinks=True)
    git(target, "status")
    return target


def with_scripts(environ: Mapping[str, str], scripts: Path) -> dict[str, str]:
    """The environment in which this folder of scripts comes first."""
    return {**environ, "PATH": os.pathsep.join([str(scripts), environ.get("PATH", os.defpath)])}
