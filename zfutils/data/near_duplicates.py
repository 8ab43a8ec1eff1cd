"""Overlap: pictures that occur in two sets, found by normalised correlation."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from zfutils.data.prepared_sets import PreparedSet

SIDE = 32  # of the grey thumbnails that are compared, pixels
THRESHOLD = 0.95  # correlation from which two pictures count as one
_CHUNK = 512


@dataclass(frozen=True)
class Overlap:
    """The likest picture of another set for every picture of one.

    Attributes:
        correlation: with the likest one, in [-1, 1], (n,).
        other: its row, (n,).
    """

    correlation: np.ndarray
    other: np.ndarray

    def found(self, threshold: float = THRESHOLD) -> np.ndarray:
        """Rows whose likest picture correlates at least so much."""
        return np.flatnonzero(self.correlation >= threshold)


def between(ours: PreparedSet, theirs: PreparedSet, rows: np.ndarray) -> Overlap:
    """Compare every picture of a set with some of another.

    *Paper:* section 5.2: images of Caltech-101 and Caltech-256 that are in ImageNet too were found by normalised correlation and taken out
    of the training set. Size and threshold are not given. **Assumption**: grey thumbnails of 32 x 32 px, .95.

    Args:
        ours: the set in question, n pictures.
        theirs: the other, which a net was trained on.
        rows: of the other set.
    """
    own, other = thumbnails(ours, np.arange(len(ours.table))), thumbnails(theirs, rows)
    best, place = [], []
    for start in range(0, len(own), _CHUNK):
        value, index = (own[start : start + _CHUNK] @ other.T).max(1)
        best.append(value)
        place.append(index)
    return Overlap(torch.cat(best).numpy(), np.asarray(rows)[torch.cat(place).numpy()])


def thumbnails(prepared: PreparedSet, rows: np.ndarray) -> torch.Tensor:
    """Grey thumbnails with mean 0 and length 1, whose inner product is their normalised correlation; (n, SIDE * SIDE)."""
    made = []
    for start in range(0, len(rows), _CHUNK):
        pictures = torch.from_numpy(np.asarray(prepared.images[rows[start : start + _CHUNK]])).float().mean(-1)
        made.append(F.adaptive_avg_pool2d(pictures[:, None], SIDE).flatten(1))
    small = torch.cat(made)
    return F.normalize(small - small.mean(1, keepdim=True))
