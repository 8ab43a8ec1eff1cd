"""Average precision equals scikit-learn's, PASCAL's definition, and what one works out by hand."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from zfutils.stats import average_precision


def by_hand(scores, present):
    """PASCAL VOC 2012's measure, written from its definition as a loop over recalls; no equal scores."""
    ranked = [present[place] for place in sorted(range(len(scores)), key=lambda place: -scores[place])]
    points = [(sum(ranked[: n + 1]) / sum(ranked), sum(ranked[: n + 1]) / (n + 1)) for n in range(len(ranked))]
    recalls = sorted({recall for recall, _ in points if recall > 0})
    total, before = 0.0, 0.0
    for recall in recalls:
        total += (recall - before) * max(p for r, p in points if r >= recall)
        before = recall
    return total


@pytest.mark.parametrize("seed", range(5))
def test_the_plain_sum_is_scikit_learns_also_with_equal_scores(seed):
    generator = np.random.default_rng(seed)
    scores, present = generator.integers(0, 8, 40) / 8, generator.random(40) < 0.3
    assert average_precision.average(scores, present, interpolated=False) == pytest.approx(average_precision_score(present, scores))


@pytest.mark.parametrize("seed", range(5))
def test_the_interpolated_one_is_pascals(seed):
    generator = np.random.default_rng(seed)
    scores, present = generator.permutation(30) / 30, generator.random(30) < 0.4
    assert average_precision.average(scores, present) == pytest.approx(by_hand(scores, present))


def test_hand_worked_numbers_and_ends():
    scores = np.array([4.0, 3.0, 2.0, 1.0])
    assert average_precision.average(scores, np.array([True, False, False, True]), interpolated=False) == pytest.approx((1 + 2 / 4) / 2)
    assert average_precision.average(scores, np.array([False, True, True, False])) == pytest.approx(2 / 3)  # 1/2 is lifted to 2/3
    assert average_precision.average(scores, np.array([True, True, False, False])) == 1
    assert np.isnan(average_precision.average(scores, np.zeros(4, bool)))


def test_pictures_that_do_not_count_for_a_class_are_left_out():
    scores, present = np.array([[5.0], [4.0], [3.0], [2.0], [1.0]]), np.array([[True], [False], [True], [False], [True]])
    counts = np.array([[True], [False], [True], [False], [True]])
    assert average_precision.per_class(scores, present)[0] < 1 and average_precision.per_class(scores, present, counts=counts)[0] == 1
    worse = average_precision.mean_difference(scores, -scores, present, counts=counts, generator=np.random.default_rng(0), draws=20)
    assert worse[0] == 0, "of three pictures that all show it no order is better"


def test_the_difference_of_two_rankings_and_its_interval():
    generator = np.random.default_rng(0)
    present = generator.random((80, 3)) < 0.4
    good, bad = present + generator.normal(0, 0.4, present.shape), generator.normal(0, 1, present.shape)
    value, low, high = average_precision.mean_difference(good, bad, present, generator=np.random.default_rng(1), draws=300)
    assert value == pytest.approx(np.mean(average_precision.per_class(good, present) - average_precision.per_class(bad, present)))
    assert 0 < low < value < high
    assert average_precision.mean_difference(good, good, present, generator=np.random.default_rng(1), draws=20) == (0, 0, 0)
