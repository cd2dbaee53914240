"""What a process says of itself at its end, and that its output is seen at once."""

from __future__ import annotations

import subprocess
import sys
import zipfile

import pytest
from interpreters import Runner


def test_modules_are_the_scripts_own_files(run: Runner, python: str) -> None:
    (run.work / "package").mkdir()
    (run.work / "package" / "__init__.py").write_text("")
    (run.work / "package" / "part.py").write_text("")
    (run.work / "unused.py").write_text("")
    installed = run.work / ".venv/lib/python3/site-packages"
    installed.mkdir(parents=True)
    (installed / "installed.py").write_text("")
    script = (
        f"import os, sys, json, package.part\nsys.path.append({str(installed)!r})\nimport installed\nos.chdir('/')\n"
    )
    ran = run(script, python=python)
    names = ["package/__init__.py", "package/part.py", "script.py"]
    assert ran.of_kind("modules")[0]["files"] == [str(run.work / name) for name in names]


def test_a_module_run_by_name_is_reported(run: Runner, python: str) -> None:
    (run.work / "task.py").write_text("print('done')")
    ran = run("", command=[python, "-m", "task"])
    assert ran.of_kind("modules")[0]["files"] == [str(run.work / "task.py")]


def test_a_lazily_loaded_module_stays_unloaded(run: Runner) -> None:
    (run.work / "late.py").write_text("print('loaded')")
    script = (
        "import importlib.util, sys\n"
        "spec = importlib.util.find_spec('late')\n"
        "spec.loader = importlib.util.LazyLoader(spec.loader)\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "sys.modules['late'] = module\n"
        "spec.loader.exec_module(module)\n"
    )
    ran = run(script)
    assert (ran.output, ran.of_kind("warning")) == ("", [])


def test_exit_is_reported_after_an_error_and_not_after_os_exit(run: Runner) -> None:
    assert run("raise SystemExit(3)", code=3).of_kind("exit")
    assert run("1 / 0", code=1).of_kind("exit")
    assert not run("import os; os._exit(4)", code=4).of_kind("exit")


def test_threads_are_asked_of_loaded_libraries_only(run: Runner) -> None:
    assert run("import json").of_kind("threads") == []
    fake = "def get_num_threads(): return 3\nclass version: cuda = '12.4'\ndef manual_seed(seed): pass\n"
    (run.work / "torch.py").write_text(fake)
    (threads,) = run("import torch").of_kind("threads")
    assert (threads["threads"], threads["cuda"], threads["blas"]) == ({"torch": 3}, "12.4", [])


def test_blas_is_reported_as_text(run: Runner) -> None:
    pytest.importorskip("threadpoolctl")
    ran = run("import numpy, threadpoolctl")
    (threads,) = ran.of_kind("threads")
    assert threads["blas"]
    assert all(isinstance(count, int) and count > 0 for count in threads["threads"].values())


def _lines_seen_while_running(run: Runner, script: str) -> str:
    (run.work / "script.py").write_text(script)
    (run.work / "live" / "events").mkdir(parents=True)
    variables = run.environ(run.work / "live", None, "off")
    variables.pop("PYTHONUNBUFFERED", None)
    with subprocess.Popen(
        [sys.executable, "script.py"],
        cwd=run.work,
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        line = process.stdout.readline()  # would wait for ever, were it still in the script's buffer: it waits for us
        process.stdin.close()
        process.stdout.read()
    return line


def test_output_is_seen_while_the_script_runs(run: Runner) -> None:
    assert _lines_seen_while_running(run, "import sys; print('epoch 1'); sys.stdin.read()") == "epoch 1\n"


def test_output_of_a_child_into_the_same_pipe_is_seen_too(run: Runner) -> None:
    script = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1); import sys; sys.stdin.read()'])"
    assert _lines_seen_while_running(run, script) == "1\n"


def test_a_child_that_the_script_reads_keeps_its_buffer(run: Runner) -> None:
    script = (
        "import subprocess, sys\n"
        "ask = 'import sys; print(sys.stdout.line_buffering)'\n"
        "print(sys.stdout.line_buffering, subprocess.run([sys.executable, '-c', ask], stdout=subprocess.PIPE).stdout)\n"
        "with open('out', 'w') as out: subprocess.run([sys.executable, '-c', ask], stdout=out)\n"
        "print(open('out').read())\n"
    )
    assert run(script, environ={"PYTHONUNBUFFERED": ""}).output == "True b'False\\n'\nFalse\n\n"


def test_a_script_that_replaces_stdout_is_not_disturbed(run: Runner) -> None:
    script = "import io, sys\nsys.stdout = io.StringIO()\nprint('kept')\nsys.__stdout__.write(sys.stdout.getvalue().upper())\n"
    assert run(script).output == "KEPT\n"


def test_a_script_without_stdout_runs(run: Runner) -> None:
    ran = run("", command=["sh", "-c", f'{sys.executable} -c \'open("done", "w")\' >&- 2>&-'])
    assert (run.work / "done").exists()
    assert ran.of_kind("process")


def test_a_script_that_empties_its_environment_is_still_reported(run: Runner) -> None:
    script = (
        "import os, twice, subprocess, sys\n"
        "os.environ.clear()\n"
        "twice.log_metric('loss', 1)\n"
        "print(twice.run_id(), subprocess.run([sys.executable, '-c', 'import os; print(os.environ.get(\"TWICE_LIVE\"))'],"
        " stdout=subprocess.PIPE).stdout, dict(os.environ))\n"
    )
    ran = run(script)
    assert ran.output == "20261121-142233-k7q2m9 b'None\\n' {}\n"
    assert len(ran.of_kind("metric")) == len(ran.of_kind("process")) == 1


def test_a_package_in_a_zip_file_still_loads(run: Runner, python: str) -> None:
    with zipfile.ZipFile(run.work / "lib.zip", "w") as archive:
        archive.writestr("torch/__init__.py", "def manual_seed(seed): pass\n")
        archive.writestr("torch/data.txt", "in the zip")
    script = (
        "import sys\nsys.path.insert(0, 'lib.zip')\nimport torch, pkgutil\n"
        "print(pkgutil.get_data('torch', 'data.txt').decode(), type(torch.__loader__).__name__)\n"
    )
    assert run(script, python=python).output == "in the zip zipimporter\n"
