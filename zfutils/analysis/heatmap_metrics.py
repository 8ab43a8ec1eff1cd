"""What a heat map is worth: where it points against the true mask, and how fast the answer dies when its pixels are deleted."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from zfutils.attribution.occlusion import Sweep


def on_and_off(sweep: Sweep, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which positions have the square on an object and which have it clear of the object.

    Args:
        sweep: the positions.
        mask: of the object, bool (h, w).

    Returns:
        bool (rows, columns) twice: at least half of the square inside the mask; no pixel of the mask covered.
    """
    pixels = sweep.covered(mask)
    return pixels >= 0.5 * sweep.size**2, pixels == 0


def on_part(sweep: Sweep, part: np.ndarray) -> np.ndarray:
    """Positions at which at least half of a part is covered, bool (rows, columns); none for an empty part."""
    total = part.sum()
    return sweep.covered(part) >= 0.5 * total if total else np.zeros((len(sweep.tops), len(sweep.lefts)), bool)


def mean_where(values: np.ndarray, where: np.ndarray) -> float:
    """Mean of some positions; NaN for none."""
    return float(values[where].mean()) if where.any() else float("nan")


def costs(sweep: Sweep, drops: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """How much more a square costs on an object than clear of it, for every image and every object.

    *Paper:* section 4.2.

    Args:
        sweep: the positions, the same for all images.
        drops: of every image at every position, (n, rows, columns).
        masks: of the objects, bool, (m, h, w).

    Returns:
        (n, m): mean drop with at least half of the square inside the mask minus that with no pixel of it covered; NaN in the column of an
        object that leaves no position of one kind.
    """
    weights = np.full((len(masks), drops[0].size), np.nan)
    for number, mask in enumerate(masks):
        on, off = (where.ravel() for where in on_and_off(sweep, mask))
        if on.any() and off.any():
            weights[number] = on / on.sum() - off / off.sum()
    return drops.reshape(len(drops), -1) @ weights.T


def left_over(probability: np.ndarray) -> tuple[float, float]:
    """What a square leaves of a probability (rows, columns) at its worst position and at half of all positions, as shares of the highest.

    *Paper:* figure 7 (d).
    """
    highest = probability.max()
    return float(probability.min() / highest), float(np.median(probability) / highest)


def lowest(sweep: Sweep, values: np.ndarray) -> tuple[int, int]:
    """Row and column, in pixels, of the middle of the square where values (rows, columns) are lowest."""
    row, column = np.unravel_index(values.argmin(), values.shape)
    return int(sweep.tops[row]) + sweep.size // 2, int(sweep.lefts[column]) + sweep.size // 2


def highest(heat: np.ndarray) -> tuple[int, int]:
    """Row and column of the strongest pixel of a heat map (h, w)."""
    return tuple(int(place) for place in np.unravel_index(heat.argmax(), heat.shape))


def spread(sweep: Sweep, drops: np.ndarray) -> np.ndarray:
    """Turn drops at positions into a heat map of pixels: the mean over the squares that cover a pixel, (h, w); 0 where none does."""
    squares = sweep.squares().reshape(-1, *sweep.image).astype(np.float64)
    counts = squares.sum(0)
    return np.tensordot(drops.reshape(-1).astype(np.float64), squares, 1) / np.maximum(counts, 1)


@torch.no_grad()
def deletion(net: nn.Module, image: Tensor, heat: np.ndarray, label: int, *, cell: int = 8, shares: Sequence[float]) -> np.ndarray:
    """Probability of a class while the hottest cells of an image are replaced by mean grey.

    A deletion curve (Petsiuk et al. 2018) needs no mask; it measures what the net needs, not where the object is.

    Args:
        net: a classifier that gives logits, in evaluation mode.
        image: (channels, h, w).
        heat: (h, w).
        label: the class.
        cell: side of the cells, pixels.
        shares: of the cells deleted, rising, in [0, 1].

    Returns:
        (len(shares),), in [0, 1].
    """
    height, width = image.shape[1] // cell, image.shape[2] // cell
    means = heat[: height * cell, : width * cell].reshape(height, cell, width, cell).mean((1, 3))
    rank = np.empty(means.size, int)
    rank[np.argsort(-means, axis=None, kind="stable")] = np.arange(means.size)
    kept = np.stack([rank >= round(share * means.size) for share in shares]).reshape(len(shares), height, width)
    pixels = torch.from_numpy(kept).repeat_interleave(cell, 1).repeat_interleave(cell, 2).to(image.device)
    images = image[None].repeat(len(shares), 1, 1, 1)
    images[:, :, : height * cell, : width * cell] *= pixels[:, None].to(image.dtype)
    return net(images).softmax(1)[:, label].float().cpu().numpy()
