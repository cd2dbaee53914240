"""Train a small classifier on scikit-learn's bundled digits, and keep the model and a learning curve."""

import argparse
import json
import pickle

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import twice


def plot(losses, path):
    """Draw the learning curve; without matplotlib there is none."""
    try:
        import matplotlib
    except ImportError:
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(4, 3))
    axes.plot(losses)
    axes.set(xlabel="epoch", ylabel="validation loss")
    figure.savefig(path, dpi=80, metadata={"Software": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lr", type=float, default=0.01, help="initial learning rate")
    parser.add_argument("--alpha", type=float, default=1e-4, help="strength of the penalty")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--classes", default="classes.json", help="which digits to tell apart")
    args = parser.parse_args()

    with open(args.classes) as file:
        classes = json.load(file)
    digits = load_digits()
    chosen = np.isin(digits.target, classes)
    # No random_state anywhere: an unseeded script, as most are.
    x_train, x_test, y_train, y_test = train_test_split(digits.data[chosen], digits.target[chosen], test_size=0.3)
    scaler = StandardScaler().fit(x_train)
    x_train, x_test = scaler.transform(x_train), scaler.transform(x_test)

    model = SGDClassifier(loss="log_loss", learning_rate="invscaling", eta0=args.lr, alpha=args.alpha)
    losses = []
    for epoch in range(args.epochs):
        order = np.random.default_rng().permutation(len(x_train))
        model.partial_fit(x_train[order], y_train[order], classes=classes)
        losses.append(log_loss(y_test, model.predict_proba(x_test), labels=classes))
        accuracy = accuracy_score(y_test, model.predict(x_test))
        twice.log_metrics({"loss": losses[-1], "accuracy": accuracy}, step=epoch)
        print(f"epoch {epoch:2}  loss {losses[-1]:.4f}  accuracy {accuracy:.4f}")

    with open("model.pkl", "wb") as file:
        pickle.dump((scaler, model), file)
    plot(losses, "curve.png")


if __name__ == "__main__":
    main()
