"""Correspondence: whether masking the same part in different images changes the features alike (section 4.3, table 1, figure 8)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml
from torch import Tensor, nn

from zfutils.attribution import activations, occlusion
from zfutils.core import paths
from zfutils.core.errors import Problem
from zfutils.data.prepared_sets import PreparedSet

PARTS = ("eye_right", "eye_left", "nose")
LAYERS = ("pool1", "pool2", "relu3", "relu4", "relu5", "relu6", "relu7")  # one for each of the paper's layers 1 to 7
FACE = "dog"  # the toy class whose faces are compared, as the paper compares dogs
FRONTAL = 30.0  # degrees of yaw up to which a toy counts as frontal
POINTS = paths.MANIFESTS / "imagewoof_points.yml"
_IMAGENETS = r"(?:ILSVRC2012_val|n\d{8})_\d+\.JPEG$"  # names of files as ImageNet gives them


class NoFaces(Problem):
    """A set that cannot have two frontal faces with known parts: other classes than the listed ones, or too few toys."""


@dataclass(frozen=True)
class Faces:
    """Frontal faces with the places of their parts.

    Attributes:
        indices: of the pictures, (n,).
        centres: row and column of each part in the centre crop, pixels, by part, (n, 2).
    """

    indices: np.ndarray
    centres: dict[str, np.ndarray]

    @property
    def middles(self) -> np.ndarray:
        """Row and column of the middle of each face's parts, pixels, (n, 2)."""
        return np.stack(list(self.centres.values())).mean(0)

    def alike(self, centre: Sequence[float], face: int, size: int, side: int) -> np.ndarray:
        """The place in every face that lies to its parts as one place of one face does.

        Args:
            centre: row and column in the picture of that face, pixels.
            face: its number.
            size: side of the pictures, pixels.
            side: of the square there, pixels.

        Returns:
            Row and column in each picture, pixels, (n, 2); the squares are brought inside.
        """
        return (self.middles + (np.asarray(centre) - self.middles[face])).clip(side / 2, size - side / 2)


def faces(prepared: PreparedSet, size: int) -> Faces:
    """Find the frontal faces of a set's validation pictures.

    Toys know where their parts are; for photographs the hand-made list is read.

    Args:
        prepared: the pictures.
        size: side of the centre crop, pixels.

    Raises:
        NoFaces: neither parts nor listed classes are known for this set.
        Problem: the set has classes of the list, but not the listed pictures.
    """
    val = prepared.table.loc[prepared.indices("val")]
    found = _toy_faces(prepared, val) if "centres" in val else _listed_faces(prepared, val)
    offset = (prepared.facts["size"] - size) // 2
    kept = [(row, points) for row, points in found if all(0 <= value - offset < size for point in points for value in point)]
    if len(kept) < 2:
        raise NoFaces(f"expected at least two frontal faces with known parts, found {len(kept)}; take a profile with toys or Imagewoof")
    points = np.array([points for _, points in kept], float) - offset  # (n, parts, 2)
    return Faces(np.array([row for row, _ in kept]), {part: points[:, place] for place, part in enumerate(PARTS)})


def _toy_faces(prepared: PreparedSet, val: pd.DataFrame) -> list[tuple[int, list]]:
    """Dogs that look at the camera and show all parts."""
    some = val[(val["label"] == prepared.classes.index(FACE)) & (val["yaw"].abs() <= FRONTAL)]
    centres = [(int(row), json.loads(text)) for row, text in zip(some.index, some["centres"], strict=True)]
    return [(row, [known[part] for part in PARTS]) for row, known in centres if all(part in known for part in PARTS)]


def _listed_faces(prepared: PreparedSet, val: pd.DataFrame) -> list[tuple[int, list]]:
    """Pictures of the hand-made list that the set holds.

    Their own names tell them apart: Imagewoof keeps a folder a class and ILSVRC2012 one folder for all. Where pictures of the same classes
    have other names, as in Tiny ImageNet, the list does not speak of them.
    """
    listed = {Path(entry["file"]).name: entry for entry in yaml.safe_load(POINTS.read_text(encoding="utf-8"))}
    size = prepared.facts["size"]
    there = [(int(index), listed[name]) for index, file in val["file"].items() if (name := Path(file).name) in listed]
    folders = set(val.loc[val["file"].str.contains(_IMAGENETS), "folder"])
    expected = [entry["file"] for entry in listed.values() if Path(entry["file"]).parent.name in folders]
    if len(there) < 2 <= len(expected):
        raise Problem(f"expected {len(expected)} listed faces in these classes, found {len(there)}; the list names {expected[0]}: mend it")
    return [(index, [[entry[part][1] * size, entry[part][0] * size] for part in PARTS]) for index, entry in there]


