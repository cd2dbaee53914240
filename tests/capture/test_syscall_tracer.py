"""The tracer of system calls: what it sees, and that it never hurts what it watches."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

import twice
from twice.agent.protocol import read_events
from twice.capture.opened_files import OpenedFile, opened_from_events

if sys.platform != "linux":
    pytest.skip("Linux only", allow_module_level=True)

from twice.capture.syscall_tracer import SyscallTracer, problem_with

pytestmark = pytest.mark.skipif(problem_with() is not None, reason=f"no tracing here: {problem_with()}")

SOURCE = str(Path(twice.__file__).parents[1])


class Traced:
    """A command that was run to its end under the tracer."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        *,
        environ: Mapping[str, str] | None = None,
        tracer: SyscallTracer | None = None,
    ) -> None:
        tracer = tracer or SyscallTracer()
        tracer.start()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environ,
            preexec_fn=tracer.child_setup,  # noqa: PLW1509
            stdout=subprocess.PIPE,
            text=True,
        )
        self.output, _ = process.communicate()
        self.exit_code = process.returncode
        self.opened = tracer.stop()
        self.tracer = tracer
        self.folder = folder

    def ways(self, name: str) -> set[str]:
        """How the file below the folder was opened: r, w, rw."""
        path = os.path.normpath(self.folder / name)
        return {"r" * one.read + "w" * one.write for one in self.opened if os.path.normpath(one.path) == path}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in.txt").write_text("content\n")
    return tmp_path


def python(program: str, *options: str) -> list[str]:
    return [sys.executable, *options, "-c", program]


# ------------------------------------------------------------------------------------------------------ what it sees

READS = {
    "cat": ["cat", "in.txt"],
    "absolute path": ["sh", "-c", 'cat "$PWD/in.txt"'],
    "shell redirect": ["sh", "-c", "read line < in.txt"],
    "in a subfolder": ["sh", "-c", "mkdir -p sub && cd sub && cat ../in.txt"],
    "emptied environment": ["env", "-i", "/bin/cat", "in.txt"],
    "python": python("open('in.txt').read()"),
    "python, isolated": python("open('in.txt').read()", "-I", "-S", "-E"),
    "os.open": python("import os; os.open('in.txt', os.O_RDONLY)"),
    "folder descriptor": python("import os; os.open('in.txt', os.O_RDONLY, dir_fd=os.open('.', os.O_RDONLY))"),
    "mmap": python("import mmap; f = open('in.txt', 'rb'); mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)[:]"),
    "C library": python("import ctypes; assert ctypes.CDLL(None).fopen(b'in.txt', b'r')"),
    "thread": python("import threading as t; x = t.Thread(target=open, args=('in.txt',)); x.start(); x.join()"),
    "subprocess": python("import subprocess; subprocess.run(['cat', 'in.txt'], check=True)"),
    "os.system": python("import os; os.system('cat in.txt')"),
    "posix_spawn": python("import os; os.waitpid(os.posix_spawn('/bin/cat', ['cat', 'in.txt'], {}), 0)"),
    "after exec": python("import os; os.execv('/bin/cat', ['cat', 'in.txt'])"),
    "fork": python("import os; os.fork() or (open('in.txt'), os._exit(0)); os.wait()"),
    "double fork": [
        "sh",
        "-c",
        "(cat in.txt >/dev/null; echo done > mark) & while ! test -s mark; do sleep 0.01; done",
    ],
    "multiprocessing, fork": python(
        "import multiprocessing as m; p = m.get_context('fork').Process(target=open, args=('in.txt',)); p.start(); p.join()"
    ),
    "multiprocessing, spawn": python(
        "import multiprocessing as m; p = m.get_context('spawn').Process(target=open, args=('in.txt',)); p.start(); p.join()"
    ),
    "through a link": ["sh", "-c", "ln -s in.txt link; cat link; cat in.txt"],
    "setsid": ["setsid", "--wait", "cat", "in.txt"],
}


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("command", READS.values(), ids=READS.keys())
def test_reads_are_seen(folder: Path, command: list[str]) -> None:
    traced = Traced(command, folder)
    assert traced.exit_code == 0
    assert traced.ways("in.txt") == {"r"}
    assert traced.tracer.unreadable == 0


