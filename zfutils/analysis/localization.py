"""Projections against what is truly in the picture: of toys the object and its parts, of photographs at most the box around the object."""

import numpy as np

from zfutils.attribution.batched_deconv import Regions
from zfutils.core.errors import Problem
from zfutils.data.prepared_sets import PreparedSet
from zfutils.models.crops import crop_corners

_SIDES = ("left", "top", "right", "bottom")  # of a table: shares of the picture's width and height
_ROUNDING = 1e-6  # pixels; what multiplying the shares may add


def part_maps(prepared: PreparedSet, size: int, indices: np.ndarray) -> np.ndarray:
    """Maps of parts in the centre crops of some pictures, uint8 (n, size, size), 0 for the background.

    Raises:
        Problem: the pictures bring no map of parts.
    """
    top, left, _ = crop_corners(prepared.facts["size"], size)[4]
    return np.asarray(prepared.map("parts")[indices][:, top : top + size, left : left + size])


def boxes(prepared: PreparedSet, size: int, indices: np.ndarray) -> np.ndarray:
    """The boxes around the objects of some pictures, in their centre crops, bool (n, size, size).

    A box holds more than its object. It starts at the pixel that its left and top side fall into and ends after that of the others; what
    the crop cuts off of it is left out.

    Raises:
        Problem: the pictures bring no boxes.
    """
    if missing := [side for side in _SIDES if side not in prepared.table]:
        raise Problem(
            f"the pictures of {prepared.path.name} bring no boxes (no {missing[0]}); Tiny ImageNet's do: make data PROFILE=photos"
        )
    top, left, _ = crop_corners(prepared.facts["size"], size)[4]
    sides = prepared.table[list(_SIDES)].to_numpy(float)[indices] * prepared.facts["size"]
    first, last = np.floor(sides[:, :2] - (left, top) + _ROUNDING), np.ceil(sides[:, 2:] - (left, top) - _ROUNDING)
    at = np.arange(size)
    across, down = ((at >= first[:, axis, None]) & (at < last[:, axis, None]) for axis in (0, 1))
    return down[:, :, None] & across[:, None, :]


def knows_objects(prepared: PreparedSet) -> bool:
    """Whether some pictures bring a map of parts or a box, so that `objects` can say where their objects are."""
    return "parts" in prepared.facts["maps"] or all(side in prepared.table for side in _SIDES)


def objects(prepared: PreparedSet, size: int, indices: np.ndarray) -> np.ndarray:
    """Where the object is in the centre crops of some pictures, bool (n, size, size): all its parts where they are known, else its box.

    Raises:
        Problem: the pictures bring neither.
    """
    return part_maps(prepared, size, indices) > 0 if "parts" in prepared.facts["maps"] else boxes(prepared, size, indices)


def energy(regions: Regions, size: int) -> np.ndarray:
    """Squared pixels of projections in the whole picture, colours added, (m, size, size), float32."""
    return np.stack([(regions.whole(number, (size, size)) ** 2).sum(0) for number in range(len(regions.pixels))]).astype(np.float32)


def share(energies: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Share of each projection's energy on a mask.

    Args:
        energies: (n, h, w), not negative.
        masks: bool, (n, h, w).

    Returns:
        (n,), in [0, 1]; NaN for a projection that is all zero.
    """
    total = energies.sum((1, 2), dtype=np.float64)
    on = np.where(masks, energies, 0).sum((1, 2), dtype=np.float64)
    return np.where(total > 0, on / np.where(total > 0, total, 1), np.nan)


def shares_by_map(energies: np.ndarray, objects: np.ndarray, *, winners: int) -> np.ndarray:
    """Share of each map's projections on the objects of its own pictures and of every other map's.

    Args:
        energies: of the winners of n maps, map by map, (n * winners, h, w), not negative.
        objects: where the objects of their pictures are, bool, (n * winners, h, w).
        winners: of a map.

    Returns:
        Means, (n, n): a row for a map's projections, a column for a map's pictures. On the diagonal each projection meets the object of its
        own picture, elsewhere those of all pictures of the other map. NaN in the row of a map whose projections are all zero.
    """
    totals = energies.sum((1, 2), dtype=np.float64)
    spread = energies.reshape(len(energies), -1) / np.where(totals > 0, totals, 1)[:, None]
    counts = (totals > 0).reshape(-1, winners).sum(1)
    own = share(energies, objects).reshape(-1, winners)
    with np.errstate(invalid="ignore"):  # 0 / 0 is the NaN that is promised
        table = spread.reshape(len(counts), winners, -1).sum(1) / counts[:, None]
        table = table @ objects.reshape(len(counts), winners, -1).mean(1).T
        np.fill_diagonal(table, np.where(np.isfinite(own), own, 0).sum(1) / counts)
    return table


def strongest_part(energies: np.ndarray, parts: np.ndarray) -> int:
    """The part that gets the most energy a pixel over some images, each image weighing the same.

    Args:
        energies: (n, h, w).
        parts: (n, h, w), 0 for the background.

    Returns:
        Its number; 0 where no energy falls on any part.
    """
    count = int(parts.max()) + 1
    density = np.zeros(count)
    for one, where in zip(energies, parts, strict=True):
        total = one.sum()
        if total > 0:
            pixels = np.bincount(where.ravel(), minlength=count)
            density += np.bincount(where.ravel(), one.ravel() / total, count) / np.maximum(pixels, 1)
    density[0] = 0
    return int(density.argmax()) if density.max() > 0 else 0


def part_scores(energies: np.ndarray, parts: np.ndarray, strangers: np.ndarray) -> tuple[float, float]:
    """Share of energy on a map's strongest part, chosen on every other winner and scored on the rest, and the same by chance.

    Args:
        energies: of the k winners of one map, (k, h, w).
        parts: their maps of parts, (k, h, w).
        strangers: energies of k winners of another map, scored on the same masks: chance.

    Returns:
        Mean share on the part and mean share by chance, over the scored winners that have the part; NaN where there is none.
    """
    part = strongest_part(energies[::2], parts[::2])
    masks = parts[1::2] == part
    has = masks.any((1, 2))
    if part == 0 or not has.any():
        return float("nan"), float("nan")
    return tuple(float(np.nanmean(_or_zero(share(some[1::2][has], masks[has])))) for some in (energies, strangers))


def _or_zero(values: np.ndarray) -> np.ndarray:
    return np.nan_to_num(values, nan=0.0)
