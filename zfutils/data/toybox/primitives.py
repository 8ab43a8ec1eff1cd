"""The five kinds of shape that toys are made of."""

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


def reach(shape: Primitive, directions: np.ndarray) -> np.ndarray:
    """How far a shape extends along unit vectors (..., 3), measured from the toy's origin: (...)."""
    own = directions @ np.array(shape.turn)
    repeated = np.abs(own) @ _half_spans(shape)
    return directions @ np.array(shape.centre) + _REACHES[shape.kind](shape.sizes, own) + shape.rounding + repeated


def bounding_sphere(shape: Primitive) -> tuple[np.ndarray, float]:
    """Middle (3,) and radius of a sphere that holds a shape with all its repetitions."""
    sizes = shape.sizes
    along = sizes[2] / 2 if shape.kind == "cone" else 0.0
    middle = np.array(shape.centre) + along * np.array(shape.turn)[:, 1]
    return middle, float(_RADII[shape.kind](sizes) + shape.rounding + np.linalg.norm(_half_spans(shape)))


def _half_spans(shape: Primitive) -> np.ndarray:
    """How far the outermost repetitions are from the middle, along each of the shape's axes (3,)."""
    return (np.array(shape.repeat) - 1) / 2 * np.array(shape.spacing)


_REACHES = {
    "ellipsoid": lambda sizes, own: np.linalg.norm(sizes * own, axis=-1),
    "cone": lambda sizes, own: np.maximum(sizes[0], sizes[1] + sizes[2] * own[..., 1]),
    "box": lambda sizes, own: np.abs(sizes * own).sum(-1),
    "cylinder": lambda sizes, own: sizes[0] * np.hypot(own[..., 0], own[..., 2]) + sizes[1] * np.abs(own[..., 1]),
    "torus": lambda sizes, own: sizes[0] * np.hypot(own[..., 0], own[..., 2]) + sizes[1],
}
_RADII = {
    "ellipsoid": max,
    "cone": lambda sizes: sizes[2] / 2 + max(sizes[:2]),
    "box": np.linalg.norm,
    "cylinder": lambda sizes: np.hypot(sizes[0], sizes[1]),
    "torus": lambda sizes: sizes[0] + sizes[1],
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
