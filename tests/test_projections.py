"""Numbers about projections: similarity, what winners share, masks, checkpoints, checks, grids - each against values known by hand."""

import copy
from collections import OrderedDict

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from tests.test_deconvnet import images, net_of
from zfutils.analysis import aliasing, class_purity, evolution, localization, sanity, similarity
from zfutils.attribution import batched_deconv, deconv, top_nine, topk
from zfutils.attribution.deconvnet import Deconvnet
from zfutils.attribution.units import Unit
from zfutils.core.errors import Problem
from zfutils.data.prepared_sets import PreparedSet
from zfutils.stats import bootstrap


def test_cosine_and_pairs_by_hand():
    ours, theirs = np.array([[[3.0, 4.0]], [[1.0, 0.0]], [[0.0, 0.0]]]), np.array([[[6.0, 8.0]], [[-2.0, 0.0]], [[1.0, 1.0]]])
    assert np.allclose(similarity.cosine(ours, theirs), [1, -1, 0])
    three = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    assert similarity.mean_pairs(three) == pytest.approx((0 + 2 * 0.5**0.5) / 3)
    assert similarity.mean_pairs(np.zeros((3, 2))) == 0
    assert (
        similarity.mean_between(three, three) == pytest.approx((3 + 2 * (0 + 2 * 0.5**0.5)) / 9)
        and similarity.mean_between(three, 0 * three) == 0
    )


def test_rank_correlation_is_spearmans_with_ties_and_nan_for_a_constant():
    generator = np.random.default_rng(0)
    ours, theirs = generator.integers(0, 5, (30, 3)).astype(float), generator.normal(size=(30, 3))
    ours[:, 2] = 7
    found = similarity.rank_correlation(ours, theirs)
    for column in range(2):
        assert found[column] == pytest.approx(stats.spearmanr(ours[:, column], theirs[:, column]).statistic)
    assert np.isnan(found[2])


def test_the_interval_of_a_mean_covers_it_and_shrinks():
    generator = np.random.default_rng(1)
    few, many = generator.normal(3, 1, 20), generator.normal(3, 1, 2000)
    widths = []
    for values in (few, many):
        mean, low, high = bootstrap.mean(values, generator=np.random.default_rng(2))
        assert low < mean < high and mean == pytest.approx(values.mean())
        widths.append(high - low)
    assert widths[1] < widths[0] / 5 and widths[1] == pytest.approx(2 * 1.96 / 2000**0.5, rel=0.1)
    assert np.isnan(bootstrap.mean(np.array([]), generator=generator)).all()


def test_excess_is_share_of_equal_pairs_within_a_map_minus_between_maps():
    kinds = np.array([[1, 1, 1], [0, 1, 2], [2, -1, 2]])
    within = [1, 0, 1]
    between = [3 / 15, (0 + 3 + 2) / 15, 2 / 12]  # equal pairs of all pairs with winners of the other maps
    assert np.allclose(class_purity.excess(kinds), np.array(within) - between)
    assert np.isnan(class_purity.excess(np.array([[0, -1], [1, 1]]))[0])
    random = np.random.default_rng(3).integers(0, 4, (400, 9))
    assert abs(class_purity.excess(random).mean()) < 0.01


def test_kinds_of_winners():
    energy = np.array([[[5.0, 1], [1, 1]], [[1, 0], [0, 0]]])
    assert class_purity.parts(energy, np.array([[[0, 2], [3, 3]], [[0, 1], [1, 1]]])).tolist() == [3, -1]
    flat = np.zeros((27, 2, 2, 3), np.uint8)
    flat[:] = np.array([[r, g, b] for r in (0, 100, 200) for g in (0, 100, 200) for b in (0, 100, 200)])[:, None, None]
    assert class_purity.colours(flat).tolist() == list(range(27))


def test_shares_of_energy_and_the_strongest_part_by_hand():
    energies = np.array([[[4.0, 0], [0, 4]], [[0, 0], [0, 0]], [[1, 1], [0, 6]], [[0, 0], [8, 8]]])
    masks = np.array([[[True, False], [False, False]]] * 4)
    assert np.allclose(localization.share(energies, masks), [0.5, np.nan, 0.125, 0], equal_nan=True)
    parts = np.array([[[1, 0], [2, 2]]] * 4)
    # energy a pixel, each image adding up to one: part 1 has .5 + .125, part 2 has (.5 + .75 + 1) / 2
    assert localization.strongest_part(energies, parts) == 2
    assert localization.strongest_part(energies[:1], parts[:1]) == 1 and localization.strongest_part(energies[1:2], parts[1:2]) == 0
    strangers = np.array([[[1.0, 1], [1, 1]]] * 4)
    # chosen on images 0 and 2: part 1 has .625, part 2 also .625, the first wins; scored on 1 (no energy) and 3
    assert localization.part_scores(energies, parts, strangers) == (0.0, 0.25)
    energies[2, 1, 1] = 20
    assert localization.part_scores(energies, parts, strangers) == (0.5, 0.5)
    assert np.isnan(localization.part_scores(energies, parts * 0, strangers)).all()


