"""Aliasing: how much a projection follows the grid of the first layer's stride (section 4.1, figure 6 d, e)."""

import numpy as np

from zfutils.analysis import noise

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


def beyond_noise(projections: np.ndarray, stride: int, *, generator: np.random.Generator, draws: int = 500) -> np.ndarray:
    """`grid_excess` minus the mean of that of noise of the same size whose amplitude falls as 1/f, (n,).

    On a falling spectrum the frequencies of two grids have neighbours of different slope, so that equal grids seem to differ.
    """
    return grid_excess(projections, stride) - grid_excess(noise.pink(draws, projections.shape[-1], generator=generator), stride).mean()


def unevenness(projections: np.ndarray, period: int) -> np.ndarray:
    """How unevenly the steps between neighbouring pixels are spread over the phases of a grid.

    Args:
        projections: (n, 3, side, side), all cut at the same phase of the grid.
        period: of the grid, pixels.

    Returns:
        Deviation over the phases of the mean absolute step, over its mean, rows and columns together, (n,); 0 where all phases are alike.
    """
    found = []
    for axis in (2, 3):
        steps = np.abs(np.diff(projections, axis=axis)).mean((1, 5 - axis))  # (n, side - 1)
        phases = np.stack([steps[:, phase::period].mean(1) for phase in range(period)], 1)  # (n, period)
        mean = phases.mean(1)
        found.append(np.where(mean > 0, phases.std(1) / np.where(mean > 0, mean, 1), 0))
    return np.mean(found, 0)


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
