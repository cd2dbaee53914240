"""A Monte-Carlo on several processes: the same numbers twice, and as many distinct ones as without a seed."""

from __future__ import annotations

import importlib.util
import os
import sys

import pytest
from interpreters import Runner

# Each way starts four processes and gives (random.random(), two unseeded generators) of each, in an order that does not
# depend on which one is first: as in a simulation, the sample is what counts.
_MODULE = """
import random
def fresh(): return random.Random(None).random()
def draw(_=0):
    return random.random(), random.Random().random(), fresh()
def put(queue):
    queue.put(draw())
"""

# One way of each kind draws from numpy too: to import it in every process would take most of the time.
_WITH_NUMPY = _MODULE.replace("import random", "import random, numpy").replace(
    "random.Random(None).random()", "float(numpy.random.default_rng().random())"
)
_NUMPY_TOO = (("process", "fork"), ("process", "spawn"), ("executor", "forkserver"), ("subprocess", ""), ("loky", ""))

_WAYS = {
    "process": """
context = multiprocessing.get_context(sys.argv[1])
queues = [context.SimpleQueue() for _ in range(4)]
workers = [context.Process(target=put, args=(queue,), name="all the same") for queue in queues]
for worker in workers: worker.start()
draws = [queue.get() for queue in queues]
for worker in workers: worker.join()
""",
    "pool": """
with multiprocessing.get_context(sys.argv[1]).Pool(1, maxtasksperchild=1) as pool: draws = pool.map(draw, range(4), 1)
""",
    "executor": """
from concurrent.futures import ProcessPoolExecutor
draws = []
for _ in range(4):
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(sys.argv[1])) as executor:
        draws.append(executor.submit(draw).result())
""",
    "loky": """
from joblib.externals.loky import ProcessPoolExecutor
draws = []
for _ in range(4):
    with ProcessPoolExecutor(1) as executor: draws.append(executor.submit(draw).result())
""",
    "subprocess": """
words = [sys.executable, "-c", "from worker import draw; print(draw())"]
children = [subprocess.Popen(words, stdout=subprocess.PIPE) for _ in range(4)]
draws = [eval(child.communicate()[0]) for child in children]
""",
    "subprocess with variables of its own": """
words = [sys.executable, "-c", "from worker import draw; print(draw())"]
mine = dict(os.environ, PYTHONPATH="elsewhere", LR="0.1")
children = [subprocess.Popen(words, stdout=subprocess.PIPE, env=mine) for _ in range(4)]
draws = [eval(child.communicate()[0]) for child in children]
""",
    "subprocess with variables in bytes": """
words = [sys.executable, "-c", "from worker import draw; print(draw())"]
draws = [eval(subprocess.check_output(words, env=dict(os.environb))) for _ in range(4)]
""",
    "asyncio": """
import asyncio
async def child():
    words = (sys.executable, "-c", "from worker import draw; print(draw())")
    process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    return eval((await process.communicate())[0])
async def all_of_them(): return [await child() for _ in range(4)]
draws = asyncio.run(all_of_them())
""",
    "os.system": """
draws = []
for _ in range(4):
    os.system(f"{sys.executable} -c 'from worker import draw; print(draw())' > out")
    draws.append(eval(open("out").read()))
""",
    "os.spawnv": """
draws = []
for _ in range(4):
    os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", "from worker import draw; open('out', 'w').write(repr(draw()))"])
    draws.append(eval(open("out").read()))
""",
    "os.fork": """
draws = []
for _ in range(4):
    out, into = os.pipe()
    if os.fork() == 0:
        os.write(into, repr(draw()).encode())
        os._exit(0)
    os.wait()
    draws.append(eval(os.read(out, 1000)))
""",
}


def _script(way: str) -> str:
    return (
        "import multiprocessing, os, subprocess, sys\nfrom worker import draw, put\n"
        "def main():\n" + "".join(f"    {line}\n" for line in _WAYS[way].strip().splitlines()) + "    return draws\n"
        "if __name__ == '__main__':\n"
        "    numbers = sorted(number for one in [draw(), *main(), draw()] for number in one)\n"
        "    print(len(set(numbers)), numbers)\n"
    )


# Every way, and every start of one of them; the other starts are slow, and near to these.
_FAST = {
    ("pool", "fork"),
    ("executor", "forkserver"),
    *(("process", start) for start in ("fork", "spawn", "forkserver")),
}
_STARTS = [
    *(
        pytest.param(way, start, marks=[] if (way, start) in _FAST else pytest.mark.slow)
        for way in ("process", "pool", "executor")
        for start in ("fork", "spawn", "forkserver")
    ),
    *((way, "") for way in _WAYS if way not in ("process", "pool", "executor")),
]


@pytest.mark.parametrize(("way", "start"), _STARTS)
def test_workers_sample_as_many_numbers_as_unseeded_and_the_same_twice(run: Runner, way: str, start: str) -> None:
    if way == "loky":
        pytest.importorskip("joblib")
    with_numpy = (way, start) in _NUMPY_TOO and importlib.util.find_spec("numpy") is not None
    (run.work / "worker.py").write_text(_WITH_NUMPY if with_numpy else _MODULE)
    ran, again = (run(_script(way), start) for _ in range(2))
    assert ran.output.startswith("18 ")  # six draws of three numbers
    assert ran.output == again.output
    assert ran.of_kind("warning") == []


