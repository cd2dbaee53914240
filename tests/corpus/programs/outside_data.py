"""Read data that lies beside the repository, and data by its absolute path."""

import sys
from pathlib import Path

beside = sum(map(float, Path("../beside/values.txt").read_text().split()))
absolute = len(Path(sys.argv[1]).read_bytes())
print(f"beside: {beside!r}")
print(f"absolute: {absolute}")
Path("outside.txt").write_text(f"{beside} {absolute}\n")
