"""Sliders of chapters 7 to 9: what they show is what the library says, they move by keyboard, and they leave a row of states."""

import re

import numpy as np
import pytest
import torch

from tests.test_deconvnet import net_of
from zfutils.analysis import correspondence, invariance
from zfutils.attribution import occlusion
from zfutils.core.errors import Problem
from zfutils.models import crops
from zfutils.widgets.alike import Alike
from zfutils.widgets.covered import Covered
from zfutils.widgets.moved import Moved
from zfutils.widgets.square import Square, pixels, position, value

SIDE, NAMES = 56, ["a", "b", "c", "d", "e"]
FILLS = {"mean picture": occlusion.mean_grey, "noise": occlusion.noise}


@pytest.fixture(scope="module")
def seen(tiny_set):
    """A small net, crops of six pictures and what cut them."""
    cutter = crops.Crops(tiny_set, SIDE, device=torch.device("cpu"))
    return net_of(size=SIDE).float(), cutter.batch(np.arange(6), crops.CENTRE), cutter


@pytest.fixture
def covered(seen):
    net, images, cutter = seen
    return Covered(net, images[0], 2, cutter, NAMES, FILLS)


@pytest.fixture
def alike(seen):
    net, images, cutter = seen
    generator = np.random.default_rng(0)
    centres = {part: generator.uniform(15, 40, (5, 2)) for part in correspondence.PARTS}
    return Alike(net, images[:5], correspondence.Faces(np.arange(5), centres), cutter)


@pytest.fixture
def moved(seen, tiny_set):
    net, images, cutter = seen
    changes, labels = invariance.amounts(SIDE), tiny_set.labels[:6].copy()
    curves = {name: invariance.curves(net, images, labels, change, amounts) for name, (change, amounts) in changes.items()}
    return Moved(net, images, labels, cutter, NAMES, changes, curves, invariance.typical_distances(net, images))


def drawn(sliders) -> list[tuple[str, np.ndarray]]:
    """Caption and picture of every axes of a figure."""
    return [(axis.get_title(), np.asarray(axis.images[0].get_array())) for axis in sliders.axes if axis.images]


def text(sliders) -> str:
    """What the panel says, captions and chart too."""
    assert sliders.pipeline.settle(20) and sliders.panel.trouble.value == ""
    captions = [box.children[1].value for box in sliders.panel.images.children if box is not sliders.panel.chart]
    return sliders.panel.said.value + "".join(captions) + sliders.panel.chart.value


def numbers(said: str) -> list[float]:
    return [float(found) for found in re.findall(r"\d+\.\d+", said)]


def asked(net, image) -> np.ndarray:
    with torch.no_grad():
        return net(image[None]).softmax(1)[0].numpy()


def test_covering_fills_one_square_cuts_it_at_the_border_and_leaves_the_image():
    image = torch.randn(3, 20, 20)
    before = image.clone()
    hidden = occlusion.cover(image, (10, 4), 6)
    expected = image.clone()
    expected[:, 7:13, 1:7] = 0
    assert torch.equal(hidden, expected) and torch.equal(image, before)
    assert (occlusion.cover(image, (0, 19), 6)[:, :3, 16:] == 0).all() and (occlusion.cover(image, (0, 19), 6) == 0).sum() == 3 * 3 * 4
    assert torch.equal(occlusion.cover(image, (-9, 4), 6), image)
    noisy = occlusion.cover(image, (10, 4), 6, fill=occlusion.noise)
    assert torch.equal(noisy[:, 7:13, 1:7], occlusion.noise(image)[:, 7:13, 1:7])
    with pytest.raises(Problem, match="square of 1 to 20 px, got 21"):
        occlusion.cover(image, (10, 10), 21)


def test_a_sweep_knows_where_its_squares_lie(seen):
    net, images, _ = seen
    sweep = occlusion.sweep(net, images[0], size=13, stride=9)
    covered = occlusion.cover(images[0], sweep.centre(1, 3), 13)
    assert np.allclose(asked(net, covered), sweep.probabilities[1, 3], atol=1e-5)