def masked(images: Tensor, centres: np.ndarray, side: int) -> Tensor:
    """Hide a square in each image: there it is 0, the mean picture, once the mean is subtracted.

    Args:
        images: (n, channels, h, w).
        centres: row and column of the middle of each square, (n, 2), pixels; cut off at the border.
        side: of the squares, pixels.

    Raises:
        Problem: a square larger than the image.
    """
    hidden = images.clone()  # of the same layout in memory: rounding must not differ from that of the images as they were
    for one, centre in zip(hidden, centres, strict=True):
        one.copy_(occlusion.cover(one, centre, side))
    return hidden


def signs(
    net: nn.Module, images: Tensor, centres: np.ndarray, side: int, *, layers: Sequence[str] = LAYERS, zone: float = 0.0
) -> dict[str, np.ndarray]:
    """Signs of the feature changes that masking makes: original minus masked.

    *Paper:* section 4.3. Most features of a ReLU net are 0 before and after, so that a sign has three values.

    Args:
        net: in evaluation mode.
        images: (n, channels, h, w).
        centres, side: of the squares.
        layers: names of layers.
        zone: changes up to this share of the largest change of an image count as 0, in [0, 1].

    Returns:
        int8 of shape (n, features) by layer: -1, 0 or 1.

    Raises:
        Problem: fewer than two images, unknown layer, training mode.
    """
    if len(images) < 2:
        raise Problem(f"expected at least two images to compare, got {len(images)}; give more")
    before, after = activations.of(net, images, layers), activations.of(net, masked(images, centres, side), layers)
    found = {}
    for layer in layers:
        change = (before[layer] - after[layer]).flatten(1)
        dead = zone * change.abs().amax(1, keepdim=True)
        found[layer] = (torch.sign(change) * (change.abs() > dead)).to(torch.int8).cpu().numpy()
    return found


@dataclass(frozen=True)
class Pairs:
    """How unlike the signs of every two images are.

    Attributes:
        different: share of features whose signs differ, (n, n), in [0, 1].
        expected: the same if the signs of the two were spread over the features by chance, from each image's own frequencies, (n, n).
    """

    different: np.ndarray
    expected: np.ndarray

    def delta(self, indices: np.ndarray | None = None) -> tuple[float, float]:
        """The paper's Delta: mean and deviation over all ordered pairs of different images.

        Args:
            indices: images to take, also several times, as a bootstrap draws them; pairs of one image with itself are left out,
                and NaN is what remains where all are one image.
        """
        values = self.different[self._pairs(indices)]
        return (float(values.mean()), float(values.std())) if len(values) else (float("nan"),) * 2

    def ratio(self, indices: np.ndarray | None = None) -> float:
        """Delta over Delta0, its expectation by chance: below 1 the images change alike; NaN where nothing changes or all are one image."""
        chance = self.chance(indices)
        return float(self.different[self._pairs(indices)].mean() / chance) if chance > 0 else float("nan")

    def chance(self, indices: np.ndarray | None = None) -> float:
        """Delta0: the mean of what chance gives over all ordered pairs of different images; 0 where all are one image."""
        values = self.expected[self._pairs(indices)]
        return float(values.mean()) if len(values) else 0.0

    def _pairs(self, indices: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        indices = np.arange(len(self.different)) if indices is None else indices
        first, second = np.meshgrid(indices, indices, indexing="ij")
        apart = first != second
        return first[apart], second[apart]


def pairs(of_images: np.ndarray) -> Pairs:
    """Compare the signs of every two images.

    Args:
        of_images: -1, 0 or 1, (n, features).
    """
    different = np.stack([(of_images != one).mean(1) for one in of_images])
    shares = np.stack([(of_images == value).mean(1) for value in (-1, 0, 1)], 1)  # (n, 3)
    return Pairs(different, 1 - shares @ shares.T)


def delta(of_images: np.ndarray) -> tuple[float, float]:
    """The paper's Delta of section 4.3: mean over ordered pairs and features of [signs differ], and its deviation over pairs."""
    return pairs(of_images).delta()


def matched_positions(faces: Faces, size: int, side: int, *, draws: int, generator: np.random.Generator) -> list[np.ndarray]:
    """Random places that are spread over the images as the parts are.

    A part lies elsewhere in every image; squares that do not move, or move otherwise, would differ in that too. So in every other draw the
    squares keep one random offset from the middle of each image's own parts: they stay on the animal and are spread exactly as the parts
    are. In the rest they lie around one random place of the picture, and every image adds another image's deviation of a part.

    Args:
        faces: with their parts.
        size: side of the image, pixels.
        side: of the squares, pixels.
        draws: number of draws.
        generator: source of the draws.

    Returns:
        For each draw the centres, (n, 2), inside the image.
    """
    stack = np.stack(list(faces.centres.values()))  # (parts, n, 2)
    deviations = stack - stack.mean(1, keepdims=True)
    drawn = []
    for number in range(draws):
        if number % 2 == 0:
            centres = faces.middles + generator.uniform(-1, 1, 2) * 0.2 * size
        else:
            own = deviations[generator.integers(len(stack))][generator.permutation(stack.shape[1])]
            centres = generator.uniform(side / 2, size - side / 2, 2) + own
        drawn.append(centres.clip(side / 2, size - side / 2))
    return drawn
