"""Params from a file of its own."""

import json
import random
from pathlib import Path

settings = json.loads(Path("config.json").read_text())
print(f"value: {settings['model']['width'] * random.random()!r}")
