"""Use a package of the repository that has changes which are not committed."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "src"))

from model.network import forward

print(f"forward: {forward(3.0)!r}")