def test_shares_by_map_are_those_of_slow_loops():
    generator = np.random.default_rng(4)
    energies, objects = generator.random((6, 3, 3)).astype(np.float32), generator.random((6, 3, 3)) < 0.5
    energies[1] = 0  # of the first map's two projections one is silent
    table = localization.shares_by_map(energies, objects, winners=2)
    for ours, theirs in np.ndindex(3, 3):
        met = [(one, one) for one in (2 * ours, 2 * ours + 1)]
        if ours != theirs:
            met = [(one, other) for one in (2 * ours, 2 * ours + 1) for other in (2 * theirs, 2 * theirs + 1)]
        found = [energies[one][objects[other]].sum() / energies[one].sum() for one, other in met if energies[one].any()]
        assert table[ours, theirs] == pytest.approx(np.mean(found), abs=1e-6)
    energies[0] = 0
    table = localization.shares_by_map(energies, objects, winners=2)
    assert np.isnan(table[0]).all() and np.isfinite(table[1:]).all()


def test_energy_of_regions_lies_where_the_whole_projection_has_it():
    net, several = net_of(), images(2)
    chosen = {"indices": np.array([0, 1]), "maps": np.array([2, 3]), "positions": np.array([[0, 0], [3, 4]])}
    found = batched_deconv.project(net, several, layer="conv3", **chosen)
    tensors = {"maps": torch.from_numpy(chosen["maps"]), "positions": torch.from_numpy(chosen["positions"])}
    whole = deconv.project_each(net, several, layer="conv3", **tensors).numpy()
    assert np.allclose(localization.energy(found, 112), (whole**2).sum(1), rtol=1e-5)
    assert found.framed(112).shape[2] == 75 and found.framed(80).shape[2] == 80


def test_winners_have_patches_inputs_and_one_scale_a_map(tiny_set):
    net = net_of(size=56).float()
    rows = tiny_set.indices("train")
    tops = topk.scan(net, lambda some: top_nine.centre_crops(tiny_set, 56, some, torch.device("cpu")), layers=["conv2"], k=9, indices=rows)
    maps = top_nine.draw(tops["conv2"], 3, np.random.default_rng(0))
    found = top_nine.of(net, tiny_set, 56, tops["conv2"], layer="conv2", maps=maps)
    assert found.projections.shape == (3, 9, 3, 27, 27) and found.patches.shape == (3, 9, 27, 27, 3)
    place = tops["conv2"].positions[maps[1], 4]
    alone = deconv.project(
        net,
        top_nine.centre_crops(tiny_set, 56, tops["conv2"].indices[maps[1], 4:5], torch.device("cpu")),
        unit=Unit("conv2", int(maps[1])),
        at=tuple(place.tolist()),
    )
    cut = batched_deconv.Regions(found.projections[1], found.corners[1], found.values[1])
    assert np.allclose(cut.whole(4, (56, 56)), alone.pixels.numpy(), atol=1e-4 * float(alone.pixels.abs().max()))
    crop = top_nine.centre_crops(tiny_set, 56, found.indices[1, 4:5], torch.device("cpu")).numpy()
    inputs = batched_deconv.Regions(found.inputs(tiny_set, 56)[1], found.corners[1], found.values[1]).whole(4, (56, 56))
    seen = inputs != 0
    assert np.allclose(inputs[seen], crop[0][seen]) and seen.any()
    shown, patches = found.tiles(tiny_set, 56)
    assert shown.dtype == np.uint8 and shown.shape == patches.shape == (3, 9, 27, 27, 3)
    assert (shown[np.moveaxis(found.projections, 2, -1) == 0] == 128).all()
    assert top_nine.display_scale(np.arange(101.0), 0.5) == 50.5 and top_nine.display_scale(np.zeros(4)) == 1


