"""The studio: a lamp, and how wall, floor, clutter and toys look in its light, one layer over the other."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from zfutils.data.toybox import camera, tracing
from zfutils.data.toybox.backdrop import Backdrop, Clutter
from zfutils.data.toybox.camera import Frame, View
from zfutils.data.toybox.difficulty import Difficulty
from zfutils.data.toybox.materials import ROLES, Look
from zfutils.data.toybox.toy import Toy
from zfutils.data.toybox.tracing import Cells


@dataclass(frozen=True)
class Lamp:
    """The light of a picture.

    Attributes:
        direction: (3,) unit vector to the lamp, in the camera's axes.
        colour: (3,) its strength for red, green and blue.
        ambient: strength of the light from everywhere.
        softness: of its shadows, radians.
    """

    direction: np.ndarray
    colour: np.ndarray
    ambient: float
    softness: float


@dataclass(frozen=True)
class Actor:
    """A toy in its place in the picture.

    Attributes:
        toy: its shape.
        look: its surface.
        view: the camera before it.
        cells: the coarse look at it.
        frame: its place in the picture.
    """

    toy: Toy
    look: Look
    view: View
    cells: Cells
    frame: Frame


@dataclass(frozen=True)
class Seen:
    """What the camera sees of a toy.

    Attributes:
        pixels: numbers of the pixels (row by row) that the toy touches.
        cover: share of each pixel that it fills, in (0, 1]; 1 where the toy is at the pixel's middle.
        shape: index of the nearest primitive in the toy's `shapes`.
        colour: (n, 3) linear colours.
    """

    pixels: np.ndarray
    cover: np.ndarray
    shape: np.ndarray
    colour: np.ndarray


def lamp(generator: np.random.Generator, difficulty: Difficulty) -> Lamp:
    """Draw a lamp in front of the toy, above and to one side."""
    side, height = np.radians(generator.uniform(-65, 65)), np.radians(generator.uniform(25, 65))
    direction = np.array([np.sin(side) * np.cos(height), np.sin(height), np.cos(side) * np.cos(height)], np.float32)
    warm = generator.uniform(-0.08, 0.08)
    colour = generator.uniform(*difficulty.light) * np.array([1 + warm, 1, 1 - warm])
    return Lamp(
        direction, colour.astype(np.float32), float(generator.uniform(*difficulty.ambient)), float(generator.uniform(*difficulty.shadow))
    )


@lru_cache
def pixels(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Middles of all pixels, row by row, as x (right) and y (up) in [-1, 1]."""
    ticks = ((np.arange(size) + 0.5) / size * 2 - 1).astype(np.float32)
    y, x = np.meshgrid(-ticks, ticks, indexing="ij")
    return x.ravel(), y.ravel()


def see(actor: Actor, light: Lamp, size: int) -> Seen:
    """Trace and shade a toy."""
    toy, seen = actor.toy, actor.view
    u, v = actor.frame.plane(*pixels(size))
    chosen, start = _candidates(actor.cells, u, v)
    rays = seen.rays(u[chosen], v[chosen])
    pixel = 1 / (size * actor.frame.zoom)
    hits = tracing.march(toy, seen.eye, rays, start, seen.distance + toy.radius, pixel)
    rays = rays[:, hits.rays]
    points = seen.eye[:, None] + rays * hits.distance
    normals = toy.normals(points, max(0.5 * pixel * seen.distance, 1e-3 * toy.radius))
    shape = toy.nearest(points)
    roles = np.array([ROLES.index(shape.role) for shape in toy.shapes])[shape]
    albedo = actor.look.colours(points / np.float32(toy.radius), roles)
    return Seen(chosen[hits.rays], hits.cover, shape, _shaded(actor, light, points, normals, rays, albedo))


