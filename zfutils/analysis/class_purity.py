"""What the nine winners of a map share - class, part, colour - by layer, against chance (figure 2 in numbers)."""

import numpy as np


def excess(kinds: np.ndarray) -> np.ndarray:
    """How much more often two winners of one map are of one kind than two winners of different maps.

    Args:
        kinds: the kind of each winner, integers of shape (maps, k); -1 where it has none: such winners are left out.

    Returns:
        (maps,): share of pairs within the map, minus share of pairs between it and the other maps; NaN for a map with fewer than two kinds.
    """
    kinds = np.asarray(kinds)
    known = kinds >= 0
    counts = np.stack([np.bincount(line[line >= 0], minlength=kinds.max(initial=0) + 1) for line in kinds])  # (maps, kinds)
    n = known.sum(1)
    within = (counts * (counts - 1)).sum(1) / np.where(n > 1, n * (n - 1), 1)
    others = counts.sum(0) - counts
    between = (counts * others).sum(1) / np.maximum(n * (n.sum() - n), 1)
    return np.where((n > 1) & (n.sum() > n), within - between, np.nan)


def parts(energy: np.ndarray, maps_of_parts: np.ndarray) -> np.ndarray:
    """The part of the toy on which most of each projection's energy falls.

    Args:
        energy: squared pixels, colours added, (n, h, w).
        maps_of_parts: part of each pixel, 0 for the background, (n, h, w).

    Returns:
        Number of the part, (n,), int64; -1 where no energy falls on the toy.
    """
    found = np.full(len(energy), -1, np.int64)
    for place, (one, parts_) in enumerate(zip(energy, maps_of_parts, strict=True)):
        on = np.bincount(parts_.ravel(), one.ravel())
        on[0] = 0
        if on.max() > 0:
            found[place] = int(on.argmax())
    return found


def colours(patches: np.ndarray) -> np.ndarray:
    """Colour of each patch in three levels of red, green and blue each: 27 kinds, borders at the terciles over all patches.

    Args:
        patches: uint8 (n, side, side, 3).

    Returns:
        (n,), int64, 0 to 26.
    """
    means = patches.reshape(len(patches), -1, 3).mean(1)
    borders = np.quantile(means, [1 / 3, 2 / 3], axis=0)
    levels = (means[:, None] > borders[None]).sum(1)  # (n, 3), 0 to 2
    return levels @ np.array([9, 3, 1])
