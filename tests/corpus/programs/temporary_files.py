"""Work in temporary files, and put the result in place in one step."""

import os
import random
import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    scratch = Path(folder, "scratch.txt")
    scratch.write_text("\n".join(str(random.random()) for _ in range(100)))
    total = sum(map(float, scratch.read_text().split()))
with tempfile.NamedTemporaryFile("w", dir=".", prefix="result-", delete=False) as file:
    file.write(f"{total!r}\n")
os.replace(file.name, "result.txt")
print(f"total: {total!r}")
