"""Opened files are reported once, and `open` stays what scripts and libraries take it for."""

from __future__ import annotations

import sqlite3

import pytest
from interpreters import Ran, Runner


def _opened(run: Runner, ran: Ran) -> set[tuple[str, str]]:
    """(path relative to the work folder, how) of each event; no event twice."""
    assert ran.of_kind("warning") == []
    ways = {(True, False): "read", (False, True): "written", (True, True): "both"}
    prefix = f"{run.work}/"
    found = [(event["path"].replace(prefix, ""), ways[event["read"], event["write"]]) for event in ran.of_kind("open")]
    assert len(set(found)) == len(found)
    return {(path, way) for path, way in found if path != "script.py"}


_WAYS = {
    "open('f').close()": "read",
    "open(b'f').close()": "read",
    "open(pathlib.Path('f')).close()": "read",
    "open(file='f', mode='rb').close()": "read",
    "open('f', 'w').close()": "written",
    "open('f', 'wb+').close()": "written",
    "open('f', 'a').close()": "written",
    "open('f', 'a+').close()": "both",
    "open('f', 'r+').close()": "both",
    "open('new', 'x').close()": "written",
    "io.open('f').close()": "read",
    "os.close(os.open('f', os.O_RDONLY))": "read",
    "os.close(os.open('f', os.O_WRONLY | os.O_CREAT))": "written",
    "os.close(os.open('f', os.O_RDWR))": "both",
    "os.close(os.open('f', os.O_RDWR | os.O_TRUNC))": "written",
    "os.close(os.open(path='f', flags=os.O_RDONLY, dir_fd=os.open('.', os.O_RDONLY | os.O_DIRECTORY)))": "read",
    "pathlib.Path('f').read_text()": "read",
    "pathlib.Path('f').read_bytes()": "read",
    "pathlib.Path('f').write_text('x')": "written",
    "pathlib.Path('f').open('r+').close()": "both",
    "gzip.open('f').close()": "read",
    "codecs.open('f', encoding='utf-8').close()": "read",
    "open('f', opener=os.open).close()": "read",
    "shutil.copy('f', 'copy')": "read",
    "list(fileinput.input(['f']))": "read",
    "sqlite3.connect('f').close()": "both",
    "sqlite3.connect('file:f?mode=ro', uri=True).close()": "read",
    "sqlite3.dbapi2.connect(database='f').close()": "both",
}


@pytest.mark.parametrize("way", _WAYS)
def test_each_way_to_open_is_seen(run: Runner, way: str) -> None:
    (run.work / "f").write_text("")
    imports = "import codecs, fileinput, gzip, io, os, pathlib, shutil, sqlite3\n"
    ran = run(f"{imports}{way}\n", trace="python", options=("-W", "ignore"))
    name = "new" if "new" in way else "f"
    assert (name, _WAYS[way]) in _opened(run, ran)
    assert {path for path, _ in _opened(run, ran)} <= {"f", "new", "copy"}


def test_pathlib_on_each_python(run: Runner, python: str) -> None:
    (run.work / "f").write_text("text")
    script = (
        "import os, pathlib\nos.mkdir('sub')\nprint(pathlib.Path('f').read_text())\npathlib.Path('g').write_text('x')\n"
        "os.chdir('sub')\npathlib.Path('f').write_bytes(b'x')\nwith pathlib.Path('../f').open('rb') as f: print(f.read())\n"
        "pathlib.Path('touched').touch()\n"
    )
    ran = run(script, python=python, trace="python")
    assert ran.output == "text\nb'text'\n"
    found = {(path.replace("sub/../f", "f"), way) for path, way in _opened(run, ran)}
    assert {("f", "read"), ("g", "written"), ("sub/f", "written")} <= found


def test_what_fails_or_is_no_file_is_not_reported(run: Runner) -> None:
    script = (
        "import os, sqlite3, tempfile\n"
        "for open_it in (lambda: open('missing'), lambda: os.open('missing', 0), lambda: open('.'), lambda: open('f', 'q')):\n"
        "    try: open_it()\n"
        "    except (OSError, ValueError) as error: print(type(error).__name__)\n"
        "os.close(os.open('.', os.O_RDONLY | os.O_DIRECTORY))\n"
        "sqlite3.connect(':memory:').close(); sqlite3.connect('').close()\n"
        "sqlite3.connect('file:x?mode=memory', uri=True).close()\n"
        "with open(os.dup(1), 'w') as out: out.write('dup\\n')\n"
        "open('/proc/self/stat').close(); open('/dev/null').close(); open(os.__file__).close()\n"
        "open('module.pyc', 'w').close()\n"
    )
    ran = run(script, trace="python")
    assert ran.output == "FileNotFoundError\nFileNotFoundError\nIsADirectoryError\nValueError\ndup\n"
    assert _opened(run, ran) == set()


def test_a_file_is_reported_once_however_often_it_is_opened(run: Runner) -> None:
    script = (
        "import os\n"
        "for _ in range(100): open('f', 'w').close(); open('f').close(); open(os.path.abspath('f')).close()\n"
        "os.mkdir('d'); os.chdir('d'); open('f', 'w').close()\n"
    )
    assert _opened(run, run(script, trace="python")) == {("f", "written"), ("f", "read"), ("d/f", "written")}


