import random

from model import weights


def forward(x):
    return weights.SCALE * x + random.random()
