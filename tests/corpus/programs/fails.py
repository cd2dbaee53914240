"""Writes half of its results and fails."""

import random
import sys

print(f"loss: {random.random()!r}")
with open("half.txt", "w") as file:
    file.write(f"{random.random()!r}\n")
sys.exit(3)
