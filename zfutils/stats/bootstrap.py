"""The bootstrap: 95 % intervals from samples that are drawn with replacement, of images, units or whatever the numbers are of.

`mean`, `mean_difference` (two groups, each drawn by itself), `paired_difference` (the same images) and `class_mean_difference` (images
within classes) answer with the value and the two ends of its interval, and so does `measured(measure, n, …)`, where the measure is any
function of drawn indices. `means(values, …)` gives the samples themselves, and `interval(value, samples)` the answer for what is made of
them. All take a `generator` and draw in a fixed order, so a seed gives the same numbers.
"""

from collections.abc import Callable, Sequence

import numpy as np

Interval = tuple[float, float, float]  # a value and the ends of its 95 % interval
_CELLS = 10_000_000  # numbers that are drawn at once


def interval(value: float, samples: np.ndarray) -> Interval:
    """A value and the middle 95 % of its bootstrap samples (draws,); samples that are not a number are left out."""
    low, high = np.nanpercentile(samples, [2.5, 97.5])
    return float(value), float(low), float(high)


def means(values: np.ndarray, *, generator: np.random.Generator, draws: int = 10_000) -> np.ndarray:
    """Means over bootstrap samples of the images, the same samples for all columns.

    Images with the same row of values are one kind, and a sample is known by how many of each kind it holds; of right and wrong answers
    there are few kinds, so this costs little however many images there are.

    Args:
        values: (n, k), k numbers an image.
        generator: source of the draws.
        draws: bootstrap samples.

    Returns:
        (draws, k).

    Raises:
        ValueError: no images.
    """
    if not len(values):
        raise ValueError("expected values of one or more images, got none")
    kinds, counts = np.unique(np.asarray(values, np.float64), axis=0, return_counts=True)  # (kinds, k)
    drawn = generator.multinomial(len(values), counts / len(values), size=draws)  # (draws, kinds)
    return drawn @ kinds / len(values)


def measured(measure: Callable[[np.ndarray], float], n: int, *, generator: np.random.Generator, draws: int = 1000) -> Interval:
    """A measure of n images and its interval.

    Args:
        measure: takes indices, int64 (n,), also several times the same; NaN where a draw does not allow it.
        n: number of images.
        generator: source of the draws.
        draws: bootstrap samples.
    """
    return interval(measure(np.arange(n)), np.array([measure(generator.integers(0, n, n)) for _ in range(draws)]))


def mean(values: np.ndarray, *, generator: np.random.Generator, draws: int = 10_000) -> Interval:
    """Mean of one number a unit, (n,), and its interval; three NaN for no values."""
    if not len(values):
        return (float("nan"),) * 3
    return interval(np.mean(values, dtype=np.float64), _sampled(values, generator, draws))


def mean_difference(ours: np.ndarray, theirs: np.ndarray, *, generator: np.random.Generator, draws: int = 10_000) -> Interval:
    """Difference of the means of two groups of units and its interval; each group is drawn by itself. Three NaN where one is empty."""
    if not len(ours) or not len(theirs):
        return (float("nan"),) * 3
    samples = [_sampled(values, generator, draws) for values in (ours, theirs)]
    return interval(np.mean(ours) - np.mean(theirs), samples[0] - samples[1])


def paired_difference(ours: np.ndarray, theirs: np.ndarray, *, generator: np.random.Generator, draws: int = 10_000) -> Interval:
    """Difference of two rates on the same images, ours - theirs, and its interval, in [-1, 1].

    Args:
        ours, theirs: bool of shape (n,), image by image.
        generator: source of the draws.
        draws: bootstrap samples.

    Raises:
        ValueError: the two differ in length.
    """
    same_images(ours, theirs)
    difference = ours.astype(np.int64) - theirs
    return interval(difference.mean(), means(difference[:, None], generator=generator, draws=draws)[:, 0])


def same_images(*answers: np.ndarray) -> None:
    """Raise a ValueError where answers are not to equally many images."""
    if len({len(own) for own in answers}) > 1:
        raise ValueError(f"expected answers to the same images, got {[len(own) for own in answers]}")


def class_mean_difference(
    indices: Sequence[np.ndarray],
    ours: Sequence[np.ndarray],
    theirs: Sequence[np.ndarray],
    labels: np.ndarray,
    *,
    generator: np.random.Generator,
    draws: int = 2000,
) -> Interval:
    """Difference of two class-mean accuracies on the same test images and its interval, from images drawn within classes, in [-1, 1].

    An image that is tested in several folds is drawn with all its answers. Draws from a class of n images vary too little, by (n - 1) / n:
    they are stretched by what is missing, and a class of one image varies as the images of the other classes do; where all classes have
    one, as the classes vary.

    Args:
        indices: of the test images, one array a fold.
        ours, theirs: bool, right answers to them.
        labels: class of every picture of the set.
        generator: source of the draws.
        draws: bootstrap samples.

    Raises:
        ValueError: the answers are not to the same images.
    """
    if not [len(fold) for fold in indices] == [len(fold) for fold in ours] == [len(fold) for fold in theirs]:
        raise ValueError("expected both answers to every test image of every fold")
    tested = np.concatenate(list(indices))
    gained = np.concatenate(list(ours)).astype(float) - np.concatenate(list(theirs))
    values, samples, single, alone = [], [], [], 0
    for label in np.unique(labels[tested]):
        own = labels[tested] == label
        images, position = np.unique(tested[own], return_inverse=True)
        n, sums, times = len(images), np.bincount(position, gained[own]), np.bincount(position)
        values.append(sums.sum() / times.sum())
        if n == 1:
            alone += 1
            continue
        drawn = generator.multinomial(n, np.full(n, 1 / n), size=draws)
        stretch = np.sqrt(n / (n - 1))
        samples.append(((drawn @ sums) / (drawn @ times) - values[-1]) * stretch)
        single.append((sums / times - values[-1]) * stretch)
    if not single:  # one image a class: without any spread the smallest difference would look sure
        single.append((values - np.mean(values)) * np.sqrt(len(values) / max(1, len(values) - 1)))
    samples += [generator.choice(np.concatenate(single), draws) for _ in range(alone)]
    return interval(np.mean(values), np.mean(values) + np.mean(samples, axis=0))


def _sampled(values: np.ndarray, generator: np.random.Generator, draws: int) -> np.ndarray:
    """Means of samples drawn with replacement, (draws,), some at a time, which draws the same as all at once."""
    values, n = np.asarray(values, np.float64), len(values)
    some = max(1, _CELLS // n)
    return np.concatenate([values[generator.integers(0, n, (min(some, draws - start), n))].mean(1) for start in range(0, draws, some)])
