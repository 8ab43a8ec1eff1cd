"""The explicit deconvnet: switches by hand, slow loops, and the mistakes that others made."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.oracles import deconvnet as slow
from zfutils.attribution import activations, deconv, rules
from zfutils.attribution.deconvnet import Deconvnet, unpool
from zfutils.attribution.units import Unit
from zfutils.core.errors import Problem
from zfutils.models import architectures

LAYERS = ("conv1", "relu1", "pool1", "norm1", "conv2", "conv3", "conv4", "conv5", "pool5", "fc6", "relu7", "fc8")


def net_of(paper: architectures.Architecture = architectures.ZFNET, size: int = 112) -> nn.Sequential:
    """A small net in float64 with weights so large that the signal stays well above zero in every layer."""
    net = architectures.build(
        architectures.scaled(paper, width=1 / 12, image_size=size, fc_units=32, classes=5), generator=torch.Generator().manual_seed(1)
    )
    with torch.no_grad():
        for layer in net:
            if isinstance(layer, nn.Conv2d | nn.Linear):
                fan_in = layer.weight[0].numel()
                layer.weight.mul_((2 / fan_in) ** 0.5 / layer.weight.std())
                layer.bias.normal_(0, 0.1, generator=torch.Generator().manual_seed(2))
    return net.double().eval()


def images(n: int = 1, size: int = 112) -> torch.Tensor:
    return torch.randn(n, 3, size, size, generator=torch.Generator().manual_seed(3), dtype=torch.float64) * 40


def test_switches_of_a_4x4_map_by_hand():
    x = torch.tensor([[[[1.0, 2, 0, 1], [3, 9, 4, 0], [2, 5, 8, 6], [0, 7, 1, 3]]]])
    pooled, switches = F.max_pool2d(x, 3, 2, ceil_mode=True, return_indices=True)
    assert pooled.tolist() == [[[[9, 8], [8, 8]]]] and switches.tolist() == [[[[5, 10], [10, 10]]]]
    down = unpool(torch.tensor([[[[1.0, 10], [100, 1000]]]]), switches, (4, 4))
    assert down[0, 0].tolist() == [[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1110, 0], [0, 0, 0, 0]]


def test_unpooling_adds_and_is_the_gradient_of_max_pooling():
    x = torch.randn(2, 3, 13, 12, dtype=torch.float64, requires_grad=True)
    pooled, switches = F.max_pool2d(x, 3, 2, ceil_mode=True, return_indices=True)
    signal = torch.rand(pooled.shape, dtype=torch.float64)
    down = unpool(signal, switches, (13, 12))
    assert torch.allclose(down.sum(), signal.sum(), atol=1e-12)
    assert torch.equal(down, torch.autograd.grad(pooled, x, signal)[0])
    one = torch.zeros_like(signal)
    one[1, 2, 3, 4] = 1
    assert (unpool(one, switches, (13, 12)) != 0).sum() == 1
    overwriting = nn.MaxUnpool2d(3, 2)(signal, switches, output_size=(13, 12))
    assert overwriting.sum() < 0.95 * signal.sum(), "the library's layer loses what shares a switch"


def test_one_layer_equals_slow_loops_and_its_closed_form():
    generator = np.random.default_rng(0)
    weight, bias, x = generator.normal(size=(4, 3, 5, 5)), generator.normal(size=4), generator.normal(size=(3, 14, 14)) * 20
    net = nn.Sequential()
    net.add_module("conv1", nn.Conv2d(3, 4, 5, 2, 1))
    net.add_module("relu1", nn.ReLU())
    net.add_module("pool1", nn.MaxPool2d(3, 2, ceil_mode=True))
    net.conv1.weight.data, net.conv1.bias.data = torch.from_numpy(weight), torch.from_numpy(bias)
    features = np.maximum(slow.conv(x, weight, bias, 2, 1), 0)
    pooled, switches = slow.pool(features)
    place = np.unravel_index(pooled[2].argmax(), pooled[2].shape)
    signal = np.zeros_like(pooled)
    signal[2][place] = pooled[2][place]
    expected = slow.conv_down(np.maximum(slow.unpool(signal, switches, features.shape[1:]), 0), weight, 2, 1, (14, 14))
    ours = Deconvnet(net.eval()).project(torch.from_numpy(x)[None], unit=Unit("pool1", 2))[0]
    assert np.allclose(ours, expected, atol=1e-12)
    row, column = switches[2, *place]
    whole = np.zeros((3, 16, 16))  # closed form: the filter itself, at the switch, times the activation
    whole[:, 2 * row : 2 * row + 5, 2 * column : 2 * column + 5] = weight[2] * pooled[2][place]
    assert np.allclose(ours, whole[:, 1:15, 1:15], atol=1e-12)


@pytest.mark.parametrize("paper", [architectures.ZFNET, architectures.ALEXNET], ids=lambda paper: paper.name)
@pytest.mark.parametrize("name", rules.NAMED)
def test_both_engines_agree_for_every_layer_and_every_combination_of_rules(paper, name):
    net, image, ways = net_of(paper), images(), rules.NAMED[name]
    explicit = Deconvnet(net)
    for layer, found in activations.of(net, image, LAYERS).items():
        unit = Unit(layer, int(found[0].flatten(1).amax(1).argmax() if found.ndim == 4 else found[0].argmax()))
        ours = deconv.project(net, image, unit=unit, rules=ways)
        assert ours.activation > 0, f"{layer} is silent: the test would show nothing"
        theirs = explicit.project(image, unit=unit, rules=ways)[0]
        assert (ours.pixels - theirs).abs().max() <= 1e-10 * max(1.0, float(theirs.abs().max())), layer


def test_all_sixteen_rules_have_a_name_and_the_four_methods_are_among_them():
    assert len(set(rules.NAMED.values())) == 16 and all(ways.name == name for name, ways in rules.NAMED.items())
    assert rules.DECONVNET.name == "deconvnet, norm skipped" and rules.GRADIENT.name == "gradient, norm derived"
    net, image = net_of(), images()
    drawn = {name: deconv.project(net, image, unit=Unit("conv4", 1), rules=ways).pixels for name, ways in rules.NAMED.items()}
    for number, first in enumerate(drawn):
        for second in list(drawn)[:number]:
            assert not torch.allclose(drawn[first], drawn[second]), f"{first} and {second} draw the same picture"


def test_the_gradient_rules_give_the_plain_gradient():
    net, image = net_of(), images().requires_grad_(True)
    features = net[:10](image)
    place = features[0, 3].flatten().argmax()
    value = features[0, 3].flatten()[place]
    (plain,) = torch.autograd.grad(value, image)
    name = [name for name, _ in net.named_children()][9]
    ours = deconv.project(net, image.detach(), unit=Unit(name, 3), rules=rules.GRADIENT, seed=1.0).pixels
    assert torch.allclose(ours, plain[0], atol=1e-14) and float(plain.abs().max()) > 0


@pytest.mark.parametrize("layer", ["conv1", "conv2", "conv3", "conv4", "conv5"])
def test_nothing_leaves_the_receptive_field_and_no_bias_takes_part(layer):
    net = net_of(size=224)
    ours = deconv.project(net, images(size=224), unit=Unit(layer, 2)).pixels
    touched = ours.abs().amax(0) > 0
    rows, columns = touched.any(1).nonzero().flatten(), touched.any(0).nonzero().flatten()
    side = architectures.receptive_fields(architectures.ZFNET)[layer][0]
    assert 0 < rows[-1] - rows[0] < side and 0 < columns[-1] - columns[0] < side


def test_pixels_are_not_rectified_and_the_scale_of_the_seed_is_only_a_scale():
    net, image = net_of(), images()
    one, ten = (deconv.project(net, image, unit=Unit("conv3", 5), seed=seed).pixels for seed in (1.0, 10.0))
    assert one.min() < 0 < one.max()
    assert torch.allclose(10 * one, ten)


def test_sizes_are_exact_also_where_filters_do_not_reach_the_border():
    for size in (99, 100, 101, 102):
        net, image = net_of(architectures.ALEXNET, size), images(size=size)
        assert Deconvnet(net).project(image, unit=Unit("conv5", 1)).shape == (1, 3, size, size)


def test_a_layer_without_an_explicit_way_down_is_named():
    with pytest.raises(Problem, match="1 is a Sigmoid.*deconv.project"):
        Deconvnet(nn.Sequential(nn.Conv2d(3, 2, 3), nn.Sigmoid()).eval())
    with pytest.raises(Problem, match="training mode"):
        Deconvnet(net_of().train())


def test_a_batch_norm_scales_the_signal_as_if_folded_into_its_convolution():
    torch.manual_seed(0)
    net = nn.Sequential()
    for name, layer in (
        ("conv1", nn.Conv2d(3, 6, 3, 2)),
        ("norm1", nn.BatchNorm2d(6)),
        ("relu1", nn.ReLU()),
        ("conv2", nn.Conv2d(6, 4, 3)),
    ):
        net.add_module(name, layer)
    net.norm1.running_mean.normal_(), net.norm1.running_var.uniform_(0.2, 3)
    nn.init.normal_(net.norm1.weight), nn.init.normal_(net.norm1.bias)
    net, image, unit = net.double().eval(), images(1, 20), Unit("conv2", 1)
    for way in (rules.DECONVNET, rules.GUIDED, rules.LINEAR):
        expected = deconv.project(net, image, unit=unit, rules=way).pixels
        assert expected.abs().max() > 0 and torch.allclose(Deconvnet(net).project(image, unit=unit, rules=way)[0], expected, atol=1e-10)
