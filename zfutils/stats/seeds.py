"""Seeds: intervals of what recipes say that are trained several times, over seeds first and images second."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from zfutils.stats import bootstrap

DRAWS = 2000


@dataclass(frozen=True)
class Estimate:
    """A measure of some recipes.

    Attributes:
        value: with the mean over the seeds of each.
        low, high: ends of its 95 % interval.
        p: of a two-sided test that it is 0; NaN where it is not known.
        seeds: of the recipe that has the fewest; with one the interval knows nothing of other seeds, and decides nothing.
        freedom: degrees of freedom of the interval, by Student's t; infinite for a bootstrap.
    """

    value: float
    low: float
    high: float
    p: float
    seeds: int
    freedom: float = math.inf

    @property
    def found(self) -> tuple[float, float, float]:
        """The value and the ends of its interval."""
        return self.value, self.low, self.high

    @property
    def interval(self) -> tuple[float, float]:
        """The ends of its interval."""
        return self.low, self.high


def measured(
    groups: Sequence[np.ndarray],
    measure: Callable[[np.ndarray], np.ndarray],
    *,
    generator: np.random.Generator,
    apart: Sequence[int] = (),
    draws: int = DRAWS,
) -> Estimate:
    """A measure of the mean answers of several recipes, with a hierarchical bootstrap: seeds first, then images.

    Of S seeds S - 1 are drawn, because so few vary too little by (S - 1) / S. Seeds also seem to differ because each answers a few images
    by luck; the images bring that along, so it is taken off the seeds. Images are drawn once for all recipes. The half width is the spread
    of the draws times Student's t, with the degrees of freedom of all parts of the variance together (Welch, Satterthwaite).

    Args:
        groups: one array a recipe, (seeds, images), e.g. whether an answer is wrong; the same images for all.
        measure: from means, (draws, groups), to (draws,).
        generator: source of the draws.
        apart: for each group the number of its set of images, where there are several sets (training and validation); default one set.
        draws: bootstrap samples.

    Raises:
        ValueError: no seed, no image, or groups of one set that answered different numbers of images.
    """
    groups = [np.atleast_2d(np.asarray(group, np.float64)) for group in groups]
    apart = list(apart) or [0] * len(groups)
    _checked(groups, apart)
    centre = np.array([group.mean() for group in groups])
    effects = np.stack([_seed_effects(group, generator, draws) for group in groups], 1)  # (draws, groups)
    own = np.array([_own_share(group) for group in groups])
    spread = float(measure(_images(groups, apart, generator, draws) + effects * np.sqrt(own)).std(ddof=1))
    few = sum(
        float(measure(centre + effects * (np.arange(len(groups)) == number)).var()) ** 2 / (len(group) - 1)
        for number, group in enumerate(groups)
        if len(group) > 1
    )
    value, seeds = float(measure(centre[None])[0]), min(len(group) for group in groups)
    return _estimate(value, spread, spread**4 / few if few > 0 else np.inf, seeds)


def difference(ours: np.ndarray, theirs: np.ndarray, *, generator: np.random.Generator, draws: int = DRAWS) -> Estimate:
    """Mean of one recipe minus that of another on the same images; arguments (seeds, images), else as in `measured`."""
    return measured((ours, theirs), lambda means: means[:, 0] - means[:, 1], generator=generator, draws=draws)


def with_spread(interval: bootstrap.Interval, means: Sequence[float], *, freedom: float) -> Estimate:
    """Widen the interval of a mean over several seeds, which knows of folds or images only, by the spread of the seeds.

    The two variances add, and so do their degrees of freedom (Welch, Satterthwaite).

    Args:
        interval: the mean over the seeds and the ends of its interval.
        means: the value of every seed; of one seed nothing is added.
        freedom: its degrees of freedom: folds less one; infinite for a bootstrap.
    """
    value, low, high = interval
    count = len(means)
    if count == 1:
        return Estimate(value, low, high, float("nan"), 1, freedom)
    own, other = ((high - low) / 2 / scipy.stats.t.ppf(0.975, freedom)) ** 2, float(np.var(means, ddof=1)) / count
    few = own**2 / freedom + other**2 / (count - 1)
    return _estimate(value, (own + other) ** 0.5, (own + other) ** 2 / few if few > 0 else np.inf, count)


def difference_of_units(ours: Sequence[np.ndarray], theirs: Sequence[np.ndarray]) -> Estimate:
    """Mean over the units of one recipe's nets minus that of another's, each net with units of its own.

    Args:
        ours, theirs: one array a seed: a number for each unit, e.g. each filter of layer 1.

    Returns:
        With the interval of Welch over seeds; where a recipe has one seed the spread of its units takes the place of that of its seeds.

    Raises:
        ValueError: a recipe without a seed or without units.
    """
    if not ours or not theirs or not all(len(units) for units in (*ours, *theirs)):
        raise ValueError("expected one or more seeds with units of each recipe")
    sides = [[np.asarray(units, np.float64) for units in nets] for nets in (ours, theirs)]
    means = [np.array([units.mean() for units in nets]) for nets in sides]
    parts, freedoms = zip(*(_spread_of_units(nets, mean) for nets, mean in zip(sides, means, strict=True)), strict=True)
    value, variance = float(means[0].mean() - means[1].mean()), float(sum(parts))
    few = sum(part**2 / free for part, free in zip(parts, freedoms, strict=True))
    return _estimate(value, variance**0.5, variance**2 / few if few > 0 else np.inf, min(len(nets) for nets in sides))


def _estimate(value: float, spread: float, freedom: float, seeds: int) -> Estimate:
    """A value with its interval by Student's t; without any spread that is the value itself."""
    if spread == 0:
        return Estimate(value, value, value, float(value == 0), seeds)
    freedom = max(1.0, freedom)
    half, p = float(scipy.stats.t.ppf(0.975, freedom)) * spread, float(2 * scipy.stats.t.sf(abs(value) / spread, freedom))
    return Estimate(value, value - half, value + half, p, seeds, freedom)


