"""A small neural network, its loss by epoch, pickled."""

import pickle

from sklearn.datasets import make_moons
from sklearn.neural_network import MLPClassifier

X, y = make_moons(400, noise=0.2)
network = MLPClassifier((16,), max_iter=30, early_stopping=True, n_iter_no_change=30)
network.fit(X, y)
for epoch, loss in enumerate(network.loss_curve_):
    print(f"loss: {loss} (step {epoch})")
print(f"score: {network.score(X, y)}")
with open("network.pkl", "wb") as file:
    pickle.dump(network, file)
