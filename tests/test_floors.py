"""The floors: a file imports from lower ones only, and each third-party library has one door."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "twice"

FLOORS = {
    "errors": 0,
    "frozen": 0,
    "locking": 0,
    "textforms": 0,
    "threads": 0,
    "configuration": 1,
    "git": 1,
    "record": 1,
    "capture": 2,
    "comparison": 2,
    "query": 2,
    "store": 3,
    "display": 3,
    "environments": 3,
    "execution": 4,
    "plotting": 4,
    "reports": 4,
    "api": 5,
    "cli": 6,
}

# Who may import what is not ours. The standard library's sqlite3 and subprocess are listed for the same reason.
DOORS = {
    "dulwich": {"git"},
    "yaml": {"record/yaml_text.py"},
    "jsonschema": {"record/validation.py"},
    "referencing": {"record/validation.py"},
    "pip_requirements_parser": {"capture/lock.py"},
    "packaging": {"capture", "query/versions.py"},
    "matplotlib": {"plotting"},
    "tabulate": {"display/tables.py"},
    "click": {"cli"},
    "tomli": {"configuration.py"},
    "typing_extensions": {"frozen.py"},  # for the type checker alone, which brings it
    "sqlite3": {"store", "capture/hash_cache.py"},
    "subprocess": {
        "git",
        "execution",
        "environments/programs.py",
        "capture/machine.py",
        "capture/reader_processes.py",
        "cli/demo.py",
        "cli/screen.py",
    },
}


def modules() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """Every module that the file imports, anywhere in it; names below `if TYPE_CHECKING` included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def place(path: Path) -> tuple[str, str]:
    relative = path.relative_to(SOURCE)
    return relative.parts[0].removesuffix(".py"), relative.as_posix()


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_imports_go_down(path: Path) -> None:
    folder, name = place(path)
    for module in imports(path):
        parts = module.split(".")
        if parts[0] != "twice" or len(parts) == 1:
            continue
        target = parts[1]
        if folder == "agent":
            assert target == "agent", f"{name} runs in the user's interpreter and may not import {module}"
        elif target == "agent":
            assert folder == "__init__" or FLOORS[folder] >= 2, f"{name} imports {module}"
        elif target in FLOORS and folder in FLOORS and target != folder:
            assert FLOORS[target] < FLOORS[folder], f"{name} (floor {FLOORS[folder]}) imports {module}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_each_library_has_one_door(path: Path) -> None:
    folder, name = place(path)
    for module in imports(path):
        top = module.partition(".")[0]
        if top in DOORS:
            assert {folder, name} & DOORS[top], f"{name} imports {top}, whose door is {DOORS[top]}"
        elif top not in ("twice", "_twice_agent", "sitecustomize"):
            assert top in sys.stdlib_module_names or top in ("tomllib",), f"{name} imports {module}, which has no door"


def test_every_folder_has_a_floor() -> None:
    folders = {path.name for path in SOURCE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders - {"agent"} <= FLOORS.keys()


def test_only_the_command_line_reads_the_environment_and_prints() -> None:
    for path in modules():
        folder, name = place(path)
        if folder in ("cli", "agent", "__main__"):
            continue
        is_way_in = folder == "api"  # a notebook's process has an environment, and no command line
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"), (
                name
            )
            reads = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os"
            assert is_way_in or not (reads and node.attr in ("environ", "getenv")), f"{name} reads os.{node.attr}"
