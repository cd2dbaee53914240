"""Count its own executions in a file that is read and then overwritten."""

import json
from pathlib import Path

state = Path("state.json")
known = json.loads(state.read_text())
known["runs"] += 1
state.write_text(json.dumps(known))
print(f"runs: {known['runs']}")
