"""Search parameters at random in two worker processes."""

import pandas as pd
from scipy.stats import loguniform
from sklearn.datasets import load_wine
from sklearn.model_selection import RandomizedSearchCV, ShuffleSplit
from sklearn.svm import SVC

X, y = load_wine(return_X_y=True)
search = RandomizedSearchCV(
    SVC(), {"C": loguniform(1e-2, 1e3), "gamma": loguniform(1e-5, 1e-1)}, n_iter=8, n_jobs=2, cv=ShuffleSplit(3)
)
search.fit(X, y)
print(f"best score: {search.best_score_}")
print(f"best C: {search.best_params_['C']}")
results = pd.DataFrame(search.cv_results_)
results[["param_C", "param_gamma", "mean_test_score", "rank_test_score"]].to_csv("search.csv", index=False)
