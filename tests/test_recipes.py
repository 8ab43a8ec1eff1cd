"""Recipes: what the paper's table 3 and chapter 12 change is what their nets differ in, and nothing else; the figures of chapter 12."""

import dataclasses
import itertools
import math

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.transforms import Bbox

from zfutils.core import profiles
from zfutils.models import architectures, recipes
from zfutils.models.architectures import ALEXNET, ZFNET
from zfutils.paper import numbers
from zfutils.report import plot
from zfutils.run import chapters
from zfutils.training import runs

ROWS = {
    "none (as in Fig. 3)": "zfnet",
    "layers 6,7: 2048 units": "zfnet-2048",
    "layers 6,7: 8192 units": "zfnet-8192",
    "layers 3,4,5: 512,1024,512 maps": "zfnet-wide",
    "layers 6,7: 8192 units and layers 3,4,5: 512,1024,512 maps": "zfnet-wide-8192",
}
LAYERS = {
    "alexnet": ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"),
    "alexnet-without-3-4": ("conv1", "conv2", "conv5", "fc6", "fc7", "fc8"),
    "alexnet-without-7": ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc8"),
    "alexnet-without-6-7": ("conv1", "conv2", "conv3", "conv4", "conv5", "fc8"),
    "alexnet-without-3-4-6-7": ("conv1", "conv2", "conv5", "fc8"),
    "zfnet-without-4-widened": ("conv1", "conv2", "conv3", "conv5", "fc6", "fc7", "fc8"),
    "zfnet-without-3-4-widened": ("conv1", "conv2", "conv5", "fc6", "fc7", "fc8"),
}
FURTHER = [name for name, recipe in recipes.RECIPES.items() if "beyond the paper" in recipe.says and not recipe.modern]


def small(name: str) -> architectures.Architecture:
    return architectures.scaled(recipes.recipe(name).paper, width=1 / 8, image_size=112, fc_units=64, classes=5)


def built(name: str) -> torch.nn.Sequential:
    return architectures.build(small(name), generator=torch.Generator().manual_seed(0))


def cost(name: str) -> int:
    return sum(architectures.multiply_adds(recipes.recipe(name).paper).values())


def test_every_recipe_has_its_own_name_and_every_chapter_asks_for_known_ones():
    names = [recipe.name for recipe in (*recipes._ALL, *recipes._FURTHER, recipes._MODERN, *recipes._PRETRAINED)]
    assert len(set(names)) == len(names) and list(recipes.RECIPES) == names
    asked = {name for chapter in chapters.CHAPTERS.values() for name in (*chapter.nets, *chapter.rows)}
    assert asked <= set(names)
    assert set(FURTHER) <= {*chapters.CHAPTERS["12_further"].rows}, "what is trained beyond the paper fills a row of chapter 12"
    assert chapters.CHAPTERS["14_classes"].rows == tuple(recipe.name for recipe in recipes._PRETRAINED)


def test_only_an_extra_run_trains_what_goes_beyond_the_paper():
    needed, rows = chapters.nets_of(chapters.chosen())
    assert set(FURTHER) & {*needed, *rows} == {"zfnet-turned"}  # chapter 9
    needed, rows = chapters.nets_of(chapters.chosen(extras=True))
    assert set(FURTHER) <= set(rows) and not set(FURTHER) & set(needed)


def test_parameters_of_the_rows_of_table_3_are_those_computed_from_the_paper():
    printed = numbers.table("table3_ablation").query("base_model == 'zf_fig3'").set_index("change")["params_computed"]
    assert set(printed.index) == set(ROWS)
    assert {row: sum(architectures.parameters(recipes.recipe(name).paper).values()) for row, name in ROWS.items()} == printed.to_dict()


@pytest.mark.parametrize("name", LAYERS)
def test_a_rewired_net_has_the_layers_that_are_left_each_fed_by_the_one_below(name):
    architecture, net = small(name), built(name).eval()
    assert architecture.layers == recipes.recipe(name).paper.layers == LAYERS[name]
    assert tuple(layer for layer, module in net.named_children() if hasattr(module, "weight")) == LAYERS[name]
    x, shapes = torch.zeros(1, 3, 112, 112), architectures.shapes(architecture)
    for layer, module in net.named_children():
        x = module(x)
        assert layer not in shapes or tuple(x.shape[1:]) == shapes[layer], layer
    assert x.shape == (1, 5)


