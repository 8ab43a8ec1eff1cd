"""Projections inside receptive fields are those of the whole picture, for any place and any rules that stay inside."""

import numpy as np
import pytest
import torch

from tests.test_deconvnet import images, net_of
from zfutils.attribution import batched_deconv, deconv, receptive_field, rules
from zfutils.core.errors import Problem
from zfutils.models import architectures


def drawn(layer: str, net: torch.nn.Sequential, several: torch.Tensor) -> dict[str, np.ndarray]:
    """Some units, those in the corners of the map among them, several in one image."""
    generator = np.random.default_rng(8)
    index = [name for name, _ in net.named_children()].index(layer)
    _, maps, height, width = net[: index + 1](several[:1]).shape
    positions = np.column_stack([generator.integers(0, height, 12), generator.integers(0, width, 12)])
    positions[:3] = [[0, 0], [height - 1, width - 1], [0, width - 1]]
    return {"indices": generator.integers(0, len(several), 12), "maps": generator.integers(0, maps, 12), "positions": positions}


@pytest.mark.parametrize("name", [name for name, ways in rules.NAMED.items() if not ways.centred])
@pytest.mark.parametrize(("paper", "size"), [(architectures.ZFNET, 112), (architectures.ALEXNET, 99)], ids=["zfnet", "alexnet"])
def test_a_region_is_the_projection_cut_to_its_field(paper, size, name):
    net, several, way = net_of(paper, size), images(3, size), rules.NAMED[name]
    for layer in ("conv1", "conv2", "relu3", "conv4", "conv5"):
        chosen = drawn(layer, net, several)
        found = batched_deconv.project(net, several, layer=layer, **chosen, rules=way)
        arguments = {"maps": torch.from_numpy(chosen["maps"]), "positions": torch.from_numpy(chosen["positions"])}
        whole = deconv.project_each(net, several[chosen["indices"]], layer=layer.replace("relu", "conv"), **arguments, rules=way).numpy()
        assert np.abs(whole).max() > 0 and (found.activations >= 0).all()
        field = receptive_field.of(net, several[:1], layer)
        assert found.pixels.shape[2:] == field.size
        for number, place in enumerate(chosen["positions"]):
            assert tuple(found.corners[number]) == field.box(tuple(place))[:2]
            difference = np.abs(found.whole(number, (size, size)) - whole[number]).max()
            assert difference <= 1e-10 * np.abs(whole).max(), (layer, number)


def test_images_may_come_from_a_function_and_rows_in_any_order():
    net, several = net_of(), images(4)
    chosen = drawn("conv3", net, several)
    asked = []

    def take(rows: np.ndarray) -> torch.Tensor:
        asked.extend(rows.tolist())
        return several[torch.from_numpy(rows)]

    one = batched_deconv.project(net, take, layer="conv3", **chosen)
    other = batched_deconv.project(net, several, layer="conv3", **chosen)
    assert np.allclose(one.pixels, other.pixels, atol=1e-12)
    assert sorted(set(asked)) == sorted(set(chosen["indices"].tolist()))


def test_what_does_not_stay_inside_is_refused():
    net, several = net_of(), images(1)
    chosen = drawn("conv3", net, several) | {"indices": np.zeros(12, int)}
    with pytest.raises(Problem, match="follow switches, got 'linear, centre, norm skipped'"):
        batched_deconv.project(net, several, layer="conv3", **chosen, rules=rules.NAMED["linear, centre, norm skipped"])
    with pytest.raises(Problem, match="within the 6 x 6 map of conv3"):
        batched_deconv.project(net, several, layer="conv3", **chosen | {"positions": np.full((12, 2), 7)})
    with pytest.raises(Problem, match="convolutional layer, got fc6"):
        batched_deconv.project(net, several, layer="fc6", **chosen)
    with pytest.raises(Problem, match="unknown layer 'conv9'"):
        batched_deconv.project(net, several, layer="conv9", **chosen)
    with pytest.raises(Problem, match="unknown map 1000 of conv3"):
        batched_deconv.project(net, several, layer="conv3", **chosen | {"maps": np.full(12, 1000)})
    with pytest.raises(Problem, match="training mode"):
        batched_deconv.project(net.train(), several, layer="conv3", **chosen)
