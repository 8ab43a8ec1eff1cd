"""Aliasing: how much a projection follows the grid of the first layer's stride (section 4.1, figure 6 d, e)."""

import functools

import numpy as np

from zfutils.analysis import noise

_SIDE = 64  # of the grid of frequencies
_NEAR = (3, 6)  # bins away from the grid's frequency: what it is compared with


def strength(projections: np.ndarray, stride: int, *, seed: int, draws: int = 300) -> np.ndarray:
    """Share of the power that a grid adds to its neighbourhood, beyond what 1/f noise of the same size has there.

    *Paper:* section 4.1 sees aliasing in the second layer of the replication, from the stride of 4, and gives no measure; this is ours. A
    ratio of the two powers would differ between equal grids, because spectra fall and what it is divided by differs.

    Args:
        projections: (n, 3, side, side).
        stride: of the first layer, pixels; its grid has 1/stride cycles a pixel.
        seed: of the noise.
        draws: pictures of noise.

    Returns:
        (n,); 0 for a projection that is all zero.
    """
    by_noise = _added_by_noise(projections.shape[-1], stride, seed, draws)
    return np.where(projections.any((1, 2, 3)), _added(projections, stride) - by_noise, 0)


@functools.cache  # seconds a size, and every net of a recipe is held against the same noise
def _added_by_noise(side: int, stride: int, seed: int, draws: int) -> float:
    """What `_added` finds in noise, mean of the draws."""
    return float(_added(noise.pink(draws, side, generator=np.random.default_rng(seed)), stride).mean())


def _added(projections: np.ndarray, stride: int) -> np.ndarray:
    """Power near the frequency of a grid less that of as many bins around it, as a share of all power, (n,)."""
    power = line_spectrum(projections)
    power[:, 1:-1] *= 2  # the half that is left out is its mirror image
    distance = np.abs(np.arange(power.shape[1]) - _SIDE // stride)
    at, near = distance <= 1, (distance >= _NEAR[0]) & (distance <= _NEAR[1])
    weights = np.where(np.arange(power.shape[1]) % (_SIDE // 2) == 0, 1, 2)  # bins of the whole spectrum that stand behind each
    total = power.sum(1)
    added = power[:, at].sum(1) - power[:, near].sum(1) / weights[near].sum() * weights[at].sum()
    return added / np.where(total > 0, total, 1)


def unevenness(projections: np.ndarray, period: int) -> np.ndarray:
    """How unevenly the steps between neighbouring pixels are spread over the phases of a grid, but for what a grid of half its period does.

    Args:
        projections: (n, 3, side, side), all cut at the same phase of the grid.
        period: of the grid, pixels, even.

    Returns:
        Deviation over the phases of the mean absolute step from that of the phase half a period away, over its mean, rows and columns
        together, (n,); 0 where all phases are alike, or repeat after half a period.
    """
    found = []
    for axis in (2, 3):
        steps = np.abs(np.diff(projections, axis=axis)).mean((1, 5 - axis))  # (n, side - 1)
        phases = np.stack([steps[:, phase::period].mean(1) for phase in range(period)], 1)  # (n, period)
        mean, own = phases.mean(1), (phases - np.roll(phases, period // 2, 1)) / 2
        found.append(np.where(mean > 0, own.std(1) / np.where(mean > 0, mean, 1), 0))
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
    # Summed over all frequencies of one direction, the power is that of the lines themselves (Parseval): no transform that way.
    powers = (np.abs(np.fft.rfft(tapered, _SIDE, axis=axis)) ** 2 for axis in (3, 2))
    return _SIDE * sum(power.sum((1, other)) for power, other in zip(powers, (2, 3), strict=True))
