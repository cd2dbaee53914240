"""Results that depend on the order of a set, and so on the hash of texts."""

words = {"alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"}
total = 0.0
for position, word in enumerate(words):
    total += position / (1 + len(word))
print(f"order dependent: {total!r}")
print(f"hash: {hash('twice') % 1000}")
with open("order.txt", "w") as file:
    print(*words, file=file)
