"""A child that refuses variables, and with them its seed: it cannot be repeated."""

import subprocess
import sys

code = "import random; print(random.random())"
out = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
print(f"draw: {out.strip()}")
