"""Sliders of chapters 4 and 6: they show what the library says, each control changes the picture, bad values are told in one line."""

import copy
import re

import numpy as np
import pytest
import torch

from tests.test_deconvnet import net_of
from zfutils.analysis import sanity, similarity
from zfutils.attribution import deconv, rules, top_nine, topk
from zfutils.attribution.deconvnet import Deconvnet
from zfutils.attribution.units import Unit
from zfutils.core.errors import Problem
from zfutils.models import crops
from zfutils.widgets.followed import Followed
from zfutils.widgets.projected import Projected

SIDE, LAYERS = 56, ("conv1", "conv3", "conv5")
USUAL = {"layer": "conv3", "map": 0, "rank": 1, "rule": "deconvnet", "switches": "right", "scale": "map"}
TRAINED = {"rule": "deconvnet", "epoch": 70, "forgotten": "nothing"}


def never() -> None:
    """Nobody waits for anything else."""


@pytest.fixture(scope="module")
def projected(tiny_set) -> Projected:
    net, cutter = net_of(size=SIDE).float(), crops.Crops(tiny_set, SIDE, device=torch.device("cpu"))
    tops = topk.scan(net, lambda wanted: cutter.batch(wanted, crops.CENTRE), layers=LAYERS, indices=tiny_set.indices("val"))
    return Projected(net, tiny_set, cutter, tops)


@pytest.fixture(scope="module")
def followed(tiny_set) -> Followed:
    """Three epochs of a net whose weights drift, and one that began elsewhere."""
    last = net_of(size=SIDE).float()
    states = {0: copy.deepcopy(last), 5: copy.deepcopy(last), 70: last}
    for epoch, drift in ((0, 2.0), (5, 0.3)):
        for weight in states[epoch].parameters():
            weight.data.add_(drift * weight.data.std() * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0)))
    fresh = copy.deepcopy(last)
    for weight in fresh.parameters():
        weight.data.normal_(0, 0.1, generator=torch.Generator().manual_seed(9))
    image = crops.Crops(tiny_set, SIDE, device=torch.device("cpu")).batch(np.array([3]), crops.CENTRE)[0]
    units = tuple(Unit(layer, 0) for layer in ("conv3", "fc8"))
    loaders = {epoch: lambda net=net: net for epoch, net in states.items()}
    return Followed(loaders, fresh, image, units, (*sanity.UPPER, "conv3", "conv2", "conv1"))


def alive(projected: Projected, layer: str) -> int:
    """The first map of a layer that has all its winners."""
    return int(projected.tops[layer].active()[0])


def seen(sliders) -> bytes:
    """The picture on the page."""
    assert sliders.pipeline.settle(60) and sliders.panel.trouble.value == ""
    return sliders.panel.images.children[0].children[0].value


def cosine_of(caption: str) -> float:
    return float(re.search(r"cosine ([+-][\d.]+)", caption)[1])


def test_each_control_of_the_unit_changes_the_picture(projected, closing):
    sliders = closing(projected.sliders(Unit("conv3", alive(projected, "conv3"))))
    before = seen(sliders)
    moves = {"rank": 4, "rule": "gradient", "switches": "random", "scale": "layer", "layer": "conv5"}
    for name, value in moves.items():
        sliders.controls[name].value = value
        after = seen(sliders)
        assert after != before, name
        before = after
    offered = np.flatnonzero(projected.tops["conv5"].alive[:, 0]).tolist()
    assert list(sliders.controls["map"].options) == offered and sliders.controls["map"].value in offered
    assert all(control.description for control in sliders.controls.values())


