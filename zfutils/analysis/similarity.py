"""How alike pictures and rankings are, in numbers."""

import numpy as np
import scipy

_AT_ONCE = 1024  # rows of features in float32


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


def nearest(features: np.ndarray, index: int, *, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The pictures whose features point most nearly the same way as those of one.

    Args:
        features: of all pictures, (n, numbers), of any float type; they are read as needed.
        index: of the one.
        count: how many, below n.

    Returns:
        Indices of the others from the nearest on and their cosines, (count,) each.
    """
    own = np.asarray(features[index], np.float32)
    alike = np.empty(len(features), np.float32)
    for start in range(0, len(features), _AT_ONCE):
        some = np.asarray(features[start : start + _AT_ONCE], np.float32)
        sizes = np.linalg.norm(some, axis=1) * np.linalg.norm(own)
        alike[start : start + _AT_ONCE] = some @ own / np.where(sizes > 0, sizes, 1)
    alike[index] = -np.inf
    order = np.argsort(-alike, kind="stable")[:count]
    return order, alike[order]


def mean_pairs(pictures: np.ndarray) -> float:
    """Mean cosine over all pairs of some pictures (k, ...); pictures that are all zero count with 0."""
    flat = _unit(pictures)
    return float((flat @ flat.T)[np.triu_indices(len(flat), 1)].mean())


def mean_between(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Mean cosine over all pairs of a picture of ours (k, ...) and one of theirs (m, ...); pictures that are all zero count with 0."""
    return float((_unit(ours) @ _unit(theirs).T).mean())


def rank_correlation(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation of each column.

    Args:
        ours, theirs: (n, columns).

    Returns:
        (columns,), in [-1, 1]; NaN for a column that holds one value only.
    """
    a, b = (scipy.stats.rankdata(x, axis=0) for x in (ours, theirs))
    a, b = a - a.mean(0), b - b.mean(0)
    sizes = np.sqrt((a * a).sum(0) * (b * b).sum(0))
    return np.where(sizes > 0, (a * b).sum(0) / np.where(sizes > 0, sizes, 1), np.nan)


def _unit(pictures: np.ndarray) -> np.ndarray:
    """Pictures as rows of length 1, float64 (k, numbers); zero where all is zero."""
    flat = np.asarray(pictures, np.float64).reshape(len(pictures), -1)
    sizes = np.linalg.norm(flat, axis=1, keepdims=True)
    return flat / np.where(sizes > 0, sizes, 1)
