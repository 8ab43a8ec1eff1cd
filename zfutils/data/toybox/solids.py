"""Toys: solids made of primitives, and the distance of any point to the whole toy."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from zfutils.data.toybox import primitives
from zfutils.data.toybox.primitives import KINDS, Primitive

_BLOCK = 2048  # points evaluated at once: what the distances of a toy's shapes fill stays in the cache
_DIRECTIONS = np.concatenate([np.eye(3), -np.eye(3)])
_TETRAHEDRON = np.array([[1, -1, -1], [-1, -1, 1], [-1, 1, -1], [1, 1, 1]], np.float32)


@dataclass(frozen=True)
class Solid:
    """Primitives melted into one.

    Attributes:
        shapes: what is joined.
        blend: radius of the smooth union; 0 is a sharp one.
        hollows: what is cut out.
    """

    shapes: tuple[Primitive, ...]
    blend: float = 0.0
    hollows: tuple[Primitive, ...] = ()


def solid(*shapes: Primitive, blend: float = 0.0, hollows: Sequence[Primitive] = ()) -> Solid:
    """Join primitives, smoothly or with something cut out.

    Raises:
        ValueError: both at once, where the blend would fill what is cut out.
    """
    if blend and hollows:
        raise ValueError("expected a blend or hollows, got both; make two solids of it")
    return Solid(tuple(shapes), blend, tuple(hollows))


class Toy:
    """A toy, moved so that its bounding sphere is centred at the origin.

    Attributes:
        shapes: all primitives in the order that `nearest` counts.
        radius: radius of the bounding sphere.
    """

    def __init__(self, solids: Iterable[Solid]):
        solids = list(solids)
        owners = [(shape, number) for number, piece in enumerate(solids) for shape in (*piece.shapes, *piece.hollows)]
        owners.sort(key=lambda pair: (KINDS.index(pair[0].kind), max(pair[0].repeat) > 1))
        self.shapes = tuple(shape for shape, _ in owners)
        self._melts, self._cuts = [], []
        for number, piece in enumerate(solids):
            own = [index for index, (shape, owner) in enumerate(owners) if owner == number]
            kept = [index for index in own if any(self.shapes[index] is shape for shape in piece.shapes)]
            if piece.blend > 0 and len(kept) > 1:
                self._melts.append((kept, np.float32(piece.blend)))
            if piece.hollows:
                self._cuts.append((kept, [index for index in own if index not in kept]))
        cut_out = {index for _, hollows in self._cuts for index in hollows}
        self._filled = [shape for index, shape in enumerate(self.shapes) if index not in cut_out]
        self._pack()

    def _pack(self) -> None:
        """Centre the toy and pack its shapes into arrays."""
        extents = np.array([[primitives.reach(shape, direction) for direction in _DIRECTIONS] for shape in self._filled])
        high, low = extents[:, :3].max(0), -extents[:, 3:].max(0)
        self.middle = (high + low) / 2
        boxes = np.maximum(extents[:, :3] - self.middle, extents[:, 3:] + self.middle)
        self.radius = float(min(np.linalg.norm(boxes, axis=1).max(), np.linalg.norm(high - low) / 2))
        turns = np.array([np.array(shape.turn).T for shape in self.shapes])  # (n, 3, 3), toy to own axes
        centres = np.array([shape.centre for shape in self.shapes]) - self.middle
        offsets = -np.einsum("nij,nj->ni", turns, centres)
        self._matrix = turns.transpose(1, 0, 2).reshape(-1, 3).astype(np.float32)  # (3 n, 3): all x, all y, all z
        self._offset = offsets.T.reshape(-1, 1).astype(np.float32)
        self._sizes = np.array([shape.sizes for shape in self.shapes], np.float32).T[:, :, None]
        self._rounding = np.array([[shape.rounding] for shape in self.shapes], np.float32)
        self._repeats = np.array([shape.repeat for shape in self.shapes], np.float32).T[:, :, None]
        self._spacings = np.array([shape.spacing for shape in self.shapes], np.float32).T[:, :, None]

    @cached_property
    def _slices(self) -> list[tuple[str, slice, slice | None]]:
        """For each kind in use its indices, and which of them are repeated."""
        slices = []
        for kind in KINDS:
            own = [index for index, shape in enumerate(self.shapes) if shape.kind == kind]
            repeated = [index for index in own if max(self.shapes[index].repeat) > 1]
            if own:
                slices.append((kind, slice(own[0], own[-1] + 1), slice(repeated[0], repeated[-1] + 1) if repeated else None))
        return slices

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Distance to the toy's surface, negative inside; never longer than the true one outside.

        Args:
            points: float32 (3, points) in the toy's axes.

        Returns:
            float32 (points,).
        """
        blocks = [self._joined(self._all(points[:, at : at + _BLOCK])) for at in range(0, points.shape[1], _BLOCK)]
        return np.concatenate(blocks) if blocks else np.empty(0, np.float32)

    def nearest(self, points: np.ndarray) -> np.ndarray:
        """Index of the nearest primitive in `shapes` for every point, int64 (points,)."""
        blocks = [self._all(points[:, at : at + _BLOCK]).argmin(0) for at in range(0, points.shape[1], _BLOCK)]
        return np.concatenate(blocks) if blocks else np.empty(0, np.int64)

    def normals(self, points: np.ndarray, step: float) -> np.ndarray:
        """Unit outward normals at surface points, float32 (3, points), by four distances a step apart."""
        total = np.zeros_like(points)
        for corner in _TETRAHEDRON[:, :, None]:
            total += corner * self.distance(points + corner * np.float32(step))
        return total / np.maximum(np.sqrt((total * total).sum(0)), 1e-12)

    def reach(self, direction: np.ndarray) -> float:
        """How far the toy extends from its centre along a unit vector (an upper bound where something is cut out)."""
        return max(primitives.reach(shape, direction) for shape in self._filled) - float(self.middle @ direction)

    def _all(self, points: np.ndarray) -> np.ndarray:
        """Distances to each primitive with hollows cut out, (shapes, points)."""
        count = len(self.shapes)
        x, y, z = (self._matrix @ points + self._offset).reshape(3, count, -1)
        distances = np.empty_like(x)
        for kind, own, repeated in self._slices:
            if repeated is not None:
                self._fold((x, y, z), repeated)
            distances[own] = primitives.distance(kind, x[own], y[own], z[own], self._sizes[:, own], self._rounding[own])
        for kept, hollows in self._cuts:
            hole = -distances[hollows].min(0)
            inside = distances[kept].min(0)
            distances[kept] = np.maximum(distances[kept], hole)
            # Both meet the cut surface at one distance: a hair decides which of them gives it its part.
            distances[hollows] = np.maximum(inside, hole) + np.where(hole > inside, np.float32(-1e-6), np.float32(1e-6))
        return distances

    def _fold(self, coordinates: Sequence[np.ndarray], repeated: slice) -> None:
        """Move points into the cell of the nearest repetition."""
        for axis, values in enumerate(coordinates):
            count, gap = self._repeats[axis, repeated], self._spacings[axis, repeated]
            middle = (count - 1) / 2
            cell = np.clip(np.rint(values[repeated] / gap + middle), 0, count - 1)
            values[repeated] -= (cell - middle) * gap

    def _joined(self, distances: np.ndarray) -> np.ndarray:
        """Union of all solids. A smooth union is never above its members, so they may all take part in the minimum."""
        total = distances.min(0)
        for members, blend in self._melts:
            joined = distances[members[0]]
            for index in members[1:]:
                joined = _smooth(joined, distances[index], blend)
            np.minimum(total, joined, out=total)
        return total


def _smooth(first: np.ndarray, second: np.ndarray, blend: np.float32) -> np.ndarray:
    """Polynomial smooth minimum: where both are closer than `blend` it dips below the smaller one by up to blend / 4."""
    overlap = np.maximum(blend - np.abs(first - second), 0)
    return np.minimum(first, second) - overlap * overlap / (4 * blend)
