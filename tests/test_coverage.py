"""Every interval that promises 95 % is simulated: how often does it cover what is true?"""

from collections.abc import Callable

import numpy as np
import pytest

from zfutils.stats import average_precision, bootstrap, intervals, seeds

RUNS, DRAWS = 500, 400


def covered(simulate: Callable[[np.random.Generator], tuple[float, float, float]], runs: int = RUNS) -> float:
    """Share of the runs whose interval covers the truth; a run gives the truth and the ends of its interval."""
    generator = np.random.default_rng(0)
    return float(np.mean([low <= truth <= high for truth, low, high in (simulate(generator) for _ in range(runs))]))


def promised(share: float) -> bool:
    return 0.92 <= share <= 0.98


def test_of_a_share():
    assert promised(covered(lambda generator: (0.3, *intervals.share(int(generator.binomial(120, 0.3)), 120)), runs=800))


def test_of_a_mean_and_of_a_measure_of_units():
    def mean(generator: np.random.Generator) -> tuple[float, float, float]:
        return 1.0, *bootstrap.mean(generator.normal(1, 1, 100), generator=generator, draws=DRAWS)[1:]

    def correlation(generator: np.random.Generator) -> tuple[float, float, float]:
        values = generator.normal(size=(100, 2)) @ [[1, 1], [0, 1]]
        measure = lambda indices: np.corrcoef(values[indices].T)[0, 1]  # noqa: E731
        return 0.5**0.5, *bootstrap.measured(measure, 100, generator=generator, draws=150)[1:]

    assert promised(covered(mean)) and promised(covered(correlation, runs=200))


def test_of_a_difference_of_two_groups_of_units():
    def simulate(generator: np.random.Generator) -> tuple[float, float, float]:
        ours, theirs = generator.normal(0.5, 2, 80), generator.normal(0, 1, 60)
        return 0.5, *bootstrap.mean_difference(ours, theirs, generator=generator, draws=DRAWS)[1:]

    assert promised(covered(simulate))


def nets(generator: np.random.Generator, rate: float, count: int, hard: np.ndarray, spread: float) -> np.ndarray:
    """Wrong answers of nets of one recipe, (count, images): images are more or less hard, and nets more or less good by luck."""
    luck = generator.normal(0, spread, (count, 1))
    return hard + luck + generator.normal(size=(count, len(hard))) > -rate


def test_of_a_difference_of_two_nets_on_the_same_images():
    def simulate(generator: np.random.Generator) -> tuple[float, float, float]:
        hard = generator.normal(size=400)
        ours, theirs = nets(generator, 0.0, 2, hard, 0.0)
        return 0.0, *bootstrap.paired_difference(ours, theirs, generator=generator, draws=DRAWS)[1:]

    assert promised(covered(simulate))


@pytest.mark.parametrize(("counts", "spread"), [((3, 3), 0.1), ((5, 3), 0.2), ((5, 5), 0.15)])
def test_of_a_difference_of_two_recipes_over_seeds_and_images(counts, spread):
    def simulate(generator: np.random.Generator) -> tuple[float, float, float]:
        hard = generator.normal(size=400)
        ours, theirs = (nets(generator, 0.0, count, hard, spread) for count in counts)
        return 0.0, *seeds.difference(ours, theirs, generator=generator, draws=DRAWS).interval

    assert promised(covered(simulate))


def test_the_images_alone_would_cover_far_less_where_seeds_differ():
    def simulate(generator: np.random.Generator) -> tuple[float, float, float]:
        hard = generator.normal(size=400)
        ours, theirs = (nets(generator, 0.0, 1, hard, 0.3)[0] for _ in range(2))
        return 0.0, *bootstrap.paired_difference(ours, theirs, generator=generator, draws=DRAWS)[1:]

    assert covered(simulate) < 0.6


def test_of_a_curved_measure_of_two_recipes():
    def log_odds(means: np.ndarray) -> np.ndarray:
        odds = np.log(means / (1 - means))
        return odds[:, 0] - odds[:, 1]

    def simulate(generator: np.random.Generator) -> tuple[float, float, float]:
        hard = generator.normal(size=400)
        ours, theirs = (nets(generator, -1.0, 4, hard, 0.2) for _ in range(2))
        return 0.0, *seeds.measured((ours, theirs), log_odds, generator=generator, draws=DRAWS).interval

    assert promised(covered(simulate))


