"""How does randomness that the script left unseeded become repeatable?

Every unseeded draw gets its seed from a SHA-256 in counter mode over the root seed, the key of the process, what is seeded
and how many of that came before: the same in each repetition, another in every process, unrelated to its neighbours. A seed
that the user sets always wins, for only the place is taken that the operating system's randomness had.

    numpy        `randbits` in numpy.random.bit_generator: SeedSequence(None) and with it default_rng(), every BitGenerator,
                 RandomState() and the legacy global. No numpy.random.seed: it would load numpy.random in the parent of
                 forked workers, which would then all draw the same.
    random       Random.seed(None), and the generator behind random.random(), anew in each forked child
    torch        manual_seed; cuDNN deterministic and without benchmarks
    tensorflow   tensorflow.random.set_seed
    polars       set_random_seed, for sample() and shuffle()

Left alone: os.urandom, secrets, SystemRandom, uuid, time, which keys and tokens depend on; and the names of temporary files.
"""

from __future__ import annotations

import os
from itertools import count

from . import import_hooks, process_keys, protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterator


def _find_sha256() -> Callable[[bytes], Any]:
    """SHA-256 from where `random` takes SHA-512: hashlib would load OpenSSL, 2 ms in each process that imports `random`."""
    for name in ("_sha2", "_sha256"):  # since Python 3.12, and before
        try:
            return __import__(name).sha256  # type: ignore[no-any-return]
        except ImportError:
            continue
    from hashlib import sha256

    return sha256


_sha256 = _find_sha256()
_root_seed = 0
_counters: dict[tuple[str, str], Iterator[int]] = {}  # (key of the process, what) → the number of the next draw
_reported: set[tuple[str, str]] = set()


def begin(root_seed: int) -> None:
    """Set the root seed of the run."""
    global _root_seed
    _root_seed = root_seed


def bits(what: str, length: int) -> int:
    """The next number of that many bits for `what` in this process."""
    key = process_keys.current()
    number = next(_counters.setdefault((key, what), count()))
    return derive(_root_seed, key, what, number, length)


def derive(root_seed: int, key: str, what: str, number: int, length: int) -> int:
    """`length` bits out of SHA-256 over these facts, block after block."""
    blocks = b"".join(
        _sha256(f"twice 1\n{root_seed}\n{key}\n{what}\n{number}\n{block}".encode()).digest()
        for block in range((length + 255) // 256)
    )
    return int.from_bytes(blocks, "big") >> (len(blocks) * 8 - length)


def _report(what: str) -> None:
    """Write a `seeded` event, the first time in each process."""
    mark = (process_keys.current(), what)
    journal = protocol.run_journal()
    if mark not in _reported and journal is not None:
        _reported.add(mark)
        journal.write("seeded", what=what, key=mark[0])


def seed_random(module: Any) -> None:
    """Seed the `random` module and its unseeded generators."""
    original = module.Random.seed

    def seed(self: Any, a: Any = None, version: int = 2) -> None:
        if a is None:
            a = bits("random.Random", 256)
        original(self, a, version)

    module.Random.seed = import_hooks.look_like(seed, original)
    hidden = module._inst  # what random.random(), random.shuffle(), … use
    module.seed = hidden.seed

    def seed_hidden() -> None:
        original(hidden, bits("random", 256))
        _report("random")

    seed_hidden()
    if hasattr(os, "register_at_fork"):
        # Python seeds it from the operating system in each forked child. This comes after, for it is registered later.
        os.register_at_fork(after_in_child=seed_hidden)


def spare_tempfile(module: Any) -> None:
    """Keep the names of temporary files unpredictable: others on the machine must not be able to guess them."""
    import random

    module._Random = random.SystemRandom


def seed_numpy(module: Any) -> None:
    """Seed everything in numpy that would ask the operating system; `module` is numpy.random.bit_generator."""
    if not hasattr(module, "randbits"):
        raise RuntimeError("this numpy takes its entropy from elsewhere; it is not seeded")

    def randbits(k: int) -> int:
        _report("numpy")  # for a forked child, which has imported nothing
        return bits("numpy", k)

    module.randbits = randbits
    _report("numpy")


def seed_torch(module: Any) -> None:
    """Seed torch's default generators, and have cuDNN choose its algorithms in the same way each time."""
    module.manual_seed(bits("torch", 63))
    _report("torch")
    module.backends.cudnn.deterministic = True
    module.backends.cudnn.benchmark = False


def seed_tensorflow(module: Any) -> None:
    """Set TensorFlow's global seed."""
    module.random.set_seed(bits("tensorflow", 31))
    _report("tensorflow")


def seed_polars(module: Any) -> None:
    """Set polars' global seed."""
    module.set_random_seed(bits("polars", 63))
    _report("polars")
