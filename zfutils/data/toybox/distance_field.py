"""The distance field of a toy, compiled: how far points are from its surface, and rays that follow it there (sphere tracing).

Whatever is compiled stays in this one file: the compiler's cache looks at the file of the function that is called, not at those that it
calls. All numbers are float32, as in `Toy`, which packs the shapes.
"""

from collections.abc import Callable

import numpy as np
from numba import njit


def _compiled(function: Callable) -> Callable:
    """Compile a function when it is first called, and keep that on disk; where no folder can be written it is compiled by every process."""
    try:
        return njit(cache=True, error_model="numpy")(function)
    except RuntimeError:
        return njit(error_model="numpy")(function)


# One primitive. Those of one solid stand together; `last` is the index after the solid's last one.
SHAPE = np.dtype(
    [
        ("kind", np.int32),  # index in `primitives.KINDS`
        ("repeated", np.int32),
        ("hollow", np.int32),  # it is cut out of its solid
        ("carved", np.int32),  # something is cut out of its solid
        ("last", np.int32),
        ("blend", np.float32),  # of its solid
        ("turn", np.float32, (3, 3)),  # from the toy's axes to its own
        ("offset", np.float32, 3),
        ("sizes", np.float32, 3),
        ("rounding", np.float32),
        ("repeat", np.float32, 3),
        ("spacing", np.float32, 3),
        ("middle", np.float32, 3),  # of its bounding sphere
        ("radius", np.float32),  # of its bounding sphere
        ("shortness", np.float32),  # how many times shorter than the true distance to that sphere its own may be
        ("influence", np.float32),  # how far from the nearest surface it still matters
    ],
    align=True,
)

_ELLIPSOID, _CONE, _BOX, _CYLINDER = range(4)  # the order of `primitives.KINDS`; the last one is the torus
_STEPS = 40
_SHADOW_STEPS = 20
_ZERO, _ONE, _TWO, _FOUR, _HAIR, _FAR = (np.float32(number) for number in (0, 1, 2, 4, 1e-6, np.inf))
_LEAST_STEP, _DARK = np.float32(0.1), np.float32(0.02)


@_compiled
def distances(shapes, points):
    """Distances to the surface, negative inside; never longer than the true one outside.

    Args:
        shapes: (shapes,) of dtype `SHAPE`.
        points: (3, points) in the toy's axes.

    Returns:
        (points,).
    """
    found, own, guess = np.empty(points.shape[1], np.float32), np.empty(len(shapes), np.float32), 0
    for n in range(points.shape[1]):
        found[n], guess = _distance(shapes, points[0, n], points[1, n], points[2, n], own, guess)
    return found


@_compiled
def nearest(shapes, points):
    """Index of the nearest shape for every point, int64 (points,); arguments as for `distances`."""
    found, own, guess = np.empty(points.shape[1], np.int64), np.empty(len(shapes), np.float32), 0
    for n in range(points.shape[1]):
        guess = _own_distances(shapes, points[0, n], points[1, n], points[2, n], own, guess)
        found[n] = np.argmin(own)
    return found


@_compiled
def march(shapes, eye, directions, start, far, pixel, stop):
    """Follow rays until they meet the surface or leave the toy's bounding sphere.

    Args:
        shapes: see `distances`; the others are those of `tracing.march`.

    Returns:
        Whether each ray met the toy; how close it came, in half pixels; the distance along it where that was.
    """
    count = len(start)
    met, closest, best = np.zeros(count, np.bool_), np.full(count, _FAR), start.copy()
    own, guess, least = np.empty(len(shapes), np.float32), 0, pixel * _LEAST_STEP
    for ray in range(count):
        x, y, z = directions[0, ray], directions[1, ray], directions[2, ray]
        t, under_way = start[ray], True
        for _ in range(_STEPS):
            gap, guess = _distance(shapes, eye[0] + x * t, eye[1] + y * t, eye[2] + z * t, own, guess)
            ratio = gap / (t * pixel)
            if ratio < closest[ray]:
                closest[ray], best[ray] = ratio, t
            met[ray] = ratio < stop
            t += max(gap, t * least)
            under_way = not met[ray] and t < far
            if not under_way:
                break
        if under_way:  # a grazing ray that ran out of steps
            met[ray] = closest[ray] < _ONE
    return met, closest, best


@_compiled
def shadow(shapes, points, light, begin, end, steps, softness):
    """Share of a lamp's light that passes the toy, from how close the way to the lamp comes to it.

    Args:
        shapes: see `distances`.
        points: (3, n), a little off the surface.
        light: (3,) unit vector to the light.
        begin, end: (n,) distances on the way to the light between which the toy may be; where the end is not positive it is not.
        steps: (2,) shortest and longest step.
        softness: angle of the penumbra, radians.

    Returns:
        (n,), 1 where nothing is in the way, 0 or less where the toy is.
    """
    share, own, guess = np.ones(len(begin), np.float32), np.empty(len(shapes), np.float32), 0
    for n in range(len(begin)):
        x, y, z, t = points[0, n], points[1, n], points[2, n], begin[n]
        if end[n] <= _ZERO:
            continue
        for _ in range(_SHADOW_STEPS):
            gap, guess = _distance(shapes, x + light[0] * t, y + light[1] * t, z + light[2] * t, own, guess)
            share[n] = min(share[n], gap / (softness * t))
            t += min(max(gap, steps[0]), steps[1])
            if share[n] <= _DARK or t >= end[n]:
                break
    return share


