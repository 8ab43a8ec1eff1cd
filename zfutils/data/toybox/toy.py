"""Toys: solids in their place, packed for the distance field."""

from collections.abc import Iterable, Sequence

import numpy as np

from zfutils.data.toybox import distance_field, primitives
from zfutils.data.toybox.distance_field import SHAPE
from zfutils.data.toybox.primitives import KINDS, Primitive
from zfutils.data.toybox.solids import Solid

_DIRECTIONS = np.concatenate([np.eye(3), -np.eye(3)])
_TETRAHEDRON = np.array([[1, -1, -1], [-1, -1, 1], [-1, 1, -1], [1, 1, 1]], np.float32)
_BLENDS = 2.25  # a shape that many blends farther away than the nearest surface takes no part in a smooth union


class Toy:
    """A toy, moved so that its bounding sphere is centred at the origin.

    Attributes:
        shapes: all primitives in the order that `nearest` counts.
        middle: (3,) centre of the bounding sphere before the move.
        radius: radius of the bounding sphere.
        packed: (shapes,) of dtype `distance_field.SHAPE`.
    """

    def __init__(self, solids: Iterable[Solid]):
        solids = list(solids)
        pieces = [sorted((*piece.shapes, *piece.hollows), key=_kind_and_repetition) for piece in solids]
        self.shapes = tuple(shape for shapes in pieces for shape in shapes)
        hollows = [shape for piece in solids for shape in piece.hollows]
        self._filled = [shape for shape in self.shapes if not _is_in(shape, hollows)]
        extents = np.array([primitives.reach(shape, _DIRECTIONS) for shape in self._filled])
        high, low = extents[:, :3].max(0), -extents[:, 3:].max(0)
        self.middle = (high + low) / 2
        boxes = np.maximum(extents[:, :3] - self.middle, extents[:, 3:] + self.middle)
        self.radius = float(min(np.linalg.norm(boxes, axis=1).max(), np.linalg.norm(high - low) / 2))
        self.packed = np.concatenate([_packed(piece, shapes, self.middle) for piece, shapes in zip(solids, pieces, strict=True)])
        counts = [len(shapes) for shapes in pieces]
        self.packed["last"] = np.repeat(np.cumsum(counts), counts)

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Distance to the toy's surface, negative inside; never longer than the true one outside.

        Args:
            points: float32 (3, points) in the toy's axes.

        Returns:
            float32 (points,).
        """
        return distance_field.distances(self.packed, np.ascontiguousarray(points))

    def nearest(self, points: np.ndarray) -> np.ndarray:
        """Index of the nearest primitive in `shapes` for every point, int64 (points,)."""
        return distance_field.nearest(self.packed, np.ascontiguousarray(points))

    def normals(self, points: np.ndarray, step: float) -> np.ndarray:
        """Unit outward normals at surface points, float32 (3, points), by four distances a step apart."""
        total = np.zeros_like(points)
        for corner in _TETRAHEDRON[:, :, None]:
            total += corner * self.distance(points + corner * np.float32(step))
        return total / np.maximum(np.sqrt((total * total).sum(0)), 1e-12)

    def reach(self, direction: np.ndarray) -> float:
        """How far the toy extends from its centre along a unit vector (an upper bound where something is cut out)."""
        return float(max(primitives.reach(shape, direction) for shape in self._filled) - self.middle @ direction)


def _kind_and_repetition(shape: Primitive) -> tuple[int, bool]:
    """Where a shape stands in its solid: a smooth union of three depends on their order."""
    return KINDS.index(shape.kind), max(shape.repeat) > 1


def _is_in(shape: Primitive, shapes: Iterable[Primitive]) -> bool:
    return any(shape is other for other in shapes)


def _packed(piece: Solid, shapes: Sequence[Primitive], origin: np.ndarray) -> np.ndarray:
    """One record a shape of a solid; `last` is not filled in."""
    packed = np.zeros(len(shapes), SHAPE)
    for record, shape in zip(packed, shapes, strict=True):
        turn, (middle, radius) = np.array(shape.turn).T, primitives.bounding_sphere(shape)
        record["kind"], record["repeated"] = KINDS.index(shape.kind), max(shape.repeat) > 1
        record["hollow"], record["carved"] = _is_in(shape, piece.hollows), bool(piece.hollows)
        record["turn"], record["offset"] = turn, -turn @ (np.array(shape.centre) - origin)
        record["sizes"], record["rounding"], record["blend"] = shape.sizes, shape.rounding, piece.blend
        record["repeat"], record["spacing"] = shape.repeat, shape.spacing
        record["middle"], record["radius"] = middle - origin, radius * 1.0001 + 1e-5  # a little more than rounding errors
        record["shortness"] = max(shape.sizes) / min(shape.sizes) if shape.kind == "ellipsoid" else 1
        record["influence"] = np.inf if piece.hollows else _BLENDS * piece.blend
    return packed
