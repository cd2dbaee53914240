"""A script that sets its own seeds: they win."""

import random

import numpy as np

random.seed(7)
np.random.seed(7)
generator = np.random.default_rng(7)
print(f"random: {random.random()!r}")
print(f"legacy: {float(np.random.rand())!r}")
print(f"generator: {float(generator.random())!r}")
print(f"private: {random.Random(7).random()!r}")