def test_a_crop_becomes_the_picture_again_and_zero_the_mean_picture(tiny_set, seen):
    _, images, cutter = seen
    inside = np.s_[4 : 4 + SIDE, 4 : 4 + SIDE]
    assert np.array_equal(cutter.pictures(images), tiny_set.images[:6][:, *inside])
    hidden = cutter.pictures(torch.zeros(1, 3, SIDE, SIDE))[0]
    assert np.array_equal(hidden, np.rint(tiny_set.mean()[inside])) and hidden.std() > 1, "the mean picture is no grey"
    scaled = crops.ScaledCrops(tiny_set, SIDE, device=torch.device("cpu"), mean=(120, 110, 100), std=(50, 60, 70))
    assert np.array_equal(scaled.pictures(scaled.batch(np.arange(6), crops.CENTRE)), tiny_set.images[:6][:, *inside])


def test_a_place_of_one_face_is_found_in_the_others_by_their_parts():
    centres = {"eye_right": np.array([[10.0, 10], [20, 14]]), "eye_left": np.array([[10.0, 20], [20, 24]])}
    faces = correspondence.Faces(np.arange(2), centres)
    assert faces.alike((10, 10), 0, 40, 4).tolist() == [[10, 10], [20, 14]]
    assert faces.alike((25, 19), 1, 40, 4).tolist() == [[15, 15], [25, 19]]
    assert faces.alike((30, 38), 0, 40, 4).tolist() == [[30, 38], [38, 38]], "brought inside"


def test_a_square_is_a_control_whose_value_follows_the_keys_and_the_other_way_round():
    over = Square(np.zeros((8, 8, 3), np.uint8), label="a picture", side=0.25, value=(0.5, 0.25))
    assert over.position == [0.5, 0.25] and "arrow keys" in over.label and not over.hover
    over.position = [0.54, 0.25]  # as the browser sets it after an arrow key
    assert over.value == (0.54, 0.25)
    over.value = ()
    assert over.position == []
    cells = Square(np.zeros((8, 8, 3), np.uint8), label="a map", side=0.25, cells=4)
    assert cells.hover and cells.step == 0.25 and cells.cells == 4
    assert position((0.99, 0.3), 4) == (1, 3) and position((1.0, 0.0), 4) == (0, 3)
    assert pixels((0.5, 0.25), 8) == (2, 4) and repr(value(np.float64(2), 4, 8)) == "(0.5, 0.25)"


def test_a_dragged_square_shows_what_the_net_says_of_the_covered_picture(covered, closing):
    dragged = closing(covered.dragged())
    states = [{"square": ()}, {"square": (0.25, 0.5)}, {"square": (0.25, 0.5), "fill": "noise", "size": 20}]
    shown = drawn(dragged.figure(states))
    image = occlusion.cover(covered.image, (28, 14), 20, fill=occlusion.noise)
    before, after = asked(covered.net, covered.image), asked(covered.net, image)
    assert numbers(shown[2][0])[2:] == [round(float(p), 2) for p in (before[2], after[2], after.max())]
    assert f"most probable: {NAMES[after.argmax()]}" in shown[2][0]
    assert np.array_equal(shown[2][1], covered.crops.pictures(image[None])[0]) and np.array_equal(
        shown[0][1], covered.crops.pictures(covered.image[None])[0]
    )
    once = text(dragged)
    dragged.controls["square"].position = [0.3, 0.2]  # an arrow key or the pointer
    assert text(dragged) != once and dragged.panel.images.children[0].children[0].value
    dragged.controls["size"].value = 20
    assert dragged.controls["square"].square == pytest.approx(20 / SIDE)
    assert dragged.panel.chart.value == "" or text(dragged).count("<rect") == len(NAMES)
    with pytest.raises(Problem, match="unknown fill"):
        covered.at((0.5, 0.5), 10, "pink", lambda: None)