def _candidates(cells: Cells, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels whose cell may hold the toy, and the distance that is safe for each."""
    grid = len(cells.start)
    column, row = (np.floor((part / np.float32(cells.half) + 1) / 2 * grid).astype(np.int64) for part in (u, v))
    on_grid = np.flatnonzero((column >= 0) & (column < grid) & (row >= 0) & (row < grid))
    start = cells.start[row[on_grid], column[on_grid]]
    alive = np.isfinite(start)
    return on_grid[alive], start[alive]


def _shaded(actor: Actor, light: Lamp, points: np.ndarray, normals: np.ndarray, rays: np.ndarray, albedo: np.ndarray) -> np.ndarray:
    """Lambert's law with a soft shadow, light from everywhere, and a highlight."""
    toy, turn = actor.toy, actor.view.turn
    to_lamp, up = turn.T @ light.direction, turn.T @ actor.view.world[:, 1]
    facing = np.maximum(to_lamp @ normals, 0)
    bright = np.flatnonzero(facing > 0.02)
    lifted = points[:, bright] + normals[:, bright] * np.float32(0.012 * toy.radius)
    facing[bright] *= tracing.lit(toy, lifted, to_lamp, light.softness)
    around = light.ambient * (0.75 + 0.25 * (up @ normals)) * tracing.open_sky(toy, points, normals)
    middle = to_lamp[:, None] - rays
    middle /= np.sqrt((middle * middle).sum(0))
    highlight = actor.look.gloss * np.maximum((normals * middle).sum(0), 0) ** 36 * (facing > 0)
    return albedo * (facing[:, None] * light.colour + around[:, None]) + (highlight * facing)[:, None] * light.colour


def lay_floor(canvas: np.ndarray, ground: Backdrop, actor: Actor, light: Lamp) -> np.ndarray:
    """Draw a level floor under a toy.

    Args:
        canvas: (size * size, 3) linear colours; changed in place.
        ground: the backdrop with the floor's colours.
        actor: the toy that stands on it.
        light: the lamp.

    Returns:
        How much of each pixel is floor, in [0, 1], (size * size,); it fades out far away.
    """
    points, depth = _on_floor(actor, len(canvas))
    alpha = np.clip(2.2 - 0.3 * depth, 0, 1) * (depth > 0)
    here = np.flatnonzero(alpha > 0)
    level = camera.turned(actor.view.world.T, points[:, here]) / np.float32(actor.toy.radius)
    sharp = np.clip(1.6 - 0.35 * depth[here], 0, 1)  # far away the pattern is finer than a pixel
    weight = 0.5 + sharp * (ground.floor_pattern(level) - 0.5)
    colour = ground.floor[0] + weight[:, None] * (ground.floor[1] - ground.floor[0])
    facing = max(float(actor.view.world[:, 1] @ light.direction), 0.1)
    colour = colour * (facing * light.colour + light.ambient)
    canvas[here] += alpha[here, None] * (colour - canvas[here])
    return alpha


def cast_shadow(canvas: np.ndarray, floor: np.ndarray, actor: Actor, light: Lamp) -> None:
    """Darken the floor where the toy keeps the lamp's light away; `canvas` is changed in place."""
    points, depth = _on_floor(actor, len(canvas))
    near = np.flatnonzero((floor > 0) & (depth > 0) & ((points * points).sum(0) < (6 * actor.toy.radius) ** 2))
    turn = actor.view.turn
    own = camera.turned(turn.T, points[:, near])
    share = tracing.lit(actor.toy, own, turn.T @ light.direction, light.softness)
    facing = max(float(actor.view.world[:, 1] @ light.direction), 0.1)
    lamp_part = facing * light.colour / (facing * light.colour + light.ambient)
    canvas[near] *= 1 - floor[near, None] * (1 - share)[:, None] * lamp_part


def _on_floor(actor: Actor, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the rays of all pixels meet the floor: points (3, n) from the toy's centre in the camera's axes, and depth.

    The depth is in distances of the toy; it is not positive where a ray meets no floor.
    """
    seen = actor.view
    up = seen.world[:, 1]
    below = actor.toy.reach(-(seen.turn.T @ up))
    u, v = actor.frame.plane(*pixels(round(np.sqrt(count))))
    ahead = np.stack([u, v, -np.ones_like(u)])
    fall = up @ ahead
    depth = np.where(fall < -1e-4, (-below - up[2] * seen.distance) / np.minimum(fall, -1e-4), 0).astype(np.float32)
    points = ahead * depth
    points[2] += np.float32(seen.distance)
    return points, depth / np.float32(seen.distance)


def put_clutter(canvas: np.ndarray, thing: Clutter, light: Lamp) -> None:
    """Draw an ellipsoid or a box behind the toy, its surface in closed form; `canvas` is changed in place."""
    x, y = pixels(round(np.sqrt(len(canvas))))
    x, y = (x - thing.position[0]) / thing.size, (y - thing.position[1]) / thing.size
    near = np.flatnonzero(x * x + y * y < 3)
    if near.size == 0:
        return
    axes = thing.axes.T
    start = camera.turned(axes, np.stack([x[near], y[near], np.full(near.size, 4, np.float32)]))
    ahead = -axes[:, 2:]
    hit, depth, normals = (_meet_ellipsoid if thing.round else _meet_box)(start, ahead, thing.radii[:, None])
    points, normals = start[:, hit] + ahead * depth[hit], camera.turned(thing.axes, normals[:, hit])
    roles = np.zeros(points.shape[1], np.int64)
    facing = np.maximum(light.direction @ normals, 0)
    bright = facing[:, None] * light.colour + (light.ambient * (0.75 + 0.25 * normals[1]))[:, None]
    canvas[near[hit]] = thing.look.colours(points, roles) * bright


def _meet_ellipsoid(start: np.ndarray, ahead: np.ndarray, radii: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which parallel rays meet an ellipsoid at the origin, how far along, and with which normals."""
    begin, step = start / radii, ahead / radii
    a, b, c = (step * step).sum(0), (begin * step).sum(0), (begin * begin).sum(0) - 1
    inside = b * b - a * c
    depth = (-b - np.sqrt(np.maximum(inside, 0))) / a
    normals = (begin + step * depth) / radii
    return inside > 0, depth, normals / np.sqrt((normals * normals).sum(0))


def _meet_box(start: np.ndarray, ahead: np.ndarray, radii: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same for a box."""
    step = np.where(np.abs(ahead) < 1e-4, 1e-4, ahead)
    near, far = (-np.sign(step) * radii - start) / step, (np.sign(step) * radii - start) / step
    depth = near.max(0)
    first = near.argmax(0)
    normals = np.zeros_like(start)
    normals[first, np.arange(len(first))] = -np.sign(step)[first, 0]
    return depth < far.min(0), depth.astype(np.float32), normals
