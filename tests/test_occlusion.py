"""Occlusion: against a loop over single images, on nets whose answer is known, and what is made of the maps."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.test_deconvnet import images, net_of
from zfutils.analysis import heatmap_metrics
from zfutils.attribution import occlusion, rules, saliency
from zfutils.core.errors import Problem


def slow(net: nn.Module, image: torch.Tensor, size: int, stride: int) -> tuple[np.ndarray, np.ndarray, int]:
    """One image at a time: probabilities, activity of the strongest map of layer 5, its number."""
    lower = net[: 1 + [name for name, _ in net.named_children()].index("relu5")]
    strongest = int(lower(image[None])[0].sum((1, 2)).argmax())
    found, activity = [], []
    for top in range(0, image.shape[1] - size + 1, stride):
        for left in range(0, image.shape[2] - size + 1, stride):
            hidden = image.clone()
            for row in range(top, top + size):
                hidden[:, row, left : left + size] = 0
            found.append(net(hidden[None])[0].softmax(0).detach().numpy())
            activity.append(float(lower(hidden[None])[0, strongest].detach().sum()))
    side = int(len(found) ** 0.5)
    return np.array(found).reshape(side, side, -1), np.array(activity).reshape(side, side), strongest


def test_a_sweep_is_the_loop_over_single_images():
    net, image = net_of(size=64).float(), images(size=64)[0].float()
    probabilities, activity, strongest = slow(net, image, 20, 11)
    found = occlusion.sweep(net, image, size=20, stride=11, batch=7)
    assert found.map == strongest and found.probabilities.shape == (5, 5, 5)
    assert np.allclose(found.probabilities, probabilities, atol=1e-5) and np.allclose(found.activity, activity, rtol=1e-4)
    assert np.array_equal(found.labels, probabilities.argmax(2))
    assert found.base_activity >= 0 and found.base_probabilities.sum() == pytest.approx(1, abs=1e-5)
    exact = probabilities.astype(np.float64)
    told = (exact > 1e-6) & (exact < 1 - 1e-3)
    assert told.any() and np.allclose(found.log_odds[told], np.log(exact / (1 - exact))[told], atol=1e-2)
    assert np.allclose(occlusion.sweep(net, image, size=20, stride=11, layer=None).probabilities, found.probabilities, atol=1e-6)


def test_a_net_that_changes_its_input_in_place_sees_every_square_on_the_untouched_image():
    image = torch.randn(3, 32, 32)
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    in_place, apart = (nn.Sequential(nn.LeakyReLU(0.5, inplace=changes), *head).eval() for changes in (True, False))
    found, expected = (occlusion.sweep(net, image.clone(), layer=None, size=8, stride=4, batch=5) for net in (in_place, apart))
    assert np.array_equal(found.probabilities, expected.probabilities)


def test_any_map_can_be_followed_also_of_a_fully_connected_layer():
    net, image = net_of(size=64).float(), images(size=64)[0].float()
    strongest = occlusion.sweep(net, image, size=20, stride=22)
    same = occlusion.sweep(net, image, map=strongest.map, size=20, stride=22)
    assert np.array_equal(same.activity, strongest.activity) and same.base_activity == strongest.base_activity
    unit = occlusion.sweep(net, image, layer="fc6", map=1, size=20, stride=22)
    hidden = image.clone()
    hidden[:, :20, :20] = 0
    with torch.no_grad():
        expected = net[: 1 + [name for name, _ in net.named_children()].index("fc6")](hidden[None])[0, 1].clamp(min=0)
    assert unit.map == 1 and unit.activity[0, 0] == pytest.approx(float(expected), rel=1e-4, abs=1e-6)
    with pytest.raises(Problem, match="unknown map 99 of conv3"):
        occlusion.sweep(net, image, layer="conv3", map=99)


def test_the_papers_square_gives_its_positions_and_is_scaled():
    assert occlusion.scaled(224) == (50, 6) and occlusion.scaled(112) == (25, 3) and occlusion.scaled(112, steps=2) == (25, 6)
    net = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    found = occlusion.sweep(net, torch.randn(3, 224, 224), layer=None, batch=300)
    assert found.probabilities.shape == (30, 30, 3) and "30 x 30 positions of a square of 50 px" in str(found) and "never" not in str(found)
    assert "the last 2 rows and 2 columns are never covered" in str(
        occlusion.sweep(net, torch.randn(3, 32, 32), layer=None, size=10, stride=10)
    )


def test_a_constant_image_gives_a_flat_map_and_only_what_counts_makes_a_dip():
    net = net_of(size=64).float()
    flat = occlusion.sweep(net, torch.zeros(3, 64, 64), size=20, stride=11)
    assert np.ptp(flat.probabilities, axis=(0, 1)).max() < 1e-6 and np.allclose(
        flat.probabilities[0, 0], flat.base_probabilities, atol=1e-6
    )

    class Corner(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.stack([x[:, :, 20:24, 4:8].mean((1, 2, 3)), torch.zeros(len(x))], 1)

    image = torch.ones(3, 40, 40) * 4
    found = occlusion.sweep(Corner().eval(), image, layer=None, size=8, stride=4)
    dip = found.probabilities[..., 0]
    assert dip[5, 1] == pytest.approx(0.5) and dip[0, 0] == pytest.approx(found.base_probabilities[0])
    row, column = heatmap_metrics.lowest(found, dip)
    assert 20 <= row < 24 or abs(row - 22) <= 4 and abs(column - 6) <= 4


def test_fillings_hide_what_is_there():
    image = images(size=64)[0]
    assert not occlusion.mean_grey(image).any()
    assert torch.allclose(occlusion.image_mean(image), image.mean((1, 2))[:, None, None])
    assert occlusion.blur(image).shape == image.shape and occlusion.blur(image).std() < 0.3 * image.std()
    assert torch.equal(occlusion.noise(image), occlusion.noise(image))
    assert occlusion.noise(image).std() == pytest.approx(float(image.std()), rel=0.1)
    net = net_of(size=64).float()
    results = [
        occlusion.sweep(net, image.float(), size=20, stride=20, fill=fill).probabilities for fill in (occlusion.mean_grey, occlusion.noise)
    ]
    assert not np.allclose(*results)


def test_bad_squares_nets_and_images_are_named():
    net, image = net_of(size=64).float(), images(size=64)[0].float()
    for wrong in ({"size": 65}, {"size": 0}, {"stride": 0}):
        with pytest.raises(Problem, match="square of 1 to 64 px in steps of at least 1"):
            occlusion.sweep(net, image, **wrong)
    with pytest.raises(Problem, match="unknown layer 'relu9'"):
        occlusion.sweep(net, image, layer="relu9", size=20, stride=20)
    with pytest.raises(Problem, match="training mode"):
        occlusion.sweep(net.train(), image)
    assert not any(module._forward_hooks for module in net.modules())


def test_squares_cover_what_they_cover():
    net = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    found = occlusion.sweep(net, torch.randn(3, 20, 20), layer=None, size=6, stride=4)
    mask = np.random.default_rng(0).random((20, 20)) > 0.6
    squares = found.squares()
    assert squares.shape == (4, 4, 20, 20) and squares.sum((2, 3)).min() == 36
    assert np.allclose(found.covered(mask), (squares & mask).sum((2, 3)))
    on, off = heatmap_metrics.on_and_off(found, mask)
    assert np.array_equal(on, (squares & mask).sum((2, 3)) >= 18) and not (on & off).any()
    block = np.zeros((20, 20), bool)
    block[4:8, 4:8] = True
    assert (
        heatmap_metrics.on_part(found, block)[1, 1]
        and not heatmap_metrics.on_part(found, block)[3, 3]
        and not heatmap_metrics.on_part(found, block * 0).any()
    )
    drops = np.zeros((4, 4))
    drops[2, 1] = 3.0
    heat = heatmap_metrics.spread(found, drops)
    assert heat.max() > 0 and (heat > 0).sum() == 36 and heat[8:14, 4:10].min() > 0
    assert heatmap_metrics.highest(heat) == tuple(np.argwhere(heat == heat.max())[0])
    assert np.isnan(heatmap_metrics.mean_where(drops, drops > 9)) and heatmap_metrics.mean_where(drops, drops > 1) == 3


def test_costs_of_every_object_in_every_image_are_those_of_slow_loops():
    net = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    found = occlusion.sweep(net, torch.randn(3, 20, 20), layer=None, size=6, stride=4)
    drops = np.random.default_rng(1).normal(size=(2, 4, 4))
    masks = np.zeros((3, 20, 20), bool)
    masks[0, 2:11, 3:12] = masks[1, :9, 9:20] = masks[2] = True  # the last one leaves no room beside it
    costs = heatmap_metrics.costs(found, drops, masks)
    for image, mask in np.ndindex(2, 2):
        on, off = heatmap_metrics.on_and_off(found, masks[mask])
        assert costs[image, mask] == pytest.approx(drops[image][on].mean() - drops[image][off].mean())
    assert costs.shape == (2, 3) and np.isnan(costs[:, 2]).all()


def test_what_a_square_leaves_over_by_hand():
    assert heatmap_metrics.left_over(np.array([[0.8, 0.6, 0.1], [0.4, 0.4, 0.8]])) == pytest.approx((0.125, 0.625))


def test_deletion_kills_the_answer_fastest_where_it_lies():
    class Quarter(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.stack([x[:, 0, :16, :16].mean((1, 2)), torch.zeros(len(x))], 1)

    image, shares = torch.ones(3, 32, 32) * 5, [0, 0.25, 0.5, 1]
    heat = np.zeros((32, 32))
    heat[:16, :16] = 1
    right, wrong = (heatmap_metrics.deletion(Quarter().eval(), image, some, 0, shares=shares) for some in (heat, -heat))
    assert right[0] == wrong[0] > 0.99 and right[1] == pytest.approx(0.5) and wrong[2] == right[0] and wrong[3] == pytest.approx(0.5)


def test_grad_cam_and_gradients_find_the_map_that_counts():
    net = nn.Sequential()
    net.add_module("conv1", nn.Conv2d(3, 2, 1, bias=False))
    net.add_module("relu1", nn.ReLU())
    net.add_module("pool", nn.AdaptiveAvgPool2d(1))
    net.add_module("flatten", nn.Flatten())
    net.add_module("fc8", nn.Linear(2, 2, bias=False))
    net.conv1.weight.data = torch.tensor([[1.0, 0, 0], [0, 1.0, 0]])[:, :, None, None]
    net.fc8.weight.data = torch.tensor([[3.0, 0], [0, 3.0]])
    image = torch.zeros(1, 3, 8, 8)
    image[0, 0, 2, 3], image[0, 1, 6, 6] = 4, 4
    for label, place in ((0, (2, 3)), (1, (6, 6))):
        heat = saliency.grad_cam(net.eval(), image, torch.tensor([label]), layer="relu1")[0].numpy()
        assert heatmap_metrics.highest(heat) == place and heat[place] == pytest.approx(4 * 3 / 64)
        heat = saliency.by_rules(net, image, torch.tensor([label]), rules.GRADIENT)[0].numpy()
        assert heatmap_metrics.highest(heat) == place
