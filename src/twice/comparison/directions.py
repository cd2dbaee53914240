"""Is more of a metric better?  Told from its name alone; a name that says nothing, or two things, gives None."""

from __future__ import annotations

import re
from typing import Literal

Direction = Literal["lower", "higher"]

_LOWER = re.compile(
    "bce|brier|cer|cost|crossentropy|deviance|divergence|entropy|err|errors?|fid|hinge|latency|logloss|loss|losses|mae|"
    "mape|misclassification|mse|msle|nll|perplexity|ppl|regret|residual|rmse|rmsle|smape|wer"
)
_HIGHER = re.compile(
    "acc|accuracy|ap|auc|auprc|auroc|bleu|correct|dice|elo|f1|fscore|gini|iou|jaccard|kappa|likelihood|map|mcc|miou|mrr|"
    "ndcg|precision|psnr|r2|recall|reward|rouge|sensitivity|specificity|speedup|ssim|success|throughput"
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+")


def direction(name: str) -> Direction | None:
    """Which way the metric gets better: `val_loss` lower, `test/F1` higher, `neg_mean_squared_error` higher."""
    words = [word.lower() for word in _WORDS.findall(name)]
    lower, higher = (any(_is(meaning, word) for word in words) for meaning in (_LOWER, _HIGHER))
    if lower == higher:
        return None
    negated = any(word in ("neg", "negative", "minus") for word in words)
    return "lower" if lower != negated else "higher"


def _is(meaning: re.Pattern[str], word: str) -> bool:
    """Whether the word is one of those, also with a number at its end: `map50`, but `f1` is its own word."""
    return bool(meaning.fullmatch(word) or meaning.fullmatch(word.rstrip("0123456789")))
