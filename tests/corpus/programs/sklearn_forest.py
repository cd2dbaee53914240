"""A forest on two threads, cross-validated; its importances as an array."""

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.inspection import permutation_importance
from sklearn.model_selection import StratifiedKFold, cross_val_score

X, y = load_breast_cancer(return_X_y=True)
forest = RandomForestClassifier(n_estimators=30, n_jobs=2)
scores = cross_val_score(forest, X, y, cv=StratifiedKFold(3, shuffle=True))
forest.fit(X, y)
importance = permutation_importance(forest, X[:100], y[:100], n_repeats=3)
print(f"cv score: {scores.mean()}")
print(f"top importance: {importance.importances_mean.max()}")
np.savez_compressed("forest.npz", scores=scores, importances=forest.feature_importances_)