@pytest.mark.parametrize(
    ("way", "start"), [("process", "fork"), ("process", "spawn"), ("subprocess", ""), ("os.fork", "")]
)
def test_on_the_oldest_and_the_newest_python(run: Runner, outermost_python: str, way: str, start: str) -> None:
    (run.work / "worker.py").write_text(_MODULE)
    ran, again = (run(_script(way), start, python=outermost_python) for _ in range(2))
    assert ran.output.startswith("18 ")
    assert ran.output == again.output


def test_two_pythons_of_a_shell_script_sample_twice(run: Runner) -> None:
    (run.work / "worker.py").write_text(_MODULE)
    line = f"{sys.executable} -c 'from worker import draw; print(draw())'"
    ran, again = (run("", command=["sh", "-c", f"{line}; {line}"]) for _ in range(2))
    assert ran.output == again.output
    assert len(set(ran.output.splitlines())) == 2
    assert [event["key"] for event in ran.of_kind("process")] == ["main", "main~2"]


def test_keys_tell_how_a_process_came_about(run: Runner) -> None:
    script = (
        "import multiprocessing, os, random, subprocess, sys\n"
        "def nothing(): pass\n"
        "if __name__ == '__main__':\n"
        "    for _ in range(2): subprocess.run([sys.executable, '-c', ''])\n"
        "    for how in ('spawn', 'fork'):\n"
        "        worker = multiprocessing.get_context(how).Process(target=nothing)\n"
        "        worker.start(); worker.join()\n"
        "    if os.fork() == 0: os.execv(sys.executable, [sys.executable, '-c', 'import random'])\n"
        "    os.wait()\n"
    )
    ran = run(script)
    keys = [event["key"] for event in ran.of_kind("process")]
    assert [key for key in keys if "tracker" not in key] == [
        "main", "main/popen-1", "main/popen-2", "main/process-1", "main/fork-1/child",
    ]  # fmt: skip
    assert [event["key"] for event in ran.of_kind("seeded")] == [
        "main", "main/process-1", "main/process-2", "main/fork-1", "main/fork-1/child",
    ]  # fmt: skip


def test_forked_children_of_threads_differ(run: Runner) -> None:
    script = (
        "import os, random, threading\n"
        "def child(name):\n"
        "    if os.fork() == 0:\n"
        "        open(name, 'w').write(repr(random.random()))\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
        "threads = [threading.Thread(target=child, args=(str(n),)) for n in range(6)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
    )
    samples = []
    for _ in range(2):
        run(script, options=("-W", "ignore"))
        samples.append({(run.work / str(n)).read_text() for n in range(6)})
    assert samples[0] == samples[1]
    assert len(samples[0]) == 6


def test_a_seed_of_the_parent_holds_in_what_a_fork_inherits(run: Runner) -> None:
    pytest.importorskip("numpy")
    script = (
        "import os, numpy\n"
        "numpy.random.seed(1)\n"
        "rng = numpy.random.default_rng(2)\n"
        "if os.fork() == 0: print(numpy.random.rand(), rng.random(), flush=True); os._exit(0)\n"
        "os.wait()\n"
    )
    assert run(script).output == run(script, seed=None).output


def test_a_child_without_the_variables_of_the_run_is_no_part_of_it(run: Runner) -> None:
    script = (
        "import os, subprocess, sys\n"
        "words = [sys.executable, '-c', 'import os; print(sorted(name for name in os.environ if \"TWICE\" in name))']\n"
        "print(subprocess.check_output(words, env={'PATH': os.defpath}))\n"
    )
    ran = run(script)
    assert ran.output == "b'[]\\n'\n"
    assert len(ran.of_kind("process")) == 1


def test_what_a_library_set_in_the_c_environment_reaches_a_child(run: Runner) -> None:
    script = (
        "import ctypes, subprocess, sys\n"
        "ctypes.CDLL(None).setenv(b'SET_IN_C', b'yes', 1)\n"
        "print(subprocess.check_output([sys.executable, '-c', 'import os; print(os.environ.get(\"SET_IN_C\"))']))\n"
    )
    assert run(script).output == "b'yes\\n'\n"


def test_a_child_that_cannot_start_is_the_error_that_it_was(run: Runner, python: str) -> None:
    script = (
        "import subprocess\n"
        "try: subprocess.run(['./no such program'])\n"
        "except FileNotFoundError as error: print(error.filename)\n"
        "try: subprocess.Popen(['true'], env=5)\n"
        "except Exception as error: print(repr(error))\n"
    )
    assert run(script, python=python).output == run(script, python=python, environ={"TWICE_LIVE": ""}).output


def test_many_processes_at_once_have_keys_of_their_own(run: Runner) -> None:
    line = f"{sys.executable} -c 'import random, sys; sys.stdout.write(f\"{{random.random()}}\\n\")' &"
    ran = run("", command=["sh", "-c", f"{line * 8} wait"])
    assert len(set(ran.output.splitlines())) == 8
    assert {event["key"] for event in ran.of_kind("process")} == {"main", *(f"main~{n}" for n in range(2, 9))}
    assert os.getpid() not in {event["pid"] for event in ran.events}
