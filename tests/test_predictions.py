"""Predictions: counts stay integers, ten crops are averaged, intervals are right."""

import numpy as np
import pytest
import torch
from scipy import stats

from zfutils.models import architectures, crops, predictions
from zfutils.stats import bootstrap

ARCHITECTURE = architectures.scaled(architectures.ZFNET, width=1 / 16, image_size=56, fc_units=16, classes=4)


def test_ten_crop_probabilities_are_the_mean_of_those_of_each_crop(tiny_set):
    net = architectures.build(ARCHITECTURE, generator=torch.Generator().manual_seed(1)).eval()
    with torch.no_grad():
        net.fc8.weight *= 1e4
    inputs, rows = crops.Crops(tiny_set, 56, device=torch.device("cpu")), np.arange(7)
    single = [predictions.probabilities(net, inputs, rows, crops=(crop,)) for crop in crops.TEN]
    ten = predictions.probabilities(net, inputs, rows, crops=crops.TEN, batch=3)
    np.testing.assert_allclose(ten, np.mean(single, 0), atol=1e-2)  # bfloat16 where the hardware has it
    np.testing.assert_allclose(ten.sum(1), 1, atol=1e-5)
    assert np.ptp([one[0] for one in single]) > 0


def test_a_net_in_training_mode_is_refused(tiny_set):
    net = architectures.build(ARCHITECTURE, generator=torch.Generator().manual_seed(1)).train()
    with pytest.raises(ValueError, match="evaluation mode"):
        predictions.probabilities(net, crops.Crops(tiny_set, 56, device=torch.device("cpu")), np.arange(2))


def test_wrong_answers_by_hand_ties_included():
    probabilities = np.array([[0.5, 0.3, 0.2], [0.2, 0.4, 0.4], [0.1, 0.2, 0.7]])
    labels = np.array([0, 2, 0])
    assert predictions.wrong(probabilities, labels).tolist() == [False, True, True]
    assert predictions.wrong(probabilities, labels, top=2).tolist() == [False, False, True]
    assert not predictions.wrong(probabilities, labels, top=3).any()


def test_every_count_survives():
    for count in range(0, 2008):
        wrong = np.zeros(2007, bool)
        wrong[:count] = True
        assert predictions.error_rate(wrong).wrong == count


def test_the_interval_is_wilsons():
    for wrong, n in ((0, 20), (30, 200), (2000, 2000)):
        expected = stats.binomtest(wrong, n).proportion_ci(0.95, "wilson")
        assert predictions.ErrorRate(wrong, n).interval() == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_the_paired_bootstrap_equals_one_that_resamples_images():
    generator = np.random.default_rng(0)
    ours, theirs = generator.random(300) < 0.3, generator.random(300) < 0.4
    rows = generator.integers(0, 300, (20_000, 300))
    slow = np.percentile(ours[rows].mean(1) - theirs[rows].mean(1), [2.5, 97.5])
    difference, low, high = bootstrap.paired_difference(ours, theirs, generator=np.random.default_rng(1), draws=20_000)
    assert difference == pytest.approx(ours.mean() - theirs.mean())
    assert (low, high) == pytest.approx(tuple(slow), abs=0.005)
    with pytest.raises(ValueError, match="same images"):
        bootstrap.paired_difference(ours, theirs[:5], generator=generator)