def test_what_comes_down_is_what_the_library_gives(projected):
    top, number = projected.tops["conv5"], alive(projected, "conv5")
    image = projected.crops.batch(top.indices[number, 2:3], crops.CENTRE)
    unit, place = Unit("conv5", number), tuple(top.positions[number, 2].tolist())
    expected = {
        ("deconvnet", "right"): deconv.project(projected.net, image, unit=unit, at=place),
        ("guided", "right"): deconv.project(projected.net, image, unit=unit, at=place, rules=rules.GUIDED),
        ("deconvnet", "centred"): deconv.project(
            projected.net, image, unit=unit, at=place, rules=rules.NAMED["deconvnet, centre, norm skipped"]
        ),
    }
    usual = expected["deconvnet", "right"].pixels.numpy()[None]
    for (rule, switches), one in expected.items():
        state = {**USUAL, "layer": "conv5", "map": number, "rank": 3, "rule": rule, "switches": switches, "scale": "tile"}
        ((caption, pair),) = projected.at(**state, check=never).pictures.items()
        pixels = one.pixels.numpy()
        if (rule, switches) == ("deconvnet", "right"):
            assert "cosine" not in caption  # it would be 1 always
        else:
            assert cosine_of(caption) == pytest.approx(similarity.cosine(pixels[None], usual)[0], abs=0.006)
        drawn = crops.to_display(pixels, scale=top_nine.display_scale(pixels))
        assert (
            f"activation {one.activation:.3g}" in caption
            and np.abs(pair[:: len(pair) // SIDE, -4 * SIDE :: 4].astype(int) - drawn).max() <= 1
        )


def test_switches_that_are_drawn_are_those_of_the_explicit_engine_and_the_same_each_time(projected):
    top, number = projected.tops["conv3"], alive(projected, "conv3")
    given = {"layer": "conv3", "maps": np.array([number]), "inputs": projected.crops}
    found = [
        top_nine.of(projected.net, projected.prepared, SIDE, top, **given, generator=torch.Generator().manual_seed(0)) for _ in range(2)
    ]
    assert np.array_equal(found[0].projections, found[1].projections)
    right = top_nine.of(projected.net, projected.prepared, SIDE, top, **given)
    assert np.array_equal(found[0].values, right.values) and not np.allclose(found[0].framed(SIDE), right.framed(SIDE))
    image = projected.crops.batch(top.indices[number, :1], crops.CENTRE)
    place = tuple(top.positions[number, 0].tolist())
    drawing = {"at": place, "generator": torch.Generator().manual_seed(0)}
    whole = Deconvnet(projected.net).project(image, unit=Unit("conv3", number), **drawing)[0].numpy()
    assert np.allclose(found[0].framed(SIDE)[0, 0], whole, atol=1e-4 * np.abs(whole).max())


def test_one_scale_for_several_tiles_keeps_their_strengths_apart(projected):
    top = projected.tops["conv3"]
    number = alive(projected, "conv3")
    whites = {}
    for scale in ("layer", "map", "tile"):
        said = projected.at(**{**USUAL, "map": number, "rank": 9, "scale": scale}, check=never).text
        whites[scale], own, share = (
            float(part) for part in re.search(r"white is ([\d.e+-]+); .* would be ([\d.e+-]+), (\d+)%", said).groups()
        )
        assert share == pytest.approx(100 * own / whites[scale], abs=1.5)
    found = top_nine.of(projected.net, projected.prepared, SIDE, top, layer="conv3", maps=np.array([number]), inputs=projected.crops)
    assert whites["map"] == pytest.approx(found.scales()[0], rel=0.01)
    assert whites["tile"] == pytest.approx(top_nine.display_scale(found.projections[0, 8]), rel=0.01)
    own, each = (found.tiles(projected.prepared, SIDE, scales=scales)[0] for scales in (None, np.full((1, 9), found.scales()[0])))
    assert np.array_equal(own, each) and whites["layer"] != whites["map"]


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ({"layer": "conv9"}, "unknown layer 'conv9'; known: conv1, conv3, conv5"),
        ({"map": 999}, "999"),
        ({"rank": 10}, "expected a rank from 1 to 9"),
        ({"rule": "deconv"}, "unknown rule 'deconv'; known: deconvnet, gradient"),
        ({"switches": "left"}, "unknown switches 'left'; known: right, centred, random"),
        ({"scale": "page"}, "unknown scale 'page'; known: layer, map, tile"),
    ],
)
def test_bad_values_of_the_unit_are_told_in_one_line(projected, state, says):
    with pytest.raises(Problem, match=re.escape(says)) as told:
        projected.at(**{**USUAL, "map": alive(projected, "conv3"), **state}, check=never)
    assert "\n" not in str(told.value)


