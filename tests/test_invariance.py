"""Transformations against slow loops and exact cases; curves on nets whose answer is known."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.test_deconvnet import images, net_of
from zfutils.analysis import invariance
from zfutils.core.errors import Problem
from zfutils.models import crops, rotated_crops


def slow(image: np.ndarray, source) -> np.ndarray:
    """Bilinear sampling of (h, w) with zeros outside; `source(row, column)` gives where a pixel comes from, in pixels."""
    height, width = image.shape
    out = np.zeros_like(image)
    for row in range(height):
        for column in range(width):
            y, x = source(row, column)
            for i in (int(np.floor(y)), int(np.floor(y)) + 1):
                for j in (int(np.floor(x)), int(np.floor(x)) + 1):
                    if 0 <= i < height and 0 <= j < width:
                        out[row, column] += image[i, j] * (1 - abs(y - i)) * (1 - abs(x - j))
    return out


@pytest.mark.parametrize(
    ("transformation", "amount", "source"),
    [
        (invariance.shift, 3.0, lambda r, c: (r - 3.0, c)),
        (invariance.shift, -2.5, lambda r, c: (r + 2.5, c)),
        (invariance.enlarge, 1.7, lambda r, c: (4 + (r - 4) / 1.7, 4 + (c - 4) / 1.7)),
        (
            invariance.rotate,
            35.0,
            lambda r, c: (
                4 + np.sin(np.radians(35)) * (c - 4) + np.cos(np.radians(35)) * (r - 4),
                4 + np.cos(np.radians(35)) * (c - 4) - np.sin(np.radians(35)) * (r - 4),
            ),
        ),
    ],
)
def test_transformations_are_those_of_a_slow_loop(transformation, amount, source):
    image = np.random.default_rng(0).normal(size=(9, 9))
    found = transformation(torch.from_numpy(image)[None, None], amount)[0, 0].numpy()
    assert np.allclose(found, slow(image, source), atol=1e-9)


def test_exact_cases():
    image = torch.randn(1, 3, 8, 8, dtype=torch.float64)
    moved = invariance.shift(image, 2)
    assert torch.allclose(moved[:, :, 2:], image[:, :, :-2], atol=1e-12) and not moved[:, :, :2].abs().max() > 1e-12
    assert torch.allclose(invariance.rotate(image, 90), torch.rot90(image, 1, (2, 3)), atol=1e-9)
    assert torch.allclose(invariance.rotate(image, 360), image, atol=1e-9) and torch.allclose(
        invariance.enlarge(image, 1), image, atol=1e-12
    )
    mirrored = invariance.shift(image, 2, border="reflection")
    assert torch.allclose(mirrored[:, :, :2], image[:, :, :2].flip(2), atol=1e-9)


def test_the_papers_ranges_are_scaled():
    ours = invariance.amounts(112)
    assert ours["vertical shift, px"][1].min() == -32 and ours["vertical shift, px"][1].max() == 32 and 0 in ours["vertical shift, px"][1]
    assert invariance.amounts(224)["vertical shift, px"][1].tolist() == list(range(-63, 64, 7))
    assert ours["scale"][1].tolist()[::5] == [1, 1.5, 2] and ours["rotation, degrees"][1][[0, -1]].tolist() == [0, 360]


def test_distances_are_those_of_the_features_one_by_one():
    net, several = net_of(size=64).float(), images(3, 64).float()
    labels = np.array([0, 4, 2])
    found = invariance.curves(net, several, labels, invariance.shift, np.array([0.0, 5.0]))
    assert (found.distances["pool1"][0] < 1e-3 * found.distances["pool1"][1]).all() and found.distances["relu7"].shape == (2, 3)
    for n in range(3):
        moved = invariance.shift(several[n : n + 1], 5.0)
        index = [name for name, _ in net.named_children()].index("pool1")
        difference = (net[: index + 1](moved) - net[: index + 1](several[n : n + 1])).detach().double()
        assert found.distances["pool1"][1, n] == pytest.approx(float((difference**2).sum() ** 0.5), rel=1e-4)
        chance = net(moved)[0].softmax(0).detach()
        assert found.probability[1, n] == pytest.approx(float(chance[labels[n]]), rel=1e-3, abs=1e-7)
    again = invariance.distances(net, several[:1], invariance.shift(several[:1], 5.0))
    assert again["relu7"] == pytest.approx(found.distances["relu7"][1, :1], rel=1e-4)
    typical = invariance.typical_distances(net, several)
    flat = net[: index + 1](several).flatten(1).detach()
    pairs = sorted(float((flat[a] - flat[b]).norm()) for a, b in ((0, 1), (0, 2), (1, 2)))
    assert typical["pool1"] == pytest.approx(pairs[1], rel=1e-4)


def test_straightness_is_one_for_a_line_and_less_for_a_curve():
    x = np.arange(1.0, 8)
    assert invariance.straightness(x, 3 * x) == pytest.approx(1)
    assert invariance.straightness(x, 3 * x + 5) < 1 and invariance.straightness(x, x**3) < 0.95


def test_what_is_kept_of_the_answer_by_hand():
    amounts, moved = np.array([0.0, 90.0, 360.0]), np.array([[0.0, 0.0], [2.0, 4.0], [1e-6, 1e-6]])
    turn = invariance.Curves(amounts, {"pool1": moved}, np.array([[0.8, 0.6], [0.1, 0.3], [0.8, 0.6]]), np.zeros((3, 2)))
    shifts = invariance.Curves(
        np.array([-4.0, 0.0, 4.0]), {"pool1": moved[[1, 0, 1]]}, np.array([[0.4, 0.4], [0.8, 0.6], [0.2, 0.2]]), np.zeros((3, 2))
    )
    found = invariance.kept({"turned": turn, "shifted": shifts})
    assert found.loc["turned"].to_dict() == pytest.approx({"unmoved": 0.7, "mean": 0.2, "lowest": 0.2, "at": 90}), "a whole turn is none"
    said = invariance.beside_rotation(invariance.kept({"vertical shift, px": shifts, "rotation, degrees": turn}))
    assert said.endswith("is left by: vertical shift."), "0.3 of the answer against 0.2"
    same = invariance.beside_rotation(invariance.kept({"scale": turn, "rotation, degrees": turn}))
    assert same.endswith("is left by: none; no more than rotation leaves: scale.")
    assert found.loc["shifted"].to_dict() == pytest.approx({"unmoved": 0.7, "mean": 0.3, "lowest": 0.2, "at": 4})


def test_the_lead_of_a_transformation_by_hand():
    def curve(*distances: list[float]) -> invariance.Curves:
        return invariance.Curves(np.arange(2.0), {"relu7": np.array(distances)}, np.zeros((2, 2)), np.zeros((2, 2)))

    turned, shifted, larger = curve([1, 3], [4, 2]), curve([2, 3], [1, 1]), curve([1, 1], [1, 6])
    assert invariance.lead(turned, [shifted, larger], "relu7") == pytest.approx([np.log(4 / 2), np.log(3 / 6)])


def test_what_is_out_of_range_is_named():
    image = images(1, 64)
    for call, said in (
        (lambda: invariance.shift(image, 64), "less than 64 px"),
        (lambda: invariance.enlarge(image, 0.9), "at least 1, got 0.9"),
        (lambda: invariance.rotate(image[..., :60], 5), "square images, got 64 x 60"),
        (lambda: invariance.typical_distances(net_of(size=64), image), "at least two images"),
        (
            lambda: invariance.curves(net_of(size=64), image, np.array([0]), invariance.shift, np.array([1.0]), layers=("fc9",)),
            "unknown layer 'fc9'",
        ),
        (lambda: invariance.curves(net_of(size=64).train(), image, np.array([0]), invariance.shift, np.array([1.0])), "training mode"),
    ):
        with pytest.raises(Problem, match=said):
            call()


def test_a_net_without_hidden_layers_sees_a_rotation_of_what_is_symmetric_as_none():
    net = nn.Sequential()
    net.add_module("flatten", nn.Flatten())
    net.add_module("fc8", nn.Linear(3 * 81, 4))
    rows, columns = np.mgrid[:9, :9] - 4
    ring = torch.from_numpy(np.exp(-np.hypot(rows, columns))).float().expand(1, 3, 9, 9)
    bar = torch.zeros(1, 3, 9, 9)
    bar[:, :, 4] = 1
    quarter = np.array([0.0, 90.0])
    flat, tall = (
        invariance.curves(net.eval(), some, np.array([1]), invariance.rotate, quarter, layers=("flatten",)) for some in (ring, bar)
    )
    assert flat.distances["flatten"][1, 0] < 1e-4 < 1 < tall.distances["flatten"][1, 0]


def test_every_image_is_turned_by_its_own_angle():
    several = torch.randn(3, 3, 9, 9, dtype=torch.float64)
    found = rotated_crops.turned(several, torch.tensor([0.0, np.pi / 2, 1.0], dtype=torch.float64))
    for one, image, degrees in zip(found, several, (0, 90, np.degrees(1.0)), strict=True):
        assert torch.allclose(one, invariance.rotate(image[None], degrees)[0], atol=1e-9)


def test_turned_crops_follow_from_rows_and_crops_and_measuring_stays_upright(tiny_set):
    device = torch.device("cpu")
    plain, turning = crops.Crops(tiny_set, 56, device=device), rotated_crops.TurnedCrops(tiny_set, 56, device=device)
    rows, which = np.arange(4), np.array([0, 3, 4, 9])
    assert torch.equal(turning.batch(rows, which), turning.batch(rows, which))
    assert not torch.allclose(turning.batch(rows, which), plain.batch(rows, which), atol=1)
    assert torch.equal(turning.batch(rows, crops.CENTRE), plain.batch(rows, crops.CENTRE))
