"""Programs started by a program: each draws numbers of its own."""

import subprocess
import sys

out = [subprocess.run([sys.executable, "draw.py", str(n)], capture_output=True, text=True).stdout for n in range(3)]
print(f"distinct: {len(set(out))}")
print(f"sum: {sum(map(float, out))!r}")
with open("children.txt", "w") as file:
    file.writelines(out)
