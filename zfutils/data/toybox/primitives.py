"""The five kinds of shape that toys are made of, with their exact (or safely short) distance functions."""

from dataclasses import dataclass, replace

import numpy as np

KINDS = ("ellipsoid", "cone", "box", "cylinder", "torus")
Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Primitive:
    """One shape of a toy.

    Attributes:
        kind: one of `KINDS`.
        part: what it is a part of, e.g. `"ear_left"`.
        role: what it is made of, e.g. `"main"`; see `materials.ROLES`.
        centre: its place in the toy; y is up, z points to the viewer, x to the viewer's right.
        sizes: up to three lengths; their meaning is in the function that made it.
        rounding: radius of rounded edges (box and cylinder).
        turn: rotation matrix as three rows, from the shape's own axes to the toy's.
        repeat: how often it is repeated along each of its own axes, around its centre.
        spacing: distance of the repetitions along each axis.
    """

    kind: str
    part: str
    role: str
    centre: Vector
    sizes: Vector
    rounding: float = 0.0
    turn: tuple[Vector, Vector, Vector] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    repeat: tuple[int, int, int] = (1, 1, 1)
    spacing: Vector = (1.0, 1.0, 1.0)


def ellipsoid(part: str, role: str, centre: Vector, radii: Vector, *, degrees: Vector = (0, 0, 0)) -> Primitive:
    """Ellipsoid with three radii, turned by degrees around x, then y, then z."""
    return Primitive("ellipsoid", part, role, centre, radii, turn=rotation(*degrees))


def ball(part: str, role: str, centre: Vector, radius: float) -> Primitive:
    """Sphere."""
    return ellipsoid(part, role, centre, (radius, radius, radius))


def rod(part: str, role: str, start: Vector, end: Vector, radius: float, end_radius: float | None = None) -> Primitive:
    """Round cone from `start` to `end`: a capsule where both radii are equal."""
    along = np.subtract(end, start, dtype=float)
    length = max(float(np.linalg.norm(along)), 1e-3)
    last = radius if end_radius is None else end_radius
    last = float(np.clip(last, radius - 0.98 * length, radius + 0.98 * length))  # else the one ball swallows the other
    return Primitive("cone", part, role, start, (radius, last, length), turn=_y_to(along / length))


def box(
    part: str,
    role: str,
    centre: Vector,
    half: Vector,
    *,
    rounding: float = 0.02,
    degrees: Vector = (0, 0, 0),
    repeat: tuple[int, int, int] = (1, 1, 1),
    spacing: Vector = (1.0, 1.0, 1.0),
) -> Primitive:
    """Box of half side lengths `half`, rounding included, optionally repeated on a grid."""
    rounding = min(rounding, *half)
    inner = tuple(side - rounding for side in half)
    return Primitive("box", part, role, centre, inner, rounding, rotation(*degrees), repeat, spacing)


def cylinder(
    part: str,
    role: str,
    centre: Vector,
    radius: float,
    half: float,
    *,
    axis: Vector = (0, 1, 0),
    rounding: float = 0.02,
    repeat: int = 1,
    spacing: float = 1.0,
) -> Primitive:
    """Cylinder of half height `half` along `axis`, rounding included, optionally repeated along its axis."""
    rounding = min(rounding, radius, half)
    sizes = (radius - rounding, half - rounding, 0.0)
    return Primitive("cylinder", part, role, centre, sizes, rounding, _y_to(_unit(axis)), (1, repeat, 1), (1.0, spacing, 1.0))


def torus(part: str, role: str, centre: Vector, radius: float, thickness: float, *, axis: Vector = (0, 1, 0)) -> Primitive:
    """Ring of middle radius `radius` and tube radius `thickness` around `axis`."""
    return Primitive("torus", part, role, centre, (radius, thickness, 0.0), turn=_y_to(_unit(axis)))


def carried(shape: Primitive, *, y: float = 0.0, z: float = 0.0, around: Vector = (0, 0, 0)) -> Primitive:
    """A shape carried by degrees around a vertical axis, then around one to the viewer, both through `around`."""
    turn = np.array(rotation(0, y, z))
    centre = turn @ np.subtract(shape.centre, around) + around
    return replace(shape, centre=tuple(float(part) for part in centre), turn=_rows(turn @ np.array(shape.turn)))


def rotation(x: float, y: float, z: float) -> tuple[Vector, Vector, Vector]:
    """Matrix that turns by `x` degrees around x, then `y` around y, then `z` around z (right-handed)."""
    cosines, sines = np.cos(np.radians((x, y, z))), np.sin(np.radians((x, y, z)))
    around_x = np.array([[1, 0, 0], [0, cosines[0], -sines[0]], [0, sines[0], cosines[0]]])
    around_y = np.array([[cosines[1], 0, sines[1]], [0, 1, 0], [-sines[1], 0, cosines[1]]])
    around_z = np.array([[cosines[2], -sines[2], 0], [sines[2], cosines[2], 0], [0, 0, 1]])
    return _rows(around_z @ around_y @ around_x)


