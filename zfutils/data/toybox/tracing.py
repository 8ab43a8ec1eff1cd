"""Sphere tracing: from rays to the points where they meet a toy, and the light that reaches those points."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from zfutils.data.toybox import distance_field
from zfutils.data.toybox.toy import Toy


@dataclass(frozen=True)
class Cells:
    """A coarse look at a toy on a square grid of the plane at distance 1.

    Attributes:
        half: half side of the grid on the plane.
        start: (grid, grid) distance along a ray that is safe for the whole cell, infinite where no ray of the cell can meet the toy.
        area: silhouette, in units of the plane.
        box: left, right, bottom and top of the silhouette on the plane.
        reach: how far the silhouette extends from the middle of its box.
    """

    half: float
    start: np.ndarray
    area: float
    box: tuple[float, float, float, float]
    reach: float


@dataclass(frozen=True)
class Hits:
    """Where rays meet a toy.

    Attributes:
        rays: numbers of the rays that meet it or pass within half a pixel.
        distance: along the ray.
        cover: share of the pixel that the toy fills, in (0, 1]; 1 where the ray meets it.
    """

    rays: np.ndarray
    distance: np.ndarray
    cover: np.ndarray


def cells(toy: Toy, eye: np.ndarray, rays: Callable[[np.ndarray, np.ndarray], np.ndarray], half: float, grid: int) -> Cells:
    """March one cone for every cell of a grid, then its middle ray to the surface."""
    ticks = ((np.arange(grid, dtype=np.float32) + 0.5) / grid * 2 - 1) * np.float32(half)
    v, u = (part.ravel() for part in np.meshgrid(ticks, ticks, indexing="ij"))
    directions = rays(u, v)
    far = float(np.linalg.norm(eye)) + toy.radius
    near = max(float(np.linalg.norm(eye)) - toy.radius, 0.0)
    # A cone is as wide as a cell's diagonal; where the toy comes closer to its axis than that, single rays have to take over.
    start = march(toy, eye, directions, np.full(u.size, near, np.float32), far, half / grid * 1.5, stop=1.0)
    safe = np.full(u.size, np.inf, np.float32)
    safe[start.rays] = start.distance
    alive = np.flatnonzero(np.isfinite(safe))
    met = march(toy, eye, directions[:, alive], safe[alive], far, half / grid * 0.05)
    inside = alive[met.rays[met.cover == 1]]
    cell = 2 * half / grid
    if inside.size == 0:
        inside = alive
    box = (u[inside].min() - cell / 2, u[inside].max() + cell / 2, v[inside].min() - cell / 2, v[inside].max() + cell / 2)
    reach = np.hypot(u[inside] - (box[0] + box[1]) / 2, v[inside] - (box[2] + box[3]) / 2).max() + cell / 2
    return Cells(half, safe.reshape(grid, grid), inside.size * cell**2, tuple(float(side) for side in box), float(reach))


def march(toy: Toy, eye: np.ndarray, directions: np.ndarray, start: np.ndarray, far: float, pixel: float, *, stop: float = 0.1) -> Hits:
    """Follow rays until they meet the toy or leave its bounding sphere.

    Args:
        toy: the toy.
        eye: (3,) where all rays begin.
        directions: (3, n) unit vectors.
        start: (n,) distance along each ray where to begin.
        far: distance where a ray has left the toy behind.
        pixel: half width of a pixel at distance 1.
        stop: a ray has arrived when it is closer to the toy than this many half pixels.
    """
    met, closest, best = distance_field.march(
        toy.packed, eye.astype(np.float32), directions, start, np.float32(far), np.float32(pixel), np.float32(stop)
    )
    seen = np.flatnonzero(met | (closest < 1))
    return Hits(seen, best[seen], np.where(met[seen], 1, np.clip(1 - closest[seen], 0, 1)).astype(np.float32))


def lit(toy: Toy, points: np.ndarray, light: np.ndarray, softness: float) -> np.ndarray:
    """Share of the light that reaches points past the toy, in [0, 1]: a soft shadow.

    Args:
        toy: the toy.
        points: (3, n), a little off the surface.
        light: (3,) unit vector to the light.
        softness: angle of the penumbra, radians.
    """
    along_light = light @ points
    off_axis = (points * points).sum(0) - along_light**2
    inside = toy.radius**2 - off_axis
    leaves = -along_light + np.sqrt(np.maximum(inside, 0))
    steps = np.array([toy.radius * 0.02, toy.radius * 0.5], np.float32)
    enters = np.maximum(-along_light - np.sqrt(np.maximum(inside, 0)), steps[0])
    leaves = np.where(inside > 0, leaves, 0)
    share = distance_field.shadow(
        toy.packed, np.ascontiguousarray(points), light, enters.astype(np.float32), leaves.astype(np.float32), steps, np.float32(softness)
    )
    share = np.clip(share, 0, 1)
    return share * share * (3 - 2 * share)


def open_sky(toy: Toy, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Share of the surroundings that points see, in [0, 1]: ambient occlusion from two distances along the normal."""
    hidden = np.zeros(points.shape[1], np.float32)
    for reach, weight in ((0.08, 0.6), (0.22, 0.4)):
        step = np.float32(reach * toy.radius)
        hidden += np.float32(weight) * np.clip(1 - toy.distance(points + normals * step) / step, 0, 1)
    return 1 - hidden
