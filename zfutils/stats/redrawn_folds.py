"""Folds that redraw from one pool: intervals that know that such folds share images (Nadeau & Bengio 2003)."""

import numpy as np
from scipy import stats


def factor(folds: int, *, test: float, train: float) -> float:
    """What the variance over the folds is multiplied by to give that of their mean.

    Folds that had nothing in common would give 1 / folds; those that redraw from one pool are alike, and Nadeau and Bengio's estimate of
    how much so adds test / train. Where few images train and many test that is careful: it covers more often than it promises.

    Args:
        folds: number of draws.
        test, train: images of a fold.
    """
    return 1 / folds + test / train


def half_width(values: np.ndarray, *, test: float, train: float) -> float:
    """Half the width of the 95 % interval of a mean over folds; NaN for one fold, which says nothing of its spread.

    Args:
        values: one number a fold: an accuracy, or a difference of two on the same fold.
        test, train: images of a fold.
    """
    folds = len(values)
    if folds < 2:
        return float("nan")
    return float(stats.t.ppf(0.975, folds - 1) * np.std(values, ddof=1) * np.sqrt(factor(folds, test=test, train=train)))


def mean(values: np.ndarray, *, test: float, train: float) -> tuple[float, float, float]:
    """Mean over folds and the ends of its 95 % interval; arguments as in `half_width`."""
    half = half_width(values, test=test, train=train)
    return float(np.mean(values)), float(np.mean(values)) - half, float(np.mean(values)) + half
