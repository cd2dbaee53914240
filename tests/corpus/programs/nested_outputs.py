"""Many small results in folders of folders."""

from pathlib import Path
import random

for group in range(3):
    for number in range(4):
        folder = Path("results", f"group{group}", f"part{number}")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "value.txt").write_text(f"{random.random()!r}\n")
print("files: 12")
