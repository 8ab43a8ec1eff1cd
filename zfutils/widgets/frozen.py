"""What a page shows of the features of a frozen net: who is nearest, what a classifier makes of them, and where a ranking is cut."""

from dataclasses import dataclass, field

import numpy as np

from zfutils.analysis import similarity
from zfutils.core.errors import Problem
from zfutils.data import splits
from zfutils.data.prepared_sets import PreparedSet
from zfutils.data.splits import Fold
from zfutils.stats import average_precision
from zfutils.transfer import linear_probes
from zfutils.widgets import drawing
from zfutils.widgets.panel import Shown
from zfutils.widgets.pipeline import Check, Memory

NEAREST = 8  # pictures beside the one that is asked for
_SIDE = 96  # pixels of a tile
_CLASSES, _RANKS = 12, 24  # tiles of a sheet


@dataclass(frozen=True)
class Frozen:
    """Pictures with their features at the layers of a frozen net.

    Attributes:
        features: by number of the layer, (n, numbers), as `feature_cache.of` gives them.
        prepared: the pictures.
        fold: which of them train a classifier and which test it.
    """

    features: dict[int, np.ndarray]
    prepared: PreparedSet
    fold: Fold
    kept: Memory = field(default_factory=lambda: Memory(128), repr=False)

    def nearest(self, picture: int, layer: int, check: Check) -> Shown:
        """A picture and those whose features at a layer are nearest, from the left; those of another class are crossed."""
        names, labels = self.prepared.classes, self.prepared.labels
        check()
        others, alike = similarity.nearest(self.features[layer], picture, count=min(NEAREST, len(labels) - 1))
        same = labels[others] == labels[picture]
        tiles = [drawing.framed(self._tile(picture)), *(_crossed(self._tile(n), not own) for n, own in zip(others, same, strict=True))]
        caption = f"{same.sum()} of {len(others)} are {names[labels[picture]]}"
        said = ", ".join(f"{names[labels[n]]} {value:.2f}" for n, value in zip(others, alike, strict=True))
        return Shown({caption: _sheet(tiles, columns=3)}, f"Framed: the picture. Then by cosine: {said}. Crossed: another class.")

    def answers(self, images: int, layers: int, check: Check) -> Shown:
        """One test picture of each of the first classes, crossed where the classifier is wrong, and the accuracy at each layer."""
        test, labels = self.fold.test, self.prepared.labels[self.fold.test]
        right = {}
        for depth in self.features:
            check()
            right[depth] = self._right(images, depth)
        accuracies = {depth: splits.class_mean(own, labels) for depth, own in right.items()}
        first = np.unique(labels, return_index=True)[1][:_CLASSES]
        tiles = [_crossed(self._tile(test[n]), not right[layers][n]) for n in first]
        axis, values = (np.array(list(some), float) for some in (accuracies, accuracies.values()))
        chart = drawing.curves(axis, {"accuracy": values}, cursor=layers, label="layers that are frozen", ylabel="accuracy")
        tested = f"Of {len(test)} test pictures, mean over classes."
        said = f"{tested} Above: one picture of each of {len(first)} classes, crossed where the answer is wrong."
        return Shown({f"{100 * accuracies[layers]:.0f} % right": _sheet(tiles, columns=4)}, said, chart)

    def _tile(self, index: int) -> np.ndarray:
        return drawing.resized(self.prepared.images[index], _SIDE)

    def _right(self, size: int, layer: int) -> np.ndarray:
        """Right answers to the test pictures, bool (test,)."""

        def fit() -> np.ndarray:
            labels, train, test = self.prepared.labels, self.fold.train(size), self.fold.test
            given = linear_probes.predicted("svm", self.features[layer], labels, train, test, strength=linear_probes.USUAL)
            return given == labels[test]

        return self.kept.get((size, layer), fit)


@dataclass(frozen=True)
class Ranking:
    """Pictures ranked by their scores for each class.

    Attributes:
        prepared: the pictures.
        indices: which of them were scored, (n,).
        scores: (n, classes).
        present: which classes each shows, bool (n, classes).
        counts: which pictures count for a class, bool (n, classes).
    """

    prepared: PreparedSet
    indices: np.ndarray
    scores: np.ndarray
    present: np.ndarray
    counts: np.ndarray

    def cut(self, target: str, taken: int, check: Check) -> Shown:
        """The ranking around a cut-off, with precision and recall over all of them.

        Args:
            target: name of the class.
            taken: how many pictures are taken, from the first on.
            check: of the pipeline.
        """
        check()
        number = self.prepared.classes.index(target)
        own = np.flatnonzero(self.counts[:, number])
        shows = self.present[own, number]
        if not shows.any():
            raise Problem(f"expected a class that some picture shows, none shows {target}; choose another class")
        order, precision, recall = average_precision.curve(self.scores[own, number], shows)
        taken = min(taken, len(order))
        start = max(0, min(taken - _RANKS // 2, len(order) - _RANKS))
        tiles = [self._tile(self.indices[own[n]], shows[n], rank < taken) for rank, n in enumerate(order[start : start + _RANKS], start)]
        chart = drawing.curves(
            np.arange(1, len(order) + 1),
            {"precision": precision, "recall": recall},
            cursor=taken,
            label="pictures that are taken",
            ylabel="share",
        )
        ranks = f"Ranks {start + 1} to {start + len(tiles)} of {len(order)}"
        said = f"{ranks}; framed: shows {target}; crossed: taken and does not; pale: not taken."
        caption = f"precision {precision[taken - 1]:.2f}, recall {recall[taken - 1]:.2f}"
        return Shown({caption: _sheet(tiles, columns=6)}, said, chart)

    def _tile(self, index: int, shows: bool, taken: bool) -> np.ndarray:
        tile = drawing.resized(self.prepared.images[index], _SIDE)
        tile = tile if taken else drawing.faded(tile)
        return drawing.framed(tile) if shows else _crossed(tile, taken)


def _crossed(tile: np.ndarray, wrong: bool) -> np.ndarray:
    return drawing.crossed(tile) if wrong else tile


def _sheet(tiles: list[np.ndarray], *, columns: int) -> np.ndarray:
    """Tiles row by row, the last row filled up with white."""
    white = [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    return drawing.sheet(np.stack([*tiles, *white]), columns=columns, side=_SIDE)
