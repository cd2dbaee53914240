"""Read a folder in the order in which the file system lists it; write all in one."""

import os
from pathlib import Path

texts = [Path("texts", name).read_text() for name in os.listdir("texts")]
texts += [path.read_text() for path in sorted(Path("texts").glob("*.txt"))]
Path("joined.txt").write_text("".join(texts))
print(f"files: {len(texts)}")