def test_a_map_that_no_picture_makes_active_is_told_and_not_offered(projected, closing):
    top = projected.tops["conv3"]
    silent = topk.Top(np.where(np.arange(len(top.indices))[:, None] == 1, topk.NOBODY, top.indices), top.values, top.positions)
    some = Projected(projected.net, projected.prepared, projected.crops, {"conv3": silent})
    with pytest.raises(Problem, match="conv3, map 1 is active in none of the pictures; take another map"):
        some.at(**{**USUAL, "map": 1}, check=never)
    for given in (Unit("conv3", 1), Unit("conv5", 1)):
        controls = closing(some.sliders(given)).controls
        assert 1 not in controls["map"].options and controls["map"].value in controls["map"].options and controls["layer"].value == "conv3"


def test_a_map_with_few_winners_shows_those(projected):
    top = projected.tops["conv3"]
    few = topk.Top(np.where(np.arange(9) >= 3, topk.NOBODY, top.indices), np.where(np.arange(9) >= 3, 0, top.values), top.positions)
    some, number = Projected(projected.net, projected.prepared, projected.crops, {"conv3": few}), alive(projected, "conv3")
    assert some.at(**{**USUAL, "map": number, "rank": 3}, check=never).pictures
    with pytest.raises(Problem, match="expected a rank from 1 to 3, the pictures that make conv3, map .* active, got 4"):
        some.at(**{**USUAL, "map": number, "rank": 4}, check=never)


def test_a_trained_net_is_like_itself_and_an_earlier_or_a_forgetful_one_is_not(followed):
    unit = followed.units[1]

    def alike(**state) -> float:
        ((caption, _),) = followed.at(unit, **{**TRAINED, **state}, check=never).pictures.items()
        return cosine_of(caption)

    assert alike() == 1 and alike(epoch=0) < 0.9 and alike(epoch=0) < alike(epoch=5) < 1
    assert alike(forgotten="fc8 to conv1") < 0.5 and alike(rule="gradient", forgotten="fc8") < 0.9
    anew = sanity.reinitialised(followed.states[70](), followed.fresh, ["fc8", "fc7", "fc6"])
    pairs = [deconv.project(net, followed.image, unit=unit, seed=1.0).pixels.numpy()[None] for net in (anew, followed.states[70]())]
    assert alike(forgotten="fc8 to fc6") == pytest.approx(similarity.cosine(*pairs)[0], abs=0.006)


def test_what_is_forgotten_above_a_unit_leaves_it(followed):
    lower, upper = followed.units
    shown = followed.at(lower, **{**TRAINED, "forgotten": "fc8 to conv4"}, check=never)
    assert list(shown.pictures) == ["cosine +1.00"] and "takes no part" in shown.text
    assert "takes no part" not in followed.at(lower, **{**TRAINED, "forgotten": "fc8 to conv3"}, check=never).text
    assert "takes no part" not in followed.at(upper, **{**TRAINED, "forgotten": "fc8"}, check=never).text


def test_each_control_of_training_and_forgetting_changes_the_picture(followed, closing):
    sliders = closing(followed.sliders(followed.units[1]))
    before = seen(sliders)
    for name, value in {"epoch": 5, "forgotten": "fc8 to conv5", "rule": "guided", "unit": followed.units[0]}.items():
        sliders.controls[name].value = value
        after = seen(sliders)
        assert after != before, name
        before = after
    figure = sliders.figure([{"epoch": 0}, {"epoch": 70, "forgotten": "fc8 to conv1"}])
    titles = [axis.get_title().replace("\n", " ") for axis in figure.axes if axis.images]
    assert titles[0].startswith("epoch 0: cosine") and titles[1].startswith("epoch 70, forgotten fc8 to conv1: cosine")


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ({"epoch": 3}, "unknown epoch 3; known: 0, 5, 70"),
        ({"forgotten": "conv1"}, "unknown depth 'conv1'; known: nothing, fc8, fc8 to fc7"),
        ({"rule": "deconv"}, "unknown rule 'deconv'"),
    ],
)
def test_bad_values_of_training_and_forgetting_are_told_in_one_line(followed, state, says):
    with pytest.raises(Problem, match=says):
        followed.at(followed.units[1], **{**TRAINED, **state}, check=never)


def test_the_weights_a_net_was_trained_from_are_no_new_ones(followed):
    own = Followed(followed.states, followed.states[5](), followed.image, followed.units, followed.layers)
    with pytest.raises(Problem, match="expected new weights for fc8, got those it was trained from"):
        own.at(own.units[1], **{**TRAINED, "forgotten": "fc8"}, check=never)
