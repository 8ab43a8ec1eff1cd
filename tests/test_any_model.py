"""The chapter tools on nets of torchvision with random weights: each runs, has the right shapes, and agrees with the net asked directly."""

import copy
import dataclasses

import numpy as np
import pytest
import torch
import torchvision

from zfutils.analysis import correspondence, evolution, invariance
from zfutils.attribution import activations, deconv, occlusion, projections, receptive_field, top_nine, topk
from zfutils.attribution.units import Unit
from zfutils.core import profiles
from zfutils.core.errors import Problem
from zfutils.models import architectures, cached_predictions, checkpoints
from zfutils.models.architectures import Architecture, Conv
from zfutils.models.crops import CENTRE
from zfutils.models.trained import Model, Trained
from zfutils.transfer import feature_cache, linear_probes

SIZE, CPU = 64, torch.device("cpu")
LAYERS = {  # a layer that looks at a part of the picture, and one that looks at all of it
    "alexnet": ("features.3", "features.10"),
    "vgg11": ("features.3", "features.18"),
    "resnet18": ("layer1.0.conv2", "layer2"),
    "mobilenet_v2": ("features.2.conv.1.0", "features.8"),
    "googlenet": ("conv3", "inception3b"),
}


def built(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    options = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    return torchvision.models.get_model(name, weights=None, num_classes=4, **options).eval()


@pytest.fixture(scope="module", params=LAYERS)
def model(request, tmp_path_factory) -> Model:
    """A net; as a state before it stands the same with other filters in the first layer."""
    net = built(request.param)
    before = copy.deepcopy(net)
    with torch.no_grad():
        next(before.parameters()).mul_(-1)
    return Model(net, SIZE, tmp_path_factory.mktemp("kept") / request.param, states={10: lambda: net, 2: lambda: before})


def layers_of(model: Model) -> tuple[str, str]:
    return LAYERS[model.folder.name]


@pytest.fixture
def images(model, tiny_set) -> torch.Tensor:
    return model.inputs(tiny_set, device=CPU).batch(tiny_set.indices("val")[:3], CENTRE)


def test_pictures_are_scaled_as_the_net_wants_them(tiny_set, tmp_path):
    model = Model(torch.nn.Identity(), 56, tmp_path, mean=(100.0, 110.0, 120.0), std=(50.0, 60.0, 70.0))
    cut = model.inputs(tiny_set, device=CPU).batch(np.array([3]), CENTRE)[0]
    pixels = tiny_set.images[3, 4:60, 4:60].astype(np.float32)
    np.testing.assert_allclose(cut.permute(1, 2, 0), (pixels - model.mean) / model.std, rtol=1e-5, atol=1e-6)
    assert model.epochs == ()
    with pytest.raises(Problem, match="unknown epoch 3; known: none"):
        model.checkpoint(3)


def test_the_nine_strongest_have_projections_inside_the_fields_and_patches_that_hold_all_the_unit_sees(model, tiny_set):
    (local, wide), inputs = layers_of(model), model.inputs(tiny_set, device=CPU)
    indices = tiny_set.indices("val")
    tops = topk.scan(model.net(), lambda some: inputs.batch(some, CENTRE), layers=[local, wide], k=3, indices=indices)
    direct = activations.of(model.net(), inputs.batch(indices, CENTRE), [local])[local].flatten(2).amax(2).clamp(min=0)
    np.testing.assert_allclose(tops[local].values, direct.topk(3, dim=0).values.T, rtol=1e-3, atol=1e-5)
    maps = tops[local].active()[:2]
    nine = top_nine.of(model.net(), tiny_set, SIZE, tops[local], layer=local, maps=maps, inputs=inputs)
    side = nine.side
    assert nine.projections.shape == (2, 3, 3, side, side) and nine.patches.shape == (2, 3, side, side, 3) and side < 0.9 * SIZE
    image = inputs.batch(tops[local].indices[maps[1], 1:2], CENTRE)
    at = tuple(tops[local].positions[maps[1], 1].tolist())
    whole = deconv.project(model.net(), image, unit=Unit(local, int(maps[1])), at=at)
    cut = projections.Regions(nine.projections[1], nine.corners[1], nine.values[1]).whole(1, (SIZE, SIZE))
    assert np.abs(cut).max() > 0
    np.testing.assert_allclose(cut, whole.pixels, atol=1e-4 * np.abs(cut).max())
    top, left, bottom, right = receptive_field.of(model.net(), image, local).inside(at)
    alone = torch.zeros_like(image)
    alone[:, :, top:bottom, left:right] = image[:, :, top:bottom, left:right]
    value = activations.of(model.net(), alone, [local])[local][0, maps[1], *at]
    assert float(value) == pytest.approx(nine.values[1, 1], rel=1e-3), "what lies outside the patch does not matter"
    all_of_it = top_nine.of(model.net(), tiny_set, SIZE, tops[wide], layer=wide, maps=tops[wide].active()[:1], inputs=inputs)
    assert all_of_it.side == SIZE and all(part.shape == (1, 3, SIZE, SIZE, 3) for part in all_of_it.tiles(tiny_set, SIZE))


def test_units_of_a_fully_connected_layer_are_projected_from_the_whole_picture(model, images):
    layer = list(dict(model.net().named_modules()))[-1]
    indices, maps = np.array([2, 0]), np.array([1, 3])
    chosen = {"layer": layer, "indices": indices, "maps": maps, "positions": np.zeros((2, 2), int)}
    found = projections.project(model.net(), lambda some: images[some], **chosen)
    logits = model.net()(images)[indices, maps].clamp(min=0).detach()
    assert found.pixels.shape == (2, 3, SIZE, SIZE) and not found.corners.any()
    np.testing.assert_allclose(found.activations, logits, rtol=1e-3, atol=1e-5)


def test_evolution_follows_a_list_of_states(model, tiny_set):
    local, smoke = layers_of(model)[0], profiles.profile("smoke")
    stages = evolution.strongest(smoke, model, tiny_set, {local: np.array([0, 1])}, device=CPU)[local]
    assert [stage.epoch for stage in stages] == [2, 10] and stages[0].projections.shape == stages[1].projections.shape
    assert not np.allclose(stages[0].projections, stages[1].projections)
    generator = np.random.default_rng(0)
    settled = evolution.settle(smoke, model, tiny_set, generator=generator, device=CPU, layers=[local], units=4, fixed=6)[local]
    assert np.allclose(settled.margins[1], settled.final, atol=1e-5) and np.nanmin(settled.ranks[1]) == pytest.approx(1)
    assert settled.margins[0].mean() < settled.final.mean() and evolution.table({local: settled})["epoch"].tolist() == [2, 10]


def test_occlusion_follows_a_map_of_any_layer(model, images):
    layer = layers_of(model)[1]
    found = occlusion.sweep(model.net(), images[0], layer=layer, size=20, stride=22)
    assert found.activity.shape == (3, 3) and found.probabilities.shape == (3, 3, 4)
    hidden = images[:1].clone()
    hidden[:, :, 22:42, :20] = occlusion.mean_grey(images[0])[:, 22:42, :20]
    with torch.no_grad():
        np.testing.assert_allclose(found.probabilities[1, 0], model.net()(hidden).softmax(1)[0], rtol=1e-3, atol=1e-6)
    maps = activations.of(model.net(), hidden, [layer])[layer].clamp(min=0).sum((2, 3))[0]
    assert found.activity[1, 0] == pytest.approx(float(maps[found.map]), rel=1e-3)


def test_invariance_is_measured_at_any_layer(model, images):
    layers = layers_of(model)
    found = invariance.curves(model.net(), images, np.array([0, 1, 2]), invariance.shift, np.array([0.0, 6.0]), layers=layers)
    assert all(found.distances[layer].shape == (2, 3) for layer in layers) and found.probability.shape == (2, 3)
    moved = invariance.shift(images, 6.0)
    start, end = (activations.of(model.net(), some, layers) for some in (images, moved))
    for layer in layers:
        direct = (end[layer] - start[layer]).flatten(1).norm(dim=1)
        np.testing.assert_allclose(found.distances[layer][1], direct, rtol=1e-3)
        assert (found.distances[layer][0] < 0.01 * found.distances[layer][1]).all()
    typical = invariance.typical_distances(model.net(), images, layers=layers)
    assert all(typical[layer] > 0 for layer in layers)


def test_correspondence_compares_signs_at_any_layer(model, images):
    layer = layers_of(model)[0]
    centres = np.array([[20.0, 20.0], [30.0, 40.0], [10.0, 50.0]])
    signs = correspondence.signs(model.net(), images, centres, 12, layers=(layer,))[layer]
    before, after = (activations.of(model.net(), some, [layer])[layer] for some in (images, correspondence.masked(images, centres, 12)))
    assert np.array_equal(signs, (before - after).sign().flatten(1).numpy()) and set(np.unique(signs)) == {-1, 0, 1}
    assert 0 < correspondence.delta(signs)[0] < 1


def test_features_and_predictions_are_kept_and_probes_read_them(model, tiny_set):
    local, wide = layers_of(model)
    kept = feature_cache.of(model, tiny_set, layers={1: local, 2: wide})
    inputs = model.inputs(tiny_set, device=CPU)
    direct = activations.of(model.net(), inputs.batch(np.arange(5), CENTRE), [local, wide])
    for number, layer in ((1, local), (2, wide)):
        np.testing.assert_allclose(kept[number][:5], feature_cache.pooled(direct[layer]), rtol=1e-2, atol=1e-2)
    train, val = tiny_set.indices("train"), tiny_set.indices("val")
    right, strength = linear_probes.answers("softmax", kept[1], tiny_set.labels, train, val, generator=np.random.default_rng(0))
    assert right.shape == val.shape and strength > 0
    guessed = cached_predictions.of(model, tiny_set, val)
    with torch.no_grad():
        np.testing.assert_allclose(guessed, model.net()(inputs.batch(val, CENTRE)).softmax(1), rtol=1e-2, atol=1e-4)
    cached_predictions.of(dataclasses.replace(model, std=(50.0, 50.0, 50.0)), tiny_set, val)
    assert len(list((model.folder / "answers").glob("*.npy"))) == 2, "another scaling is another input"


def test_a_net_of_the_book_has_the_epochs_whose_weights_were_kept(tiny_set, tmp_path):
    plan = architectures.scaled(architectures.ZFNET, width=1 / 16, image_size=56, fc_units=16, classes=4)
    for epoch in (0, 2, 10):
        net = architectures.build(plan, generator=torch.Generator().manual_seed(epoch))
        checkpoints.save(net, plan, tmp_path / "net" / "checkpoints" / f"epoch-{epoch:02d}.safetensors", card={})
    checkpoints.save(net, plan, tmp_path / "net" / "net.safetensors", card={})
    trained, smoke = Trained(tmp_path / "net"), profiles.profile("smoke")
    assert trained.epochs == (2, 10) and trained.inputs(tiny_set, device=CPU).size == 56
    stages = evolution.strongest(smoke, trained, tiny_set, {"conv2": np.arange(3)}, device=CPU)["conv2"]
    assert [stage.epoch for stage in stages] == [2, 10] and stages[0].projections.shape == (3, 3, 27, 27)
    settled = evolution.settle(smoke, trained, tiny_set, generator=np.random.default_rng(0), device=CPU, units=2, fixed=6)
    assert list(settled) == list(evolution.LAYERS) and all(one.epochs == (2, 10) for one in settled.values())


@pytest.mark.parametrize("depth", [1, 3, 8])
def test_an_architecture_has_any_number_of_convolutions(depth):
    convs = (Conv(8, 5, stride=2, padding=2, then=("relu", "pool")), *(Conv(8, 3, padding=1) for _ in range(depth - 1)))
    plan = Architecture("any", convs, fcs=(12,), classes=4, image_size=64)
    assert plan.layers == (*(f"conv{n}" for n in range(1, depth + 1)), f"fc{depth + 1}", f"fc{depth + 2}")
    net = architectures.build(plan, generator=torch.Generator().manual_seed(0)).eval()
    assert net(torch.zeros(2, 3, 64, 64)).shape == (2, 4)
    sizes = architectures.shapes(plan)
    features = activations.of(net, torch.randn(1, 3, 64, 64), plan.layers)
    assert all(tuple(features[layer].shape[1:]) == sizes[layer] for layer in plan.layers)
    field = receptive_field.of(net, torch.randn(1, 3, 64, 64), f"conv{depth}")
    assert (field.size[0], field.rows[0]) == architectures.receptive_fields(plan)[f"conv{depth}"]
    counts = {name: sum(p.numel() for p in net.get_submodule(name).parameters()) for name in plan.layers}
    assert counts == architectures.parameters(plan) and architectures.scaled(plan, width=0.5, image_size=64).convs[-1].maps == 4


def test_layers_that_are_left_out_keep_the_names_of_the_others_at_any_depth():
    plan = Architecture("any", tuple(Conv(8, 3, padding=1) for _ in range(7)), fcs=(12, 12), classes=4, image_size=64)
    less = architectures.without(plan, 3, 6, 9)
    assert less.layers == ("conv1", "conv2", "conv4", "conv5", "conv7", "fc8", "fc10") and less.depth == 7
    assert architectures.with_maps(plan, 16, 32).convs[4].maps == 8
    assert [conv.maps for conv in architectures.with_maps(plan, 16, 32).convs[5:]] == [16, 32]
    with pytest.raises(Problem, match="expected 10 stds, one a layer, got 2"):
        dataclasses.replace(plan, stds=(0.1, 0.1))
