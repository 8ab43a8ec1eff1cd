"""Materials: colours and patterns of a toy, drawn without looking at its class."""

import colorsys
from dataclasses import dataclass

import numpy as np

ROLES = ("main", "second", "dark", "light", "glass", "metal")
PATTERNS = ("plain", "stripes", "dots", "checks", "fur")

_PATTERNED = (0, 1)  # rows of ROLES that carry the toy's patterns
_LATTICE = 16


@dataclass(frozen=True)
class Pattern:
    """A pattern in space.

    Attributes:
        name: one of `PATTERNS`.
        frequency: repetitions in a toy's radius.
        axes: (3, 3) rotation of the pattern.
        lattice: (16, 16, 16) random numbers in [-1, 1] for noise.
    """

    name: str
    frequency: float
    axes: np.ndarray
    lattice: np.ndarray

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Weight of the second colour, in [0, 1], and nothing else than that; points are (3, n) in radii of the toy."""
        x, y, z = (self.axes @ points) * np.float32(self.frequency)
        if self.name == "stripes":
            return _edge(np.sin(np.float32(2 * np.pi) * x + noise(self.lattice, points * 2)))
        if self.name == "dots":
            cells = [part - np.rint(part) for part in (x, y, z)]
            return _edge((0.36 - np.sqrt(sum(part * part for part in cells))) * 6)
        if self.name == "checks":
            return _edge(np.sin(np.float32(np.pi) * x) * np.sin(np.float32(np.pi) * y) * np.sin(np.float32(np.pi) * z) * 8)
        if self.name == "fur":
            stretched = np.stack([x * 3, y * 0.9, z * 3])
            return np.clip(0.5 + 0.6 * noise(self.lattice, stretched) + 0.4 * noise(self.lattice, stretched * 2.3), 0, 1)
        return np.zeros(points.shape[1], np.float32)


@dataclass(frozen=True)
class Look:
    """Everything about a toy's surface.

    Attributes:
        first: (roles, 3) linear colours.
        second: (roles, 3) linear colours of the patterns.
        main, trim: patterns of the roles `main` and `second`.
        gloss: strength of the highlight, in [0, 1].
    """

    first: np.ndarray
    second: np.ndarray
    main: Pattern
    trim: Pattern
    gloss: float

    def colours(self, points: np.ndarray, roles: np.ndarray) -> np.ndarray:
        """Linear colours (n, 3) of surface points (3, n), given in radii of the toy, with their indices in `ROLES`."""
        weight = np.zeros(points.shape[1], np.float32)
        for role, pattern in zip(_PATTERNED, (self.main, self.trim), strict=True):
            here = np.flatnonzero(roles == role)
            weight[here] = pattern(points[:, here])
        return self.first[roles] + weight[:, None] * (self.second[roles] - self.first[roles])


def look(generator: np.random.Generator) -> Look:
    """Draw the surface of a toy; hue, pattern and all else are the same for every class."""
    hue = generator.uniform()
    main = colour(hue, generator.uniform(0.3, 0.9), generator.uniform(0.5, 0.95))
    differs = generator.uniform() < 0.5
    trim = colour((hue + generator.uniform(0.1, 0.9)) % 1 if differs else hue, generator.uniform(0.1, 0.8), generator.uniform(0.45, 0.95))
    tint = generator.uniform(size=4)
    dark = colour(tint[0], 0.4, generator.uniform(0.08, 0.2))
    light = colour(tint[1], generator.uniform(0.02, 0.25), generator.uniform(0.92, 1.0))
    glass = colour(tint[2], generator.uniform(0.15, 0.6), generator.choice([generator.uniform(0.2, 0.35), generator.uniform(0.8, 0.95)]))
    metal = colour(tint[3], 0.1, generator.uniform(0.55, 0.85))
    first = np.stack([main, trim, dark, light, glass, metal])
    second = first.copy()
    for role in _PATTERNED:
        second[role] = _companion(generator, first[role])
    names = generator.choice(PATTERNS, size=2, p=(0.3, 0.16, 0.16, 0.13, 0.25))
    return Look(first, second, _pattern(generator, names[0]), _pattern(generator, names[1]), float(generator.uniform(0, 0.5)))


def colour(hue: float, saturation: float, value: float) -> np.ndarray:
    """A linear colour from hue, saturation and value, each in [0, 1]."""
    return np.array(colorsys.hsv_to_rgb(hue % 1, saturation, value), np.float32) ** 2


def noise(lattice: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Smooth noise in [-1, 1] at points (3, n): a periodic lattice of random numbers, interpolated."""
    whole = np.floor(points)
    part = points - whole
    part = part * part * (3 - 2 * part)
    low = whole.astype(np.int64) % _LATTICE
    high = (low + 1) % _LATTICE
    total = np.zeros(points.shape[1], np.float32)
    for x, share_x in ((low[0], 1 - part[0]), (high[0], part[0])):
        for y, share_y in ((low[1], 1 - part[1]), (high[1], part[1])):
            across = lattice[x, y, low[2]] * (1 - part[2]) + lattice[x, y, high[2]] * part[2]
            total += across * (share_x * share_y)
    return total


def lattice(generator: np.random.Generator) -> np.ndarray:
    """Random numbers for `noise`, float32 (16, 16, 16) in [-1, 1]."""
    return generator.uniform(-1, 1, (_LATTICE,) * 3).astype(np.float32)


def random_axes(generator: np.random.Generator) -> np.ndarray:
    """A random rotation, float32 (3, 3)."""
    axes, upper = np.linalg.qr(generator.normal(size=(3, 3)))
    return (axes * np.sign(np.diag(upper))).astype(np.float32)


def _pattern(generator: np.random.Generator, name: str) -> Pattern:
    return Pattern(str(name), float(generator.uniform(1.6, 3.4)), random_axes(generator), lattice(generator))


def _companion(generator: np.random.Generator, base: np.ndarray) -> np.ndarray:
    """A second colour that is seen against the first, but lets the shape stand out."""
    hue, saturation, value = colorsys.rgb_to_hsv(*np.sqrt(base).tolist())
    value = value * generator.uniform(0.4, 0.65) if value > 0.6 else min(1.0, value * generator.uniform(1.5, 1.9))
    return colour(hue + generator.uniform(-0.12, 0.12), saturation, value)


def _edge(signal: np.ndarray) -> np.ndarray:
    """A soft step from 0 to 1 around zero."""
    return np.clip(0.5 + 2.5 * signal, 0, 1).astype(np.float32)
