"""Threads, each with a generator that the main thread made for it."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

generators = np.random.default_rng().spawn(4)
with ThreadPoolExecutor(4) as pool:
    means = list(pool.map(lambda generator: float(generator.standard_normal(10_000).mean()), generators))
print(f"distinct: {len(set(means))}")
print(f"spread: {max(means) - min(means)!r}")
