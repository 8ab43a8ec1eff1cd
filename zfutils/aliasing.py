"""Aliasing: how much a projection follows the grid of the first layer's stride (section 4.1, figure 6 d, e)."""

import numpy as np

_SIDE = 64  # of the grid of frequencies
_NEAR = (3, 6)  # bins away from the grid's frequency: what it is compared with


def grid_excess(projections: np.ndarray, stride: int) -> np.ndarray:
    """Power at the frequency of a grid over that of the frequencies near by.

    *Paper:* section 4.1 sees aliasing in the second layer of the replication, from the stride of 4, and gives no measure; this is ours.

    Args:
        projections: (n, 3, side, side).
        stride: of the first layer, pixels; its grid has 1/stride cycles a pixel.

    Returns:
        log2 of the ratio, (n,); 0 for a projection that is all zero.
    """
    power = line_spectrum(projections)
    at = _SIDE // stride
    bins = np.arange(power.shape[1])
    distance = np.abs(bins - at)
    peak, near = power[:, distance <= 1].mean(1), power[:, (distance >= _NEAR[0]) & (distance <= _NEAR[1])].mean(1)
    known = (near > 0) & (peak > 0)
    return np.where(known, np.log2(np.where(known, peak, 1) / np.where(known, near, 1)), 0)


def line_spectrum(projections: np.ndarray) -> np.ndarray:
    """Power of pictures by frequency along rows and along columns, added.

    Args:
        projections: (n, 3, side, side), the side at most 64.

    Returns:
        (n, 33): 0 to 1/2 cycles a pixel in steps of 1/64.
    """
    side = projections.shape[-1]
    window = np.hanning(side + 2)[1:-1]
    tapered = projections * window[:, None] * window[None]
    power = (np.abs(np.fft.fft2(tapered, (_SIDE, _SIDE))) ** 2).sum(1)  # (n, 64, 64)
    half = _SIDE // 2 + 1
    return power.sum(1)[:, :half] + power.sum(2)[:, :half]