WRITES = {
    "shell redirect": (["sh", "-c", "echo x > out"], {"w"}),
    "append": (["sh", "-c", "echo x >> out"], {"w"}),
    "dd": (["dd", "if=in.txt", "of=out", "status=none"], {"w"}),
    "cp": (["cp", "in.txt", "out"], {"w"}),
    "mv": (["mv", "in.txt", "out"], {"w"}),
    "ln": (["ln", "in.txt", "out"], {"w"}),
    "truncate": (python("open('out', 'w').close(); import os; os.truncate('out', 5)"), {"w"}),
    "creat": (python("import ctypes; assert ctypes.CDLL(None).creat(b'out', 0o600) > 0"), {"w"}),
    "new, for both": (python("open('out', 'w+').write('x')"), {"w"}),
    "there already, for both": (python("open('out', 'w').close(); open('out', 'r+').write('x')"), {"w"}),
    "replaced again and again": (["sh", "-c", "for i in 1 2 3; do echo $i > tmp; mv tmp out; done"], {"w"}),
    "replaced": (python("import os; open('tmp', 'w').close(); os.replace('tmp', 'out')"), {"w"}),
    "renamed folder": (["sh", "-c", "mkdir a b; echo x > a/f; mv a b/c; ln b/c/f out"], {"w"}),
    "sqlite": (python("import sqlite3; c = sqlite3.connect('out'); c.execute('create table t (x)'); c.close()"), {"w"}),
    "tempfile renamed": (
        python("import os, tempfile; f, n = tempfile.mkstemp(dir='.'); os.write(f, b'x'); os.rename(n, 'out')"),
        {"w"},
    ),
    "a file without a name": (
        python(
            "import os; f = os.open('.', os.O_TMPFILE | os.O_WRONLY); os.write(f, b'x');"
            "os.link(f'/proc/self/fd/{f}', 'out', src_dir_fd=os.open('/', 0))"
        ),
        {"w"},
    ),
}


@pytest.mark.parametrize(("command", "ways"), WRITES.values(), ids=WRITES.keys())
def test_writes_are_seen(folder: Path, command: list[str], ways: set[str]) -> None:
    traced = Traced(command, folder)
    assert traced.exit_code == 0
    assert (folder / "out").is_file()
    assert traced.ways("out") == ways


def test_what_was_written_into_a_folder_is_seen_under_its_new_name(folder: Path) -> None:
    traced = Traced(["sh", "-c", "mkdir a; echo x > a/f; mkdir a/b; echo y > a/b/g; mv a final"], folder)
    assert traced.ways("final/f") == traced.ways("final/b/g") == {"w"}


