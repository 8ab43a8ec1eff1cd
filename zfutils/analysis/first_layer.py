"""What the first-layer filters look like, in numbers: dead ones, and low, middle and high frequencies (figure 6 a-c)."""

import numpy as np
import torch
from torch import nn

from zfutils.analysis import noise
from zfutils.models import filters
from zfutils.models.crops import CENTRE, Crops

EDGES = (1 / 16, 1 / 6)  # cycles a pixel of the input: borders of the low, middle and high band
_SIDE = 64  # filters are laid on a grid of this side, so that filters of 7 and of 11 pixels share their frequencies


def dead(weight: np.ndarray, strongest: np.ndarray) -> np.ndarray:
    """Tell which filters are dead.

    *Paper:* section 4.1 and figure 6 speak of dead features and give no definition. **Assumption**: a filter is dead when its root mean
    square is below a tenth of the median of its layer, or when it answers to no image.

    Args:
        weight: (maps, channels, k, k).
        strongest: strongest activation of each map over all images, after the ReLU, (maps,).

    Returns:
        bool of shape (maps,).
    """
    rms = _rms(weight)
    return (rms < 0.1 * np.median(rms)) | (strongest <= 0)


def spectrum(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Energy of every filter by frequency, all directions and colours together.

    Args:
        weight: (maps, 3, k, k).

    Returns:
        The frequencies, cycles a pixel of the input, (bins,), in [0, .5], and each filter's share of its energy, (maps, bins);
        every row sums to 1.
    """
    energy = np.abs(np.fft.fft2(weight, (_SIDE, _SIDE))) ** 2  # (maps, 3, 64, 64)
    frequency = np.fft.fftfreq(_SIDE)
    radius = np.minimum(np.hypot(frequency[:, None], frequency[None]), 0.5)  # the corners beyond .5 count to the last bin
    bins = np.rint(radius * _SIDE).astype(int).ravel()
    by_place = energy.sum(1).reshape(len(weight), -1)
    totals = np.stack([np.bincount(bins, row, minlength=_SIDE // 2 + 1) for row in by_place])  # (maps, 33)
    return np.arange(_SIDE // 2 + 1) / _SIDE, totals / np.maximum(totals.sum(1, keepdims=True), np.finfo(float).tiny)


def band_shares(weight: np.ndarray) -> np.ndarray:
    """Share of each filter's energy in the low, middle and high band (borders `EDGES`).

    *Paper:* section 4.1 says that the first layer of Krizhevsky et al. is a mix of very high and very low frequencies with little in
    between, and gives no measure; this is ours.

    Args:
        weight: (maps, 3, k, k).

    Returns:
        (maps, 3); every row sums to 1.
    """
    frequency, energy = spectrum(weight)
    band = np.digitize(frequency, EDGES)
    return np.stack([energy[:, band == place].sum(1) for place in range(3)], 1)


def middle_beyond_noise(weight: np.ndarray, *, generator: np.random.Generator, draws: int = 1000) -> np.ndarray:
    """Share of each filter's energy in the middle band minus the mean share of filters of the same size that are filled with 1/f noise.

    A small window alone moves energy to the middle: that is geometry, and no finding.

    Args:
        weight: (maps, 3, k, k).
        generator: source of the noise.
        draws: filters of noise.

    Returns:
        (maps,).
    """
    return band_shares(weight)[:, 1] - band_shares(noise.pink(draws, weight.shape[-1], generator=generator))[:, 1].mean()


def dominance(weight: np.ndarray) -> float:
    """Largest root mean square of a filter over the median of its layer (figure 6 a: 'one feature dominates')."""
    rms = _rms(weight)
    return float(rms.max() / np.median(rms))


def _rms(weight: np.ndarray) -> np.ndarray:
    """Root mean square of every filter, float64, (maps,)."""
    return filters.rms(torch.from_numpy(np.asarray(weight, np.float64))).numpy()


@torch.no_grad()
def strongest(net: nn.Sequential, inputs: Crops, indices: np.ndarray, *, batch: int = 250) -> np.ndarray:
    """Strongest activation of every map of layer 1, after the ReLU, over the centre crops of some images.

    Args:
        net: with `conv1`, in evaluation mode, on the device of `inputs`.
        inputs: cuts the batches.
        indices: of the pictures.
        batch: images at once.

    Returns:
        float32 of shape (maps,), not negative.
    """
    largest = torch.zeros(net.conv1.out_channels, device=inputs.device)
    for start in range(0, len(indices), batch):
        largest = torch.maximum(largest, net.conv1(inputs.batch(indices[start : start + batch], CENTRE)).amax((0, 2, 3)))
    return largest.cpu().numpy()
