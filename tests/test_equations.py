"""Equations of the paper that other tests let pass when they are slightly wrong; each test kills a mutant of `mutants.yml`."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import nn

from zfutils.analysis import correspondence, invariance
from zfutils.attribution import rules
from zfutils.attribution.deconvnet import Deconvnet
from zfutils.data import splits
from zfutils.models import architectures, cached_predictions, crops, filters, predictions
from zfutils.training.trainer import Settings, Trainer
from zfutils.transfer import linear_probes

ARCHITECTURE = architectures.scaled(architectures.ZFNET, width=1 / 16, image_size=56, fc_units=16, classes=4)
CPU = torch.device("cpu")


def test_filters_are_inside_their_radius_after_every_single_step(tiny_set, tmp_path):
    trainer = Trainer(Settings("zfnet", ARCHITECTURE, 2, batch=16), tiny_set, tmp_path, device=CPU, dtype=torch.float32)
    largest = float(filters.rms(trainer.net.conv1.weight.detach()).max())
    trainer.radii = {"conv1": largest}
    for _ in range(4):
        with torch.no_grad():
            trainer.net.conv1.weight.mul_(1.5)  # what a large step would do
        trainer.advance()
        assert float(filters.rms(trainer.net.conv1.weight.detach()).max()) <= largest * 1.0001


def test_the_expected_share_of_differing_signs_by_hand():
    pair = np.array([[1, 1, 0, 0, -1, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0]])
    shares = ([1 / 8, 5 / 8, 2 / 8], [0, 7 / 8, 1 / 8])  # of -1, 0, 1
    expected = 1 - sum(first * second for first, second in zip(*shares, strict=True))
    found = correspondence.pairs(pair)
    assert found.expected[0, 1] == pytest.approx(expected)
    assert found.ratio() == pytest.approx((2 / 8) / expected)


def test_the_softmax_minimises_c_times_its_summed_loss_plus_half_the_squared_weights():
    generator = np.random.default_rng(0)
    features, labels = generator.normal(size=(40, 3)), np.arange(40) % 2
    features[labels == 1, 0] += 1

    def objective(weights, strength):
        margin = (2 * labels - 1) * (features @ weights[:3] + weights[3])
        return strength * np.log1p(np.exp(-margin)).sum() + (weights[:3] ** 2).sum() / 2

    for strength in (0.1, 10.0):
        best = minimize(objective, np.zeros(4), args=(strength,)).x
        expected = 1 / (1 + np.exp(-(features @ best[:3] + best[3])))
        found = linear_probes.softmax(features, labels, features, strength=strength)[:, 1]
        np.testing.assert_allclose(found, expected, atol=2e-3)


class Certain(nn.Module):
    """Sure of one class where the picture's upper left pixel is bright and of the other where it is dark: crops disagree."""

    def forward(self, images):
        bright = images[:, 0, 0, 0]
        return torch.stack([bright, -bright], 1)


def test_ten_crops_average_probabilities_not_logits_nor_their_logarithms(tiny_set):
    inputs, indices = crops.Crops(tiny_set, 56, device=CPU), np.arange(6)
    logits = [Certain()(inputs.batch(indices, crop)) for crop in crops.TEN]
    single = torch.stack([each.softmax(1) for each in logits])
    found = predictions.probabilities(Certain().eval(), inputs, indices, crops=crops.TEN)
    np.testing.assert_allclose(found, single.mean(0), atol=1e-2)
    assert np.abs(found - torch.stack(logits).mean(0).softmax(1).numpy()).max() > 0.1
    geometric = single.clamp(min=1e-12).log().mean(0).softmax(1).numpy()
    assert np.abs(found - geometric).max() > 0.1


def test_a_relative_distance_is_one_between_typical_images():
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(5, 3, 8, 8, generator=generator)
    net = nn.Sequential()
    net.add_module("pool1", nn.Identity())
    net.add_module("out", nn.Sequential(nn.Flatten(), nn.Linear(192, 2)))
    typical = invariance.typical_distances(net.eval(), images, layers=("pool1",))["pool1"]
    between = [float((images[i] - images[j]).norm()) for i in range(5) for j in range(i)]
    assert typical == pytest.approx(np.median(between), rel=1e-5) or typical == pytest.approx(sorted(between)[4], rel=1e-5)
    curves = invariance.curves(net, images, np.zeros(5, int), invariance.shift, np.array([0.0, 2.0]), layers=("pool1",))
    relative = curves.relative({"pool1": typical})["pool1"]
    np.testing.assert_allclose(relative * typical, curves.distances["pool1"], rtol=1e-6)
    assert relative[0].max() == pytest.approx(0, abs=1e-6) and 0.1 < relative[1].mean() < 10


def test_c_is_chosen_by_held_out_images_and_not_by_those_it_was_fitted_to():
    generator = np.random.default_rng(0)
    labels = np.arange(60) % 2
    features = generator.normal(size=(60, 50)).astype(np.float32)  # more numbers than images to fit: a large C fits them all
    features[:, 0] += 1.2 * (2 * labels - 1)
    kept, held = splits.split(np.arange(60), labels, generator=np.random.default_rng(0))
    scaling = linear_probes.Scaling.of(features[kept])
    train, strengths = scaling(features[kept]), linear_probes.STRENGTHS

    def right_by(indices):
        given = [linear_probes.softmax(train, labels[kept], scaling(features[indices]), strength=c).argmax(1) for c in strengths]
        return [int((answers == labels[indices]).sum()) for answers in given]

    right, fitted = right_by(held), right_by(kept)
    assert np.argmax(right) != np.argmax(fitted)  # else this test could not tell
    chosen = linear_probes.chosen("softmax", features, labels, np.arange(60), generator=np.random.default_rng(0))
    assert chosen == strengths[int(np.argmax(right))]


def test_several_nets_together_answer_with_the_mean_of_their_probabilities():
    first, second = np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([[0.3, 0.7], [0.4, 0.6]])
    np.testing.assert_allclose(cached_predictions.averaged([first, second]), [[0.6, 0.4], [0.3, 0.7]], atol=1e-6)


def test_the_norm_follows_the_pool_in_the_papers_net_and_precedes_it_in_the_replication():
    for paper, order in ((architectures.ZFNET, ["relu", "pool", "norm"]), (architectures.ALEXNET, ["relu", "norm", "pool"])):
        net = architectures.build(architectures.scaled(paper, width=1 / 8, fc_units=16), generator=torch.Generator().manual_seed(0))
        names = [name for name, _ in net.named_children()]
        assert names[1:4] == [f"{stage}1" for stage in order] and names[5:8] == [f"{stage}2" for stage in order]


def test_what_each_rule_lets_through_a_relu_by_hand():
    signal, passes = torch.tensor([-1.0, 2.0, -3.0, 4.0]), torch.tensor([True, True, False, False])
    named = (rules.DECONVNET, rules.GRADIENT, rules.GUIDED, rules.LINEAR)
    for rule, expected in zip(named, ([0, 2, 0, 4], [-1, 2, 0, 0], [0, 2, 0, 0], [-1, 2, -3, 4]), strict=True):
        assert rule.through_relu(signal, passes).tolist() == expected, rule.name


def test_nothing_comes_down_from_nothing():
    net = architectures.build(ARCHITECTURE, generator=torch.Generator().manual_seed(0)).eval()
    ascent = Deconvnet(net).up(torch.randn(2, 3, 56, 56, generator=torch.Generator().manual_seed(1)))
    assert not Deconvnet(net).down(torch.zeros_like(ascent.outputs["conv5"]), "conv5", ascent).any()