def test_a_settled_share_is_one_at_the_end_and_the_epoch_is_the_first_that_lasts():
    shares = np.repeat(np.array([0.95, 0.2, 0.5, 0.92, 0.8, 0.9, 0.97, 1.0])[:, None], 4, 1)
    one = evolution.Settling(shares * 0.5, np.full(4, 0.5), np.ones((8, 3)))
    assert np.allclose(one.shares(), shares) and one.since() == 30
    never = evolution.Settling(shares * 0.1, np.full(4, 0.5), np.ones((8, 3)))
    assert never.since() is None
    table = evolution.table({"conv1": one})
    assert table["epoch"].tolist() == [1, 2, 5, 10, 20, 30, 40, 64] and table["settled"].iloc[3] == pytest.approx(0.92)


def test_a_unit_whose_strongest_place_moves_but_whose_filter_stays_is_settled():
    def one_layer(bright: float) -> torch.nn.Sequential:
        net = torch.nn.Sequential(OrderedDict(conv1=torch.nn.Conv2d(1, 2, 3, bias=False)))
        with torch.no_grad():
            net.conv1.weight.zero_()
            net.conv1.weight[0, 0, 0] = torch.tensor([1, bright, 0])
            net.conv1.weight[1, 0, 2, 2] = 1
        return net.eval()

    picture = torch.zeros(2, 1, 9, 20)
    picture[:, 0, 4, 4], picture[:, 0, 4, 14:16] = 1.85, torch.tensor([1.0, 1.0])  # the point alone gives 1.85, the two 1 + bright
    final, before = one_layer(0.9), one_layer(0.8)
    moved = [int(net(picture[:1])[0, 0].flatten().argmax()) for net in (final, before)]
    assert moved[0] != moved[1]
    found = evolution.follow(final, {1: before}, picture, layer="conv1", maps=np.array([0, 1]))
    assert found.shares()[0, 0] > 0.99


def test_randomised_layers_keep_their_spread_and_the_net_is_left_alone():
    net = net_of().float()
    before = net.conv5.weight.clone()
    other = sanity.randomised(net, ["fc8", "conv5"], generator=torch.Generator().manual_seed(0))
    assert torch.equal(net.conv5.weight, before) and torch.equal(other.conv4.weight, net.conv4.weight)
    assert not torch.equal(other.conv5.weight, before)
    assert float(other.conv5.weight.data.std()) == pytest.approx(float(before.data.std()), rel=0.05)
    again = sanity.randomised(net, ["fc8", "conv5"], generator=torch.Generator().manual_seed(0))
    assert torch.equal(other.fc8.weight, again.fc8.weight)


def test_reinitialised_layers_are_those_of_the_fresh_net_and_no_other():
    net = net_of()
    fresh = copy.deepcopy(net)
    for weight in fresh.parameters():
        weight.data.add_(1)
    other = sanity.reinitialised(net, fresh, ["fc8", "conv5"])
    for name, layer in net.named_children():
        for own, was, new in zip(
            other.get_submodule(name).parameters(), layer.parameters(), fresh.get_submodule(name).parameters(), strict=True
        ):
            assert torch.equal(own, new if name in ("fc8", "conv5") else was)


def test_weights_that_a_layer_was_trained_from_are_not_taken_for_new_ones():
    net = net_of()
    began = copy.deepcopy(net)
    for weight in began.parameters():
        weight.data.add_(0.3 * weight.data.std() * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0)))
    with pytest.raises(Problem, match="expected new weights for fc8, got those it was trained from .*another seed"):
        sanity.reinitialised(net, began, ["fc8"])


def test_a_random_signal_at_one_position_comes_down_from_there_alone():
    net, several = net_of(), images(2)
    at = torch.tensor([[0, 1], [2, 0]])
    given = {"generator": torch.Generator().manual_seed(1), "positions": at}
    found = sanity.random_seed(net, several, "conv3", **given)
    explicit = Deconvnet(net)
    ascent = explicit.up(several)
    signal = torch.empty(ascent.outputs["conv3"].shape).normal_(generator=torch.Generator().manual_seed(1)).abs().to(several)
    kept = torch.zeros_like(signal)
    for n, (row, column) in enumerate(at.tolist()):
        kept[n, :, row, column] = signal[n, :, row, column]
    torch.testing.assert_close(found, explicit.down(kept, "conv3", ascent))


def test_a_random_seed_is_positive_everywhere_and_comes_down_by_the_same_way():
    net, several = net_of(), images(2)
    found = sanity.random_seed(net, several, "conv3", generator=torch.Generator().manual_seed(1))
    explicit = Deconvnet(net)
    ascent = explicit.up(several)
    signal = torch.empty(ascent.outputs["conv3"].shape).normal_(generator=torch.Generator().manual_seed(1)).abs().double()
    assert (signal >= 0).all() and torch.allclose(found, explicit.down(signal, "conv3", ascent))