def test_without_layers_6_and_7_the_softmax_takes_what_pool5_gives():
    for name in ("alexnet-without-6-7", "alexnet-without-3-4-6-7"):
        flat = math.prod(architectures.shapes(small(name))["pool5"])
        assert built(name).fc8.in_features == flat
        assert (
            math.prod(architectures.shapes(recipes.recipe(name).paper)["pool5"])
            == architectures.fan_ins(recipes.recipe(name).paper)[-1]
            == 256 * 6 * 6
        )


def test_a_layer_that_moves_down_keeps_its_name_bias_and_halves():
    five = recipes.recipe("alexnet-without-3-4").paper.convs[-1]
    assert five == ALEXNET.convs[4] and (built("alexnet-without-3-4").conv5.bias == 1).all()
    assert [conv.groups for conv in recipes.recipe("alexnet-without-3-4").paper.convs] == [1, 2, 2]


@pytest.mark.parametrize("name", ["zfnet-without-4-widened", "zfnet-without-3-4-widened"])
def test_fewer_and_wider_layers_cost_what_all_five_cost(name):
    assert cost(name) == pytest.approx(cost("zfnet"), rel=0.02)
    convs = recipes.recipe(name).paper.numbered
    assert all(conv == ZFNET.convs[number - 1] for number, conv in convs if number < 3)
    shares = [conv.maps / ZFNET.convs[number - 1].maps for number, conv in convs if number >= 3]
    assert min(shares) > 1 and max(shares) == pytest.approx(min(shares))


def test_of_the_shares_that_are_tried_none_comes_closer_to_the_cost():
    shallow = architectures.without(ZFNET, 4)
    found = recipes.at_the_cost_of(shallow, ZFNET)
    target, own = cost("zfnet"), sum(architectures.multiply_adds(found).values())
    for step in (-1, 1):
        share = found.convs[2].maps / 384 + step / 32
        other = sum(architectures.multiply_adds(recipes.widened(shallow, share, 3, 4, 5)).values())
        assert abs(other - target) > abs(own - target)


@pytest.mark.parametrize(("name", "share"), [("zfnet-half", 0.5), ("zfnet-three-quarters", 0.75), ("zfnet-three-halves", 1.5)])
def test_a_share_of_the_maps_is_taken_in_all_five_layers_and_nothing_else_changes(name, share):
    changed = recipes.recipe(name).paper
    assert [conv.maps for conv in changed.convs] == [share * conv.maps for conv in ZFNET.convs]
    back = tuple(dataclasses.replace(conv, maps=old.maps) for conv, old in zip(changed.convs, ZFNET.convs, strict=True))
    assert dataclasses.replace(changed, convs=back) == ZFNET


@pytest.mark.parametrize(("name", "dropout"), [("zfnet-batch-norm", 0.0), ("zfnet-batch-norm-dropout", 0.5)])
def test_batch_norm_stands_between_each_convolution_and_its_relu(name, dropout):
    net = built(name)
    layers = [layer for layer, _ in net.named_children()]
    for number in range(1, 6):
        at = layers.index(f"batch{number}")
        assert layers[at - 1 : at + 2] == [f"conv{number}", f"batch{number}", f"relu{number}"]
        assert net.get_submodule(f"batch{number}").num_features == net.get_submodule(f"conv{number}").out_channels
    assert net.drop6.p == net.drop7.p == dropout
    with torch.no_grad():
        given = net.batch1(net.conv1(torch.randn(4, 3, 112, 112, generator=torch.Generator().manual_seed(1)) * 50))
    torch.testing.assert_close(given.mean((0, 2, 3)), torch.zeros(12), atol=1e-4, rtol=0)
    torch.testing.assert_close(given.std((0, 2, 3)), torch.ones(12), atol=1e-2, rtol=0)


def test_without_dropout_a_net_in_training_answers_as_one_in_use():
    x, net = torch.randn(2, 3, 112, 112, generator=torch.Generator().manual_seed(1)) * 50, built("zfnet-no-dropout")
    assert torch.equal(net.train()(x), net.eval()(x))
    assert dataclasses.replace(recipes.recipe("zfnet-no-dropout").paper, dropout=0.5) == ZFNET


