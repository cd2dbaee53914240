"""Run as `python -m experiment`."""

import random
from importlib.resources import files

scale = float(files("experiment").joinpath("scale.txt").read_text())
print(f"value: {scale * random.random()!r}")