def test_children_report_what_they_open(run: Runner) -> None:
    script = (
        "import multiprocessing, os, subprocess, sys\n"
        "def work(): open('of the worker', 'w').close()\n"
        "if os.fork() == 0: open('of the fork', 'w').close(); os._exit(0)\n"
        "os.wait()\n"
        "worker = multiprocessing.get_context('fork').Process(target=work); worker.start(); worker.join()\n"
        "subprocess.run([sys.executable, '-c', 'open(\"of the child\", \"w\")'])\n"
    )
    assert {path for path, _ in _opened(run, run(script, trace="python"))} == {
        "of the worker",
        "of the fork",
        "of the child",
    }


def test_nothing_is_put_in_place_when_something_better_watches(run: Runner) -> None:
    ran = run("import os; print(type(open).__name__, type(os.open).__name__); open('f', 'w').close()")
    assert ran.output == "builtin_function_or_method builtin_function_or_method\n"
    assert ran.of_kind("open") == []


_ASK = """
import builtins, copy, inspect, io, os, pickle, shutil, sqlite3, sys, unittest.mock
for function in (open, io.open, os.open, sqlite3.connect):
    print(function, function.__name__, function.__qualname__, function.__module__, (function.__doc__ or "")[:20])
    print(callable(function), pickle.loads(pickle.dumps(function)) is function, pickle.dumps(function))
    print(copy.copy(function) is function, copy.deepcopy([function])[0] is function)
    try: print(inspect.signature(function))
    except ValueError as error: print("no signature")
print(open is io.open, open is builtins.open, sqlite3.connect is sqlite3.dbapi2.connect)
print(os.open in os.supports_dir_fd, shutil.rmtree.avoids_symlink_attacks)
class Opener:
    open = open
    os_open = os.open
with Opener().open("f", "w") as file: print(type(file), file.name, file.mode, file.line_buffering)
os.close(Opener().os_open("f", os.O_RDONLY))
for words in ((), ("f", "rw"), ("f", "r", 0), ("f", "rb", -1, "utf-8")):
    try: open(*words)
    except (TypeError, ValueError) as error: print(type(error), error)
try: open("missing")
except OSError as error: print(repr(error), error.filename)
try: open("f", unknown=1)
except TypeError as error: print(error)
with unittest.mock.patch("builtins.open", unittest.mock.mock_open(read_data="mocked")) as mocked:
    with open("f") as file: print(file.read())
with unittest.mock.patch("builtins.open", autospec=True): open("f")
with open("f") as file: print(isinstance(file, io.TextIOBase), file.read() == "")
class Connection(sqlite3.Connection): pass
print(type(sqlite3.connect("db", factory=Connection)).__name__)
"""


def test_stand_ins_look_like_the_built_in_functions(run: Runner, python: str) -> None:
    assert run(_ASK, python=python, trace="python").output == run(_ASK, python=python).output


_WARNS = """
import warnings
warnings.simplefilter("always")
def opens(): return open("f", "wb", 1)
opens().close()
with open("f", "rb", buffering=1): pass
with open("f") as file: print(file.encoding)
with open("f", "r", -1) as file: print(file.encoding)
with open("f", encoding=None) as file: print(file.encoding)
with open("f", "r", -1, None) as file: print(file.encoding)
with open("f", "rb") as file: pass
open("f")
"""


@pytest.mark.parametrize(
    "options", [(), ("-X", "warn_default_encoding"), ("-X", "warn_default_encoding", "-X", "utf8")]
)
def test_warnings_name_the_line_of_the_script(run: Runner, python: str, options: tuple[str, ...]) -> None:
    ran, plain = (run(_WARNS, python=python, options=options, trace=trace) for trace in ("python", "off"))
    assert (ran.output, ran.errors) == (plain.output, plain.errors)
    assert ran.errors.count("RuntimeWarning: line buffering") == 2
    assert "ResourceWarning: unclosed file" in ran.errors


def test_a_script_that_puts_its_own_open_in_place_is_obeyed(run: Runner) -> None:
    script = (
        "import builtins, io\n"
        "kept = builtins.open\n"
        "builtins.open = lambda *words, **named: print('mine') or kept(*words, **named)\n"
        "open('f', 'w').close()\n"
        "builtins.open = kept\n"
    )
    ran = run(script, trace="python")
    assert (ran.output, _opened(run, ran)) == ("mine\n", {("f", "written")})


def test_a_database_is_opened_as_ever(run: Runner) -> None:
    script = (
        "import sqlite3\nwith sqlite3.connect('db', 5.0, isolation_level=None) as db:\n"
        "    db.execute('create table t (x)'); db.execute('insert into t values (3)')\n"
    )
    run(script, trace="python")
    with sqlite3.connect(run.work / "db") as database:
        assert database.execute("select x from t").fetchall() == [(3,)]
    database.close()


def test_a_path_that_is_not_unicode_is_reported(run: Runner) -> None:
    ran = run("open(b'caf\\xe9', 'w').close()", trace="python")
    assert _opened(run, ran) == {("caf\udce9", "written")}