def test_of_a_difference_of_gaps_over_two_sets_of_images():
    def measure(means: np.ndarray) -> np.ndarray:
        return means[:, 0] - means[:, 1] - means[:, 2] + means[:, 3]

    def simulate(generator: np.random.Generator) -> tuple[float, float, float]:
        val, train = generator.normal(size=300), generator.normal(size=200)
        groups = [nets(generator, 0.0, 3, hard, 0.2) for hard in (val, train, val, train)]
        return 0.0, *seeds.measured(groups, measure, generator=generator, apart=(0, 1, 0, 1), draws=DRAWS).interval

    assert promised(covered(simulate))


@pytest.mark.parametrize("counts", [(3, 3), (5, 3), (1, 1)])
def test_of_a_difference_of_units_of_several_nets(counts):
    spread = 0.0 if max(counts) == 1 else 0.5  # of one net only its own units can be told

    def simulate(generator: np.random.Generator) -> tuple[float, float, float]:
        ours, theirs = ([generator.normal(0, spread) + generator.normal(size=24) for _ in range(count)] for count in counts)
        return 0.0, *seeds.difference_of_units(ours, theirs).interval

    assert promised(covered(simulate, runs=1500))


def folds(generator: np.random.Generator, *, train: int, test: int, pool: int, count: int = 5) -> np.ndarray:
    """Accuracies of nearest means on folds that redraw from one pool of two classes, (count,)."""
    labels = np.arange(pool) % 2
    points = generator.normal(size=(pool, 5)) + 0.22 * (2 * labels[:, None] - 1)
    found = []
    for _ in range(count):
        drawn = np.stack([generator.permutation(np.flatnonzero(labels == label)) for label in (0, 1)])
        own, other = drawn[:, : train // 2], drawn[:, train // 2 : (train + test) // 2].ravel()
        means = points[own].mean(1)  # (2, 5)
        guess = (points[other] - means.mean(0)) @ (means[1] - means[0]) > 0
        found.append((guess == labels[other]).mean())
    return np.array(found)


@pytest.mark.parametrize("size", [{"train": 60, "test": 30, "pool": 90}, {"train": 100, "test": 20, "pool": 120}])
def test_of_a_mean_over_folds_that_redraw_from_one_pool(size):
    apart = {**size, "pool": size["train"] + size["test"]}
    truth = np.mean([folds(np.random.default_rng([1, n]), **apart, count=1)[0] for n in range(4000)])

    def simulate(generator: np.random.Generator, ratio: float) -> tuple[float, float, float]:
        values = folds(generator, **size)
        return truth, *intervals.redrawn_folds(values.mean(), values.std(ddof=1), 5, ratio)

    assert promised(covered(lambda generator: simulate(generator, size["test"] / size["train"]), runs=800))
    assert covered(lambda generator: simulate(generator, 0), runs=800) < 0.9, "as if the folds had nothing in common"


@pytest.mark.parametrize("counts", [(5, 5), (3, 5), (5, 3)])
def test_of_a_mean_over_seeds_and_folds(counts):
    def simulate(generator: np.random.Generator, share: int = 1) -> tuple[float, float, float]:
        nets, folds = (generator.normal(0, spread, count) for spread, count in zip((2, 1), counts, strict=True))
        gains = nets[:, None] + folds + generator.normal(0, 0.3, counts)
        each = np.array([(own.mean(), *intervals.redrawn_folds(own.mean(), own.std(ddof=1), len(own), 0)) for own in gains])
        return 0.0, *seeds.with_spread(tuple(each.mean(0)), gains.mean(1)[::share], freedom=counts[1] - 1).interval

    assert promised(covered(simulate, runs=1500))
    assert covered(lambda generator: simulate(generator, counts[0]), runs=1500) < 0.92, "as if there were one net"


def test_of_a_difference_of_class_means():
    labels = np.repeat(np.arange(4), 40)

    def simulate(generator: np.random.Generator) -> tuple[float, float, float]:
        hard = generator.normal(size=len(labels))
        ours, theirs = nets(generator, 0.0, 2, hard, 0.0)
        indices = [np.arange(len(labels))]
        return 0.0, *bootstrap.class_mean_difference(indices, [ours], [theirs], labels, generator=generator, draws=DRAWS)[1:]

    assert promised(covered(simulate))


def test_of_a_difference_of_average_precisions():
    def simulate(generator: np.random.Generator) -> tuple[float, float, float]:
        present = generator.random((100, 1)) < 0.3
        ours, theirs = (present + generator.normal(0, 1, present.shape) for _ in range(2))
        return 0.0, *average_precision.mean_difference(ours, theirs, present, generator=generator, draws=100)[1:]

    assert promised(covered(simulate, runs=150))
