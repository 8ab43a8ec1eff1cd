"""Sizes of signals, by hand and in a net whose weights are made larger."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from zfutils.analysis import signals
from zfutils.core.errors import Problem
from zfutils.models import architectures
from zfutils.models.architectures import ZFNET


def test_sizes_are_root_mean_squares_before_the_relu():
    net = nn.Sequential()
    net.add_module("conv1", nn.Conv2d(1, 2, 1, bias=False))
    net.add_module("relu1", nn.ReLU())
    net.add_module("flatten", nn.Flatten())
    net.add_module("fc2", nn.Linear(4, 1, bias=False))
    net.conv1.weight.data = torch.tensor([2.0, -1.0]).reshape(2, 1, 1, 1)
    net.fc2.weight.data = torch.tensor([[1.0, 0, 0, 1]])
    found = signals.sizes(net, torch.tensor([[[[3.0, 4.0]]]]))
    # conv1: 6, 8, -3, -4, so (36 + 64 + 9 + 16) / 4; after the ReLU 6, 8, 0, 0, so fc2 gives 6
    assert found == pytest.approx({"input": 12.5**0.5, "conv1": 31.25**0.5, "fc2": 6})
    assert signals.gain(found) == pytest.approx(6 / 31.25**0.5)


def test_the_gain_is_the_geometric_mean_of_what_layers_do():
    assert signals.gain({"input": 50.0, "conv1": 8.0, "conv2": 2.0, "fc3": 2.0}) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("logits", "said"), [(0.0, "dies"), (9e-4, "dies"), (1e-3, "lives"), (10.0, "lives"), (11.0, "explodes"), (float("nan"), "explodes")]
)
def test_the_fate_of_a_signal(logits, said):
    assert signals.fate(logits) == said


def test_weights_twice_as_large_double_the_signal_in_every_layer():
    plain = replace(ZFNET, convs=tuple(replace(conv, then=tuple(word for word in conv.then if word != "norm")) for conv in ZFNET.convs))
    small = architectures.scaled(plain, width=1 / 16, image_size=112, fc_units=16, classes=4)
    images = 60 * torch.randn(2, 3, 112, 112, generator=torch.Generator().manual_seed(1))
    one, two = (
        signals.sizes(architectures.build(architectures.with_std(small, std), generator=torch.Generator().manual_seed(0)).eval(), images)
        for std in (0.01, 0.02)
    )
    assert list(one) == ["input", *small.layers]
    assert np.array(list(two.values())) / np.array(list(one.values())) == pytest.approx(2.0 ** np.arange(9), rel=1e-4)


def test_deviations_of_a_scaled_net_keep_their_proportion():
    small = architectures.scaled(ZFNET, width=1 / 4)
    assert architectures.with_std(ZFNET, 0.03).stds == pytest.approx((0.03,) * 8)
    assert architectures.with_std(small, 0.03).stds == pytest.approx(tuple(3 * std for std in small.stds))
    with pytest.raises(Problem, match=r"above 0, got 0; the paper's is 0\.01"):
        architectures.with_std(ZFNET, 0.0)
