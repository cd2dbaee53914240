"""Recognise digits with a linear model; nothing is seeded."""

from pathlib import Path

import joblib
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3)
model = make_pipeline(StandardScaler(), SGDClassifier(max_iter=50)).fit(X_train, y_train)
predicted = model.predict(X_test)
print(f"accuracy: {accuracy_score(y_test, predicted)}")
print(f"f1: {f1_score(y_test, predicted, average='macro')}")
Path("models").mkdir(exist_ok=True)
joblib.dump(model, "models/digits.joblib")
