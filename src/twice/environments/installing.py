"""How are pinned distributions put into a virtual environment?  With uv when it is there, else with `venv` and pip.

No resolver decides anything: every distribution is pinned and none brings others (--no-deps). An installer's failure becomes
a ReproductionError that names the distributions it could not have, with the installer's own last words.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from twice.environments.indexes import configured_indexes, uv_options
from twice.environments.programs import Ended, run_tool
from twice.errors import ReproductionError
from twice.frozen import frozen

# Set by a user for other purposes, these would send the packages elsewhere, change which are taken, or confuse a venv's
# interpreter.
_NOT_FOR_INSTALLERS = frozenset(
    """
    PYTHONPATH PYTHONHOME PYTHONSAFEPATH PYTHONOPTIMIZE PYTHONWARNINGS VIRTUAL_ENV CONDA_PREFIX __PYVENV_LAUNCHER__
    PIP_TARGET PIP_PREFIX PIP_ROOT PIP_USER PIP_REQUIREMENT PIP_CONSTRAINT PIP_REQUIRE_HASHES PIP_QUIET PIP_VERBOSE
    PIP_PYTHON PIP_LOG UV_TARGET UV_PREFIX UV_CONSTRAINT UV_OVERRIDE UV_REQUIRE_HASHES UV_PYTHON UV_SYSTEM_PYTHON
    """.split()  # noqa: SIM905 (a list of names reads best as one)
)
_WORTH_TELLING = re.compile(r"\s*(Downloading|Building|Built|Collecting|Installing collected|Getting requirements)\b")
_AWAY_FROM_NETWORK = re.compile(
    r"failed to (fetch|connect)|network|temporary failure|name resolution|connection|offline|timed? ?out", re.IGNORECASE
)
_VENV_HINT = "install uv, or Python's `venv` (Debian and Ubuntu: python3-venv)"
_HAS_NO_PIP = 99
# `python -m pip`, with the pip that every Python brings for its virtual environments: unpacked beside the environment, it
# works at once, is no distribution of it, and need not be taken out again.
_PIP = f"""
import os, runpy, sys, sysconfig, zipfile
try:
    import ensurepip
    folders = sysconfig.get_config_var("WHEEL_PKG_DIR"), os.path.join(os.path.dirname(ensurepip.__file__), "_bundled")
    folder = next(folder for folder in folders if folder and os.path.isdir(folder))
    wheel = max(name for name in os.listdir(folder) if name.startswith("pip-") and name.endswith(".whl"))
except (ImportError, StopIteration, ValueError):
    sys.exit({_HAS_NO_PIP})
sys.path[0] = sys.argv.pop(1)
with zipfile.ZipFile(os.path.join(folder, wheel)) as pip:
    pip.extractall(sys.path[0], [name for name in pip.namelist() if name.startswith("pip/")])
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""


@frozen
class Installer:
    """What installs: uv's path, or None for pip; and the variables and folder that it runs with."""

    uv: str | None
    environ: Mapping[str, str]
    folder: Path  # where it runs: a project's own index settings are found from there
    tell: Callable[[str], None]

    @property
    def name(self) -> str:
        """`uv` or `pip`."""
        return "uv" if self.uv else "pip"

    def make_venv(self, base: str, folder: Path) -> str:
        """Make an empty virtual environment of an interpreter; gives the path of its own.  Raises ReproductionError."""
        if self.uv:
            words = [self.uv, "venv", "--quiet", "--no-project", "--python", base, str(folder)]
        else:
            words = [base, "-m", "venv", "--without-pip", str(folder)]
        ended = run_tool(words, self.environ)
        python = venv_python(folder)
        if ended.code != 0 or not python.exists():
            raise ReproductionError(
                f"cannot make a virtual environment with {base}", details=_last_lines(ended.text), hint=_VENV_HINT
            )
        return str(python)

    def install(self, python: str, words: Sequence[str]) -> Ended:
        """Install what the words say (`-r FILE`, `-e FOLDER`) into the environment of an interpreter.

        Raises ReproductionError when there is nothing to install with.
        """
        if self.uv:
            head = [self.uv, "pip", "install", "--python", python, "--no-deps"]
            head += uv_options(configured_indexes(self.environ))
            return run_tool([*head, *words], self.environ, cwd=self.folder, on_line=self._pass_on)
        with tempfile.TemporaryDirectory(prefix="twice-") as folder:
            head = [python, "-c", _PIP, folder, "install", "--no-deps", "--no-compile", "--no-input"]
            head += ["--disable-pip-version-check", "--no-warn-script-location"]
            ended = run_tool([*head, *words], self.environ, cwd=self.folder, on_line=self._pass_on)
        if ended.code == _HAS_NO_PIP:
            raise ReproductionError(f"cannot install anything: {python} brings no pip (ensurepip)", hint=_VENV_HINT)
        return ended

    def _pass_on(self, line: str) -> None:
        if _WORTH_TELLING.match(line):
            self.tell(f"  {line.strip()[:160]}")


def find_uv(environ: Mapping[str, str]) -> str | None:
    """The uv to use: on PATH, or beside the Python that runs `twice`; TWICE_INSTALLER=pip does without."""
    if environ.get("TWICE_INSTALLER") == "pip":
        return None
    beside = str(Path(sys.executable).parent)
    return shutil.which("uv", path=environ.get("PATH", os.defpath)) or shutil.which("uv", path=beside)


def installer_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that installers run with."""
    kept = {name: value for name, value in environ.items() if name not in _NOT_FOR_INSTALLERS}
    return kept | {"PYTHONUTF8": "1", "PIP_ROOT_USER_ACTION": "ignore", "UV_NO_PROGRESS": "1", "NO_COLOR": "1"}


def venv_python(folder: Path) -> Path:
    """The interpreter of a virtual environment."""
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def installation_failed(ended: Ended, names: Iterable[str], installer: str) -> ReproductionError:
    """The error that says which distributions an installer could not have."""
    guilty = [name for name in names if _mentions(ended.text, name)]
    what = ", ".join(guilty[:5]) if guilty else "the environment"
    if _AWAY_FROM_NETWORK.search(ended.text):
        hint = "connect to the package index, or run in the environment that is here: --env current"
    else:
        hint = (
            "the version may be gone from the index, or never had a build for this platform: add an index that has it "
            "(PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS), or run in the environment that is here: --env current"
        )
    return ReproductionError(
        f"the environment of the run cannot be rebuilt: {installer} cannot install {what}",
        details=_last_lines(ended.text),
        hint=hint,
    )


def _mentions(text: str, name: str) -> bool:
    """Whether an error line speaks of a distribution, however its name is spelled."""
    pattern = re.compile(rf"(?<![\w.-]){name.replace('-', '[-_.]+')}(?![\w-])", re.IGNORECASE)
    lines = text.splitlines()
    wrong = [line for line in lines if re.search(r"error|because|no matching|failed|cause:|[×╰]", line, re.IGNORECASE)]
    return any(pattern.search(line) for line in wrong)


def _last_lines(text: str) -> list[str]:
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return [line[:300] for line in lines if not re.match(r"\[notice\]|WARNING: You are using", line)][-8:]
