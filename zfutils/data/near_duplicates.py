"""Overlap: pictures that occur in two sets, found by normalised correlation."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from zfutils.core import progress
from zfutils.core.errors import Problem
from zfutils.data import decode
from zfutils.data.members import Member
from zfutils.data.prepared_sets import PreparedSet

SIDE = 32  # of the grey thumbnails that are compared, pixels
THRESHOLD = 0.95  # correlation from which two pictures count as one
_BATCH = 128  # pictures that are made small at once
_HELD = 8192  # thumbnails of a set that are in memory at once, 32 MB


@dataclass(frozen=True)
class Overlap:
    """The likest picture of another set for every picture of one.

    Attributes:
        correlation: with the likest one, in [-1, 1], (n,).
        other: its index, (n,).
    """

    correlation: np.ndarray
    other: np.ndarray

    def duplicates(self, threshold: float = THRESHOLD) -> np.ndarray:
        """Indices of the pictures whose likest one correlates at least so much."""
        return np.flatnonzero(self.correlation >= threshold)


def between(ours: PreparedSet, theirs: PreparedSet, indices: np.ndarray) -> Overlap:
    """Compare every picture of a set with some of another, whose thumbnails never are in memory all together.

    *Paper:* section 5.2: images of Caltech-101 and Caltech-256 that are in ImageNet too were found by normalised correlation and taken out
    of the training set. Size and threshold are not given. **Assumption**: grey thumbnails of 32 x 32 px, .95.

    Args:
        ours: the set in question, n pictures: 4 kB of memory each.
        theirs: the other, which a net was trained on, of any size.
        indices: of the other set.
    """
    own = thumbnails(ours, np.arange(len(ours.table)))
    best, other = torch.full((len(own),), -torch.inf), torch.zeros(len(own), dtype=torch.long)
    for start in range(0, len(indices), _HELD):
        held = thumbnails(theirs, indices[start : start + _HELD])
        for first in range(0, len(own), _HELD // 8):
            part = slice(first, first + _HELD // 8)
            value, position = (own[part] @ held.T).max(1)
            likelier = value > best[part]
            best[part] = torch.where(likelier, value, best[part])
            other[part] = torch.where(likelier, position + start, other[part])
    return Overlap(best.numpy(), np.asarray(indices)[other.numpy()])


def among(members: Sequence[Member], others: torch.Tensor, *, jobs: int = 1) -> np.ndarray:
    """Find the pictures that are, or nearly are, among others, before a set is made of them.

    Args:
        members: n pictures in files or archives; those that cannot be read count as new.
        others: thumbnails of the others, (m, SIDE * SIDE).
        jobs: threads that decode.

    Returns:
        Their indices, ascending.
    """
    taken = []
    with progress.bar(total=len(members), text="looking for pictures that other sets hold too", unit="pictures") as shown:
        for start in range(0, len(members), _HELD):
            made = of_members(members[start : start + _HELD], jobs=jobs)
            taken += [(part @ others.T).amax(1) for part in made.split(_HELD // 8)]
            shown.update(len(made))
    return np.flatnonzero(torch.cat(taken).numpy() >= THRESHOLD)


def of_members(members: Sequence[Member], *, jobs: int = 1) -> torch.Tensor:
    """`thumbnails` of pictures in files or archives, zeros for those that cannot be read."""
    with ThreadPoolExecutor(jobs) as pool:
        pictures = list(pool.map(_small, members))
    return _normed(torch.from_numpy(np.stack(pictures)).float().mean(-1))


def _small(member: Member) -> np.ndarray:
    try:
        return decode.square(member, SIDE)
    except Problem:  # what is broken is named when the set is prepared
        return np.zeros((SIDE, SIDE, 3), np.uint8)


def _normed(grey: torch.Tensor) -> torch.Tensor:
    """Grey pictures, (n, SIDE, SIDE), with mean 0 and length 1, flat."""
    flat = grey.flatten(1)
    return F.normalize(flat - flat.mean(1, keepdim=True))


def thumbnails(prepared: PreparedSet, indices: np.ndarray) -> torch.Tensor:
    """Grey thumbnails with mean 0 and length 1, whose inner product is their normalised correlation; (n, SIDE * SIDE)."""
    made = torch.empty(len(indices), SIDE * SIDE)
    for start in range(0, len(indices), _BATCH):
        pictures = torch.from_numpy(np.asarray(prepared.images[indices[start : start + _BATCH]])).float().mean(-1)
        made[start : start + _BATCH] = _normed(F.adaptive_avg_pool2d(pictures[:, None], SIDE)[:, 0])
    return made
