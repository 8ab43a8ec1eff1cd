"""Checks: what the sets of toys promise, as measures of a prepared set."""

import json

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from zfutils.data.prepared_sets import PreparedSet
from zfutils.data.toybox import families
from zfutils.data.toybox.difficulty import DIFFICULTY

DISC = DIFFICULTY.reach + 0.03  # radius of the disc that hides a toy, share of the picture's side: the largest one is hidden wholly


def surroundings_accuracy(prepared: PreparedSet, *, radius: float = DISC) -> float:
    """How well the class is told from what is behind a toy: near chance where nothing gives it away.

    A disc of one fixed size is laid at the middle of each toy, so that its outline tells nothing; the rest, cut around that middle, goes
    to a linear classifier trained on split train.

    Args:
        prepared: the pre-training set.
        radius: of the disc, share of the picture's side.

    Returns:
        Accuracy on split val, in [0, 1].
    """
    return _linear_accuracy(prepared, np.stack([_surroundings(prepared, row, radius) for row in range(len(prepared.table))]))


def colour_accuracy(prepared: PreparedSet) -> float:
    """How well the class is told from a picture's mean colour, accuracy on split val: at most twice chance is promised."""
    means = np.stack([np.asarray(image, np.float32).mean((0, 1)) for image in prepared.images])
    return _linear_accuracy(prepared, np.concatenate([means, means**2 / 255, np.abs(np.diff(means, axis=1))], axis=1))


def place_accuracy(prepared: PreparedSet) -> float:
    """How well the class is told from the place of the toy's bounding box alone, accuracy on split val: near chance is promised."""
    middles = np.stack([_middle(part_map) for part_map in prepared.map("parts")]) / prepared.facts["size"] - 0.5
    return _linear_accuracy(prepared, np.concatenate([middles, middles**2, np.abs(middles), middles[:, :1] * middles[:, 1:]], axis=1))


def thumbnail_accuracy(prepared: PreparedSet, *, side: int = 8) -> float:
    """How well a linear classifier does on small thumbnails, accuracy on split val.

    At most half of the net's accuracy above chance is promised.
    """
    return _linear_accuracy(prepared, np.stack([shrunk(image, side).ravel() for image in prepared.images]))


def chance(prepared: PreparedSet) -> float:
    """Accuracy of naming the most frequent class of split val."""
    labels = prepared.labels[prepared.indices("val")]
    return float(np.bincount(labels).max() / labels.size)


def shared_instances(prepared: PreparedSet) -> list[int]:
    """Instances that occur in more than one split, sorted: none is promised."""
    splits = prepared.table.groupby("instance")["split"].nunique()
    return sorted(int(number) for number in splits.index[splits > 1])


def part_counts(prepared: PreparedSet) -> dict[str, int]:
    """Number of different parts that are seen in at least one picture of each class; three or more are promised."""
    seen: dict[str, set[int]] = {name: set() for name in prepared.classes}
    for label, part_map in zip(prepared.labels, prepared.map("parts"), strict=True):
        seen[prepared.classes[label]].update(np.unique(part_map).tolist())
    return {name: len(codes - {0}) for name, codes in seen.items()}


def misplaced_centres(prepared: PreparedSet) -> list[str]:
    """Centres that do not lie on their part, as `file part`: none is promised."""
    part_maps = prepared.map("parts")
    found = []
    for row, (file, text) in enumerate(zip(prepared.table["file"], prepared.table["centres"], strict=True)):
        for part, (y, x) in _places(json.loads(text)):
            if part_maps[row][y, x] != 1 + families.PARTS.index(part):
                found.append(f"{file} {part}")
    return found


def coverage_range(prepared: PreparedSet) -> tuple[float, float]:
    """Least and greatest share of a picture that toys cover."""
    coverage = (np.asarray(prepared.map("parts")) > 0).mean((1, 2))
    return float(coverage.min()), float(coverage.max())


def shrunk(image: np.ndarray, side: int) -> np.ndarray:
    """A picture averaged over side x side blocks, float32 (side, side, channels); its own side must be a multiple."""
    block = len(image) // side
    return np.asarray(image, np.float32).reshape(side, block, side, block, -1).mean((1, 3))


def _places(centres: dict) -> list[tuple[str, list[int]]]:
    """Parts and pixels, for one toy or for a scene of several."""
    flat = [item for name, place in centres.items() for item in (place.items() if isinstance(place, dict) else [(name, place)])]
    return [(part, place) for part, place in flat]


def _surroundings(prepared: PreparedSet, row: int, radius: float) -> np.ndarray:
    """What is left of a picture around the disc, small and centred on it; grey beyond the picture's border."""
    size = prepared.facts["size"]
    middle = _middle(prepared.map("parts")[row]).astype(int)
    canvas = np.full((2 * size, 2 * size, 3), 128, np.float32)
    y, x = size - middle
    image = np.array(prepared.images[row], np.float32)
    rows, columns = np.ogrid[:size, :size]
    image[(rows - middle[0]) ** 2 + (columns - middle[1]) ** 2 < (radius * size) ** 2] = 128
    canvas[y : y + size, x : x + size] = image
    return shrunk(canvas, 16).ravel()


def _middle(part_map: np.ndarray) -> np.ndarray:
    """Row and column of the middle of all toys' bounding box."""
    places = np.argwhere(part_map > 0)
    return (places.min(0) + places.max(0)) / 2


def _linear_accuracy(prepared: PreparedSet, features: np.ndarray) -> float:
    """Train a linear classifier on split train, count its hits on split val."""
    train, val = prepared.indices("train"), prepared.indices("val")
    components = min(100, features.shape[1], train.size - 1)
    model = make_pipeline(StandardScaler(), PCA(components, random_state=0), StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    model.fit(features[train], prepared.labels[train])
    return float((model.predict(features[val]) == prepared.labels[val]).sum() / val.size)
