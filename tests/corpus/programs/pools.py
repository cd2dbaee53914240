"""The same on pools whose workers take the next task when they are free: `pools.py pool|futures|loky`."""

import multiprocessing
import random
import sys
from concurrent.futures import ProcessPoolExecutor

import numpy as np


def draw(_):
    return [random.random(), float(np.random.rand()), float(np.random.default_rng().random())]


def run(kind, tasks):
    if kind == "pool":
        with multiprocessing.Pool(2) as pool:
            return pool.map(draw, tasks)
    if kind == "futures":
        with ProcessPoolExecutor(2) as pool:
            return list(pool.map(draw, tasks))
    from joblib import Parallel, delayed

    return Parallel(n_jobs=2)(delayed(draw)(task) for task in tasks)


if __name__ == "__main__":
    found = [number for numbers in run(sys.argv[1], range(20)) for number in numbers]
    print(f"distinct: {len(set(found))}")
    print(f"mean: {sum(found) / len(found)!r}")
