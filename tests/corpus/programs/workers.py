"""A Monte Carlo on worker processes, each with a share of its own: `workers.py fork|spawn|forkserver COUNT`."""

import multiprocessing
import random
import sys

import numpy as np


def simulate(number, results):
    generator = np.random.default_rng()
    draws = [random.random() for _ in range(5)] + list(np.random.rand(5)) + list(generator.random(5))
    results.put((number, [float(draw) for draw in draws]))


if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    count = int(sys.argv[2])
    results = context.SimpleQueue()
    processes = [context.Process(target=simulate, args=(number, results)) for number in range(count)]
    for process in processes:
        process.start()
    found = dict(results.get() for _ in processes)
    for process in processes:
        process.join()
    draws = [draw for number in sorted(found) for draw in found[number]]
    print(f"distinct: {len(set(draws))}")
    print(f"mean: {sum(draws) / len(draws)!r}")
    with open("draws.txt", "w") as file:
        file.write("\n".join(map(repr, draws)))
