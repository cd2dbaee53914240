"""A library that the agent waits for loads as it would have without it, and is acted on once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from interpreters import Runner

_TORCH = "seeds = []\ndef manual_seed(seed): seeds.append(seed)\n"


def _package(run: Runner, text: str = _TORCH) -> Path:
    folder = run.work / "torch"
    folder.mkdir()
    (folder / "__init__.py").write_text(text)
    (folder / "part.py").write_text("class Part: pass\n")
    (folder / "data.txt").write_text("data")
    return folder


_ASK = """
import importlib, importlib.util, inspect, pickle, pkgutil, sys
spec = importlib.util.find_spec("torch")
print(spec.loader.is_package("torch"), spec.loader.get_filename("torch").endswith("__init__.py"))
print(spec.origin, spec.submodule_search_locations, spec.has_location, spec.cached)
print(spec.loader.get_source("torch")[:5], spec.loader.get_data(spec.origin)[:5])
import torch, torch.part
print(type(torch.__loader__).__name__, torch.__loader__ is torch.__spec__.loader, torch.__file__, torch.__path__)
print(pkgutil.get_data("torch", "data.txt"), inspect.getsource(torch)[:5], inspect.getsourcefile(torch))
print([module.name for module in pkgutil.iter_modules(torch.__path__)], pickle.loads(pickle.dumps(torch.part.Part)))
print(importlib.import_module("torch") is torch, importlib.util.find_spec("torch") is torch.__spec__)
if sys.version_info >= (3, 9):
    import importlib.resources
    print(importlib.resources.files("torch").joinpath("data.txt").read_text())
