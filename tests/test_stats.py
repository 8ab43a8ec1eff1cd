"""Statistics: log-odds in closed form equal the sum over the other classes; intervals and bootstraps equal slower ones."""

import numpy as np
import pytest
import torch
from scipy import stats

from zfutils.stats import bootstrap, intervals, multiple, pairing, seeds
from zfutils.stats.log_odds import log_odds


def slow_log_odds(logits):
    """From the definition: the logit minus the logarithm of the sum of the other classes' exponentials."""
    others = [torch.cat([logits[:, :c], logits[:, c + 1 :]], 1).logsumexp(1) for c in range(logits.shape[1])]
    return logits - torch.stack(others, 1)


@pytest.mark.parametrize("scale", [1e-3, 1, 30, 1000])
def test_log_odds_equal_those_from_the_other_classes(scale):
    logits = scale * torch.randn(40, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(log_odds(logits), slow_log_odds(logits), rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(log_odds(logits.float()), slow_log_odds(logits).float(), rtol=1e-5, atol=1e-5)


def test_log_odds_of_ties_and_of_a_sure_class_are_finite():
    assert log_odds(torch.zeros(1, 2)).abs().max() < 1e-6
    torch.testing.assert_close(
        log_odds(torch.tensor([[80.0, 0.0, 0.0]])), torch.tensor([[80 - np.log(2), -80.0, -80.0]], dtype=torch.float32)
    )


def test_folds_without_a_common_image_have_students_interval_and_those_that_redraw_a_wider_one():
    folds = np.array([0.61, 0.66, 0.58, 0.64])
    expected = stats.ttest_1samp(folds, 0).confidence_interval()
    assert intervals.redrawn_folds(folds.mean(), folds.std(ddof=1), 4, 0) == pytest.approx((expected.low, expected.high))
    low, high = intervals.redrawn_folds(folds.mean(), folds.std(ddof=1), 4, 50 / 100)
    assert high - low == pytest.approx((expected.high - expected.low) * np.sqrt(0.75 / 0.25))  # 1 / 4 + 1 / 2 for 1 / 4
    assert np.isnan([*intervals.redrawn_folds(0.6, np.nan, 1, 0.5), *intervals.redrawn_folds(0.6, 0.0, 2, 0.5)]).all()


def test_holms_correction_by_hand():
    assert multiple.holm([0.01, np.nan, 0.04, 0.03]) == pytest.approx([0.03, np.nan, 0.06, 0.06], nan_ok=True)
    assert multiple.holm([0.9, 0.8]).tolist() == [1, 1] and multiple.holm([]).tolist() == []


def test_p_is_a_twentieth_where_the_interval_ends_at_the_threshold():
    assert multiple.p_value((1.0, 0.0, 2.0)) == multiple.p_value((0.2, -0.8, 1.2), 1.2) == pytest.approx(0.05)
    half = 4.302653  # Student's t of 2 degrees of freedom, 97.5 %
    assert multiple.p_value((1.0, 1 - half, 1 + half), freedom=2) == pytest.approx(0.42265, abs=1e-5), "of t = 1 by hand: 1 - 1 / sqrt(3)"
    assert multiple.p_value((half, 0.0, 2 * half), freedom=2) == pytest.approx(0.05)
    assert multiple.p_value((1.0, 1.0, 1.0)) == 0 and multiple.p_value((0.0, 0.0, 0.0)) == 1


def test_with_one_seed_the_interval_is_that_of_the_images_and_says_that_it_knows_one():
    wrong = np.random.default_rng(0).random((2, 400)) < [[0.4], [0.3]]
    found = seeds.difference(wrong[:1], wrong[1:], generator=np.random.default_rng(0))
    expected = bootstrap.paired_difference(*wrong, generator=np.random.default_rng(0))
    assert found.found == pytest.approx(expected, abs=0.006) and found.seeds == 1


def test_seeds_that_disagree_widen_the_interval_beyond_that_of_the_images():
    generator = np.random.default_rng(0)
    even, uneven = ([generator.random(2000) < rate for rate in rates] for rates in ((0.3, 0.3, 0.3), (0.2, 0.3, 0.4)))
    narrow, wide = (seeds.difference(np.array(nets), np.array(even), generator=np.random.default_rng(1)) for nets in (even, uneven))
    assert narrow.found == (0, 0, 0)  # the same answers differ in no draw
    means = np.mean(uneven, axis=1)
    assert wide.high - wide.low > 2 * 3.5 * means.std(ddof=1) / np.sqrt(3) and wide.seeds == 3  # t of two degrees


def test_units_of_one_net_are_compared_as_units_and_of_several_nets_as_nets():
    generator = np.random.default_rng(0)
    ours, theirs = ([generator.normal(size=30) for _ in range(3)] for _ in range(2))
    single = stats.ttest_ind(ours[0], theirs[0], equal_var=False).confidence_interval()
    assert seeds.difference_of_units(ours[:1], theirs[:1]).interval == pytest.approx((single.low, single.high))
    means = [[units.mean() for units in nets] for nets in (ours, theirs)]
    several = stats.ttest_ind(*means, equal_var=False)
    found = seeds.difference_of_units(ours, theirs)
    assert found.interval == pytest.approx(tuple(several.confidence_interval())) and found.p == pytest.approx(several.pvalue)
    with pytest.raises(ValueError, match="one or more seeds"):
        seeds.difference_of_units([], theirs)


def test_samples_drawn_a_few_at_a_time_are_those_drawn_at_once(monkeypatch):
    values = np.random.default_rng(0).normal(size=30)
    whole = bootstrap.mean(values, generator=np.random.default_rng(1), draws=200)
    monkeypatch.setattr(bootstrap, "_CELLS", 70)
    assert bootstrap.mean(values, generator=np.random.default_rng(1), draws=200) == whole
    drawn = values[np.random.default_rng(1).integers(0, 30, (200, 30))].mean(1)
    assert whole == (values.mean(), *np.percentile(drawn, [2.5, 97.5]))


def test_a_measure_is_taken_of_drawn_indices_and_samples_without_one_are_left_out():
    values = np.arange(20.0)
    measure = lambda indices: values[indices].mean() if indices[0] else np.nan  # noqa: E731
    _, low, high = bootstrap.measured(measure, 20, generator=np.random.default_rng(0), draws=400)
    assert 6 < low < 9.5 < high < 13


def test_what_a_pair_scores_by_chance_by_hand():
    own, chance = pairing.own_and_chance(np.array([[10.0, 1, 2], [3, 20, 4], [5, 6, 30]]))
    assert own.tolist() == [10, 20, 30]
    # rows 1.5, 3.5, 5.5; columns 4, 3.5, 3; all strange pairs 3.5
    assert chance.tolist() == [2, 3.5, 5]
    own, chance = pairing.own_and_chance(np.array([[10.0, 1, np.nan], [3, 20, 4], [5, 6, 30]]))
    assert chance.tolist() == pytest.approx([1 + 4 - 3.8, 3.5 + 3.5 - 3.8, 5.5 + 4 - 3.8])
    assert np.isnan(pairing.own_and_chance(np.array([[1.0]]))[1]).all()


def test_a_large_object_and_a_wide_signal_score_nothing_beyond_chance():
    generator = np.random.default_rng(2)
    signals, objects = generator.normal(0, 1, 400), generator.normal(0, 1, 400)
    own, chance = pairing.own_and_chance(signals[:, None] + objects)
    assert np.abs(own - chance).max() < 0.02 < 1 < np.std(own)
    assert (own - chance).mean() == pytest.approx(0, abs=1e-12)


def test_an_interval_over_pairs_is_that_of_pairs_drawn_anew():
    generator = np.random.default_rng(3)
    sizes = generator.normal(0, 1, 60)
    scores = sizes + generator.normal(0, 0.3, (60, 60)) + 0.2 * np.eye(60)

    def beyond(drawn):
        strange = drawn[:, None] != drawn
        return scores[drawn, drawn].mean() - scores[np.ix_(drawn, drawn)][strange].mean()

    own, chance = pairing.own_and_chance(scores)
    value, low, high = bootstrap.mean(own - chance, generator=np.random.default_rng(0))
    slow = bootstrap.measured(beyond, 60, generator=np.random.default_rng(0), draws=2000)
    assert value == pytest.approx(slow[0]) and high - low == pytest.approx(slow[2] - slow[1], rel=0.1)
    *_, wide = bootstrap.mean(own - np.roll(scores, -1, 1).diagonal(), generator=np.random.default_rng(0))
    assert wide - value > 3 * (high - value), "one partner each: what the sizes differ by is taken for noise"
