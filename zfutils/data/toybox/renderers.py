"""Renderers: how a row of each set becomes a picture."""

import numpy as np

from zfutils.data.toybox import families, scene
from zfutils.data.toybox.difficulty import Difficulty


def _pretraining_toy(row: dict, generator: np.random.Generator, size: int, ranges: Difficulty) -> scene.Picture:
    return scene.portrait(families.PRETRAINING[row["label"]], generator, size, ranges)


def _transfer_toy(row: dict, generator: np.random.Generator, size: int, ranges: Difficulty) -> scene.Picture:
    return scene.portrait(families.TRANSFER[row["label"]], generator, size, ranges)


def _scene(row: dict, generator: np.random.Generator, size: int, ranges: Difficulty) -> scene.Picture:
    few, many = ranges.scene_toys
    count = 1 if row["control"] else int(generator.integers(few, many + 1))
    others = generator.permutation([label for label in range(len(families.PRETRAINING)) if label != row["label"]])[: count - 1]
    return scene.group([families.PRETRAINING[label] for label in (row["label"], *others)], generator, size, ranges)


def _turned(row: dict, generator: np.random.Generator, size: int, ranges: Difficulty) -> scene.Picture:
    return scene.turning(families.PRETRAINING[row["label"]], generator, size, ranges, angle=row["angle"])


RENDERERS = {"pretraining": _pretraining_toy, "transfer": _transfer_toy, "scenes": _scene, "turning": _turned}