@_compiled
def _distance(shapes, x, y, z, own, guess):
    """Distance of a point to the union of all solids, and the index of its nearest shape; see `_own_distances`."""
    guess = _own_distances(shapes, x, y, z, own, guess)
    total, first = _FAR, 0
    while first < len(shapes):
        last, blend, joined = shapes[first].last, shapes[first].blend, own[first]
        for i in range(first + 1, last):
            joined = _smooth(joined, own[i], blend) if blend > _ZERO else min(joined, own[i])
        total, first = min(total, joined), last
    return total, guess


@_compiled
def _smooth(first, second, blend):
    """Polynomial smooth minimum: where both are closer than `blend` it dips below the smaller one by up to blend / 4."""
    if first == _FAR or second == _FAR:
        return min(first, second)
    overlap = max(blend - abs(first - second), _ZERO)
    return min(first, second) - overlap * overlap / (_FOUR * blend)


@_compiled
def _own_distances(shapes, x, y, z, own, guess):
    """Write the distances of a point to each shape, with hollows cut out, into `own`; infinite where a shape cannot matter.

    It cannot where its bounding sphere is farther away than the nearest surface so far, which is why a good guess saves time.
    """
    own[guess] = _of_shape(shapes[guess], x, y, z)
    least, nearest = _FAR if shapes[guess].carved else own[guess], guess
    for i in range(len(shapes)):
        if i == guess:
            continue
        shape = shapes[i]
        u, v, w = x - shape.middle[0], y - shape.middle[1], z - shape.middle[2]
        reach = (max(least, _ZERO) + shape.influence) * shape.shortness + shape.radius
        if u * u + v * v + w * w > reach * reach:
            own[i] = _FAR
            continue
        own[i] = _of_shape(shape, x, y, z)
        if own[i] < least and not shape.carved:  # what is left of a carved shape may be far from its own surface
            least, nearest = own[i], i
    first = 0
    while first < len(shapes):
        if shapes[first].carved:
            _cut_out(shapes, own, first, shapes[first].last)
        first = shapes[first].last
    return nearest


@_compiled
def _cut_out(shapes, own, first, last):
    """Cut the hollows of a solid out of its other shapes."""
    hole, inside = -_FAR, _FAR
    for i in range(first, last):
        if shapes[i].hollow:
            hole = max(hole, -own[i])
        else:
            inside = min(inside, own[i])
    # Both meet the cut surface at one distance: a hair decides which of them gives it its part.
    hair = -_HAIR if hole > inside else _HAIR
    for i in range(first, last):
        own[i] = max(inside, hole) + hair if shapes[i].hollow else max(own[i], hole)


@_compiled
def _of_shape(shape, x, y, z):
    """Distance of a point to a shape; never longer than the true one outside."""
    turn, offset, sizes = shape.turn, shape.offset, shape.sizes
    u = turn[0, 0] * x + turn[0, 1] * y + turn[0, 2] * z + offset[0]
    v = turn[1, 0] * x + turn[1, 1] * y + turn[1, 2] * z + offset[1]
    w = turn[2, 0] * x + turn[2, 1] * y + turn[2, 2] * z + offset[2]
    if shape.repeated:
        u = _folded(u, shape.repeat[0], shape.spacing[0])
        v = _folded(v, shape.repeat[1], shape.spacing[1])
        w = _folded(w, shape.repeat[2], shape.spacing[2])
    if shape.kind == _ELLIPSOID:
        return _ellipsoid(u, v, w, sizes[0], sizes[1], sizes[2])
    if shape.kind == _CONE:
        return _cone(u, v, w, sizes[0], sizes[1], sizes[2])
    if shape.kind == _BOX:
        return _box(u, v, w, sizes[0], sizes[1], sizes[2]) - shape.rounding
    if shape.kind == _CYLINDER:
        return _cylinder(u, v, w, sizes[0], sizes[1]) - shape.rounding
    return _torus(u, v, w, sizes[0], sizes[1])


@_compiled
def _folded(value, count, gap):
    """A coordinate in the cell of the nearest repetition."""
    middle = (count - _ONE) / _TWO
    cell = min(max(np.rint(value / gap + middle), _ZERO), count - _ONE)
    return value - (cell - middle) * gap


@_compiled
def _ellipsoid(x, y, z, a, b, c):
    u, v, w = x / a, y / b, z / c
    scaled = np.sqrt(u * u + v * v + w * w)
    u, v, w = u / a, v / b, w / c
    slope = np.sqrt(u * u + v * v + w * w)
    # f / |grad f| of the convex f = scaled - 1 never exceeds the distance. The floors matter at the very centre only.
    return max(scaled, _HAIR) * (scaled - _ONE) / max(slope, _HAIR / min(a, b, c))


@_compiled
def _cone(x, y, z, first, last, length):
    sine = (first - last) / length
    cosine = np.sqrt(_ONE - sine * sine)
    across = x * x + z * z
    side = np.sqrt(across)
    along = cosine * y - sine * side
    if along < _ZERO:
        return np.sqrt(across + y * y) - first
    if along > cosine * length:
        return np.sqrt(across + (y - length) * (y - length)) - last
    return cosine * side + sine * y - first


@_compiled
def _box(x, y, z, a, b, c):
    u, v, w = abs(x) - a, abs(y) - b, abs(z) - c
    inside = min(max(u, v, w), _ZERO)
    u, v, w = max(u, _ZERO), max(v, _ZERO), max(w, _ZERO)
    return np.sqrt(u * u + v * v + w * w) + inside


@_compiled
def _cylinder(x, y, z, radius, half):
    side, cap = np.sqrt(x * x + z * z) - radius, abs(y) - half
    inside = min(max(side, cap), _ZERO)
    side, cap = max(side, _ZERO), max(cap, _ZERO)
    return np.sqrt(side * side + cap * cap) + inside


@_compiled
def _torus(x, y, z, radius, tube):
    side = np.sqrt(x * x + z * z) - radius
    return np.sqrt(side * side + y * y) - tube