MEMBERS = [("zfnet", f"zfnet-{n}", 1000 * (n - 1)) for n in (2, 3, 4, 5)]
MEMBERS += [
    (name.removesuffix(f"-{word}"), name, further)
    for word, further in (("again", 1000), ("third", 2000))
    for name in recipes.RECIPES
    if name.endswith(f"-{word}")
]


@pytest.mark.parametrize(("first", "other", "further"), MEMBERS)
def test_nets_that_differ_in_their_seed_differ_in_nothing_else(first, other, further, tiny_set, monkeypatch):
    monkeypatch.setattr(runs, "Trained", lambda folder: type("Card", (), {"card": {"lr_drops": [7, 9]}}))
    profile = profiles.profile("smoke")
    own, base = (runs.settings_of(profile, recipes.recipe(name), tiny_set, seed=3) for name in (other, first))
    assert own.seed == base.seed + further and own.lr_drops == (7, 9)
    if first != "zfnet":  # which finds the drops
        assert base.lr_drops == own.lr_drops
    assert dataclasses.replace(own, recipe=base.recipe, seed=base.seed, lr_drops=base.lr_drops) == base


def test_every_row_of_table_3_has_three_seeds():
    rows = [name for name in chapters.CHAPTERS["03_ablation"].rows if name not in ("zfnet", "alexnet")]
    assert len(rows) == len(numbers.table("table3_ablation")) - 2
    for name in (*rows, "alexnet"):
        assert recipes.seeds_of(name) == recipes.seeds_of(f"{name}-third") == (name, f"{name}-again", f"{name}-third")
    assert recipes.seeds_of("zfnet-4") == ("zfnet", "zfnet-2", "zfnet-3", "zfnet-4", "zfnet-5")


def test_seeds_that_verdicts_take_in_are_trained_by_an_extra_run_alone():
    seeds = {name for chapter in chapters.CHAPTERS.values() for name in chapter.seeds}
    assert {*chapters.CHAPTERS["03_ablation"].rows} <= {recipes.seeds_of(name)[0] for name in seeds}
    default, extras = ({name for some in chapters.nets_of(chapters.chosen(extras=extra)) for name in some} for extra in (False, True))
    assert seeds <= extras and not {name for name in seeds if name.endswith(("-again", "-third"))} & default


def test_labels_of_the_figure_of_costs_lie_inside_and_cover_neither_dots_nor_each_other():
    frame = pd.DataFrame(
        {"cost": [0.4, 0.6, 0.6, *[1.0] * 8, 1.02, 2.1], "error": [30.0, 25, 25.1, *[20.0] * 4, 20.1, 20.2, 21, 22, 20, 19]}
    )
    frame = frame.assign(low=frame["error"] - 1, high=frame["error"] + 1, kind=["a"] * 6 + ["b"] * 7, front=frame["error"] < 20.05)
    frame["word"] = [f"zfnet-without-{place}-widened" for place in range(len(frame))]
    words = {"xlabel": "cost", "ylabel": "error, %", "front": "front"}
    figure = plot.scatter(frame, x="cost", y="error", ends=("low", "high"), hue="kind", label="word", **words)
    axis = figure.axes[0]
    for _ in range(2):  # drawn and saved again, they stay where they are
        figure.draw_without_rendering()
        boxes = {text.get_text(): text.get_window_extent() for text in axis.texts if text.get_text()}
        assert sorted(boxes) == sorted(frame["word"])
        dots = axis.transData.transform(frame[["cost", "error"]])
        steps = [Bbox(np.sort(ends, axis=0)) for ends in itertools.pairwise(axis.transData.transform(axis.lines[0].get_xydata()))]
        assert len(steps) == 2 * frame["front"].sum() - 1
        for word, box in boxes.items():
            assert axis.get_window_extent().fully_containsx(box.x0) and axis.get_window_extent().fully_containsy(box.y1)
            assert not any(box.overlaps(other) for name, other in boxes.items() if name != word), word
            assert not any(box.contains(*dot) for dot in dots), word
            assert not any(box.overlaps(step) for step in steps), word
    drawn = [line for line in axis.lines if line.get_label() in ("a", "b")]
    assert [list(line.get_ydata()) for line in drawn] == [frame["error"][:6].tolist(), frame["error"][6:].tolist()]
    assert axis.get_xscale() == "log" and "as cheap and as good, and better in one" in axis.get_legend().get_texts()[0].get_text()
    assert axis.get_yscale() == "log" and len(axis.texts) == 2 * len(frame), "every label is joined to its dot"
    zero = plot.scatter(frame.assign(low=0.0), x="cost", y="error", ends=("low", "high"), hue="kind", label="word", **words)
    assert zero.axes[0].get_yscale() == "linear", "an interval that reaches 0 has no place on a logarithmic axis"


