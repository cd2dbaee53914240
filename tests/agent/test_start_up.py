"""The way in leaves no trace: the user's sitecustomize runs as ever, and where there is no run nothing happens."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from interpreters import OLD_PYTHONS, SITE, Runner

_ASK = "import sys; print(sys.modules.get('sitecustomize') is not None, getattr(sys, 'mark', None), sys.path)"


def test_the_first_event_says_which_python_it_is(run: Runner, python: str) -> None:
    ran = run("import sys; print(sys.executable, sys.prefix, sys.path[1:])", "--lr", "0.1", python=python)
    process = ran.events[0]
    assert process["kind"] == "process"
    assert f"{process['executable']} {process['prefix']} {process['path']}" == ran.output.strip()
    assert process["orig_argv"][1:] == ["script.py", "--lr", "0.1"]
    assert (process["key"], process["hash_seed"], process["cwd"]) == ("main", "7", str(run.work))
    assert process["soabi"] is None or process["soabi"].startswith(process["cache_tag"])
    assert process["pid"] != process["ppid"] == os.getpid()
    assert ran.of_kind("warning") == []
    assert [event["kind"] for event in ran.events[-2:]] == ["modules", "exit"]


def test_soabi_is_what_sysconfig_says(run: Runner, python: str) -> None:
    ran = run("import sysconfig; print(sysconfig.get_config_var('SOABI'))", python=python)
    assert ran.events[0]["soabi"] == ran.output.strip()


def test_nothing_shows_where_the_user_has_no_sitecustomize(run: Runner, python: str) -> None:
    ran = run(_ASK, python=python)
    bare = subprocess.run(
        [python, "script.py"],
        cwd=run.work,
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (ran.output, ran.errors) == (bare.stdout, bare.stderr)


@pytest.mark.parametrize("place", ["before", "after"])
def test_the_users_own_sitecustomize_runs_once(run: Runner, python: str, place: str) -> None:
    own = run.work / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("import sys\nsys.mark = getattr(sys, 'mark', 0) + 1\nOWN = True\n")
    paths = [str(own), str(SITE)] if place == "before" else [str(SITE), str(own), str(SITE)]
    script = "import sys, sitecustomize; print(sys.mark, sitecustomize.OWN, sitecustomize.__file__)"
    ran = run(script, python=python, environ={"PYTHONPATH": os.pathsep.join(paths)})
    assert ran.output == f"1 True {own / 'sitecustomize.py'}\n"
    # The user's came first on the path: it wins, as it would over any other, and nothing is recorded.
    assert bool(ran.events) == (place == "after")


def test_the_sitecustomize_of_a_virtual_environment_runs(run: Runner) -> None:
    venv = run.work / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    (packages,) = venv.glob("lib/python*/site-packages")
    (packages / "sitecustomize.py").write_text("import sys\nsys.mark = 'of the venv'\n")
    script, python = "import sys; print(getattr(sys, 'mark', 'of the system'))", str(venv / "bin/python")
    bare = subprocess.run([python, "-c", script], capture_output=True, text=True, check=True)
    ran = run(script, python=python)
    assert ran.output == bare.stdout  # Debian's Python has one of its own, which comes first
    assert ran.events[0]["prefix"] == str(venv)


def test_an_error_in_the_users_sitecustomize_is_told_as_ever(run: Runner, python: str) -> None:
    (run.work / "sitecustomize.py").write_text("raise KeyError('the user')\n")
    paths = os.pathsep.join([str(SITE), str(run.work)])
    ran = run("print('still runs')", python=python, environ={"PYTHONPATH": paths})
    bare = subprocess.run(
        [python, "script.py"],
        cwd=run.work,
        env={**os.environ, "PYTHONPATH": str(run.work)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (ran.output, ran.errors) == (bare.stdout, bare.stderr)
    assert "KeyError: 'the user'" in ran.errors
    assert ran.of_kind("process")


@pytest.mark.parametrize("version", sorted(OLD_PYTHONS))
def test_old_pythons_are_left_alone_and_still_find_the_users_sitecustomize(run: Runner, version: str) -> None:
    python = OLD_PYTHONS[version]
    if python is None:
        pytest.skip(f"no Python {version} here")
    (run.work / "sitecustomize.py").write_text("import sys\nsys.mark = 1\n")
    environ = {"PYTHONDONTWRITEBYTECODE": "1"}  # Python 2 puts it beside the source
    paths = os.pathsep.join([str(SITE), str(run.work)])
    ran = run("import sys; print(sys.mark)", python=python, environ=environ | {"PYTHONPATH": paths})
    assert (ran.output, ran.errors, ran.events) == ("1\n", "", [])
    paths = os.pathsep.join([str(SITE), str(SITE)])
    ran = run("print('none')", python=python, environ=environ | {"PYTHONPATH": paths})
    assert ran.output == "none\n"


def test_without_a_run_nothing_is_loaded(run: Runner, python: str) -> None:
    script = "import sys; print([name for name in sys.modules if 'twice' in name], sys.path[1:2])"
    ran = run(script, python=python, environ={"TWICE_LIVE": ""})
    assert ran.output.startswith("[] ")
    assert ran.events == []


@pytest.mark.parametrize("option", ["-I", "-E", "-S"])
def test_isolated_pythons_are_no_part_of_the_run(run: Runner, option: str) -> None:
    ran = run("import sys; print('_twice_agent' in sys.modules)", options=(option,))
    assert (ran.output, ran.errors, ran.events) == ("False\n", "", [])


def test_no_library_is_imported_that_python_has_not_at_start(run: Runner, python: str) -> None:
    script = "import sys; print(*sys.modules)"
    ran = run(script, python=python, trace="python", seed=None)
    bare = subprocess.run([python, "script.py"], cwd=run.work, capture_output=True, text=True, check=True).stdout
    added = set(ran.output.split()) - set(bare.split())
    assert {name for name in added if not name.startswith("_twice_agent")} <= {
        "__future__",
        "_json",
        "atexit",
        "itertools",
    }
    assert {name.partition(".")[2] for name in added if name.startswith("_twice_agent")} == {
        "", "startup", "protocol", "import_hooks", "process_keys", "reporting", "opening",
    }  # fmt: skip


def test_a_live_folder_that_is_not_there_changes_nothing(run: Runner, python: str, tmp_path: Path) -> None:
    script = (
        "import random, os, twice\n"
        "twice.log_metric('loss', 1)\n"
        "open('out.txt', 'w').close()\n"
        "print(random.random(), os.fork and 'ok')\n"
    )
    whole = run(script, python=python, trace="python")
    broken = run(script, python=python, trace="python", live=tmp_path / "nowhere")
    assert (broken.output, broken.errors) == (whole.output, "")
    assert broken.events == []


def test_a_live_folder_that_is_a_file_changes_nothing(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    variables = run.environ(tmp_path / "file", 7, "python")
    (run.work / "script.py").write_text("import random, argparse; print('fine')")
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=run.work, env=variables, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("fine\n", "")


def test_a_root_seed_that_is_no_number_is_a_warning_and_no_error(run: Runner) -> None:
    ran = run("import random; print('fine')", environ={"TWICE_SEED": "many"})
    assert ran.output == "fine\n"
    assert [event["text"].startswith("the agent in process main: ValueError") for event in ran.of_kind("warning")] == [
        True
    ]


def test_modules_with_the_agents_names_on_the_users_path_are_the_users(run: Runner) -> None:
    for name in ("protocol", "startup", "seeding", "reporting"):
        (run.work / f"{name}.py").write_text("MINE = True\n")
    ran = run("import protocol, startup, seeding, reporting; print(protocol.MINE, startup.MINE)")
    assert ran.output == "True True\n"
    assert [Path(file).name for file in ran.of_kind("modules")[0]["files"]] == [
        "protocol.py", "reporting.py", "script.py", "seeding.py", "startup.py",
    ]  # fmt: skip