def _spread_of_units(nets: list[np.ndarray], means: np.ndarray) -> tuple[float, float]:
    """Variance of the mean over the nets of a recipe, and its degrees of freedom."""
    if len(nets) > 1:
        return float(means.var(ddof=1) / len(nets)), len(nets) - 1
    units = nets[0]
    return (float(units.var(ddof=1) / len(units)) if len(units) > 1 else 0.0), max(1, len(units) - 1)


def _checked(groups: list[np.ndarray], apart: Sequence[int]) -> None:
    if not groups or not all(group.size for group in groups):
        raise ValueError("expected one or more seeds and images of each recipe")
    for which in set(apart):
        bootstrap.same_images(*(group[0] for group, own in zip(groups, apart, strict=True) if own == which))


def _seed_effects(group: np.ndarray, generator: np.random.Generator, draws: int) -> np.ndarray:
    """What the draw of seeds does to the mean of a recipe (seeds, images), (draws,); nothing where there is one seed."""
    seeds = len(group)
    if seeds == 1:
        return np.zeros(draws)
    effects = group.mean(1) - group.mean()
    return generator.multinomial(seeds - 1, np.full(seeds, 1 / seeds), size=draws) @ effects / (seeds - 1)


def _own_share(group: np.ndarray) -> float:
    """Share of the variance between the seeds of a recipe (seeds, images) that is not the luck of each seed with these images."""
    seeds, images = group.shape
    variance = group.mean(1).var(ddof=1) if seeds > 1 else 0.0
    if variance == 0:
        return 0.0
    rest = group - group.mean(0) - group.mean(1, keepdims=True) + group.mean()
    return max(0.0, 1 - float((rest**2).sum()) / (seeds - 1) / (images - 1) / images / variance)


def _images(groups: list[np.ndarray], apart: Sequence[int], generator: np.random.Generator, draws: int) -> np.ndarray:
    """Means of every recipe over resampled images, (draws, groups), the same images for all groups of a set."""
    means = np.empty((draws, len(groups)))
    for which in sorted(set(apart)):
        members = [number for number, own in enumerate(apart) if own == which]
        values = np.stack([groups[number].mean(0) for number in members], 1).round(12)  # (images, members)
        means[:, members] = bootstrap.means(values, generator=generator, draws=draws)
    return means
