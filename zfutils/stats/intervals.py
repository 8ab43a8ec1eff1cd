"""Intervals of 95 % without drawing: of a share, and of a mean over folds or seeds."""

import numpy as np
from scipy import stats


def share(hits: int, n: int) -> tuple[float, float]:
    """Ends of the interval of hits / n after Wilson, which stays within [0, 1] and holds for few hits too."""
    ends = stats.binomtest(hits, n).proportion_ci(method="wilson")
    return float(ends.low), float(ends.high)


def students_t(mean: np.ndarray, std: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the interval of a mean of n independent numbers after Student.

    Args:
        mean: of the numbers; like the others a number, an array or a column.
        std: of the numbers, with n - 1 below.
        n: how many; one says nothing of its spread, the ends are then NaN.
    """
    half = stats.t.ppf(0.975, n - 1) * std / np.sqrt(n)
    return mean - half, mean + half
