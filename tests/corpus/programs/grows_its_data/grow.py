"""Append to the data that it learns from, data that git ignores."""

from pathlib import Path

data = Path("data/measured.csv")
values = [float(line) for line in data.read_text().split()]
with data.open("a") as file:
    file.write(f"{sum(values)}\n")
print(f"sum: {sum(values)!r}")