LIBRARIES = {
    "numpy": "import numpy as l; l.save('out.npy', l.ones(3)); l.load('out.npy', mmap_mode='r')",
    "joblib": "import joblib as l; l.dump([1], 'out.joblib'); l.load('out.joblib')",
    "pandas": "import pandas as l; l.DataFrame({'a': [1]}).to_parquet('out.parq'); l.read_parquet('out.parq')",
    "polars": "import polars as l; l.DataFrame({'a': [1]}).write_parquet('out.parquet'); l.read_parquet('out.parquet')",
    "h5py": "import h5py as l; l.File('out.h5', 'w').close(); l.File('out.h5', 'r').close()",
    "torch": "import torch as l; l.save({'a': l.ones(2)}, 'out.pt'); l.load('out.pt')",
    "safetensors": "import safetensors.numpy as l, numpy; l.save_file({'a': numpy.ones(2)}, 'out.st'); l.load_file('out.st')",
    "PIL": "from PIL import Image as l; l.new('RGB', (2, 2)).save('out.png'); l.open('out.png').load()",
    "duckdb": "import duckdb as l; l.sql(\"copy (select 1) to 'out.csv'\"); l.sql(\"from 'out.csv'\").fetchall()",
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_libraries_are_seen_reading_and_writing(folder: Path, library: str) -> None:
    pytest.importorskip(library)
    traced = Traced(python(LIBRARIES[library]), folder)
    (name,) = (path.name for path in folder.glob("out.*"))
    assert traced.exit_code == 0
    assert {"w", "r"} <= set("".join(traced.ways(name)))


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_static_programs_are_seen(folder: Path) -> None:
    (folder / "a.c").write_text(
        '#include <fcntl.h>\n#include <unistd.h>\nint main(void) { return open("in.txt", O_RDONLY) < 0; }\n'
    )
    if subprocess.run(
        ["cc", "-static", "-o", "static", "a.c"], cwd=folder, capture_output=True, check=False
    ).returncode:
        pytest.skip("no static C library")
    assert Traced(["./static"], folder).ways("in.txt") == {"r"}


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_a_path_at_the_end_of_a_mapping_is_read(folder: Path) -> None:
    (folder / "a.c").write_text("""
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void) {
  char *page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(page + 4096, 4096);
  char *path = strcpy(page + 4096 - sizeof "in.txt", "in.txt");
  unsigned long how[3] = {O_RDONLY, 0, 0};
  syscall(SYS_openat, AT_FDCWD, (char *)1, O_RDONLY);
  syscall(SYS_openat, AT_FDCWD, "", O_RDONLY);
  return syscall(437, AT_FDCWD, path, how, sizeof how) < 0;
}
""")
    subprocess.run(["cc", "-o", "edge", "a.c"], cwd=folder, check=True)
    traced = Traced(["./edge"], folder)
    assert (traced.exit_code, traced.ways("in.txt"), traced.tracer.unreadable) == (0, {"r"}, 1)


def test_the_stamp_is_of_what_was_read(folder: Path) -> None:
    before = (folder / "in.txt").stat()
    traced = Traced(["sh", "-c", "cat in.txt; echo longer content > in.txt"], folder)
    read, write = (one for one in traced.opened if one.path.endswith("in.txt"))
    assert (read.read, write.write) == (True, True)
    assert read.stamp == (before.st_size, before.st_mtime_ns, before.st_ctime_ns, before.st_ino)


def test_a_file_that_is_there_and_opened_for_both_was_read_too(folder: Path) -> None:
    assert Traced(python("open('in.txt', 'r+')"), folder).ways("in.txt") == {"rw"}
    assert Traced(python("open('in.txt', 'w+')"), folder).ways("in.txt") == {"w"}


def test_relative_and_absolute_names_are_told_apart(folder: Path) -> None:
    (folder / "other.txt").write_text("1")
    traced = Traced(["cat", "in.txt", str(folder / "other.txt")], folder)
    named = {Path(one.path).name: one.relative for one in traced.opened}
    assert (named["in.txt"], named["other.txt"]) == (True, False)


def test_what_is_not_there_and_what_is_no_file_is_not_noted(folder: Path) -> None:
    traced = Traced(["sh", "-c", "cat absent; ls . >/dev/null; cat < /dev/null; exit 3"], folder)
    assert traced.exit_code == 3
    assert not any(one.path.endswith(("absent", "/.", "null")) for one in traced.opened)


def test_names_that_are_no_text_are_seen(folder: Path) -> None:
    name = os.fsdecode(b"\xff name\n")
    (folder / name).write_text("1")
    journal = folder / "live" / "events" / "0-opens.jsonl"
    traced = Traced(["cat", name], folder, tracer=SyscallTracer(journal))
    assert traced.opened == ()
    traced.opened = opened_from_events(read_events(folder / "live"))
    assert traced.ways(name) == {"r"}
    assert all(one.relative == one.path.endswith(name) for one in traced.opened)


def test_modules_of_installed_packages_are_passed_over_but_not_their_data_nor_other_modules(folder: Path) -> None:
    for name in (
        "lib/python3.11/site-packages/package/module.py",
        "lib/python3.11/site-packages/package/x.csv",
        "mine.py",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("1")
    traced = Traced(["sh", "-c", "cat lib/python3.11/site-packages/package/* mine.py"], folder)
    assert {"x.csv", "mine.py"} <= {Path(one.path).name for one in traced.opened}
    assert traced.ways("lib/python3.11/site-packages/package/module.py") == set()


def test_what_the_agent_loads_past_the_filter_is_not_asked_about(folder: Path) -> None:
    (folder / "other.txt").write_text("1")
    program = "import os; os.open('in.txt', os.O_RDONLY | os.O_ASYNC); open('other.txt')"
    traced = Traced([sys.executable, "-c", program], folder)
    assert (traced.ways("in.txt"), traced.ways("other.txt")) == (set(), {"r"})


def test_what_is_not_worth_keeping_is_not_kept(folder: Path) -> None:
    tracer = SyscallTracer(keep=lambda path: path.startswith(str(folder)))
    assert [Path(one.path).name for one in Traced(["cat", "in.txt"], folder, tracer=tracer).opened] == ["in.txt"]


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_strace_sees_the_same_files(folder: Path) -> None:
    program = """
import subprocess, multiprocessing, sqlite3, json, os
open("made", "w").write("x"); open("in.txt").read(); sqlite3.connect("db").execute("create table t (x)")
subprocess.run("sort in.txt | tee sorted > other; cp made made2; mv made2 made3", shell=True, check=True)
subprocess.run(["env", "-i", "/bin/cat", "sorted"], check=True)
os.open("in.txt", os.O_RDONLY)
"""
    (folder / "strace").mkdir()
    shutil.copy(folder / "in.txt", folder / "strace")
    calls = "trace=open,creat,openat,openat2,rename,renameat,renameat2,link,linkat,truncate"
    command = ["strace", "-f", "-y", "-e", calls, "-o", str(folder / "log"), "-s", "4096", *python(program)]
    subprocess.run(command, cwd=folder / "strace", check=True, capture_output=True)
    lines = (folder / "log").read_text(errors="surrogateescape").splitlines()
    named = {names[-1] for line in lines if " = -1 " not in line and (names := re.findall(r'"([^"]*)"', line))}
    seen = {folder / "strace" / name for name in named if not name.startswith(("/dev", "/proc"))}
    mine = {Path(one.path).name for one in Traced(python(program), folder).opened}
    # Of an unfinished call strace prints the path before it knows whether it failed.
    assert {path.name for path in seen if path.is_file() and "/lib/python" not in str(path)} - mine == set()
    assert {"made", "made3", "sorted", "other", "db", "in.txt"} <= mine


# ------------------------------------------------------------------------------------------- that it never hurts


def test_many_busy_processes_are_all_seen(folder: Path) -> None:
    program = """
import os
for worker in range(8):
    if not os.fork():
        for number in range(100):
            open(f"{worker}-{number}", "w").close()
            open("in.txt").close()
        os._exit(0)
for worker in range(8):
    assert os.wait()[1] == 0
"""
    traced = Traced(python(program), folder)
    assert traced.exit_code == 0
    assert all(traced.ways(f"{worker}-{number}") == {"w"} for worker in range(8) for number in range(100))


def test_signals_do_not_disturb(folder: Path) -> None:
    program = """
import signal
count = 0
def tick(*_):
    global count
    count += 1
signal.signal(signal.SIGALRM, tick)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
for number in range(1000):
    open(f"f{number}", "w").close()
signal.setitimer(signal.ITIMER_REAL, 0)
assert count
"""
    traced = Traced(python(program), folder)
    assert traced.exit_code == 0
    assert sum(Path(one.path).name.startswith("f") and one.write for one in traced.opened) == 1000


def test_processes_killed_in_the_middle_of_an_open_are_no_trouble(folder: Path) -> None:
    program = """
import os, signal, time
for _ in range(30):
    pid = os.fork()
    if not pid:
        while True:
            os.close(os.open("in.txt", os.O_RDONLY))
    time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
"""
    traced = Traced([*python(program)], folder)
    assert traced.exit_code == 0
    assert traced.ways("in.txt") == {"r"}


def test_a_signal_that_kills_the_command_is_its_own(folder: Path) -> None:
    traced = Traced(python("import os; open('in.txt'); os.kill(os.getpid(), 9)"), folder)
    assert traced.exit_code == -9
    assert traced.ways("in.txt") == {"r"}


def test_a_command_that_cannot_be_started(folder: Path) -> None:
    tracer = SyscallTracer()
    tracer.start()
    with pytest.raises(FileNotFoundError):
        subprocess.Popen(["./absent"], cwd=folder, preexec_fn=tracer.child_setup)  # noqa: PLW1509
    assert tracer.stop() == ()


def test_a_tracer_that_was_never_used_stops(folder: Path) -> None:
    tracer = SyscallTracer()
    tracer.start()
    assert tracer.stop() == ()
    assert SyscallTracer().stop() == ()


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("did not happen within ten seconds")


def test_a_daemon_lives_on_and_can_open_files(folder: Path) -> None:
    # It opens without rest while the tracer stops, and must still be able to a while later.
    daemon = "while ! test -e stop; do cat in.txt; done > /dev/null 2> errors; cat in.txt > done"
    traced = Traced(["sh", "-c", f"setsid sh -c '{daemon}' > /dev/null & sleep 0.1"], folder)
    assert traced.exit_code == 0
    assert traced.ways("in.txt") == {"r"}
    time.sleep(0.1)
    (folder / "stop").touch()
    wait_for(lambda: (folder / "done").exists() and (folder / "done").read_text() == "content\n")
    assert (folder / "errors").read_text() == ""


RECORDER = """
import os, subprocess, sys
from twice.capture.syscall_tracer import SyscallTracer
tracer = SyscallTracer()
tracer.start()
process = subprocess.Popen(sys.argv[1:], preexec_fn=tracer.child_setup)
print("started", flush=True)
process.wait()
"""


def test_a_recorder_that_is_killed_does_not_take_the_command_with_it(folder: Path) -> None:
    command = ["sh", "-c", "sleep 0.3; cat in.txt > out; test -s out && echo good > result"]
    recorder = subprocess.Popen(
        [sys.executable, "-c", RECORDER, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": SOURCE},
        stdout=subprocess.PIPE,
    )
    assert recorder.stdout is not None
    recorder.stdout.readline()
    recorder.kill()
    recorder.wait()
    recorder.stdout.close()
    wait_for(lambda: (folder / "result").exists() and (folder / "result").read_text() == "good\n")


# Killed when it has received what the command asks, and not answered: the kernel reports that to nobody else.
KILLED_WHILE_IT_LOOKS = """
import os
from twice.capture import seccomp
seccomp.Memory.text = lambda *_: os.kill(os.getpid(), 9)
"""


def test_a_recorder_that_is_killed_before_it_answers_does_not_hold_the_command(folder: Path) -> None:
    recorder = subprocess.run(
        [sys.executable, "-c", KILLED_WHILE_IT_LOOKS + RECORDER, "cp", "in.txt", "out"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": SOURCE},
        stdout=subprocess.DEVNULL,
        check=False,
        timeout=20,
    )
    assert recorder.returncode == -signal.SIGKILL
    wait_for(lambda: (folder / "out").exists() and (folder / "out").read_text() == "content\n")


def processes_of(marker: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if marker.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_nothing_is_left_running_and_no_stream_is_held(folder: Path) -> None:
    marker = f"twice-test-{os.getpid()}"
    command = [sys.executable, "-c", RECORDER, "cat", "in.txt", "/dev/null", marker]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PYTHONPATH": SOURCE}, capture_output=True, timeout=20, check=False
    )
    assert b"content" in done.stdout
    wait_for(lambda: not processes_of(marker))


def test_ctrl_c_does_not_reach_the_standby(folder: Path) -> None:
    # The whole process group is interrupted, as a terminal does it; the command handles it and goes on.
    command = ["sh", "-c", "trap 'cat in.txt > out' INT; echo ready > ready; for i in 1 2 3 4 5 6; do sleep 0.05; done"]
    recorder = subprocess.Popen(
        [sys.executable, "-c", "import signal; signal.signal(signal.SIGINT, lambda *_: None)\n" + RECORDER, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": SOURCE},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_for((folder / "ready").exists)
    os.killpg(recorder.pid, signal.SIGINT)
    assert recorder.wait() == 0
    assert (folder / "out").read_text() == "content\n"


NESTED = """
import subprocess, sys
from twice.capture.syscall_tracer import SyscallTracer, problem_with
print(problem_with(), flush=True)
tracer = SyscallTracer()
tracer.start()
process = subprocess.Popen(["cat", "in.txt"], preexec_fn=tracer.child_setup)
print(process.wait(), tracer.stop(), tracer.problem)
"""


def test_a_run_inside_a_run_is_told_and_works_untraced_by_itself(folder: Path) -> None:
    traced = Traced(python(NESTED), folder, environ={**os.environ, "PYTHONPATH": SOURCE})
    assert traced.exit_code == 0
    assert "a run inside a run" in traced.output
    assert "content" in traced.output
    assert "0 () the command could not install the filter" in traced.output
    assert traced.ways("in.txt") == {"r"}  # the outer one sees it all


# A container's filter that refuses some system calls: made by hand, since it must come before ours.
RESTRICTED = """
import ctypes, os, struct, subprocess, sys
denied = [int(number) for number in sys.argv[1].split(",")]
ins = [struct.pack("=HBBI", 0x20, 0, 0, 0)]
for number in denied:
    ins += [struct.pack("=HBBI", 0x15, 0, 1, number), struct.pack("=HBBI", 0x06, 0, 0, 0x00050001)]
ins.append(struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000))
code = ctypes.create_string_buffer(b"".join(ins))
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)
assert libc.prctl(22, 2, ctypes.c_char_p(struct.pack("@HP", len(ins), ctypes.addressof(code)))) == 0
from twice.capture.syscall_tracer import SyscallTracer, problem_with
problem = problem_with()
print("problem:", problem)
if problem is None:
    tracer = SyscallTracer()
    tracer.start()
    subprocess.Popen(["cat", "in.txt"], preexec_fn=tracer.child_setup).wait()
    print("seen:", any(one.path.endswith("/in.txt") for one in tracer.stop()))
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers are those of x86_64")
@pytest.mark.parametrize(
    ("denied", "answer"),
    [
        ("317", "problem: the kernel or the container refuses it (Operation not permitted)"),  # seccomp
        ("310", "seen: True"),  # process_vm_readv: /proc/PID/mem is as good
    ],
)
def test_a_container_that_forbids_calls(folder: Path, denied: str, answer: str) -> None:
    done = subprocess.run(
        [*python(RESTRICTED), denied],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert answer in done.stdout, done.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_it_works_for_who_is_not_root(folder: Path) -> None:
    # Loaded first, since somebody else may not read our files; and dumpable again, as after an exec.
    become = (
        "import ctypes, os, subprocess, twice.capture.syscall_tracer\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534); ctypes.CDLL(None).prctl(4, 1)\n"
    )
    done = subprocess.run(
        python(become + NESTED.replace("in.txt", "/etc/passwd")),
        cwd="/",
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert done.stdout.startswith("None\n"), done.stderr
    assert "path='/etc/passwd', read=True" in done.stdout


def test_setuid_programs_are_left_alone(folder: Path) -> None:
    program = folder / "sudo"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o4755)
    problem = problem_with(str(program))
    assert problem is None if os.getuid() == 0 else problem is not None and "sudo" in problem


def test_stopping_gives_back_what_was_taken(folder: Path) -> None:
    interval = sys.getswitchinterval()
    before = set(os.listdir("/proc/self/fd"))
    traced = Traced(["cat", "in.txt"], folder)
    assert isinstance(traced.opened[0], OpenedFile)
    assert sys.getswitchinterval() == interval
    assert set(os.listdir("/proc/self/fd")) == before
