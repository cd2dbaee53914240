"""Randomness that must not be taken away: it can never come out again."""

import os
import secrets
import uuid

print(f"entropy: {int.from_bytes(os.urandom(4), 'big')}")
print(f"token: {secrets.randbelow(2**40)}")
with open("id.txt", "w") as file:
    print(uuid.uuid4(), file=file)
