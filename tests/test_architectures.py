"""The nets equal the paper's figure 3, and their parts equal slow loops."""

import numpy as np
import pytest
import torch

from zfutils.core.errors import Problem
from zfutils.models import architectures, filters
from zfutils.models.architectures import ALEXNET, ZFNET
from zfutils.models.local_response_norm import LocalResponseNorm
from zfutils.paper import numbers


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_full_size_agrees_with_every_row_of_figure_3():
    shapes, counts = architectures.shapes(ZFNET), architectures.parameters(ZFNET)
    fields = architectures.receptive_fields(ZFNET)
    rows = numbers.table("fig3_architecture")
    for number in range(1, 6):
        layer = rows[rows["layer"] == f"layer{number}"]
        conv = layer[layer["op"] == "conv"].iloc[0]
        assert shapes[f"conv{number}"] == (conv["out_maps"], conv["out_size"], conv["out_size"])
        assert counts[f"conv{number}"] == conv["params_with_bias_computed"]
        assert fields[f"conv{number}"][0] == conv["receptive_field_px_computed"]
        for pool in layer[layer["op"].str.startswith("maxpool")].itertuples():
            assert shapes[f"pool{number}"] == (pool.out_maps, pool.out_size, pool.out_size)
            assert fields[f"pool{number}"][0] == pool.receptive_field_px_computed
    assert sum(counts.values()) == 62_357_608


def test_a_built_net_has_the_shapes_and_parameters_on_paper():
    for architecture in (
        architectures.scaled(ZFNET, width=1 / 8, fc_units=64, classes=7),
        architectures.scaled(ALEXNET, width=1 / 4, image_size=112, classes=5),
    ):
        net = architectures.build(architecture, generator=generator()).eval()
        x, shapes = torch.zeros(1, 3, architecture.image_size, architecture.image_size), architectures.shapes(architecture)
        for name, layer in net.named_children():
            x = layer(x)
            if name in shapes:
                assert tuple(x.shape[1:]) == shapes[name], name
        for name, count in architectures.parameters(architecture).items():
            assert sum(parameter.numel() for parameter in net.get_submodule(name).parameters()) == count


def test_the_replication_has_krizhevskys_sizes_and_halves():
    shapes = architectures.shapes(ALEXNET)
    assert [shapes[f"conv{n}"] for n in range(1, 6)] == [(96, 55, 55), (256, 27, 27), (384, 13, 13), (384, 13, 13), (256, 13, 13)]
    assert [conv.groups for conv in ALEXNET.convs] == [1, 2, 1, 2, 2]
    assert sum(architectures.parameters(ALEXNET).values()) == 60_965_224
    assert ALEXNET.convs[0].then == ("relu", "norm", "pool") and ZFNET.convs[0].then == ("relu", "pool", "norm")


def test_receptive_fields_and_strides_are_those_of_the_paper():
    assert architectures.receptive_fields(ZFNET) == {
        "conv1": (7, 2), "pool1": (11, 4), "conv2": (27, 8), "pool2": (43, 16),
        "conv3": (75, 16), "conv4": (107, 16), "conv5": (139, 16), "pool5": (171, 32),
    }  # fmt: skip


@pytest.mark.parametrize("beta", [0.75, 0.5])
def test_contrast_norm_equals_a_loop(beta):
    x = np.random.default_rng(0).normal(0, 40, (2, 7, 3, 4))
    expected = np.empty_like(x)
    for n, c, i, j in np.ndindex(*x.shape):
        energy = sum(x[n, other, i, j] ** 2 for other in range(max(0, c - 2), min(7, c + 3)))
        expected[n, c, i, j] = x[n, c, i, j] / (2 + 1e-4 * energy) ** beta
    found = LocalResponseNorm(7, beta=beta).double()(torch.from_numpy(x))
    # The constants are stored in float32, hence 1e-7 and not 1e-15.
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-7)


def test_the_gradient_of_the_contrast_norm_is_that_of_finite_differences():
    x = (torch.randn(2, 7, 3, 2, dtype=torch.float64, generator=generator()) * 60).requires_grad_()
    assert torch.autograd.gradcheck(LocalResponseNorm(7).double(), (x,))


def test_contrast_norm_is_the_librarys_with_alpha_times_window():
    x = torch.randn(2, 9, 5, 5, generator=generator()) * 50
    torch.testing.assert_close(
        LocalResponseNorm(9)(x), torch.nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)(x), rtol=1e-4, atol=1e-5
    )


def test_initial_weights_are_gaussian_with_the_papers_deviation_and_biases():
    net = architectures.build(architectures.scaled(ZFNET, fc_units=256, classes=10), generator=generator())
    assert net.conv2.weight.std().item() == pytest.approx(0.01, rel=0.02)
    assert abs(net.conv2.weight.mean().item()) < 1e-4
    assert all((net.get_submodule(name).bias == 0).all() for name in ("conv1", "conv5", "fc6", "fc8"))
    replica = architectures.build(architectures.scaled(ALEXNET, width=1 / 4, fc_units=64, image_size=112), generator=generator())
    first = {name: float(replica.get_submodule(name).bias.detach()[0]) for name in ALEXNET.layers}
    assert [name for name, bias in first.items() if bias == 1] == ["conv2", "conv4", "conv5", "fc6", "fc7"]
    assert [name for name, bias in first.items() if bias == 0] == ["conv1", "conv3", "fc8"]


