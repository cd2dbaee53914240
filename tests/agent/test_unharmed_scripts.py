"""Scripts that do unusual things do the same under the agent, to the letter."""

from __future__ import annotations

import re

import pytest
from interpreters import Ran, Runner

_SCRIPTS = {
    "closes every descriptor": (
        "import os\nos.closerange(3, 256)\nwith open('own', 'w') as own: own.write('x'); print(own.fileno() > 2)\n"
        "print(open('own').read())\n"
    ),
    "becomes a daemon": (
        "import os, time\n"
        "out, into = os.pipe()\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        for fd in (0, 1, 2): os.close(fd)\n"
        "        os.open(os.devnull, os.O_RDWR); os.dup(0); os.dup(0)\n"
        "        os.write(into, b'alive'); os._exit(0)\n"
        "    os._exit(0)\n"
        "print(os.read(out, 9))\n"
    ),
    "executes itself again": (
        "import os, sys\n"
        "if len(sys.argv) == 1: os.execv(sys.executable, [sys.executable, __file__, 'again'])\n"
        "print(sys.argv[1:])\n"
    ),
    "has exit functions": (
        "import atexit, sys\natexit.register(print, 'first registered')\natexit.register(print, 'last registered')\n"
        "def broken(): raise ValueError('at exit')\natexit.register(broken)\nsys.exit('said at exit')\n"
    ),
    "raises": "def f(): return 1 / 0\nf()\n",
    "exits hard": "import os; print('before', flush=True); os._exit(7)\n",
    "is killed": "import os, signal; print('before', flush=True); os.kill(os.getpid(), signal.SIGTERM)\n",
    "interrupts itself": "import os, signal; os.kill(os.getpid(), signal.SIGINT)\n",
    "replaces its streams": "import io, sys\n"
    "sys.stdout = sys.stderr = io.StringIO()\nprint('lost')\nsys.__stdout__.write('kept')\n",
    "has a hook for errors": "import sys\nsys.excepthook = lambda *what: print(what[0].__name__, what[1])\n1 / 0\n",
    "clears its modules": (
        "import sys\nfor name in list(sys.modules):\n    if 'twice' in name: del sys.modules[name]\n"
        "import random, argparse, subprocess, tempfile, sqlite3\nargparse.ArgumentParser().parse_args([])\n"
        "print(random.random() < 1, subprocess.run(['true']).returncode)\n"
    ),
    "clears sys.meta_path of what it does not know": (
        "import sys\nsys.meta_path[:] = [finder for finder in sys.meta_path if type(finder) is type]\n"
        "import random, argparse; print(random.random() < 1)\n"
    ),
    "puts odd things into sys.modules": (
        "import sys\nclass Odd:\n    def __getattr__(self, name): raise RuntimeError(name)\n"
        "sys.modules['odd'] = Odd(); sys.modules['none'] = None; sys.modules['five'] = 5\n"
    ),
    "logs from threads": (
        "import random, subprocess, threading\nfound = []\n"
        "def work(): found.append(subprocess.run(['true']).returncode); found.append(random.Random().random() < 1)\n"
        "threads = [threading.Thread(target=work) for _ in range(8)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
        "print(sorted(found))\n"
    ),
    "changes the current folder and removes it": (
        "import os\nos.makedirs('gone'); os.chdir('gone'); os.rmdir('../gone')\n"
        "try: open('f')\nexcept OSError as error: print(error)\nopen('/dev/null').close()\n"
    ),
    "profiles and traces itself": (
        "import sys\nseen = []\nsys.setprofile(lambda frame, what, arg: seen.append(frame.f_code.co_filename))\n"
        "len([])\nsys.setprofile(None)\nprint(set(seen) <= {__file__, 'script.py'})\n"
    ),
    "limits its open files": (
        "import resource, subprocess\nresource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))\n"
        "files = []\n"
        "try:\n    while True: files.append(open('script.py'))\n"
        "except OSError as error: print(error.strerror)\n"
        "del files\n"
    ),
    "is optimised and has no docstrings": "def f():\n    'doc'\nassert False\nprint(f.__doc__, __debug__)\n",
    "runs code as text": "exec(compile('import random; print(random.random() < 1)', 'text', 'exec'))\n",
    "uses asyncio": (
        "import asyncio\nasync def main():\n"
        "    child = await asyncio.create_subprocess_shell('echo hello', stdout=asyncio.subprocess.PIPE)\n"
        "    print(await child.communicate())\nasyncio.run(main())\n"
    ),
    "sends its environment through a child": (
        "import os, subprocess\nos.environ['MINE'] = '1'\n"
        "text = subprocess.check_output(['env'], universal_newlines=True)\n"
        "print(sorted(line for line in text.splitlines() if not line.startswith(('TWICE', '_=', 'PYTHON'))) == "
        "sorted(f'{k}={v}' for k, v in os.environ.items() if not k.startswith(('TWICE', 'PYTHON')) and k != '_'))\n"
    ),
    "starts a child before it runs code of its own in it": (
        "import os, subprocess\nprint(subprocess.run(['sh', '-c', 'pwd'], preexec_fn=lambda: os.chdir('/'), stdout=-1).stdout)\n"
    ),
    "has a subclass of Popen": (
        "import subprocess\nclass Mine(subprocess.Popen):\n"
        "    def __init__(self, *words, **named): super().__init__(*words, **named)\n"
        "with Mine(['echo', 'x'], stdout=-1, env=None, close_fds=False) as child: print(child.stdout.read())\n"
    ),
}


def _assert_same(ran: Ran, bare: Ran) -> None:
    texts = [re.sub("0x[0-9a-f]+", "0x…", text) for text in (ran.errors, bare.errors)]
    assert (ran.code, ran.output, texts[0]) == (bare.code, bare.output, texts[1])


@pytest.mark.parametrize("what", _SCRIPTS)
@pytest.mark.parametrize("trace", ["off", "python"])
def test_a_script_that(run: Runner, what: str, trace: str) -> None:
    options = ("-OO",) if "optimised" in what else ()
    ran = run(_SCRIPTS[what], trace=trace, options=options, code=None)
    bare = run(_SCRIPTS[what], options=options, code=None, environ={"TWICE_LIVE": ""})
    _assert_same(ran, bare)
    assert what == "clears its modules" or ran.of_kind("warning") == []
    assert ran.of_kind("process")


@pytest.mark.parametrize("what", _SCRIPTS)
def test_on_the_oldest_and_the_newest_python_a_script_that(run: Runner, outermost_python: str, what: str) -> None:
    options = ("-OO",) if "optimised" in what else ()
    ran = run(_SCRIPTS[what], python=outermost_python, options=options, code=None)
    bare = run(_SCRIPTS[what], python=outermost_python, options=options, code=None, environ={"TWICE_LIVE": ""})
    _assert_same(ran, bare)
    assert what == "clears its modules" or ran.of_kind("warning") == []
