"""Pairs: what a score owes to its own pair, when the first of one could as well have met the second of any other."""

import numpy as np


def own_and_chance(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The score of every pair, and what it would be by chance.

    Of a projection and an object, say, the score may be high because the object is large, and then any projection scores high on it; or
    because the projection spreads over the picture, and then it scores high on any object. So the chance of pair i is what its first scores
    with the others' second, plus what the others' first score with its second, minus the mean over all strange pairs. Its mean over the
    pairs is the mean over all strange pairs. What is left above it has one value a pair, and a bootstrap over the pairs gives the interval
    that one would get by drawing pairs and forming all strange pairs of them anew, up to terms in 1/n.

    Args:
        scores: of the first of pair i with the second of pair j, (n, n); the pairs' own on the diagonal. NaN is left out of means.

    Returns:
        Own score and chance, (n,) each; chance is NaN where a pair has no strange one.
    """
    strange = np.where(np.eye(len(scores), dtype=bool), np.nan, scores)
    known = np.isfinite(strange)
    sums = np.where(known, strange, 0)
    with np.errstate(invalid="ignore"):  # 0 / 0 is the NaN that is promised
        rows, columns = sums.sum(1) / known.sum(1), sums.sum(0) / known.sum(0)
        return np.diagonal(scores).copy(), rows + columns - sums.sum() / known.sum()
