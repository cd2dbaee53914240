"""Subcommands by argparse, each with options of its own."""

import argparse
import random

parser = argparse.ArgumentParser()
parser.add_argument("--verbose", action="store_true")
commands = parser.add_subparsers(dest="command", required=True)
train = commands.add_parser("train")
train.add_argument("--lr", type=float, default=0.01)
train.add_argument("--layers", type=int, nargs="+", default=[8, 8])
options = parser.parse_args()
print(f"score: {options.lr * random.random() * sum(options.layers)!r}")
