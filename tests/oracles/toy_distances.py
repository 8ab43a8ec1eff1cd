"""Distances to a toy in float64, shape by shape and point by point of the definition: nothing is left out, nothing is compiled."""

from collections.abc import Sequence

import numpy as np

from zfutils.data.toybox.primitives import Primitive
from zfutils.data.toybox.solids import Solid

# In the order in which a smooth union takes them.
ORDER = ("ellipsoid", "cone", "box", "cylinder", "torus")


def distance(solids: Sequence[Solid], points: np.ndarray) -> np.ndarray:
    """Signed distances (n,) of points (n, 3), in the axes in which the solids were built, to the union of solids."""
    return np.min([_solid(piece, points) for piece in solids], axis=0)


def _solid(piece: Solid, points: np.ndarray) -> np.ndarray:
    ordered = sorted(piece.shapes, key=lambda shape: (ORDER.index(shape.kind), max(shape.repeat) > 1))
    total = _shape(ordered[0], points)
    for shape in ordered[1:]:
        total = _union(total, _shape(shape, points), piece.blend)
    for hollow in piece.hollows:
        total = np.maximum(total, -_shape(hollow, points))
    return total


def _union(first: np.ndarray, second: np.ndarray, blend: float) -> np.ndarray:
    if blend == 0:
        return np.minimum(first, second)
    overlap = np.clip(blend - np.abs(first - second), 0, None)
    return np.minimum(first, second) - overlap**2 / (4 * blend)


def _shape(shape: Primitive, points: np.ndarray) -> np.ndarray:
    own = (points - np.array(shape.centre)) @ np.array(shape.turn)
    for axis, (count, gap) in enumerate(zip(shape.repeat, shape.spacing, strict=True)):
        middles = (np.arange(count) - (count - 1) / 2) * gap
        nearest = np.abs(own[:, axis, None] - middles).argmin(1)
        own[:, axis] -= middles[nearest]
    return _SHAPES[shape.kind](own, np.array(shape.sizes)) - shape.rounding


def _ellipsoid(own: np.ndarray, radii: np.ndarray) -> np.ndarray:
    scaled, slope = np.linalg.norm(own / radii, axis=1), np.linalg.norm(own / radii**2, axis=1)
    return scaled * (scaled - 1) / slope


def _cone(own: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Two balls and the flank that touches both, in the half plane through the axis."""
    first, last, length = sizes
    side, along = np.hypot(own[:, 0], own[:, 2]), own[:, 1]
    sine = (first - last) / length
    cosine = np.sqrt(1 - sine**2)
    foot = cosine * along - sine * side
    flank = cosine * side + sine * along - first
    return np.select([foot < 0, foot > cosine * length], [np.hypot(side, along) - first, np.hypot(side, along - length) - last], flank)


def _box(own: np.ndarray, half: np.ndarray) -> np.ndarray:
    beyond = np.abs(own) - half
    return np.linalg.norm(np.maximum(beyond, 0), axis=1) + np.minimum(beyond.max(1), 0)


def _cylinder(own: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    beyond = np.stack([np.hypot(own[:, 0], own[:, 2]) - sizes[0], np.abs(own[:, 1]) - sizes[1]], axis=1)
    return np.linalg.norm(np.maximum(beyond, 0), axis=1) + np.minimum(beyond.max(1), 0)


def _torus(own: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    return np.hypot(np.hypot(own[:, 0], own[:, 2]) - sizes[0], own[:, 1]) - sizes[1]


_SHAPES = {"ellipsoid": _ellipsoid, "cone": _cone, "box": _box, "cylinder": _cylinder, "torus": _torus}
