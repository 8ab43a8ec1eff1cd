"""Sheets: rows of toys to look at, as plain pictures with captions."""

import colorsys
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from zfutils.profiles import Profile
from zfutils.toybox import families, scene
from zfutils.toybox.difficulty import DIFFICULTY
from zfutils.toybox.families import Family
from zfutils.toybox.scene import Picture

COLUMNS = 8
_DRAWS = (10**6, 0)  # sets of a collection count from 0, so no sheet repeats one of their pictures


@dataclass(frozen=True)
class Sheet:
    """A grid of pictures.

    Attributes:
        image: uint8 (rows * size, columns * size, 3).
        captions: the class of each row.
        legends: the names of the parts of each row.
    """

    image: np.ndarray
    captions: tuple[str, ...]
    legends: tuple[tuple[str, ...], ...]


def classes(profile: Profile, seed: int = 0, *, chosen: tuple[Family, ...] = families.PRETRAINING, columns: int = COLUMNS) -> Sheet:
    """Several instances of every class.

    Args:
        profile: gives the size of the pictures.
        seed: source of chance.
        chosen: the classes, one row each; `families.TRANSFER` has the others.
        columns: instances of each.
    """
    return _sheet(chosen, [[one.image for one in row] for row in _rendered(profile, seed, chosen, columns)])


def parts(profile: Profile, seed: int = 0, *, chosen: tuple[Family, ...] = families.PRETRAINING, columns: int = COLUMNS) -> Sheet:
    """The same instances as in `classes`, every part in its own colour."""
    return _sheet(chosen, [[painted(one.parts) for one in row] for row in _rendered(profile, seed, chosen, columns)])


def painted(part_map: np.ndarray) -> np.ndarray:
    """A map of parts in the colours of `palette`, uint8 (size, size, 3)."""
    return palette()[part_map]


def palette() -> np.ndarray:
    """Fixed colour of every part, uint8 (1 + parts, 3); row 0, the background, is grey."""
    numbers = range(len(families.PARTS))  # neighbours are far apart in hue: steps of the golden ratio
    colours = [colorsys.hsv_to_rgb(number * 0.61803 % 1, 0.45 + 0.4 * (number % 2), 0.98 - 0.12 * (number % 3)) for number in numbers]
    return np.rint(np.array([(0.16, 0.16, 0.18), *colours]) * 255).astype(np.uint8)


def _rendered(profile: Profile, seed: int, chosen: tuple[Family, ...], columns: int) -> list[list[Picture]]:
    def one(row: int, column: int) -> Picture:
        generator = np.random.default_rng([seed, *_DRAWS, row, column])
        return scene.portrait(chosen[row], generator, profile.prepared_size, DIFFICULTY)

    with threadpool_limits(1):
        return [[one(row, column) for column in range(columns)] for row in range(len(chosen))]


def _sheet(chosen: tuple[Family, ...], rows: list[list[np.ndarray]]) -> Sheet:
    image = np.concatenate([np.concatenate(row, axis=1) for row in rows])
    return Sheet(image, tuple(one.name for one in chosen), tuple(one.parts for one in chosen))