importlib.invalidate_caches()
"""


def test_a_hooked_package_looks_as_it_did(run: Runner, python: str) -> None:
    _package(run)
    ran = run(_ASK, python=python)
    assert ran.output == run(_ASK, python=python, environ={"TWICE_LIVE": ""}).output
    assert len(ran.output.splitlines()) >= 7
    assert ran.errors == ""
    assert "torch" in [event["what"] for event in ran.of_kind("seeded")]


def test_looking_for_a_package_does_not_use_the_hook_up(run: Runner) -> None:
    _package(run)
    script = (
        "import importlib.util\n"
        "for _ in range(3): importlib.util.find_spec('torch')\n"
        "import torch; print(len(torch.seeds))\n"
    )
    assert run(script).output == "1\n"


def test_a_reload_and_a_second_import_do_not_act_again(run: Runner, python: str) -> None:
    _package(run, "seeds = globals().get('seeds', [])\ndef manual_seed(seed): seeds.append(seed)\n")
    script = (
        "import importlib, sys, torch\n"
        "importlib.reload(torch)\n"
        "print(len(torch.seeds), type(torch.__loader__).__name__)\n"
        "del sys.modules['torch']\n"
        "import torch; print(len(torch.seeds))\n"
    )
    assert run(script, python=python).output == "1 SourceFileLoader\n0\n"


def test_threads_that_import_at_once_act_once(run: Runner) -> None:
    _package(run, "import time; time.sleep(0.05)\n" + _TORCH)
    script = (
        "import threading, importlib\n"
        "threads = [threading.Thread(target=importlib.import_module, args=('torch',)) for _ in range(8)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
        "import torch; print(len(torch.seeds))\n"
    )
    assert run(script).output == "1\n"


def test_a_namespace_package_of_that_name_stays_one(run: Runner, bare: str) -> None:
    (run.work / "torch").mkdir()
    (run.work / "torch" / "inner.py").write_text("x = 1\n")
    script = "import torch.inner, torch; print(torch.inner.x, type(torch.__path__).__name__, getattr(torch, '__file__', None))"
    assert run(script, python=bare).output == "1 _NamespacePath None\n"


def test_a_package_that_fails_to_import_raises_its_own_error(run: Runner) -> None:
    _package(run, "raise ImportError('libcudart is missing')\n")
    script = (
        "for _ in range(2):\n"
        "    try: import torch\n"
        "    except ImportError as error: print(error)\n"
        "import sys; print('torch' in sys.modules)\n"
    )
    assert run(script).output == "libcudart is missing\nlibcudart is missing\nFalse\n"


def test_a_package_that_is_not_there_is_not_there(run: Runner, bare: str) -> None:
    script = (
        "import importlib.util; print(importlib.util.find_spec('torch'))\n"
        "try: import torch\nexcept ImportError as error: print(error)\n"
    )
    assert run(script, python=bare).output == "None\nNo module named 'torch'\n"


def test_a_lazy_package_is_acted_on_when_it_loads(run: Runner, python: str) -> None:
    _package(run)
    script = (
        "import importlib.util, sys\n"
        "spec = importlib.util.find_spec('torch')\n"
        "spec.loader = importlib.util.LazyLoader(spec.loader)\n"
        "torch = importlib.util.module_from_spec(spec)\n"
        "sys.modules['torch'] = torch\n"
        "spec.loader.exec_module(torch)\n"
        "print(len(torch.seeds), type(torch.__loader__).__name__)\n"
    )
    assert run(script, python=python).output == "1 SourceFileLoader\n"


def test_another_finder_of_the_script_still_finds(run: Runner, bare: str) -> None:
    script = (
        "import importlib.abc, importlib.machinery, sys\n"
        "class Mine(importlib.abc.MetaPathFinder, importlib.abc.Loader):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        return importlib.machinery.ModuleSpec(name, self) if name == 'torch' else None\n"
        "    def exec_module(self, module): module.manual_seed = print\n"
        "sys.meta_path.append(Mine())\n"
        "import torch; print(isinstance(torch.__loader__, Mine))\n"
    )
    assert run(script, python=bare).output.endswith("\nTrue\n")


def test_a_hooked_module_runs_as_a_program(run: Runner, python: str) -> None:
    (run.work / "torch.py").write_text("import sys; print(__name__, sys.argv[1:])\n")
    ran = run("", command=[python, "-m", "torch", "--epochs", "3"])
    assert ran.output == "__main__ ['--epochs', '3']\n"


_TWICE = "import twice; print(twice.run_id(), [name for name in dir(twice) if name[0] != '_'], getattr(twice, '__file__', None))"


def test_twice_can_be_imported_where_it_is_not_installed(run: Runner, bare: str) -> None:
    ran = run(_TWICE + "\nfrom twice import log_metric; log_metric('loss', 0.5, step=3)", python=bare)
    names = ["log_artifact", "log_metric", "log_metrics", "log_param", "log_params", "run_id", "set_tag"]
    assert ran.output == f"20261121-142233-k7q2m9 {names} None\n"
    (metric,) = ran.of_kind("metric")
    assert (metric["name"], metric["value"], metric["step"]) == ("loss", 0.5, 3)


def test_an_installed_twice_comes_first_and_writes_to_the_same_journal(run: Runner) -> None:
    source = str(Path(__file__).parents[2] / "src")
    script = f"import sys; sys.path.append({source!r})\n{_TWICE}\ntwice.log_metric('loss', 1); print(twice.__version__)"
    ran = run(script)
    assert f"{source}/twice/__init__.py" in ran.output
    assert ran.of_kind("metric")[0]["value"] == 1


def test_the_users_own_module_of_that_name_comes_first(run: Runner) -> None:
    (run.work / "twice.py").write_text("def twice(x): return 2 * x\n")
    assert run("from twice import twice; print(twice(2))").output == "4\n"


def test_the_stand_in_has_no_submodules(run: Runner, bare: str) -> None:
    ran = run("try: import twice.cli\nexcept ImportError as error: print(error)", python=bare)
    assert ran.output.startswith("No module named 'twice.cli'")


def test_functions_of_the_api_can_be_sent_to_workers(run: Runner, bare: str) -> None:
    script = (
        "import multiprocessing, twice\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(2) as pool: pool.starmap(twice.log_metric, [('a', 1), ('b', 2)])\n"
    )
    assert {event["name"] for event in run(script, python=bare).of_kind("metric")} == {"a", "b"}


@pytest.mark.parametrize("name", ["twice", "twice.agent.protocol"])
def test_importing_twice_itself_loads_next_to_nothing(name: str) -> None:
    code = f"import sys; before = set(sys.modules); import {name}; print(*sorted(set(sys.modules) - before))"
    source = str(Path(__file__).parents[2] / "src")
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": source}, capture_output=True, text=True, check=True
    )
    allowed = {"__future__", "_json", "twice", "twice.agent", "twice.agent.protocol"}
    assert set(done.stdout.split()) <= allowed
