"""Data behind a symbolic link that leads out of the repository."""

from pathlib import Path

print(f"sum: {sum(map(float, Path('data/values.txt').read_text().split()))!r}")