def distance(kind: str, x: np.ndarray, y: np.ndarray, z: np.ndarray, sizes: np.ndarray, rounding: np.ndarray) -> np.ndarray:
    """Signed distances of points to shapes of one kind, in each shape's own axes; negative inside.

    Args:
        kind: one of `KINDS`.
        x, y, z: coordinates, float32 of shape (shapes, points).
        sizes: (3, shapes, 1), the lengths of each shape.
        rounding: (shapes, 1).

    Returns:
        float32 (shapes, points). Exact, but for the ellipsoid, where it is never longer than the distance outside.
    """
    return _DISTANCES[kind](x, y, z, sizes, rounding)


def reach(shape: Primitive, direction: np.ndarray) -> float:
    """How far a shape extends along a unit vector, measured from the toy's origin."""
    own = np.array(shape.turn).T @ direction
    repeated = sum((n - 1) / 2 * gap * abs(part) for n, gap, part in zip(shape.repeat, shape.spacing, own, strict=True))
    return float(np.dot(shape.centre, direction) + _REACHES[shape.kind](shape.sizes, own) + shape.rounding + repeated)


def _ellipsoid(x, y, z, sizes, rounding):
    a, b, c = sizes
    u, v, w = x / a, y / b, z / c
    scaled = np.sqrt(u * u + v * v + w * w)
    u /= a
    v /= b
    w /= c
    slope = np.sqrt(u * u + v * v + w * w)
    # f / |grad f| of the convex f = scaled - 1 never exceeds the distance. The floors matter at the very centre only.
    least = 1e-6 / np.minimum(np.minimum(a, b), c)
    return np.maximum(scaled, 1e-6) * (scaled - 1) / np.maximum(slope, least)


def _cone(x, y, z, sizes, rounding):
    first, last, length = sizes
    sine = (first - last) / length
    cosine = np.sqrt(1 - sine * sine)
    across = x * x
    across += z * z
    side = np.sqrt(across)
    along = cosine * y - sine * side
    flank = cosine * side + sine * y - first
    bottom = np.sqrt(across + y * y) - first
    beyond = y - length
    top = np.sqrt(across + beyond * beyond) - last
    return np.where(along < 0, bottom, np.where(along > cosine * length, top, flank))


def _box(x, y, z, sizes, rounding):
    u, v, w = np.abs(x) - sizes[0], np.abs(y) - sizes[1], np.abs(z) - sizes[2]
    inside = np.minimum(np.maximum(np.maximum(u, v), w), 0)
    for edge in (u, v, w):
        np.maximum(edge, 0, out=edge)
        edge *= edge
    return np.sqrt(u + v + w) + inside - rounding


def _cylinder(x, y, z, sizes, rounding):
    side = np.sqrt(x * x + z * z) - sizes[0]
    cap = np.abs(y) - sizes[1]
    inside = np.minimum(np.maximum(side, cap), 0)
    for edge in (side, cap):
        np.maximum(edge, 0, out=edge)
        edge *= edge
    return np.sqrt(side + cap) + inside - rounding


def _torus(x, y, z, sizes, rounding):
    side = np.sqrt(x * x + z * z) - sizes[0]
    return np.sqrt(side * side + y * y) - sizes[1]


_DISTANCES = dict(zip(KINDS, (_ellipsoid, _cone, _box, _cylinder, _torus), strict=True))

_REACHES = {
    "ellipsoid": lambda sizes, own: np.linalg.norm(np.multiply(sizes, own)),
    "cone": lambda sizes, own: max(sizes[0], sizes[1] + sizes[2] * own[1]),
    "box": lambda sizes, own: np.abs(np.multiply(sizes, own)).sum(),
    "cylinder": lambda sizes, own: sizes[0] * np.hypot(own[0], own[2]) + sizes[1] * abs(own[1]),
    "torus": lambda sizes, own: sizes[0] * np.hypot(own[0], own[2]) + sizes[1],
}


def _unit(vector: Vector) -> np.ndarray:
    return np.array(vector, float) / np.linalg.norm(vector)


def _y_to(direction: np.ndarray) -> tuple[Vector, Vector, Vector]:
    """Matrix that carries the y axis to a unit vector."""
    helper = np.array([0.0, 0.0, 1.0]) if abs(direction[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    side = np.cross(direction, helper)
    side /= np.linalg.norm(side)
    return _rows(np.stack([side, direction, np.cross(side, direction)], axis=1))


def _rows(matrix: np.ndarray) -> tuple[Vector, Vector, Vector]:
    return tuple(tuple(float(number) for number in row) for row in matrix)