def test_changes_from_two_seeds_stand_below_each_other_with_the_papers():
    frame = pd.DataFrame({"net": ["a", "a", "b", "b"], "seed": ["first", "second"] * 2, "paper": [4.0, 4.0, -1.0, -1.0]})
    frame = frame.assign(change=[1.0, 2.0, float("nan"), -3.0]).assign(low=lambda f: f["change"] - 1, high=lambda f: f["change"] + 1)
    words = {"xlabel": "points", "printed": ("paper", "the paper")}
    axis = plot.beside(frame, value="change", ends=("low", "high"), row="net", hue="seed", **words).axes[0]
    lines = {line.get_label(): line for line in axis.lines}
    assert lines["the paper"].get_xdata().tolist() == [4.0, -1.0] and lines["second"].get_xdata().tolist() == [2.0, -3.0]
    assert (lines["first"].get_ydata() < lines["second"].get_ydata()).all() and [tick.get_text() for tick in axis.get_yticklabels()] == [
        "a",
        "b",
    ]


def test_changes_of_several_bases_stand_in_panels_with_ranges_of_their_own():
    frame = pd.DataFrame(
        {"base": ["p", "p", "q"], "net": ["a", "b", "c"], "seed": ["first", "second", "first"], "change": [1.0, 50.0, 0.1]}
    )
    frame = frame.assign(low=frame["change"] - 0.05, high=frame["change"] + 0.05)
    frame["late"] = [False, True, False]
    words = {"xlabel": "points", "panel": "base", "hollow": ("late", "not counted")}
    figure = plot.beside(frame, value="change", ends=("low", "high"), row="net", hue="seed", **words)
    upper, lower = figure.axes
    assert [[tick.get_text() for tick in axis.get_yticklabels()] for axis in (upper, lower)] == [["a", "b"], ["c"]]
    assert upper.get_xlim()[1] > 50 and lower.get_xlim()[1] < 1 and lower.get_legend() is None
    assert (upper.get_xlabel(), lower.get_xlabel()) == ("", "points")
    whites = [
        [line.get_xdata().tolist() for line in axis.lines if line.get_color() == "white" and len(line.get_xdata())]
        for axis in (upper, lower)
    ]
    assert whites == [[[50.0]], []] and "not counted" in [text.get_text() for text in upper.get_legend().get_texts()]
    colours = {line.get_label(): line.get_color() for line in lower.lines if line.get_label() in ("first", "second")}
    assert colours == {"first": "C0", "second": "C1"}, "a seed has one colour in all panels"


def test_a_label_lies_nearer_to_its_own_dot_than_to_another():
    frame = pd.DataFrame(
        {"x": [1.0, 1.02, 1.3, 1.6], "y": [10.0, 10.0, 10.0, 10.0], "kind": "k", "word": ["one net", "another net", "third", "fourth"]}
    )
    frame = frame.assign(low=frame["y"] - 1, high=frame["y"] + 1)
    figure = plot.scatter(frame, x="x", y="y", ends=("low", "high"), hue="kind", label="word", xlabel="x", ylabel="y")
    axis = figure.axes[0]
    dots = axis.transData.transform(frame[["x", "y"]])
    for text in (one for one in axis.texts if one.get_text()):
        box = text.get_window_extent()
        ways = [np.hypot(max(box.x0 - x, x - box.x1, 0), max(box.y0 - y, y - box.y1, 0)) for x, y in dots]
        assert frame["word"][int(np.argmin(ways))] == text.get_text()
