"""The standard library's generators: shared, private, weighted, shuffled."""

import random
import statistics

private = random.Random()
deck = list(range(52))
random.shuffle(deck)
print(f"mean: {statistics.fmean(random.gauss(0, 1) for _ in range(1000))!r}")
print(f"private: {private.random()!r}")
print(f"pick: {random.choices(range(100), weights=range(1, 101))[0]}")
with open("deck.txt", "w") as file:
    print(*deck, file=file)
