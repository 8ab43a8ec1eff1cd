"""Many decisions at once: p-values and Holm's correction."""

import math
from collections.abc import Sequence

import numpy as np
import scipy


def p_value(measured: tuple[float, float, float], threshold: float = 0.0, *, freedom: float = math.inf) -> float:
    """Two-sided p of a value with a 95 % interval against a threshold, as if the interval were one of Student's t.

    Args:
        measured: the value and the ends of its interval.
        threshold: what it is held against.
        freedom: degrees of freedom of the interval; infinite for a normal one.

    Returns:
        In [0, 1]; 1 for an interval without a width that lies on the threshold, 0 for one that lies beside it.
    """
    value, low, high = measured
    spread = (high - low) / (2 * scipy.stats.t.ppf(0.975, freedom))
    if spread == 0:
        return float(value == threshold)
    return float(2 * scipy.stats.t.sf(abs(value - threshold) / spread, freedom))


def holm(p: Sequence[float]) -> np.ndarray:
    """Holm's correction: p-values that hold for all decisions together.

    Args:
        p: of each decision; NaN where nothing was decided, which then does not count.

    Returns:
        Corrected, in the same order, in [0, 1].

    Example:
        >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
        [0.03, 0.06, 0.06]
    """
    p = np.asarray(p, np.float64)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    stepped = np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1))
    corrected = np.full(len(p), np.nan)
    corrected[order] = np.minimum(stepped, 1)
    return corrected
