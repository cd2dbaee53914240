"""A report that bears its time: the numbers come out again, the file does not."""

import time
from pathlib import Path

Path("report.txt").write_text(f"made at {time.time_ns()}\n")
print("answer: 42")