def test_a_grid_is_found_at_its_frequency():
    generator = np.random.default_rng(4)
    smooth = generator.normal(size=(6, 3, 48, 48))
    grid = smooth + 8 * (np.arange(48) % 4 == 0)[None, None, None]
    by_grid, by_none = (aliasing.strength(found, 4, seed=0) for found in (grid, smooth))
    assert (by_grid > by_none + 0.1).all() and abs(by_none.mean()) < 0.02
    blocks = generator.normal(size=(6, 3, 12, 12)).repeat(4, 2).repeat(4, 3)
    assert (aliasing.unevenness(blocks, 4) > 1).all() and (aliasing.unevenness(smooth, 4) < 0.2).all()
    of_two = generator.normal(size=(6, 3, 24, 24)).repeat(2, 2).repeat(2, 3)
    assert (aliasing.unevenness(of_two, 4) < 0.2).all() and (aliasing.unevenness(of_two, 2) > 0.9).all()
    wave = np.broadcast_to(np.cos(2 * np.pi * np.arange(48) / 8), (1, 3, 48, 48))
    assert int(aliasing.line_spectrum(wave)[0, 2:].argmax()) + 2 == 8


def test_jumps_are_told_apart_by_the_image_and_silent_maps_are_left_out():
    grid = np.zeros((3, 3, 4, 4))
    grid[:, 0, 0, 0] = 1.0
    turned = grid.copy()
    turned[1] = np.roll(grid[1], 1, axis=-1)  # nothing in common
    before = evolution.Strongest(1, np.array([4, 5, topk.NOBODY]), grid)
    after = evolution.Strongest(2, np.array([4, 9, 7]), turned)
    jumps, stays = evolution.jumps({"conv4": [before, after], "conv5": []})
    assert jumps.tolist() == pytest.approx([1.0]) and stays.tolist() == pytest.approx([0.0])


def test_boxes_are_cut_as_the_pictures_are(tmp_path):
    def of(*boxes: tuple[float, ...]) -> PreparedSet:
        table = pd.DataFrame(boxes, columns=["left", "top", "right", "bottom"])
        return PreparedSet(tmp_path / "made-up", table, ["a"], {"size": 12, "count": len(table), "maps": []})

    # of 12 px the middle 8 are kept, from 2 on
    found = localization.boxes(of((0.25, 0.5, 0.5, 1.0), (0.0, 0.0, 1.0, 1.0), (0.3, 0.3, 0.31, 0.31), (0, 0, 0.1, 0.1)), 8, np.arange(4))
    assert found.shape == (4, 8, 8) and found.dtype == bool
    by_hand = np.zeros((8, 8), bool)
    by_hand[4:8, 1:4] = True  # rows 6 to 11, columns 3 to 5 of the picture; rows 10 and 11 are cut off
    assert np.array_equal(found[0], by_hand) and found[1].all() and not found[3].any()
    assert np.argwhere(found[2]).tolist() == [[1, 1]], "a box within one pixel is that pixel"
    assert np.array_equal(localization.boxes(of((0, 0, 0, 0), (0.25, 0.5, 0.5, 1.0)), 8, np.array([1]))[0], by_hand)
    bare = PreparedSet(tmp_path / "bare", pd.DataFrame({"file": ["x"]}), ["a"], {"size": 12, "count": 1, "maps": []})
    with pytest.raises(Problem, match="bare bring no boxes"):
        localization.boxes(bare, 8, np.array([0]))


def test_the_object_is_the_mask_where_there_is_one_and_else_the_box(tmp_path):
    class WithParts(PreparedSet):
        def map(self, name: str) -> np.ndarray:
            assert name == "parts"
            parts = np.zeros((2, 4, 4), np.uint8)
            parts[1, 1, 2:] = 3, 1
            return parts

    sides = pd.DataFrame({"left": [0, 0], "top": [0, 0], "right": [0.5, 0.75], "bottom": [0.25, 0.5]})
    known = {"size": 4, "count": 2}
    both = WithParts(tmp_path, sides, ["a"], {**known, "maps": ["parts"]})
    boxed = PreparedSet(tmp_path, sides, ["a"], {**known, "maps": []})
    neither = PreparedSet(tmp_path, sides[["left"]], ["a"], {**known, "maps": []})
    assert [localization.knows_objects(some) for some in (both, boxed, neither)] == [True, True, False]
    assert np.argwhere(localization.objects(both, 4, np.array([1]))[0]).tolist() == [[1, 2], [1, 3]]
    assert np.argwhere(localization.objects(boxed, 4, np.array([1]))[0]).tolist() == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]
    with pytest.raises(Problem, match="bring no boxes"):
        localization.objects(neither, 4, np.array([0]))
