"""Gradient descent with momentum on a small loss whose answer is known: what learning rate and momentum do (section 3)."""

import numpy as np

from zfutils.core.errors import Problem

_FAR = 1e6  # times the first loss, where a path that runs away ends
_SMALL = 1e-9


def loss(points: np.ndarray, curvatures: np.ndarray) -> np.ndarray:
    """The loss `sum(h * x^2) / 2`, a valley that is as steep along each axis as its curvature h says.

    Args:
        points: (..., axes).
        curvatures: (axes,), positive.

    Returns:
        (...).
    """
    return (curvatures * points**2).sum(-1) / 2


def path(start: np.ndarray, curvatures: np.ndarray, *, rate: float, momentum: float, steps: int) -> np.ndarray:
    """Descend the loss, as the training descends its own: `velocity = momentum * velocity + gradient`, `x = x - rate * velocity`.

    *Paper:* section 3: stochastic gradient descent with momentum .9.

    Args:
        start: (axes,).
        curvatures: of the loss, (axes,).
        rate: the learning rate, from 0.
        momentum: in [0, 1).
        steps: how many are taken; fewer where the loss grows beyond all measure.

    Returns:
        The points, the start first, float64 of shape (at most steps + 1, axes).

    Raises:
        Problem: the rate is below 0, or the momentum outside [0, 1).
    """
    _check(rate, momentum)
    points, velocity = [np.asarray(start, float)], np.zeros(len(start))
    far = _FAR * loss(points[0], curvatures)
    for _ in range(steps):
        velocity = momentum * velocity + curvatures * points[-1]
        points.append(points[-1] - rate * velocity)
        if loss(points[-1], curvatures) > far:
            break
    return np.array(points)


def modes(curvatures: np.ndarray, *, rate: float, momentum: float) -> np.ndarray:
    """By what a step multiplies the distance to the minimum along each axis, in the long run.

    Along an axis of curvature h a step is linear in this point and the last one, `x'' = (1 + momentum - rate * h) x' - momentum * x`; its
    two factors are the roots of `z^2 - (1 + momentum - rate * h) z + momentum`.

    Args:
        curvatures: (axes,).
        rate, momentum: as for `path`.

    Returns:
        The larger root in absolute value of each axis, complex (axes,). Above 1 in absolute value the axis diverges; what is not real and
        positive swings.

    Raises:
        Problem: as `path`.
    """
    _check(rate, momentum)
    middle = (1 + momentum - rate * np.asarray(curvatures, float)) / 2
    root = np.sqrt((middle**2 - momentum).astype(complex))
    return np.where(middle < 0, middle - root, middle + root)


def verdict(curvatures: np.ndarray, *, rate: float, momentum: float) -> str:
    """Whether the descent `diverges`, `oscillates` (it comes down, and swings over the minimum along some axis) or `converges`: one line.

    Raises:
        Problem: as `path`.
    """
    found, steep = modes(curvatures, rate=rate, momentum=momentum), np.asarray(curvatures, float)
    limit = 2 * (1 + momentum) / steep.max()
    if rate == 0:
        return "stands still: the rate is 0"
    if rate >= limit:
        return f"diverges: the rate is not below {limit:.3g} = 2 (1 + momentum) / {steep.max():g}, the limit of the steepest axis"
    slowest = f"the slowest axis keeps {np.abs(found).max():.3f} of its distance a step"
    swings = steep[(np.abs(found.imag) > _SMALL) | (found.real < -_SMALL)]
    if len(swings):
        return f"oscillates: it swings over the minimum along curvature {' and '.join(f'{h:g}' for h in swings)}; {slowest}"
    return f"converges: {slowest}"


def _check(rate: float, momentum: float) -> None:
    if rate < 0 or not 0 <= momentum < 1:
        raise Problem(f"expected a rate from 0 and a momentum in [0, 1), got {rate:g} and {momentum:g}; the paper takes .01 and .9")