def test_narrow_nets_keep_the_papers_signal_sizes():
    small = architectures.scaled(ZFNET, width=1 / 4, fc_units=512, image_size=112, classes=20)
    for full, fan_in, std in zip(architectures.fan_ins(ZFNET), architectures.fan_ins(small), small.stds, strict=True):
        assert std**2 * fan_in == pytest.approx(0.01**2 * full)
    assert small.stds[0] == 0.01  # layer 1 sees three colours at any width


def test_clipping_scales_a_long_filter_back_and_leaves_the_others():
    net = architectures.build(architectures.scaled(ZFNET, width=1 / 8, fc_units=8, image_size=112, classes=2), generator=generator())
    with torch.no_grad():
        net.conv1.weight[3] *= 50
    before, direction = net.conv1.weight.detach().clone(), net.conv1.weight[3] / net.conv1.weight[3].norm()
    assert filters.clip(net, {"conv1": 0.1, "conv2": 9.0}).tolist() == [1, 0]
    after = net.conv1.weight.detach()
    assert after[3].pow(2).mean().sqrt().item() == pytest.approx(0.1)
    torch.testing.assert_close(after[3] / after[3].norm(), direction)
    assert torch.equal(after[:3], before[:3]) and torch.equal(after[4:], before[4:])
    assert filters.clip(net, {"conv1": 0.1001}).tolist() == [0]


def test_equal_generators_give_equal_nets_and_the_output_is_logits():
    architecture = architectures.scaled(ZFNET, width=1 / 8, fc_units=8, image_size=112, classes=3)
    one, two = (architectures.build(architecture, generator=generator()).eval() for _ in range(2))
    x = torch.randn(2, 3, 112, 112, generator=generator()) * 60
    assert torch.equal(one(x), two(x))
    assert (one(x) < 0).any() and not torch.allclose(one(x).sum(1), torch.ones(2))


def test_too_small_an_input_is_refused():
    with pytest.raises(Problem, match="too small"):
        architectures.shapes(architectures.scaled(ZFNET, image_size=8))


def test_windows_by_hand():
    chain = {windows.stage: windows for windows in architectures.chain(ZFNET)}
    assert [windows.side for windows in chain.values()] == [110, 55, 26, 13, 13, 13, 13, 6]
    assert [windows.left for windows in chain.values()] == [1, -1, 0, -1, 0, 0, 0, 0]
    assert chain["conv1"].misfit() == "1 px at the border in no window" and chain["conv2"].misfit() == ""
    assert chain["pool1"].misfit() == "the last window hangs over by 1 px"
    assert architectures.Windows("conv1", 4, 3, 1, 3).misfit() == "the outermost windows see nothing but padding"
    none = architectures.Windows("conv2", 3, 7, 2, 1)
    assert none.side == 0 and none.misfit() == "no window of 7 fits into 3 + 2 x 1 px"


@pytest.mark.parametrize("below", range(1, 12))
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(3, 1, 1), (5, 2, 0), (7, 4, 2)])
def test_windows_are_as_many_as_the_library_has(below, kernel, stride, padding):
    windows, x = architectures.Windows("conv1", below, kernel, stride, padding), torch.zeros(1, 1, below, below)
    if windows.side:
        assert torch.nn.functional.conv2d(x, torch.zeros(1, 1, kernel, kernel), stride=stride, padding=padding).shape[-1] == windows.side
    else:
        assert below + 2 * padding < kernel
    if below > 1:
        assert (
            torch.nn.functional.max_pool2d(x, 3, 2, ceil_mode=True).shape[-1] == architectures.Windows("pool1", below, 3, 2, up=True).side
        )


def test_a_chain_ends_where_nothing_fits_and_the_error_says_where():
    changed = architectures.with_windows(ZFNET, "conv2", kernel=11, stride=8, padding=0)
    deep = architectures.with_windows(changed, "conv4", kernel=11, stride=1, padding=0)
    assert [(windows.stage, windows.side) for windows in architectures.chain(deep)][-2:] == [("conv3", 3), ("conv4", 0)]
    with pytest.raises(Problem, match=r"in conv4 no window of 11 fits into 3 \+ 2 x 0 px"):
        architectures.shapes(deep)


def test_windows_of_an_unknown_layer_or_without_size_are_one_line():
    with pytest.raises(Problem, match="unknown layer 'conv9'; known: conv1, conv2"):
        architectures.with_windows(ZFNET, "conv9", kernel=3, stride=1, padding=0)
    with pytest.raises(Problem, match="stride from 1 and padding from 0, got 3, 0 and 0"):
        architectures.with_windows(ZFNET, "conv1", kernel=3, stride=0, padding=0)


def test_the_factor_of_the_norm_is_what_values_are_multiplied_by():
    x = torch.tensor([3.0, 0, 4, 0, 0, 12]).reshape(1, 6, 1, 1)
    norm = LocalResponseNorm(6, window=3, k=2.0, alpha=0.5, beta=0.5)
    # sums of neighbours: 9, 25, 16, 16, 144, 144; so k + alpha * sum is 6.5, 14.5, 10, 10, 74, 74
    assert norm.factor(x).flatten().numpy() == pytest.approx(np.array([6.5, 14.5, 10, 10, 74, 74]) ** -0.5)
    assert torch.equal(norm(x), x * norm.factor(x))
    usual = LocalResponseNorm(6)
    assert torch.allclose(usual(x), x * usual.factor(x))


@pytest.mark.parametrize(
    ("constants", "said"),
    [({"window": 4}, "odd number .* got 4; take 3 or 5"), ({"k": 0.0}, "k above 0"), ({"alpha": -1e-4}, "alpha from 0")],
)
def test_constants_that_make_no_norm_are_one_line(constants, said):
    with pytest.raises(Problem, match=said):
        LocalResponseNorm(8, **constants)