def test_a_cell_of_the_map_opens_what_the_sweep_saw_there(covered, closing):
    sweep = occlusion.sweep(covered.net, covered.image, size=14, stride=6)
    swept = closing(covered.swept(sweep))
    cells = len(sweep.tops)
    assert cells == 8
    (caption, picture), (uncovered, _) = drawn(swept.figure([{"cell": value(2.5, 6.5, cells)}, {"cell": ()}]))
    before, after = sweep.base_probabilities, sweep.probabilities[2, 6]
    assert numbers(caption)[2:] == [round(float(p), 2) for p in (before[2], after[2], after.max())]
    assert np.array_equal(picture, covered.crops.pictures(occlusion.cover(covered.image, sweep.centre(2, 6), 14)[None])[0])
    assert numbers(uncovered)[:2] == [round(float(before[2]), 2)] * 2
    once = text(swept)
    swept.controls["cell"].position = [0.0625, 0.0625]
    assert text(swept) != once


def test_a_square_over_faces_shows_delta_as_the_library_has_it(alike, closing):
    dragged = closing(alike.dragged(12))
    assert dragged.controls["square"].value == alike.place("nose")
    state = {"square": (0.5, 0.5), "layer": "relu3", "zone": 0.02}
    (caption, row), (nothing, _) = drawn(dragged.figure([state, {"square": ()}], columns=1))
    centres = alike.faces.alike((28, 28), 0, SIDE, 12)
    pairs = correspondence.pairs(correspondence.signs(alike.net, alike.images, centres, 12, zone=0.02)["relu3"])
    assert numbers(caption)[-2:] == [round(pairs.delta()[0], 3), round(pairs.ratio(), 3)] and "nothing is hidden" in nothing
    assert pairs.ratio() == pytest.approx(pairs.delta()[0] / pairs.chance())
    assert row.shape == (SIDE, 5 * SIDE + 4 * 4, 3)
    first = alike.crops.pictures(correspondence.masked(alike.images, centres, 12))[0]
    assert np.array_equal(row[:, :SIDE], first)
    once = text(dragged)
    dragged.controls["square"].position = [0.2, 0.3]
    twice = text(dragged)
    dragged.controls["layer"].value = "relu7"
    assert len({once, twice, text(dragged)}) == 3 and dragged.panel.chart.value.count("<polyline") in (0, 2)


def test_a_moved_picture_shows_the_distances_and_classes_of_the_library(moved, closing):
    sliders = closing(moved.sliders([3, 1]))
    states = [
        {"change": "vertical shift, px", "amount": 7},
        {"change": "scale", "amount": 1.3},
        {"change": "rotation, degrees", "amount": 90},
    ]
    shown = drawn(sliders.figure(states))
    image, turned = moved.images[3:4], invariance.rotate(moved.images[3:4], 90)
    far = [invariance.distances(moved.net, image, turned)[layer][0] / moved.typical[layer] for layer in invariance.LAYERS]
    before, after = asked(moved.net, image[0]), asked(moved.net, turned[0])
    expected = [*far, before[moved.labels[3]], after[moved.labels[3]]]
    assert numbers(shown[2][0]) == [round(float(number), 2) for number in expected]
    assert np.array_equal(shown[2][1], moved.crops.pictures(turned)[0]) and f"most probable: {NAMES[after.argmax()]}" in shown[2][0]
    assert "<polyline" in text(sliders)


def test_the_range_of_an_amount_is_that_of_its_change(moved, closing):
    sliders = closing(moved.sliders([0]))
    change, amount = sliders.controls["change"], sliders.controls["amount"]
    seen = {}
    for name in ("rotation, degrees", "scale", "vertical shift, px"):
        change.value = name
        seen[name] = (amount.min, amount.value, amount.max)
        amount.value = amount.max
        assert text(sliders)
    assert seen == {"rotation, degrees": (0, 0, 360), "scale": (1, 1, 2), "vertical shift, px": (-16, 0, 16)}


def test_sliders_leave_the_net_of_the_page_alone_and_share_its_weights(seen):
    net, images, cutter = seen
    ran = []
    covered = Covered(net, images[0], 2, cutter, NAMES, FILLS)
    hook = net.conv1.register_forward_hook(lambda *_: ran.append(1))
    try:
        covered.at((0.5, 0.5), 10, "noise", lambda: None)
    finally:
        hook.remove()
    assert ran == [], "a thread that computes meets the hooks of a cell that runs"
    pairs = zip(covered.net.parameters(), net.parameters(), strict=True)
    assert all(own.data_ptr() == given.data_ptr() for own, given in pairs) and not covered.net.training
