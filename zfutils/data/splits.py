"""Folds: which pictures of each class are trained on and which are tested on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zfutils.core import keys


@dataclass(frozen=True)
class Fold:
    """One draw of training and test pictures.

    Attributes:
        order: for each class the indices to train on, in the order of their draw; fewer images a class are the first of them.
        test: indices to test on; none is in both.
    """

    order: tuple[np.ndarray, ...]
    test: np.ndarray

    def train(self, size: int) -> np.ndarray:
        """Indices of the first `size` training pictures of each class.

        Raises:
            ValueError: a class has fewer.
        """
        if short := [label for label, indices in enumerate(self.order) if len(indices) < size]:
            raise ValueError(f"expected {size} training pictures a class, class {short[0]} has {len(self.order[short[0]])}")
        return np.concatenate([indices[:size] for indices in self.order])


def draw(labels: np.ndarray, *, largest: int, test: int, fold: int, seed: int) -> Fold:
    """Draw the pictures of one fold.

    *Paper:* section 5.2: 15 or 30 training and up to 50 test images a class, at random, five times. **Assumption**: the sizes of a fold are
    nested, and all are tested on the same images.

    Args:
        labels: class of every picture, (n,), 0 to classes - 1.
        largest: most training pictures of a class; a class never gives more than all but one.
        test: most test pictures of a class.
        fold: number of the draw.
        seed: of all draws.
    """
    generator = np.random.default_rng(int(keys.digest("fold", seed, fold), 16))
    order, tested = [], []
    for label in range(int(labels.max()) + 1):
        indices = generator.permutation(np.flatnonzero(labels == label))
        taken = min(largest, max(0, len(indices) - 1))
        order.append(indices[:taken])
        tested.append(indices[taken : taken + test])
    return Fold(tuple(order), np.concatenate(tested))


def lacking(labels: np.ndarray, classes: Sequence[str], size: int) -> list[str]:
    """Classes with fewer than `size` training pictures and one to test."""
    counts = np.bincount(labels, minlength=len(classes))
    return [name for name, count in zip(classes, counts, strict=True) if count < size + 1]


def split(indices: np.ndarray, labels: np.ndarray, *, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Split training indices for a choice: a third of each class is held out, at least one; what remains is never empty.

    Args:
        indices: to train on, at least two of each class.
        labels: class of every picture of the set.
        generator: source of the draw.

    Returns:
        Indices to train on and indices to choose by.

    Raises:
        ValueError: a class has one index only.
    """
    kept, held = [], []
    for label in np.unique(labels[indices]):
        own = generator.permutation(indices[labels[indices] == label])
        if len(own) < 2:
            raise ValueError(f"expected two or more training pictures of each class to choose by, class {label} has one")
        cut = max(1, len(own) // 3)
        held.append(own[:cut])
        kept.append(own[cut:])
    return np.concatenate(kept), np.concatenate(held)


def class_mean(correct: np.ndarray, labels: np.ndarray) -> float:
    """Mean over the classes of the share of right answers.

    *Paper:* section 5.2 reports the average accuracy per class.

    Args:
        correct: bool, (n,).
        labels: (n,).

    Returns:
        A share in [0, 1].
    """
    return float(np.mean([correct[labels == label].mean() for label in np.unique(labels)]))
