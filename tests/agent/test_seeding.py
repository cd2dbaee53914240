"""What becomes the same in each run with one root seed, what stays different, and that the user's own seed wins."""

from __future__ import annotations

import subprocess
import sys

import pytest
from interpreters import Runner

from twice.agent.seeding import derive

# Expression → whether it repeats. Each is evaluated in its own run, twice.
_STANDARD = {
    "random.random()": True,
    "random.Random().random()": True,
    "[random.Random().random() for _ in range(3)]": True,
    "random.Random(None).random()": True,
    "(random.seed(), random.random())[1]": True,
    "(random.seed(None), random.random())[1]": True,
    "type('Own', (random.Random,), {})().random()": True,
    "hash('text')": True,
    "list({'a', 'b', 'c', 'd', 'e', 'f', 'g'})": True,
    "random.SystemRandom().random()": False,
    "secrets.token_hex(8)": False,
    "secrets.randbits(64)": False,
    "os.urandom(8)": False,
    "uuid.uuid4()": False,
    "uuid.uuid1()": False,
    "time.time_ns()": False,
    "os.getpid()": False,
    "tempfile.mktemp()": False,
    "next(tempfile._get_candidate_names())": False,
}

_NUMPY = {
    "np.random.rand()": True,
    "np.random.default_rng().random()": True,
    "[np.random.default_rng().random() for _ in range(3)]": True,
    "np.random.PCG64().random_raw()": True,
    "np.random.MT19937().random_raw()": True,
    "np.random.RandomState().rand()": True,
    "np.random.SeedSequence().entropy": True,
    "(np.random.seed(), np.random.rand())[1]": True,
    "np.random.permutation(9).tolist()": True,
}

_IMPORTS = "import os, random, secrets, tempfile, time, uuid\n"


@pytest.mark.parametrize("expression", _STANDARD)
def test_standard_library(run: Runner, expression: str) -> None:
    script = f"{_IMPORTS}print({expression})"
    assert (run(script).output == run(script).output) is _STANDARD[expression]


def test_all_pythons_seed_alike(run: Runner, python: str) -> None:
    numbers = "[random.random(), random.Random().random(), random.Random().random()]"
    here = run(f"{_IMPORTS}print({numbers})", python=python)
    assert here.output == run(f"{_IMPORTS}print({numbers})").output
    assert here.of_kind("warning") == []
    names = "tempfile.mktemp()"
    assert (
        run(f"{_IMPORTS}print({names})", python=python).output != run(f"{_IMPORTS}print({names})", python=python).output
    )


def test_numpy(run: Runner) -> None:
    pytest.importorskip("numpy")
    script = "import numpy as np\n" + "".join(f"print({expression})\n" for expression in _NUMPY)
    ran, again, other = run(script), run(script), run(script, seed=8)
    assert ran.output == again.output
    assert all(one != two for one, two in zip(ran.output.splitlines(), other.output.splitlines(), strict=True))
    assert [event["what"] for event in ran.of_kind("seeded")] == ["random", "numpy"]
    assert all(_NUMPY.values())


def test_each_draw_is_another(run: Runner) -> None:
    pytest.importorskip("numpy")
    script = (
        "import random, numpy as np\n"
        "print(len({np.random.default_rng().random() for _ in range(50)} | {random.Random().random() for _ in range(50)}))\n"
    )
    assert run(script).output == "100\n"


def test_another_root_seed_is_another_sample(run: Runner) -> None:
    script = "import random; print(random.random(), random.Random().random())"
    outputs = [run(script, seed=seed).output for seed in (1, 2, 2**63 - 1)]
    assert len(set(outputs)) == 3


def test_without_a_root_seed_nothing_is_seeded(run: Runner) -> None:
    script = "import random; print(random.random(), random.Random.seed.__module__)"
    ran, again = run(script, seed=None), run(script, seed=None)
    assert ran.output != again.output
    assert ran.of_kind("seeded") == []


def test_the_users_seed_wins(run: Runner) -> None:
    pytest.importorskip("numpy")
    script = (
        "import random, numpy as np\n"
        "random.seed(3); np.random.seed(3)\n"
        "print(random.random(), np.random.rand(), random.Random(4).random(), np.random.default_rng(5).random())\n"
        "random.seed('text', version=1); print(random.random()); random.seed(b'bytes'); print(random.random())\n"
        "print(np.random.RandomState(6).rand(), np.random.PCG64(7).random_raw(), random.Random(x=2.5).random())\n"
    )
    assert run(script).output == run(script, seed=None).output == run(script, seed=8).output


def test_what_a_pth_file_imported_before_the_agent_is_seeded_too(run: Runner) -> None:
    venv = run.work / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    (packages,) = venv.glob("lib/python*/site-packages")
    (packages / "early.pth").write_text("import random, tempfile, subprocess, argparse\n")
    script = "import random, tempfile; print(random.random()); open('name', 'w').write(tempfile.mktemp())"
    names = set()
    outputs = set()
    for _ in range(2):
        outputs.add(run(script, python=str(venv / "bin/python")).output)
        names.add((run.work / "name").read_text())
    assert outputs == {run("import random; print(random.random())").output}
    assert len(names) == 2


