"""How alike pictures, rankings and groups of units are, in numbers, with intervals."""

import numpy as np
from scipy import stats


def cosine(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Cosine between pairs of signed pictures.

    Args:
        ours, theirs: (n, ...), of one shape.

    Returns:
        (n,), in [-1, 1]; 0 where one of the two is all zero.
    """
    a, b = (np.asarray(x, np.float64).reshape(len(x), -1) for x in (ours, theirs))
    sizes = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return (a * b).sum(1) / np.where(sizes > 0, sizes, 1)


def mean_pairs(pictures: np.ndarray) -> float:
    """Mean cosine over all pairs of some pictures (k, ...); pictures that are all zero count with 0."""
    flat = np.asarray(pictures, np.float64).reshape(len(pictures), -1)
    sizes = np.linalg.norm(flat, axis=1, keepdims=True)
    flat = flat / np.where(sizes > 0, sizes, 1)
    similar = flat @ flat.T
    return float(similar[np.triu_indices(len(flat), 1)].mean())


def rank_correlation(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation of each column.

    Args:
        ours, theirs: (n, columns).

    Returns:
        (columns,), in [-1, 1]; NaN for a column that holds one value only.
    """
    a, b = (stats.rankdata(x, axis=0) for x in (ours, theirs))
    a, b = a - a.mean(0), b - b.mean(0)
    sizes = np.sqrt((a * a).sum(0) * (b * b).sum(0))
    return np.where(sizes > 0, (a * b).sum(0) / np.where(sizes > 0, sizes, 1), np.nan)


def mean_interval(values: np.ndarray, *, generator: np.random.Generator, draws: int = 10_000) -> tuple[float, float, float]:
    """Mean with a 95 % bootstrap interval.

    Args:
        values: one number a unit, (n,).
        generator: source of the draws.
        draws: bootstrap samples.

    Returns:
        The mean and the ends of its interval; three NaN for no values.
    """
    values = np.asarray(values, np.float64)
    if not len(values):
        return (float("nan"),) * 3
    means = values[generator.integers(0, len(values), (draws, len(values)))].mean(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(values.mean()), float(low), float(high)


def mean_difference(
    ours: np.ndarray, theirs: np.ndarray, *, generator: np.random.Generator, draws: int = 10_000
) -> tuple[float, float, float]:
    """Difference of the means of two groups of units, with a 95 % bootstrap interval; each group is drawn by itself.

    Args:
        ours, theirs: one number a unit.
        generator: source of the draws.
        draws: bootstrap samples.

    Returns:
        The difference and the ends of its interval; three NaN where a group is empty.
    """
    if not len(ours) or not len(theirs):
        return (float("nan"),) * 3
    drawn = [values[generator.integers(0, len(values), (draws, len(values)))].mean(1) for values in (ours, theirs)]
    low, high = np.percentile(drawn[0] - drawn[1], [2.5, 97.5])
    return float(np.mean(ours) - np.mean(theirs)), float(low), float(high)
