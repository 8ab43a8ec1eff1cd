"""Average precision: how well scores rank the pictures that show a class before those that do not."""

import numpy as np


def average(scores: np.ndarray, present: np.ndarray, *, interpolated: bool = True) -> float:
    """Average precision of one class.

    *Paper:* table 6 (PASCAL VOC 2012).

    Args:
        scores: of the pictures, (n,); equal scores count as one step.
        present: whether each shows the class, bool (n,).
        interpolated: as PASCAL VOC measures since 2010: the precision at a recall is the best at this or any higher recall. Else the plain
            sum over steps of recall, as scikit-learn does.

    Returns:
        In [0, 1]; not a number when no picture shows the class.

    Example:
        >>> average(np.array([3.0, 2.0, 1.0]), np.array([True, False, True]), interpolated=False)
        0.8333333333333333
    """
    if not present.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)  # last picture of each run of equal scores
    hits = present[order].cumsum()[ends]
    precision, recall = hits / (ends + 1), hits / present.sum()
    if interpolated:
        precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def per_class(scores: np.ndarray, present: np.ndarray, *, interpolated: bool = True) -> np.ndarray:
    """Average precision of every class; scores and present (n, classes) give (classes,)."""
    return np.array([average(own, shown, interpolated=interpolated) for own, shown in zip(scores.T, present.T, strict=True)])


def mean_difference(
    ours: np.ndarray, theirs: np.ndarray, present: np.ndarray, *, generator: np.random.Generator, draws: int = 1000
) -> tuple[float, float, float]:
    """Difference of two mean average precisions on the same pictures, with a bootstrap over pictures.

    Args:
        ours, theirs: scores, (n, classes).
        present: which classes each picture shows, bool (n, classes).
        generator: source of the draws.
        draws: bootstrap samples.

    Returns:
        ours - theirs and the ends of the 95 % interval; classes that a draw does not show are left out of its mean.
    """

    def gap(rows: np.ndarray) -> float:
        return float(np.nanmean(per_class(ours[rows], present[rows]) - per_class(theirs[rows], present[rows])))

    everything = np.arange(len(present))
    low, high = np.percentile([gap(generator.integers(0, len(present), len(present))) for _ in range(draws)], [2.5, 97.5])
    return gap(everything), float(low), float(high)
