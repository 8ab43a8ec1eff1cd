"""How much one class excites a unit above the others."""

import numpy as np


def by_class(activity: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Class selectivity (Morcos et al. 2018): (a - b) / (a + b), a the largest mean over a class, b the mean of the other classes' means.

    Args:
        activity: strongest activation of each unit in each picture, not below 0, (n, units).
        labels: class of each picture, (n,); at least two classes.

    Returns:
        The index of each unit, (units,), in [0, 1], NaN for one that no picture makes active; and the label of its strongest class.
    """
    known = np.unique(labels)
    means = np.stack([activity[labels == label].mean(0, dtype=np.float64) for label in known])  # (classes, units)
    best = means.max(0)
    others = (means.sum(0) - best) / (len(known) - 1)
    total = best + others
    return np.where(total > 0, (best - others) / np.where(total > 0, total, 1), np.nan), known[means.argmax(0)]
