"""Backdrops: gradients, noise, floors and clutter behind a toy, drawn without looking at its class."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from zfutils.data.toybox import materials
from zfutils.data.toybox.difficulty import Difficulty

TEXTURES = ("clouds", "bands", "tiles", "blobs", "grain")


@dataclass(frozen=True)
class Clutter:
    """An object behind the toy.

    Attributes:
        round: whether it is an ellipsoid (else a box).
        position: (x, y) in the picture, which is [-1, 1] squared.
        depth: behind the toy, in distances of the toy.
        size: half side in the picture.
        radii: (3,) half sides relative to `size`.
        axes: (3, 3) its rotation.
        look: its surface.
    """

    round: bool
    position: tuple[float, float]
    depth: float
    size: float
    radii: np.ndarray
    axes: np.ndarray
    look: materials.Look


@dataclass(frozen=True)
class Backdrop:
    """Everything behind a toy.

    Attributes:
        name: texture of the backdrop, one of `TEXTURES`.
        wall: (size, size, 3) linear colours.
        floor: (2, 3) the two colours of the floor, None where there is none.
        floor_pattern: pattern of the floor.
        clutter: objects, the farthest first.
    """

    name: str
    wall: np.ndarray
    floor: np.ndarray | None
    floor_pattern: materials.Pattern
    clutter: tuple[Clutter, ...]


def draw(generator: np.random.Generator, toy_colour: np.ndarray, size: int, difficulty: Difficulty) -> Backdrop:
    """Draw a backdrop whose colour differs from the toy's.

    Args:
        generator: source of chance.
        toy_colour: (3,) linear colour of the toy.
        size: side of the picture, pixels.
        difficulty: ranges to draw from.
    """
    first, second = (_unlike(generator, toy_colour, difficulty) for _ in range(2))
    floor = np.stack([_unlike(generator, toy_colour, difficulty) for _ in range(2)])
    floor[1] = floor[0] + 0.5 * (floor[1] - floor[0])
    name = str(generator.choice(TEXTURES))
    wall = _wall(generator, name, (first, second), size, difficulty)
    has_floor = generator.uniform() < difficulty.floor
    pattern = materials.Pattern(
        str(generator.choice(["plain", "stripes", "checks", "fur"])),
        float(generator.uniform(0.5, 1.6)),
        np.array([[1, 0, 0], [0, 0.02, 0], [0, 0, 1]], np.float32) @ _yaw(generator.uniform(0, 2 * np.pi)),
        materials.lattice(generator),
    )
    count = int(generator.integers(difficulty.clutter[0], difficulty.clutter[1] + 1))
    clutter = sorted((_clutter(generator, difficulty) for _ in range(count)), key=lambda thing: -thing.depth)
    return Backdrop(name, wall, floor if has_floor else None, pattern, tuple(clutter))


def smooth_noise(generator: np.random.Generator, cells: int, size: int) -> np.ndarray:
    """Smooth noise in about [-1, 1], float32 (size, size), with `cells` random numbers along each side."""
    grid = generator.uniform(-1, 1, (cells + 3, cells + 3)).astype(np.float32)
    weights = _spline(cells, size)
    return 1.6 * (weights @ grid @ weights.T)


def _wall(
    generator: np.random.Generator, name: str, colours: tuple[np.ndarray, np.ndarray], size: int, difficulty: Difficulty
) -> np.ndarray:
    """A gradient between two colours with a texture over it."""
    first, second = colours
    y, x = np.meshgrid(np.linspace(1, -1, size, dtype=np.float32), np.linspace(-1, 1, size, dtype=np.float32), indexing="ij")
    angle, strength = generator.uniform(0, 2 * np.pi), generator.uniform(0.1, 0.3)
    mix = strength * (np.cos(angle) * x + np.sin(angle) * y) + _texture(generator, name, x, y, generator.uniform(*difficulty.texture))
    shade = 1 + generator.uniform(0, 0.25) * smooth_noise(generator, 3, size)
    mix = np.clip(0.5 + mix, 0, 1)[..., None]
    return ((first + mix * (second - first)) * np.maximum(shade, 0.3)[..., None]).astype(np.float32)


def _texture(generator: np.random.Generator, name: str, x: np.ndarray, y: np.ndarray, amount: float) -> np.ndarray:
    """Signal in about [-amount, amount]."""
    size = len(x)
    angle, frequency = generator.uniform(0, np.pi), generator.uniform(2, 7)
    warp = generator.uniform(0, 0.35) * smooth_noise(generator, 4, size)
    along, across = np.cos(angle) * x + np.sin(angle) * y + warp, np.cos(angle) * y - np.sin(angle) * x + warp
    octaves = sum(smooth_noise(generator, cells, size) * share for cells, share in ((3, 0.5), (7, 0.3), (15, 0.2), (31, 0.12)))
    if name == "bands":
        return amount * np.clip(1.5 * np.sin(np.pi * frequency * along), -1, 1) + 0.4 * amount * octaves
    if name == "tiles":
        return amount * np.clip(3 * np.sin(np.pi * frequency * along) * np.sin(np.pi * frequency * across), -1, 1) + 0.4 * amount * octaves
    if name == "blobs":
        return amount * np.clip(4 * smooth_noise(generator, int(generator.integers(5, 13)), size), -1, 1)
    if name == "grain":
        return amount * (smooth_noise(generator, 31, size) + smooth_noise(generator, 60, size)) / 1.5
    return 2 * amount * octaves


def _unlike(generator: np.random.Generator, avoided: np.ndarray, difficulty: Difficulty) -> np.ndarray:
    """A colour of the walls at some distance from another one; the best of eight where none is far enough."""
    contrast, ranges = difficulty.contrast, (difficulty.wall_saturation, difficulty.wall_value)
    tries = np.stack([materials.colour(generator.uniform(), *(generator.uniform(*bounds) for bounds in ranges)) for _ in range(8)])
    gaps = np.sqrt(((np.sqrt(tries) - np.sqrt(avoided)) ** 2).mean(1))
    return tries[np.argmax(gaps > contrast) if (gaps > contrast).any() else gaps.argmax()]


def _clutter(generator: np.random.Generator, difficulty: Difficulty) -> Clutter:
    return Clutter(
        bool(generator.uniform() < 0.5),
        (float(generator.uniform(-1, 1)), float(generator.uniform(-1, 1))),
        float(generator.uniform(1.3, 2.2)),
        float(2 * generator.uniform(*difficulty.clutter_size)),
        generator.uniform(0.45, 1, 3).astype(np.float32),
        materials.random_axes(generator),
        materials.look(generator),
    )


def _yaw(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]], np.float32)


@lru_cache
def _spline(cells: int, size: int) -> np.ndarray:
    """Weights (size, cells + 3) of a uniform cubic B-spline."""
    position = (np.arange(size) + 0.5) / size * cells
    cell = np.minimum(position.astype(int), cells - 1)
    t = position - cell
    basis = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=1) / 6
    weights = np.zeros((size, cells + 3), np.float32)
    for offset in range(4):
        weights[np.arange(size), cell + offset] = basis[:, offset]
    return weights
