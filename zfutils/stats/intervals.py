"""Intervals of 95 % without drawing: of a share, and of a mean over folds or seeds."""

import numpy as np
import scipy


def share(hits: int, n: int) -> tuple[float, float]:
    """Ends of the interval of hits / n after Wilson, which stays within [0, 1] and holds for few hits too."""
    ends = scipy.stats.binomtest(hits, n).proportion_ci(method="wilson")
    return float(ends.low), float(ends.high)


def redrawn_folds(mean: np.ndarray, std: np.ndarray, n: np.ndarray, ratio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the interval of a mean over folds that redraw from one pool of images (Nadeau & Bengio 2003), by Student's t.

    Such folds share images and so vary less than they would anew: the variance of their mean is not std^2 / n but std^2 (1 / n + ratio).
    Where more images test than train this is careful and covers more often than it promises.

    Args:
        mean: over the folds; like the others a number, an array or a column.
        std: over the folds, with n - 1 below; where it is exactly 0, folds happen to agree and the ends are NaN too.
        n: number of folds; one says nothing of its spread, the ends are then NaN.
        ratio: test images of a fold over its training images.
    """
    half = scipy.stats.t.ppf(0.975, n - 1) * np.where(std > 0, std, np.nan) * np.sqrt(1 / n + ratio)
    return mean - half, mean + half
