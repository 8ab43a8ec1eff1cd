"""Folds: no picture is trained on and tested on, sizes are nested, accuracies are means over classes."""

import numpy as np
import pytest

from zfutils.data import splits
from zfutils.stats import bootstrap

LABELS = np.repeat(np.arange(4), (9, 5, 7, 30))
ROWS = np.arange(len(LABELS))


@pytest.mark.parametrize("number", range(3))
def test_training_and_test_pictures_have_nothing_in_common_and_sizes_are_nested(number):
    fold = splits.draw(LABELS, largest=6, test=8, fold=number, seed=1)
    for size in (1, 2, 4):
        small, larger = fold.train(size), fold.train(size if size == 4 else size + 1)
        assert np.bincount(LABELS[small]).tolist() == [size] * 4
        assert set(small) <= set(larger) and not set(larger) & set(fold.test)
    assert np.bincount(LABELS[fold.test]).tolist() == [3, 1, 1, 8], "a class gives at most all but one for training, at most 8 to test"
    assert len(set(fold.test)) == len(fold.test)


def test_folds_follow_from_seed_and_number():
    one, same, other, seeded = (splits.draw(LABELS, largest=3, test=2, fold=f, seed=s) for f, s in ((0, 0), (0, 0), (1, 0), (0, 1)))
    assert np.array_equal(one.train(3), same.train(3)) and np.array_equal(one.test, same.test)
    assert not np.array_equal(one.train(3), other.train(3)) and not np.array_equal(one.train(3), seeded.train(3))


def test_a_class_with_too_few_pictures_is_named():
    assert splits.lacking(LABELS, ["a", "b", "c", "d"], 5) == ["b"]
    assert splits.lacking(LABELS, ["a", "b", "c", "d"], 4) == []
    with pytest.raises(ValueError, match="expected 5 training pictures a class, class 1 has 4"):
        splits.draw(LABELS, largest=9, test=2, fold=0, seed=0).train(5)


def test_the_inner_split_holds_a_third_of_each_class_and_leaves_nothing_out():
    rows = splits.draw(LABELS, largest=6, test=1, fold=0, seed=0).train(4)
    kept, held = splits.split(rows, LABELS, generator=np.random.default_rng(0))
    assert sorted([*kept, *held]) == sorted(rows) and not set(kept) & set(held)
    assert np.bincount(LABELS[held]).tolist() == [1] * 4
    with pytest.raises(ValueError, match="class 0 has one"):
        splits.split(np.array([0, 9, 10]), LABELS, generator=np.random.default_rng(0))


def test_accuracy_is_a_mean_over_classes():
    correct = np.array([True, True, True, False, False])
    assert splits.class_mean(correct, np.array([0, 0, 0, 0, 1])) == pytest.approx((0.75 + 0) / 2)


def test_the_difference_is_that_of_the_means_and_its_interval_covers_what_a_slow_bootstrap_does():
    generator = np.random.default_rng(3)
    labels = np.repeat(np.arange(3), (20, 30, 10))
    rows = [np.arange(60), np.arange(0, 60, 2)]
    ours = [generator.random(len(fold)) < 0.8 for fold in rows]
    theirs = [generator.random(len(fold)) < 0.5 for fold in rows]
    value, low, high = bootstrap.class_mean_difference(rows, ours, theirs, labels, generator=np.random.default_rng(0), draws=3000)
    gains = {row: [] for row in range(60)}
    for fold, one, other in zip(rows, ours, theirs, strict=True):
        for row, a, b in zip(fold, one, other, strict=True):
            gains[row].append(float(a) - float(b))

    def slow(drawn: list[list[int]]) -> float:
        return float(np.mean([np.mean([gain for row in own for gain in gains[row]]) for own in drawn]))

    images = [[row for row in range(60) if labels[row] == label] for label in range(3)]
    assert value == pytest.approx(slow(images))
    samples = [slow([list(generator.choice(own, len(own))) for own in images]) for _ in range(1500)]
    assert (low, high) == pytest.approx(tuple(np.percentile(samples, [2.5, 97.5])), abs=0.02)


def test_intervals_are_wide_enough_where_classes_are_small():
    """Of classes with one to five images, the spread of the draws is that of fresh images; the plain bootstrap's is a quarter less."""
    sizes, generator = np.tile([1, 2, 3, 5], 25), np.random.default_rng(0)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    rows, theirs, values, widths = np.arange(len(labels)), np.zeros(len(labels), bool), [], []
    for _ in range(120):
        value, low, high = bootstrap.class_mean_difference(
            [rows], [generator.random(len(labels)) < 0.4], [theirs], labels, generator=generator, draws=400
        )
        values.append(value)
        widths.append(high - low)
    true = np.sqrt(np.mean([0.4 * 0.6 / n for n in sizes]) / len(sizes))
    assert np.std(values) == pytest.approx(true, rel=0.2)
    assert np.mean(widths) == pytest.approx(2 * 1.96 * true, rel=0.06)


def test_where_every_class_has_one_image_the_classes_spread_is_the_interval():
    gained = np.random.default_rng(1).random(40) < 0.1
    given = ([np.arange(40)], [gained], [np.zeros(40, bool)], np.arange(40))
    value, low, high = bootstrap.class_mean_difference(*given, generator=np.random.default_rng(0))
    assert value == gained.mean()
    assert (high - low) / 2 == pytest.approx(1.96 * gained.std(ddof=1) / np.sqrt(40), rel=0.1)
    few = [np.arange(3)], [np.array([True, False, True])], [np.zeros(3, bool)], np.arange(3)
    _, low, _ = bootstrap.class_mean_difference(*few, generator=np.random.default_rng(0))
    assert low <= 0, "two right answers of three decide nothing"


def test_equal_answers_differ_by_nothing_and_unequal_numbers_of_them_are_refused():
    rows, answer = [np.arange(10)], [np.ones(10, bool)]
    assert bootstrap.class_mean_difference(rows, answer, answer, np.repeat([0, 1], 5), generator=np.random.default_rng(0)) == (0, 0, 0)
    with pytest.raises(ValueError, match="both answers"):
        bootstrap.class_mean_difference(rows, answer, [np.ones(9, bool)], np.repeat([0, 1], 5), generator=np.random.default_rng(0))