def test_seeds_are_reported_with_the_key_of_the_process(run: Runner) -> None:
    ran = run("import random, tempfile")
    assert [(event["what"], event["key"]) for event in ran.of_kind("seeded")] == [("random", "main")]


def test_seeded_random_looks_as_it_did(run: Runner, python: str) -> None:
    script = (
        "import copy, inspect, pickle, random\n"
        "print(inspect.signature(random.Random.seed), random.Random.seed.__qualname__, random.Random.seed.__module__)\n"
        "print(random.seed.__self__ is random._inst, pickle.loads(pickle.dumps(random.Random(1))).random())\n"
        "print(copy.deepcopy(random.Random(1)).random(), random.getstate()[0], random.Random.seed.__name__)\n"
    )
    assert run(script, python=python).output == run(script, python=python, seed=None).output


def test_random_can_be_reloaded(run: Runner) -> None:
    ran = run("import importlib, random; importlib.reload(random); print(0 <= random.random() < 1)")
    assert (ran.output, ran.errors, ran.of_kind("warning")) == ("True\n", "", [])


def test_derived_bits_differ_in_every_part_and_fill_their_length() -> None:
    facts = [
        (seed, key, what, number, 128)
        for seed in (1, 11)
        for key in ("main", "main/fork-1", "main/fork-11")
        for what in ("numpy", "random")
        for number in (0, 1, 11)
    ]
    values = [derive(*fact) for fact in facts]
    assert len(set(values)) == len(facts)
    for length in (1, 31, 63, 128, 256, 257, 20000):
        numbers = [derive(1, "main", "numpy", number, length) for number in range(64)]
        assert max(numbers).bit_length() == length
    # Part of the format: a run is reproduced by later versions with the numbers that it had.
    assert derive(7, "main", "random", 0, 64) == 7645732289954167118


def test_torch(run: Runner) -> None:
    pytest.importorskip("torch")
    script = (
        "import torch\n"
        "torch.use_deterministic_algorithms(False)\n"
        "print(torch.rand(3).tolist(), torch.nn.Linear(2, 2).weight.tolist())\n"
        "data = torch.utils.data.DataLoader(range(20), shuffle=True, batch_size=20)\n"
        "print([batch.tolist() for batch in data])\n"
        "print(torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark)\n"
    )
    ran, again = run(script), run(script)
    assert ran.output == again.output != run(script, seed=8).output
    assert ran.output.endswith("True False\n")
    assert "torch" in [event["what"] for event in ran.of_kind("seeded")]
    own = "import torch; torch.manual_seed(3); print(torch.rand(3))"
    assert run(own).output == run(own, seed=None).output


def test_torch_workers_draw_different_numbers_and_the_same_twice(run: Runner) -> None:
    pytest.importorskip("torch")
    script = (
        "import random, numpy, torch\n"
        "class Draws(torch.utils.data.Dataset):\n"
        "    def __len__(self): return 8\n"
        "    def __getitem__(self, i): return torch.tensor([torch.rand(1).item(), numpy.random.rand(), random.random()])\n"
        "if __name__ == '__main__':\n"
        "    rows = [row for batch in torch.utils.data.DataLoader(Draws(), num_workers=2) for row in batch.tolist()]\n"
        "    print(len({number for row in rows for number in row}), rows)\n"
    )
    ran = run(script)
    assert ran.output == run(script).output
    assert ran.output.startswith("24 ")


def test_libraries_that_are_not_here_are_seeded_by_their_own_function(run: Runner) -> None:
    (run.work / "tensorflow").mkdir()
    (run.work / "tensorflow" / "__init__.py").write_text("from tensorflow import random\n")
    (run.work / "tensorflow" / "random.py").write_text("def set_seed(seed): print(seed)\n")
    ran = run("import tensorflow")
    assert ran.output == run("import tensorflow").output != run("import tensorflow", seed=8).output
    assert 0 <= int(ran.output) < 2**31
    assert [event["what"] for event in ran.of_kind("seeded")] == ["tensorflow"]


def test_a_library_that_cannot_be_seeded_is_a_warning(run: Runner) -> None:
    (run.work / "torch.py").write_text("def manual_seed(seed): raise RuntimeError('no such device')\n")
    ran = run("import torch; print('fine')")
    assert ran.output == "fine\n"
    (warning,) = ran.of_kind("warning")
    assert "torch: RuntimeError: no such device" in warning["text"]


def test_scikit_learn_without_random_state(run: Runner) -> None:
    pytest.importorskip("sklearn")
    script = (
        "from sklearn.datasets import load_iris\n"
        "from sklearn.ensemble import RandomForestClassifier\n"
        "from sklearn.model_selection import train_test_split\n"
        "x, y = load_iris(return_X_y=True)\n"
        "a, b, c, d = train_test_split(x, y)\n"
        "forest = RandomForestClassifier(n_estimators=5).fit(a, c)\n"
        "print(forest.score(b, d), forest.feature_importances_.tolist())\n"
    )
    assert run(script).output == run(script).output


def test_polars_by_its_own_function(run: Runner) -> None:
    (run.work / "polars.py").write_text("def set_random_seed(seed): print(seed)\n")
    ran = run("import polars")
    assert ran.output == run("import polars").output != run("import polars", seed=8).output
    assert 0 <= int(ran.output) < 2**63
    assert [event["what"] for event in ran.of_kind("seeded")] == ["polars"]
