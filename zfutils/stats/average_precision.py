"""Average precision: how well scores rank the pictures that show a class before those that do not."""

import numpy as np

from zfutils.stats import bootstrap
from zfutils.stats.bootstrap import Interval


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
    order, precision, recall = curve(scores, present)
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)  # last picture of each run of equal scores
    precision, recall = precision[ends], recall[ends]
    if interpolated:
        precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def curve(scores: np.ndarray, present: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision and recall when the pictures with the highest scores are taken, one more at each step.

    Args:
        scores: of the pictures, (n,).
        present: whether each shows the class, bool (n,); one or more do.

    Returns:
        Indices from the highest score down, and after each step the share of the taken pictures that show the class, and the share of those
        that show it that are taken; (n,) each.
    """
    order = np.argsort(-scores, kind="stable")
    hits = present[order].cumsum()
    return order, hits / np.arange(1, len(order) + 1), hits / present.sum()


def per_class(scores: np.ndarray, present: np.ndarray, *, counts: np.ndarray | None = None, interpolated: bool = True) -> np.ndarray:
    """Average precision of every class.

    Args:
        scores: (n, classes).
        present: which classes each picture shows, bool (n, classes).
        counts: which pictures count for a class, bool (n, classes); None for all.
        interpolated: as in `average`.

    Returns:
        (classes,).
    """
    counts = np.ones_like(present) if counts is None else counts
    columns = zip(scores.T, present.T, counts.T, strict=True)
    return np.array([average(own[valid], shown[valid], interpolated=interpolated) for own, shown, valid in columns])


def mean_difference(
    ours: np.ndarray,
    theirs: np.ndarray,
    present: np.ndarray,
    *,
    counts: np.ndarray | None = None,
    generator: np.random.Generator,
    draws: int = 1000,
) -> Interval:
    """Difference of two mean average precisions on the same pictures, with a bootstrap over pictures.

    Args:
        ours, theirs: scores, (n, classes).
        present: which classes each picture shows, bool (n, classes).
        counts: as in `per_class`.
        generator: source of the draws.
        draws: bootstrap samples.

    Returns:
        ours - theirs and the ends of the 95 % interval; classes that a draw does not show are left out of its mean.
    """
    counts = np.ones_like(present) if counts is None else counts

    def gap(indices: np.ndarray) -> float:
        first, second = (per_class(scores[indices], present[indices], counts=counts[indices]) for scores in (ours, theirs))
        return float(np.nanmean(first - second))

    return bootstrap.measured(gap, len(present), generator=generator, draws=draws)
