"""Fit a line to noisy points by stochastic gradient descent, with the standard library only."""

import argparse
import json
import random

import twice


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lr", type=float, default=0.01, help="learning rate")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--settings", default="settings.json", help="the line to find")
    args = parser.parse_args()

    with open(args.settings) as file:
        settings = json.load(file)
    # No seed anywhere: an unseeded script, as most are.
    points = [random.uniform(-1, 1) for _ in range(settings["points"])]
    data = [(x, settings["slope"] * x + settings["offset"] + random.gauss(0, settings["noise"])) for x in points]
    train, test = data[: len(data) * 2 // 3], data[len(data) * 2 // 3 :]

    slope = offset = 0.0
    for epoch in range(args.epochs):
        random.shuffle(train)
        for x, y in train:
            error = slope * x + offset - y
            slope -= args.lr * error * x
            offset -= args.lr * error
        loss = sum((slope * x + offset - y) ** 2 for x, y in test) / len(test)
        twice.log_metric("loss", loss, step=epoch)
        print(f"epoch {epoch:2}  loss {loss:.5f}")

    with open("model.json", "w") as file:
        json.dump({"slope": slope, "offset": offset}, file)


if __name__ == "__main__":
    main()
