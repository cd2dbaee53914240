"""`--strict` inside an interpreter: listings come in order and are otherwise as ever, and it says what it did."""

from __future__ import annotations

import os

from interpreters import Runner

NAMES = [f"{(number * 7919) % 1000:03}.txt" for number in range(60)]
STRICT = {"TWICE_STRICT": "1"}

LISTINGS = """\
import glob, inspect, os, pathlib, pickle, shutil
names = os.listdir("many")
assert names == sorted(names) and len(names) == 60, names
assert os.listdir(b"many") == sorted(map(os.fsencode, names))
with os.scandir("many") as entries:
    assert [entry.name for entry in entries] == names
    assert list(entries) == []
first = next(os.scandir("many"))
assert first.name == names[0] and first.is_file() and first.stat().st_size == 1
assert [path.name for path in pathlib.Path("many").iterdir()] == names
assert [os.path.basename(path) for path in glob.glob("many/*.txt")] == names
assert [files for _, _, files in os.walk("many")] == [names]
descriptor = os.open("many", os.O_RDONLY)
assert os.listdir(descriptor) == names and len(list(os.scandir(descriptor))) == 60
os.close(descriptor)
shutil.copytree("many", "copy")
shutil.rmtree("copy")
os.chdir("many")
assert os.listdir() == names and [entry.name for entry in os.scandir()] == names
for name, listing in (("listdir", os.listdir), ("scandir", os.scandir)):
    assert listing.__name__ == name and listing.__doc__ and callable(listing)
    assert pickle.loads(pickle.dumps(listing)) is listing
    inspect.signature(listing)
    try:
        listing("nowhere")
    except FileNotFoundError as error:
        assert error.filename == "nowhere"
    else:
        raise SystemExit("no error")
"""

LIBRARY = """\
said = []
def use_deterministic_algorithms(wanted): said.append(("deterministic", wanted))
def set_num_threads(number): said.append(("threads", number))
def set_num_interop_threads(number): said.append(("interop", number))
def manual_seed(seed): pass
class backends:
    class cudnn: pass
"""


def make_many(run: Runner) -> None:
    (run.work / "many").mkdir()
    for name in NAMES:
        (run.work / "many" / name).write_text("1")


def test_listings_are_in_order(run: Runner, python: str) -> None:
    make_many(run)
    done = run(LISTINGS, python=python, environ=STRICT)
    assert [event["what"] for event in done.of_kind("seeded")].count("listings") == 1
    assert done.of_kind("warning") == []


def test_children_are_strict_too(run: Runner) -> None:
    script = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'pass'], check=True)\n"
    done = run(script, environ=STRICT)
    assert len([event for event in done.of_kind("seeded") if event["what"] == "listings"]) == 2


def test_torch_is_told(run: Runner) -> None:
    (run.work / "torch.py").write_text(LIBRARY)
    done = run("import torch\nprint(sorted(torch.said))", environ=STRICT)
    assert done.output == "[('deterministic', True), ('interop', 1), ('threads', 1)]\n"
    assert "torch strictly" in [event["what"] for event in done.of_kind("seeded")]
    done = run("import torch\nprint(torch.said)")
    assert done.output == "[]\n"


def test_nothing_changes_without_it(run: Runner) -> None:
    make_many(run)
    assert run("import os\nprint(os.listdir is __import__('posix').listdir)").output == "True\n"
    assert run("import os\nprint(os.listdir('many'))").output == f"{os.listdir(run.work / 'many')}\n"
